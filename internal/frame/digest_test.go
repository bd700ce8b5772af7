package frame

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// forms are what contents are digested in, each with what it makes of a text.
var forms = []struct {
	name string
	form Form
	text func(contents string) string
}{
	{"plain", Form{}, func(c string) string { return c }},
	{"masked", Form{Line: maskDigits}, maskedText},
	{"unordered", Form{Unordered: true}, func(c string) string { return sortedLines(ended(c)) }},
	{"masked and unordered", Form{Line: maskDigits, Unordered: true}, func(c string) string { return sortedLines(maskedText(c)) }},
	{"a document", Form{Line: maskDigits, Whole: upsideDown, Begins: startsDocument}, func(c string) string {
		if whole, ok := upsideDown([]byte(c)); ok && c != "" && startsDocument(c[0]) {
			c = string(whole)
		}
		return maskedText(c)
	}},
}

// maskDigits drops lines that begin with #, and masks digits.
func maskDigits(dst, line []byte) ([]byte, bool) {
	if bytes.HasPrefix(line, []byte("#")) {
		return dst, false
	}
	for _, c := range line {
		if '0' <= c && c <= '9' {
			c = '*'
		}
		dst = append(dst, c)
	}
	return dst, true
}

func maskedText(contents string) string {
	var w strings.Builder
	for line := range strings.Lines(contents) {
		if out, counts := maskDigits(nil, []byte(strings.TrimSuffix(line, "\n"))); counts {
			w.Write(out)
			w.WriteByte('\n')
		}
	}
	return w.String()
}

func ended(contents string) string {
	if contents != "" && !strings.HasSuffix(contents, "\n") {
		contents += "\n"
	}
	return contents
}

func sortedLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func startsDocument(first byte) bool { return first == '{' || first == '\n' }

// upsideDown is a document's other form: its lines in reverse order.
func upsideDown(contents []byte) ([]byte, bool) {
	if !bytes.Contains(contents, []byte("{")) {
		return nil, false
	}
	lines := strings.SplitAfter(ended(string(contents)), "\n")
	slices.Reverse(lines)
	return []byte(strings.Join(lines, "")), true
}

// Contents have equal digests if, and only if, what counts of them is equal, whatever
// the frames that hold them and their bases.
func FuzzDigest(f *testing.F) {
	f.Add("one 1\ntwo\n#x\n", "one 2\ntwo\n", "two\none 1\n#y\nthree")
	f.Add("a\nb", "b\na\n", "")
	f.Add("", "\n", "#\n")
	f.Add("{\na\n", "a\n{", "\n{\n")
	f.Add("a\na\n", "a\n", "a\na\na\n")
	enc, dec := NewEncoder(), NewDecoder(0)
	f.Fuzz(func(t *testing.T, a, b, base string) {
		for _, row := range forms {
			g := NewDigester(row.form, dec)
			w := g.NewWorker()
			seen := make(map[Digest]string)
			texts := make(map[string]Digest)
			for _, contents := range []string{a, b, base, a + b, base + a, ended(a) + base + b} {
				text := row.text(contents)
				want := w.Contents([]byte(contents))
				if other, known := seen[want]; known && other != text {
					t.Fatalf("%s: %q and %q have one digest", row.name, other, text)
				}
				if other, known := texts[text]; known && other != want {
					t.Fatalf("%s: %q has two digests", row.name, text)
				}
				seen[want], texts[text] = text, want
				for _, s := range framesOf(enc, contents, NewBase([]byte(base))) {
					got, length, err := w.Frame(s.frame, s.base)
					if err != nil || got != want || length != len(contents) {
						t.Fatalf("%s: %s frame of %q: %v, %d bytes, %v, want %v", row.name, s.name, contents, got, length, err, want)
					}
				}
			}
		}
	})
}

// Long contents with edits all over, by several workers at once: the digests are those
// of the contents, and differ where one line does.
func TestDigestsOfAFleet(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	var lines []string
	for range 2000 {
		lines = append(lines, randomText(random, "abc 12#", 20))
	}
	base := NewBase([]byte(strings.Join(lines, "\n") + "\n"))
	enc, cases := NewEncoder(), redistest.Cases(t, 20)
	for _, row := range forms {
		g := NewDigester(row.form, NewDecoder(0))
		var wg sync.WaitGroup
		for n := range 4 {
			seed := rand.New(rand.NewPCG(uint64(n), 1))
			wg.Go(func() {
				w, other := g.NewWorker(), g.NewWorker()
				for range cases {
					contents := randomEdits(seed, string(base.Contents()))
					frame := NewPacking([]byte(contents)).delta(base)
					got, _, err := w.Frame(frame, base)
					if want := other.Contents([]byte(contents)); err != nil || got != want {
						t.Errorf("%s: %v, %v, want %v", row.name, got, err, want)
						return
					}
					at := seed.IntN(len(contents) + 1)
					changed := contents[:at] + "x" + contents[at:]
					if same := row.text(changed) == row.text(contents); same != (other.Contents([]byte(changed)) == got) {
						t.Errorf("%s: a byte more at %d: same text %v", row.name, at, same)
						return
					}
					if alone := enc.Encode([]byte(contents)); len(alone) > 0 {
						if again, _, err := other.Frame(alone, nil); err != nil || again != got {
							t.Errorf("%s: alone %v, %v, want %v", row.name, again, err, got)
							return
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// A damaged frame is the same error as when it is unpacked, never a digest.
func TestDigestsOfDamagedFrames(t *testing.T) {
	base := NewBase([]byte("one\ntwo\nthree\n"))
	frame := NewPacking([]byte("one\n2\nthree\n")).delta(base)
	dec := NewDecoder(0)
	w := NewDigester(Form{Unordered: true}, dec).NewWorker()
	for i := range frame {
		bad := bytes.Clone(frame)
		bad[i] ^= 0x40
		_, want := dec.Decode(bad, base)
		_, _, err := w.Frame(bad, base)
		if err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("byte %d changed: %v, unpacking says %v", i, err, want)
		}
	}
	if _, _, err := w.Frame(frame, nil); err == nil {
		t.Error("without its base, a frame has a digest")
	}
	small := NewDigester(Form{}, NewDecoder(4)).NewWorker()
	if _, _, err := small.Frame(frame, base); err == nil {
		t.Error("contents over the limit have a digest")
	}
}

// What bases take is bounded: those that there is no room for are digested like contents.
func TestDigestsOfManyBases(t *testing.T) {
	g := NewDigester(Form{Line: maskDigits}, NewDecoder(0))
	g.room = 3 * 5 * baseSumBytes
	w := g.NewWorker()
	for i := range 9 {
		text := strings.Repeat(string(rune('a'+i))+"\n", 4)
		base := NewBase([]byte(text))
		frame := NewPacking([]byte(text + "1\n")).delta(base)
		got, _, err := w.Frame(frame, base)
		if want := w.Contents([]byte(text + "2\n")); err != nil || got != want {
			t.Errorf("base %d: %v, %v, want %v", i, got, err, want)
		}
	}
	kept := 0
	for _, s := range g.bases {
		if s != nil {
			kept++
		}
	}
	if kept != 3 || g.room != 0 {
		t.Errorf("%d bases are kept, %d bytes are left", kept, g.room)
	}
}
