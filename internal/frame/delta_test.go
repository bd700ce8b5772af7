package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// unpack does to a delta frame what docs/format/frames.md says, one line at a time. It
// reports false for what a reader must refuse. The base is the right one.
func unpack(frame []byte, base string, limit int) (string, bool) {
	body, err := unseal(Delta, frame, 1+32)
	if err != nil {
		return "", false
	}
	lines := strings.Split(strings.TrimSuffix(base, "\n"), "\n")
	if base == "" {
		lines = nil
	}
	rest, bad := string(body), false
	number := func() uint64 {
		n, width := binary.Uvarint([]byte(rest))
		bad = bad || width <= 0
		rest = rest[max(width, 0):]
		return n
	}
	take := func(n uint64) string {
		if bad = bad || n > uint64(len(rest)); bad {
			return ""
		}
		taken := rest[:n]
		rest = rest[n:]
		return taken
	}
	length := number()
	var contents []string
	size, next, previous := 0, int64(0), ""
	add := func(line string) {
		contents, previous = append(contents, line), line
		if size += len(line) + 1; size > limit+1 {
			bad = true
		}
	}
	for rest != "" && !bad {
		zigzag := number()
		next += int64(zigzag>>1) ^ -int64(zigzag&1)
		copied, inserted := number(), number()
		if next < 0 || next > int64(len(lines)) || copied > uint64(len(lines))-uint64(next) || copied+inserted == 0 {
			return "", false
		}
		for ; copied > 0 && !bad; copied-- {
			add(lines[next])
			next++
		}
		for n := uint64(0); n < inserted && !bad; n++ {
			like, shared := previous, number()
			if shared&1 == 1 {
				if like = ""; uint64(next)+n < uint64(len(lines)) {
					like = lines[uint64(next)+n]
				}
			}
			own := take(number())
			if shared>>1 > uint64(len(like)) || strings.Contains(own, "\n") {
				return "", false
			}
			add(like[:shared>>1] + own)
		}
	}
	text := strings.Join(contents, "\n")
	switch {
	case bad || length&1 == 1 && previous == "":
		return "", false
	case length&1 == 0 && len(contents) > 0:
		text += "\n"
	}
	return text, uint64(len(text)) == length>>1 && len(text) <= limit
}

// forge returns a delta frame against base that is sealed as it should be, whatever is
// in it: its length, then skips (an int64 each), other numbers (an int) and bytes.
func forge(base *Base, body ...any) []byte {
	frame := append([]byte{delta}, base.ID[:]...)
	for _, part := range body {
		switch v := part.(type) {
		case int64:
			frame = binary.AppendVarint(frame, v)
		case int:
			frame = binary.AppendUvarint(frame, uint64(v))
		case uint64:
			frame = binary.AppendUvarint(frame, v)
		case string:
			frame = append(frame, v...)
		case []byte:
			frame = append(frame, v...)
		default:
			panic(fmt.Sprintf("%T", part))
		}
	}
	return seal(frame)
}

// skip is where an edit of forge begins, counted from the last line that was copied.
type skip = int64

// lengthOf is the length of contents as a delta frame declares it.
func lengthOf(contents string) uint64 {
	return uint64(len(contents))<<1 | bit(contents != "" && !strings.HasSuffix(contents, "\n"))
}

func isKindOfError(err error) bool {
	for _, kind := range []error{ErrUnknownKind, ErrDamaged, ErrTooLarge, ErrNoBase} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// The document draws one frame byte by byte: it must be the one that is written.
func TestTheExampleInTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../../docs/format/frames.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), "### An example")
	if !found {
		t.Fatal("docs/format/frames.md has no example")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks [][]string // indented lines, without their indentation
	for block := range strings.SplitSeq(section, "\n\n") {
		if strings.HasPrefix(block, "    ") {
			blocks = append(blocks, strings.Split(strings.ReplaceAll("\n"+strings.TrimRight(block, "\n"), "\n    ", "\n")[1:], "\n"))
		}
	}
	if len(blocks) != 3 {
		t.Fatalf("it has %d blocks; want the base, the contents and the frame", len(blocks))
	}
	base, contents := strings.Join(blocks[0], "\n")+"\n", strings.Join(blocks[1], "\n")
	var frame []byte
	for _, line := range blocks[2] {
		digits := regexp.MustCompile(`^(?:[0-9a-f]{2} ?)*`).FindString(line)
		part, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		frame = append(frame, part...)
	}
	if want := NewPacking([]byte(contents)).delta(NewBase([]byte(base))); !bytes.Equal(frame, want) {
		t.Errorf("it shows\n% x\nwritten is\n% x", frame, want)
	}
	if got, err := NewDecoder(0).Decode(frame, NewBase([]byte(base))); err != nil || string(got) != contents {
		t.Errorf("it unpacks to %q, %v; want %q", got, err, contents)
	}
}

