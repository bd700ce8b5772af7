package frame

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// packs checks all that is promised of the frame of contents against base.
func packs(t *testing.T, enc *Encoder, dec *Decoder, contents, base []byte) {
	t.Helper()
	b := NewBase(base)
	if !bytes.Equal(b.Contents(), base) || b.ID != Sum(base) {
		t.Fatalf("the base %q is %q", base, b.Contents())
	}
	check := func(frame []byte, against *Base) {
		t.Helper()
		got, err := dec.Decode(frame, against)
		if err != nil || !bytes.Equal(got, contents) {
			t.Fatalf("%q against %q came back as %q: %v", contents, base, got, err)
		}
		if n, ok := Len(frame); !ok || n != len(contents) {
			t.Fatalf("the frame of %d bytes says %d, %v", len(contents), n, ok)
		}
		id, refers := BaseOf(frame)
		if refers != (against != nil) || refers && id != against.ID {
			t.Fatalf("it refers to %x, %v", id, refers)
		}
		if !refers {
			return
		}
		other := NewBase(append(bytes.Clone(base), '!'))
		for _, wrong := range []*Base{nil, other} {
			if got, err := dec.Decode(frame, wrong); !errors.Is(err, ErrNoBase) {
				t.Fatalf("without its base: %q, %v", got, err)
			}
		}
	}
	delta := NewPacking(contents).delta(b)
	check(delta, b)

	p := NewPacking(contents)
	offered := p.Offer(b)
	frame, against, alone := enc.Frame(p)
	check(frame, against)
	self := enc.Encode(contents)
	kind, _ := KindOf(frame)
	switch {
	case against == nil:
		if !bytes.Equal(frame, self) || alone != len(self) {
			t.Fatalf("by itself it has %d bytes, said are %d; Encode makes it %d", len(frame), alone, len(self))
		}
		if offered && len(delta) < len(self) {
			t.Fatalf("by itself it has %d bytes, against the base it would have %d", len(self), len(delta))
		}
	case against != b || !offered:
		t.Fatalf("it is against %x, offered was %x", against.ID, b.ID)
	case kind == Same != bytes.Equal(contents, base):
		t.Fatalf("%s, %q against %q", kind, contents, base)
	case kind == Delta:
		if !bytes.Equal(frame, delta) {
			t.Fatalf("a delta of %d bytes, another time of %d", len(frame), len(delta))
		}
		if len(frame) >= len(self) && len(frame) >= len(contents)/wellPacked {
			t.Fatalf("a delta of %d bytes, by itself it has %d", len(frame), len(self))
		}
	}
}

func FuzzPacking(f *testing.F) {
	long := strings.Repeat("a line that repeats\n", 50)
	for _, row := range [][2]string{
		{"", ""},
		{"a", ""},
		{"", "a"},
		{"a", "a"},
		{"a\n", "a"},
		{"a", "a\n"},
		{"\n", "\n\n"},
		{"\n\n\n", "\n"},
		{"a\nb", "b\na"},
		{"\x00\n\xff", "\x00"},
		{long + "x", long},
		{long, "x" + long},
		{"b 1\nb 2\na 1\na 2\n", "a 1\na 2\nb 1\nb 2\n"},
		{strings.Repeat("a\nb\n", 40), strings.Repeat("b\na\n", 40)},
	} {
		f.Add([]byte(row[0]), []byte(row[1]))
	}
	enc, dec := NewEncoder(), NewDecoder(0)
	f.Fuzz(func(t *testing.T, contents, base []byte) { packs(t, enc, dec, contents, base) })
}

func TestContentsComeBackFromFramesAgainstABase(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	enc, dec := NewEncoder(), NewDecoder(0)
	for range redistest.Cases(t, 3000) {
		base := randomText(random, "ab. \r\x00é", 60)
		if random.IntN(3) == 0 {
			base = strings.Repeat(base, 8)
		}
		packs(t, enc, dec, []byte(randomEdits(random, base)), []byte(base))
	}
}

