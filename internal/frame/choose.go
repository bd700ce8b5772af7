package frame

import (
	"bytes"
	"cmp"
	"slices"
)

// What becomes of the contents of a name whose hosts may not write bases: somebody who
// may chooses for them, from a sample.

// Bounds of bases, whoever writes them.
const (
	LeastBased = 128       // bytes of a frame that stands by itself: less is not worth a base
	MostBased  = 512 << 10 // bytes of contents: an agent has several bases in memory at a time
	MostBases  = 32        // of a name, at one server
)

// DeservesBase says how a frame must compare with one that stands by itself, to be worth
// another base: the more bases a name has, the worse it must be. The first few make
// the most difference, and contents that no base helps (every host's own) must not
// use up the places.
func DeservesBase(packed, alone, bases int, helped bool) bool {
	switch {
	case bases == 0:
		return alone > LeastBased
	case bases < 8:
		return packed*10 > alone && packed > LeastBased
	case !helped:
		return false
	case bases < 16:
		return packed*6 > alone
	}
	return packed*3 > alone
}

// Holders is how many of the sampled texts a line must be in to be part of a chosen base:
// what fewer hosts hold may be nobody else's business.
const Holders = 3

// Choose returns bases that the texts, each of another host, would be well packed
// against, beside those that there are already. Whatever a base of these holds, Holders of
// the texts hold: it is made of one of the texts, without the lines that are its own.
func (e *Encoder) Choose(texts [][]byte, have []*Base) []*Base {
	c := newChoice(texts)
	bases := have
	for i := range texts {
		if len(bases) == MostBases {
			break
		}
		p := NewPacking(texts[i])
		for _, b := range bases {
			p.Offer(b)
		}
		packed, used, alone := e.Frame(p)
		if !DeservesBase(len(packed), alone, len(bases), used != nil && 5*len(packed) < 4*alone) {
			continue
		}
		b := NewBase(c.common(i))
		if !p.Offer(b) {
			continue
		}
		if better, _, _ := e.Frame(p); 5*len(better) < 4*len(packed) {
			bases = append(bases[:len(bases):len(bases)], b)
		}
	}
	return c.wanted(have, bases[len(have):])
}

// A choice is the texts that bases are chosen for.
type choice struct {
	texts []text
	held  map[uint64]holding // by the hash of a line
	rare  []rareLine         // lines that too few texts hold, sorted
}

// A holding is how many texts have a line.
type holding struct{ texts, last int32 }

// A rareLine is a line that too few texts hold.
type rareLine struct {
	line []byte
	of   int // the text
}

func newChoice(texts [][]byte) *choice {
	c := &choice{held: make(map[uint64]holding)}
	for i, contents := range texts {
		t := newText(contents)
		c.texts = append(c.texts, t)
		for _, h := range t.lineHashes() {
			if at := c.held[h]; at.last != int32(i)+1 {
				c.held[h] = holding{at.texts + 1, int32(i) + 1}
			}
		}
	}
	for i := range c.texts {
		t := &c.texts[i]
		for n, h := range t.lineHashes() {
			if c.held[h].texts < Holders {
				c.rare = append(c.rare, rareLine{t.line(n), i})
			}
		}
	}
	slices.SortFunc(c.rare, func(a, b rareLine) int { return cmp.Or(bytes.Compare(a.line, b.line), cmp.Compare(a.of, b.of)) })
	return c
}

// common returns a text as far as enough others hold it, too: whole lines, and of others
// the beginning, which the lines that take their place need not repeat.
func (c *choice) common(i int) []byte {
	t := &c.texts[i]
	var out []byte
	for n, h := range t.lineHashes() {
		line := t.line(n)
		if c.held[h].texts < Holders {
			line = c.beginning(line, i)
		}
		if len(line) > 0 || c.held[h].texts >= Holders {
			out = append(append(out, line...), '\n')
		}
	}
	return out
}

// wanted returns those of the new bases that are the best of all for enough texts. They are
// given up one by one, since texts that lose theirs then want another.
func (c *choice) wanted(have, added []*Base) []*Base {
	bases := slices.Concat(have, added)
	lacking := make([][]int, len(c.texts)) // bytes of a text that a base lacks
	for i := range c.texts {
		p := NewPacking(c.texts[i].contents())
		for _, b := range bases {
			lacking[i] = append(lacking[i], p.lacks(b))
		}
	}
	for {
		texts := make([]int, len(bases)) // that want a base
		for _, of := range lacking {
			best := -1
			for n, bytes := range of {
				if bases[n] != nil && (best < 0 || bytes < of[best]) {
					best = n
				}
			}
			if best >= 0 {
				texts[best]++
			}
		}
		least := -1
		for n := len(have); n < len(bases); n++ {
			if bases[n] != nil && texts[n] < Holders && (least < 0 || texts[n] < texts[least]) {
				least = n
			}
		}
		if least < 0 {
			return slices.DeleteFunc(bases[len(have):], func(b *Base) bool { return b == nil })
		}
		bases[least] = nil
	}
}

// beginning returns as much of a rare line of a text as two neighbours of its in the sorted
// list begin with, all three being of different texts.
func (c *choice) beginning(line []byte, of int) []byte {
	at, _ := slices.BinarySearchFunc(c.rare, rareLine{line, of}, func(a, b rareLine) int {
		return cmp.Or(bytes.Compare(a.line, b.line), cmp.Compare(a.of, b.of))
	})
	most := 0
	for from := max(0, at-Holders+1); from <= at && from+Holders <= len(c.rare); from++ {
		window := c.rare[from : from+Holders]
		of := make(map[int]bool)
		for _, r := range window {
			of[r.of] = true
		}
		if len(of) == Holders {
			most = max(most, commonPrefix(window[0].line, window[Holders-1].line))
		}
	}
	return line[:most]
}