func TestWhatADeltaMayHold(t *testing.T) {
	base := "one\ntwo\nthree\n"
	b := NewBase([]byte(base))
	for _, row := range []struct {
		name, want string
		edits      []any
	}{
		{"no edits", "", nil},
		{"a copy", "two\nthree\n", []any{skip(1), 2, 0}},
		{"a copy, and what is before it", "three\none\n", []any{skip(2), 1, 0, skip(-3), 1, 0}},
		{"all of the base, twice", base + base, []any{skip(0), 3, 0, skip(-3), 3, 0}},
		{"a line", "x\n", []any{skip(0), 0, 1, 0, 1, "x"}},
		{"a line without a newline", "x", []any{skip(0), 0, 1, 0, 1, "x"}},
		{"a copy whose newline is not", "one\ntwo", []any{skip(0), 2, 0}},
		{"empty lines", "\n\n", []any{skip(0), 0, 2, 0, 0, 0, 0}},
		{"a line like the base's, which is not copied", "ones\n", []any{skip(0), 0, 1, 3<<1 | 1, 1, "s"}},
		{"lines like the base's, which are not copied", "one\ntwice\nthrow\n", []any{skip(0), 1, 2, 2<<1 | 1, 3, "ice", 3<<1 | 1, 2, "ow"}},
		{"a line that is all the base's", "three\n", []any{skip(2), 0, 1, 5<<1 | 1, 0}},
		{"a line like the one that was copied", "one\nonce\n", []any{skip(0), 1, 1, 2 << 1, 2, "ce"}},
		{"a line like the one that was inserted", "one\nx\nxy\n", []any{skip(0), 1, 2, 0, 1, "x", 1 << 1, 1, "y"}},
		{"a line like the one of an earlier edit", "xy\nxz\n", []any{skip(0), 0, 1, 0, 2, "xy", skip(1), 0, 1, 1 << 1, 1, "z"}},
		{"nothing like the base's, behind its end", "x\n", []any{skip(3), 0, 1, 0<<1 | 1, 1, "x"}},
		{"NUL, carriage returns, what is not UTF-8", "\x00\r\n\xff\xfe", []any{skip(0), 0, 2, 0, 2, "\x00\r", 0, 2, "\xff\xfe"}},
		{"numbers that are longer than they must be", "two\n", []any{"\x82\x00", "\x81\x80\x00", "\x80\x00"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			frame := forge(b, append([]any{lengthOf(row.want)}, row.edits...)...)
			if got, ok := unpack(frame, base, 100); !ok || got != row.want {
				t.Errorf("by the document it is %q, %v", got, ok)
			}
			if got, err := NewDecoder(100).Decode(frame, b); err != nil || string(got) != row.want {
				t.Errorf("got %q, %v; want %q", got, err, row.want)
			}
			if n, ok := Len(frame); !ok || n != len(row.want) {
				t.Errorf("it declares %d bytes, %v", n, ok)
			}
		})
	}
}