// A few lines that are everywhere must neither make a frame wrong nor its packing slow.
func TestLinesThatRepeatAreFoundInTime(t *testing.T) {
	const n = 200_000
	base := NewBase([]byte(strings.Repeat("\n", n) + "last\n" + strings.Repeat("}\n", n)))
	contents := []byte(strings.Repeat("}\n\n", n) + strings.Repeat("}\n", n) + "last\n" + strings.Repeat("\n", n))
	frame := NewPacking(contents).delta(base)
	if got, err := NewDecoder(0).Decode(frame, base); err != nil || !bytes.Equal(got, contents) {
		t.Errorf("%d bytes came back as %d: %v", len(contents), len(got), err)
	}
}

func TestThePackingKeepsTheBestBase(t *testing.T) {
	contents := []byte("one\ntwo\nthree\nfour\n" + strings.Repeat("x", 100) + "\n")
	none, few := NewBase([]byte("other\n")), NewBase([]byte("two\n"))
	most, own := NewBase([]byte(strings.Repeat("x", 100)+"\n")), NewBase(contents)
	p := NewPacking(contents)
	for _, row := range []struct {
		base *Base
		best bool
	}{
		{none, true}, // better than nothing: it may have lines that are alike
		{few, true},
		{none, false},
		{most, true},
		{few, false},
		{most, false},
		{own, true},
		{most, false},
	} {
		if got := p.Offer(row.base); got != row.best {
			t.Errorf("%.20q is the best so far: %v", row.base.Contents(), got)
		}
	}
	frame, base, _ := NewEncoder().Frame(p)
	if kind, _ := KindOf(frame); kind != Same || base != own {
		t.Errorf("%s; want %s", kind, Same)
	}
}

// A base with the same lines is not the same contents.
func TestALineMoreOrLessIsNotTheSame(t *testing.T) {
	text := strings.Repeat("a line\nanother line\n", 30)
	for _, contents := range []string{text + "a line\n", strings.TrimSuffix(text, "\n"), "another line\n" + text} {
		p := NewPacking([]byte(contents))
		p.Offer(NewBase([]byte(text)))
		frame, _, _ := NewEncoder().Frame(p)
		if kind, _ := KindOf(frame); kind == Same {
			t.Errorf("%.30q… is packed as the same", contents)
		}
	}
}

func TestABaseKnowsItsLines(t *testing.T) {
	for _, row := range []struct {
		contents string
		lines    int
	}{
		{"", 0},
		{"\n", 1},
		{"a", 1},
		{"a\n", 1},
		{"a\n\nb", 3},
		{"\x00", 1},
		{"a\nb\x00\nc\n\x00\x00\n", 4},
	} {
		b := NewBase([]byte(row.contents))
		if string(b.Contents()) != row.contents || b.lines() != row.lines {
			t.Errorf("%q: %q in %d lines", row.contents, b.Contents(), b.lines())
		}
		for from := range b.lines() + 1 {
			for to := from; to <= b.lines(); to++ {
				if got, want := b.binary(from, to), IsBinary(b.span(from, to)); got != want {
					t.Errorf("%q: lines %d to %d hold NUL: %v", row.contents, from, to, got)
				}
			}
		}
	}
}

// Nobody may change a base through its contents.
func TestContentsOfABaseCannotBeAppendedTo(t *testing.T) {
	for _, text := range []string{"a\nb\n", "a\nb"} {
		b := NewBase([]byte(text))
		_ = append(b.Contents(), "\nc"...)
		if string(b.Contents()) != text || string(b.line(1)) != "b" {
			t.Errorf("%q became %q", text, b.Contents())
		}
	}
}

func TestABaseMayBeUsedConcurrently(t *testing.T) {
	base := NewBase(sysctl(1)) // nobody has packed against it yet
	var wg sync.WaitGroup
	for host := range uint64(8) {
		contents := sysctl(host)
		wg.Go(func() {
			p := NewPacking(contents)
			p.Offer(base)
			frame, against, _ := NewEncoder().Frame(p)
			if got, err := NewDecoder(0).Decode(frame, against); err != nil || !bytes.Equal(got, contents) {
				t.Errorf("host %d: %d bytes came back as %d: %v", host, len(contents), len(got), err)
			}
		})
	}
	wg.Wait()
}
