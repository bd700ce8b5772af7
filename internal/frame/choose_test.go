package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// A family of texts that have most lines in common, and some of their own.
func familyOf(family, texts int) (out [][]byte) {
	shared := rand.New(rand.NewPCG(uint64(family), 1))
	values := make([]uint64, 200)
	for i := range values {
		values[i] = shared.Uint64()
	}
	for n := range texts {
		own := rand.New(rand.NewPCG(uint64(family), uint64(n)+2))
		var b bytes.Buffer
		for i, v := range values {
			if i%20 == 7 {
				v = own.Uint64()
			}
			fmt.Fprintf(&b, "family.%d.setting.%d = %d\n", family, i, v)
		}
		out = append(out, b.Bytes())
	}
	return out
}

func TestEachFamilyGetsABase(t *testing.T) {
	e := NewEncoder()
	var texts [][]byte
	for family := range 4 {
		texts = append(texts, familyOf(family, 10)...)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	bases := e.Choose(texts, nil)
	if len(bases) != 4 {
		t.Fatalf("%d bases for 4 families", len(bases))
	}
	for _, contents := range texts {
		p := NewPacking(contents)
		for _, b := range bases {
			p.Offer(b)
		}
		packed, base, _ := e.Frame(p)
		if base == nil || len(packed)*8 > len(contents) {
			t.Errorf("a frame of %d bytes for %d", len(packed), len(contents))
		}
	}
	for few := 3; few < 6; few++ { // each would rather have a base of its own
		if bases := e.Choose(familyOf(1, few), nil); len(bases) != 1 {
			t.Errorf("%d bases for a family of %d", len(bases), few)
		}
	}
	if more := e.Choose(texts, bases); len(more) > 0 {
		t.Errorf("%d more bases, though these serve all", len(more))
	}
	if more := e.Choose(append(texts, familyOf(9, 5)...), bases); len(more) != 1 {
		t.Errorf("%d bases for one new family", len(more))
	}
}

// Nothing is in a base that fewer texts hold.
func TestABaseIsWhatSeveralTextsHold(t *testing.T) {
	texts := familyOf(1, 12)
	for i := range texts {
		texts[i] = append(texts[i], fmt.Sprintf("secret %d\npair %d\nno newline %d", i*i+77, i/2, i)...)
	}
	bases := NewEncoder().Choose(texts, nil)
	if len(bases) != 1 {
		t.Fatalf("%d bases", len(bases))
	}
	for line := range bytes.Lines(bases[0].Contents()) {
		line = bytes.TrimSuffix(line, newline)
		holders := 0
		for _, contents := range texts {
			if bytes.HasPrefix(contents, line) || bytes.Contains(contents, append([]byte{'\n'}, line...)) {
				holders++
			}
		}
		if holders < Holders {
			t.Errorf("%d texts hold %q", holders, line)
		}
	}
	for _, texts := range [][][]byte{nil, {nil, nil, nil}, familyOf(1, 2), {[]byte("x"), []byte("x"), []byte("x")}} {
		if bases := NewEncoder().Choose(texts, nil); len(bases) > 0 {
			t.Errorf("%d bases for %d texts", len(bases), len(texts))
		}
	}
	alone := make([][]byte, 20)
	for i := range alone {
		alone[i] = familyOf(100+i, 1)[0]
	}
	if bases := NewEncoder().Choose(alone, nil); len(bases) > 0 {
		t.Errorf("%d bases for texts that have nothing in common", len(bases))
	}
}