// A host may seal what it likes.
func TestWhatADeltaMustNotHold(t *testing.T) {
	base := "one\ntwo\n\nfour\n"
	b := NewBase([]byte(base))
	huge := uint64(math.MaxUint64)
	const limit = 1000
	for _, row := range []struct {
		name string
		body []any
		want error
	}{
		{"no length", nil, ErrDamaged},
		{"half a length", []any{"\x80"}, ErrDamaged},
		{"a length of over 64 bits", []any{strings.Repeat("\xff", 10) + "\x00"}, ErrDamaged},
		{"a length over the limit", []any{(limit + 1) << 1}, ErrTooLarge},
		{"the longest length", []any{huge}, ErrTooLarge},
		{"a length over the limit of any memory", []any{uint64(1) << 62}, ErrTooLarge},
		{"contents longer than declared: a copy", []any{3 << 1, skip(0), 1, 0}, ErrDamaged},
		{"contents longer than declared: a line", []any{3 << 1, skip(0), 0, 1, 0, 3, "one"}, ErrDamaged},
		{"contents shorter than declared", []any{5 << 1, skip(0), 1, 0}, ErrDamaged},
		{"contents longer than the limit, declared as less", []any{limit << 1, skip(0), 0, 1, 0, limit, strings.Repeat("x", limit)}, ErrDamaged},
		{"no contents, though declared", []any{5 << 1}, ErrDamaged},
		{"no last newline of nothing", []any{0<<1 | 1}, ErrDamaged},
		{"no last newline of an empty line", []any{0<<1 | 1, skip(2), 1, 0}, ErrDamaged},
		{"no last newline of an empty line that is copied", []any{8<<1 | 1, skip(0), 3, 0}, ErrDamaged},
		{"no last newline of an empty line that is inserted", []any{4<<1 | 1, skip(0), 1, 1, 0, 0}, ErrDamaged},
		{"no last newline of an empty line like the base's", []any{4<<1 | 1, skip(0), 1, 1, 0<<1 | 1, 0}, ErrDamaged},
		{"no last newline of a line that ends in one", []any{4<<1 | 1, skip(0), 0, 1, 0, 4, "one\n"}, ErrDamaged},
		{"an edit that does nothing", []any{0 << 1, skip(0), 0, 0}, ErrDamaged},
		{"an edit that does nothing but skip", []any{4 << 1, skip(2), 0, 0, skip(-2), 1, 0}, ErrDamaged},
		{"a skip before the base", []any{4 << 1, skip(-1), 1, 0}, ErrDamaged},
		{"the longest skip back", []any{4 << 1, skip(math.MinInt64), 1, 0}, ErrDamaged},
		{"the longest skip back, from further on", []any{8 << 1, skip(0), 1, 0, skip(math.MinInt64), 1, 0}, ErrDamaged},
		{"a skip beyond the base", []any{4 << 1, skip(5), 0, 1, 0, 3, "one"}, ErrDamaged},
		{"the longest skip", []any{4 << 1, skip(math.MaxInt64), 1, 0}, ErrDamaged},
		{"the longest skip, from further on", []any{8 << 1, skip(0), 1, 0, skip(math.MaxInt64), 1, 0}, ErrDamaged},
		{"a skip of 2³² lines", []any{4 << 1, skip(1 << 32), 1, 0}, ErrDamaged},
		{"a skip of over 64 bits", []any{4 << 1, strings.Repeat("\x80", 10) + "\x02", 1, 0}, ErrDamaged},
		{"a copy beyond the base", []any{4 << 1, skip(3), 2, 0}, ErrDamaged},
		{"the longest copy", []any{4 << 1, skip(0), huge, 0}, ErrDamaged},
		{"a copy of 2³² lines", []any{4 << 1, skip(0), uint64(1) << 32, 0}, ErrDamaged},
		{"more lines than there are bytes", []any{4 << 1, skip(0), 0, 1 << 30, 0, 3, "one"}, ErrDamaged},
		{"the most lines", []any{4 << 1, skip(0), 0, huge, 0, 3, "one"}, ErrDamaged},
		{"a line longer than what is left", []any{4 << 1, skip(0), 0, 1, 0, 4, "one"}, ErrDamaged},
		{"the longest line", []any{4 << 1, skip(0), 0, 1, 0, huge, "one"}, ErrDamaged},
		{"a line like none before", []any{4 << 1, skip(0), 0, 1, 1 << 1, 2, "ne"}, ErrDamaged},
		{"more of the line before than it has", []any{9 << 1, skip(0), 1, 1, 4 << 1, 0}, ErrDamaged},
		{"more of the base's line than it has", []any{5 << 1, skip(0), 0, 1, 4<<1 | 1, 0}, ErrDamaged},
		{"the most of the base's line", []any{4 << 1, skip(0), 0, 1, huge, 0}, ErrDamaged},
		{"a line like the base's, behind its end", []any{4 << 1, skip(4), 0, 1, 1<<1 | 1, 2, "ne"}, ErrDamaged},
		{"two lines in one", []any{4 << 1, skip(0), 0, 1, 0, 3, "a\nb"}, ErrDamaged},
		{"half an edit", []any{4 << 1, skip(0), 1}, ErrDamaged},
		{"half an edit more", []any{4 << 1, skip(0), 1, 0, skip(0)}, ErrDamaged},
		{"half a line", []any{4 << 1, skip(0), 0, 1, 0}, ErrDamaged},
		{"bytes after the last edit", []any{4 << 1, skip(0), 1, 0, "\x00"}, ErrDamaged},
	} {
		t.Run(row.name, func(t *testing.T) {
			frame := forge(b, row.body...)
			if got, ok := unpack(frame, base, limit); ok {
				t.Errorf("by the document it is %q", got)
			}
			if got, err := NewDecoder(limit).Decode(frame, b); !errors.Is(err, row.want) || got != nil {
				t.Errorf("got %q, %v; want %v", got, err, row.want)
			}
			if _, err := scannerOf(t, "", ExprOptions{}, limit).Frame(frame, b); !errors.Is(err, row.want) {
				t.Errorf("a search: %v; want %v", err, row.want)
			}
		})
	}
}

// A frame of 40 bytes has its checksum in the ID of its base. For one base in 256 it is
// right.
func TestAChecksumWithinTheIDOfABaseIsDamage(t *testing.T) {
	dec := NewDecoder(0)
	for _, kind := range []byte{same, delta} {
		found := false
		for n := 0; !found; n++ {
			base := NewBase(fmt.Appendf(nil, "base %d\n", n))
			frame := seal(append([]byte{kind}, base.ID[:31]...))
			if found = frame[32] == base.ID[31]; !found {
				continue
			}
			if got, err := dec.Decode(frame, base); !errors.Is(err, ErrDamaged) {
				t.Errorf("kind %d: %q, %v; want ErrDamaged", kind, got, err)
			}
			if _, err := scannerOf(t, "", ExprOptions{}, 0).Frame(frame, base); !errors.Is(err, ErrDamaged) {
				t.Errorf("kind %d, a search: %v; want ErrDamaged", kind, err)
			}
		}
	}
}

func TestASameDeclaresTheLengthOfItsBase(t *testing.T) {
	base := NewBase([]byte("one\ntwo"))
	for _, row := range []struct {
		length string
		ok     bool
	}{
		{"\x07", true},
		{"\x06", false},
		{"\x08", false}, // as if it ended in a newline
		{"", false},
		{"\x87", false},
		{"\x07\x00", false},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", false},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", false},
	} {
		frame := seal(append(append([]byte{same}, base.ID[:]...), row.length...))
		got, err := NewDecoder(0).Decode(frame, base)
		if row.ok && (err != nil || string(got) != "one\ntwo") || !row.ok && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%x: %q, %v", row.length, got, err)
		}
	}
}

func TestAFrameWithoutItsBaseIsAnError(t *testing.T) {
	base, other := NewBase([]byte("one\ntwo\n")), NewBase([]byte("one\nthree\n"))
	contents := []byte("one\ntwo\nfour\n")
	for _, frame := range [][]byte{SameAs(base.ID, 8), NewPacking(contents).delta(base)} {
		if id, refers := BaseOf(frame); !refers || id != Sum([]byte("one\ntwo\n")) {
			t.Errorf("it refers to %x, %v", id, refers)
		}
		for _, wrong := range []*Base{nil, other, NewBase(nil)} {
			if got, err := NewDecoder(0).Decode(frame, wrong); !errors.Is(err, ErrNoBase) || !strings.Contains(err.Error(), hex.EncodeToString(base.ID[:])) {
				t.Errorf("%q, %v; want ErrNoBase that names the base", got, err)
			}
			if _, err := scannerOf(t, "o", ExprOptions{}, 0).Frame(frame, wrong); !errors.Is(err, ErrNoBase) {
				t.Errorf("a search: %v; want ErrNoBase", err)
			}
		}
	}
	for _, frame := range [][]byte{nil, {}, {same}, {delta}, store(contents), NewEncoder().Encode(bytes.Repeat(contents, 20)), make([]byte, 100)} {
		if id, refers := BaseOf(frame); refers {
			t.Errorf("% .20x refers to %x", frame, id)
		}
	}
}

func TestTheLimitIsOnContentsAgainstABaseToo(t *testing.T) {
	contents := []byte(strings.Repeat("line\n", 20))
	base := NewBase(contents[:50])
	own := NewBase(contents)
	for _, f := range []struct {
		frame []byte
		base  *Base
	}{{NewPacking(contents).delta(base), base}, {SameAs(own.ID, len(contents)), own}} {
		if got, err := NewDecoder(100).Decode(f.frame, f.base); err != nil || !bytes.Equal(got, contents) {
			t.Errorf("100 bytes: %q, %v", got, err)
		}
		for _, base := range []*Base{f.base, nil} { // without the base as well: nobody needs it
			if got, err := NewDecoder(99).Decode(f.frame, base); !errors.Is(err, ErrTooLarge) {
				t.Errorf("99 bytes: %q, %v; want ErrTooLarge", got, err)
			}
			if _, err := scannerOf(t, "", ExprOptions{}, 99).Frame(f.frame, base); !errors.Is(err, ErrTooLarge) {
				t.Errorf("99 bytes, a search: %v; want ErrTooLarge", err)
			}
		}
	}
}

// Small frames that ask for much. What a reader spends on them is bounded by the limit
// and by the frame, and it is spent once.
func TestADeltaCostsAReaderNoMoreThanTheLimit(t *testing.T) {
	const limit = 512 << 10
	const many = 1 << 17
	long := strings.Repeat("x", 8<<10)
	b := NewBase([]byte("\n" + long + "\n"))
	repeat := func(n int, part ...any) []any { return slices.Repeat(part, n) }
	copies := limit / (len(long) + 1)
	head := func(length int, edits []any) []any { return append([]any{length << 1}, edits...) }
	for _, row := range []struct {
		name string
		body []any
		want error
	}{
		{"a long line, copied again and again", head(copies*(len(long)+1), append([]any{skip(1), 1, 0}, repeat(copies-1, skip(-1), 1, 0)...)), nil},
		{"a long line, copied too often", head(copies*(len(long)+1), append([]any{skip(1), 1, 0}, repeat(copies, skip(-1), 1, 0)...)), ErrDamaged},
		{"a long line, inserted again and again", head(copies*(len(long)+1), append([]any{skip(1), 1, copies - 1}, repeat(copies-1, len(long)<<1, 0)...)), nil},
		{"a long line, inserted too often", head(copies*(len(long)+1), append([]any{skip(1), 1, 2 * copies}, repeat(2*copies, len(long)<<1, 0)...)), ErrDamaged},
		{"a long line more than the limit", head(65*(len(long)+1), append([]any{skip(1), 1, 0}, repeat(64, skip(-1), 1, 0)...)), ErrTooLarge},
		{"an empty line, copied many times", head(many, append([]any{skip(0), 1, 0}, repeat(many-1, skip(-1), 1, 0)...)), nil},
		{"an empty line, inserted many times", head(many, append([]any{skip(0), 0, many}, repeat(many, 0, 0)...)), nil},
		{"an empty line, inserted many times, each by itself", head(many, repeat(many, skip(0), 0, 1, 0, 0)), nil},
		{"edits without end that do nothing", head(1, append(repeat(many, skip(0), 0, 0), skip(0), 1, 0)), ErrDamaged},
		{"lines without end", head(1, append([]any{skip(0), 0, many}, repeat(many, 0, 0)...)), ErrDamaged},
	} {
		t.Run(row.name, func(t *testing.T) {
			frame := forge(b, row.body...)
			spent := redistest.Allocated(func() {
				got, err := NewDecoder(limit).Decode(frame, b)
				if !errors.Is(err, row.want) || row.want != nil && err == nil {
					t.Errorf("%d bytes, %v; want %v", len(got), err, row.want)
				}
				if n, _ := Len(frame); err == nil && len(got) != n || len(got) > limit {
					t.Errorf("%d bytes came of it, declared are %d", len(got), n)
				}
			})
			// Growing to a size costs a few times the size; an edit is 3 bytes at least.
			if most := 8*limit + 48*uint64(len(frame)); spent > most {
				t.Errorf("%d bytes cost %d KiB, at most %d are right", len(frame), spent>>10, most>>10)
			}
			spent = redistest.Allocated(func() {
				scanner := scannerOf(t, "xyz", ExprOptions{}, limit)
				if _, err := scanner.Frame(frame, b); !errors.Is(err, row.want) || row.want != nil && err == nil {
					t.Errorf("a search: %v; want %v", err, row.want)
				}
			})
			if most := 8*limit + 48*uint64(len(frame)); spent > most {
				t.Errorf("to search %d bytes cost %d KiB, at most %d are right", len(frame), spent>>10, most>>10)
			}
		})
	}
}

// Whatever is sealed, Decode does what the document says, and a search agrees with it.
func FuzzForgedDelta(f *testing.F) {
	base := "one\ntwo\n\nfour\n"
	b := NewBase([]byte(base))
	for _, contents := range []string{"", base, "one\ntwo", "x\none\ntwo\ntwice\n\n\nfour\nfourth", "\x00\nfour\n"} {
		frame := NewPacking([]byte(contents)).delta(b)
		f.Add(base, frame[refLen:len(frame)-sumLen], "t", uint16(0))
	}
	f.Add("a", []byte{4<<1 | 1, 0, 1, 1, 2, 1, 'b'}, "a", uint16(0))
	f.Add("\n\n\n", []byte{3 << 1, 0, 3, 0}, "^$", uint16(4))
	f.Add("", []byte{3 << 1, 0, 0, 1, 0, 2, 'a', '\n'}, "a", uint16(8))
	const limit = 1 << 12
	dec := NewDecoder(limit)
	f.Fuzz(func(t *testing.T, base string, body []byte, expr string, bits uint16) {
		if len(expr) > 50 {
			return
		}
		b := NewBase([]byte(base))
		frame := forge(b, body)
		var got []byte
		var err error
		if n := redistest.Allocated(func() { got, err = dec.Decode(frame, b) }); n > 16*limit {
			t.Fatalf("%d bytes took %d", len(frame), n)
		}
		want, ok := unpack(frame, base, limit)
		if ok != (err == nil) || string(got) != want && ok {
			t.Fatalf("% x\ngot  %q, %v\nwant %q, %v", body, got, err, want, ok)
		}
		if err != nil && !isKindOfError(err) {
			t.Fatalf("an error of no kind: %v", err)
		}
		if n, ok := Len(frame); err == nil && (!ok || n != len(got)) {
			t.Fatalf("%d bytes are %d, it says", len(got), n)
		}
		o, most := optionsOf(bits)
		o.Word = false // its definition is slow
		x, compileErr := Compile(expr, o)
		if compileErr != nil {
			return
		}
		found, scanErr := NewSearch(x, dec, SearchOptions{Most: most}).NewScanner().Frame(frame, b)
		if fmt.Sprint(scanErr) != fmt.Sprint(err) {
			t.Fatalf("a search says %v, Decode %v", scanErr, err)
		}
		if err == nil {
			sameFound(t, found, want, naive(expr, o, want, most))
		}
	})
}

// randomEdits returns a text that has much in common with base.
func randomEdits(random *rand.Rand, base string) string {
	lines := strings.SplitAfter(base, "\n")
	var b strings.Builder
	for range random.IntN(6) {
		at := random.IntN(len(lines))
		switch random.IntN(5) {
		case 0:
			b.WriteString(randomText(random, "ab. _", 8))
		case 1: // a line that begins like the base's
			line := lines[at]
			b.WriteString(line[:random.IntN(len(line)+1)] + randomText(random, "ab\x00", 3) + "\n")
		default:
			b.WriteString(strings.Join(lines[at:at+1+random.IntN(len(lines)-at)], ""))
		}
	}
	return b.String()
}
