// Package diff finds out how one text becomes another, line by line or word by word,
// in bounded time and memory whatever the texts are: they come from machines that
// may be hostile.
//
// The comparing is done by go-udiff's lcs, which is exact up to about a hundred
// differences, and gives up on what lies in the middle of more. So texts are cut
// first, where that is too few: at parts that either text holds exactly once, which
// are those that a reader takes for fixed points too (Bram Cohen's patience diff).
package diff

import (
	"bytes"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// An Edit says that bytes A0 … A1-1 of the first text become bytes B0 … B1-1 of the
// second. What lies between edits is equal.
type Edit struct{ A0, A1, B0, B1 int }

// Limits of what is compared in detail. Common lines at the beginning and the end
// do not count.
const (
	maxBytes = 32 << 20 // of both texts together
	maxParts = 1 << 19  // lines or words of both together

	// exactWithin is how many differences lcs finds the fewest of: it searches to a
	// depth of 50 from either end.
	exactWithin = 99

	// maxCuts is how often what has been cut out is cut again. Each time costs as much
	// as the first.
	maxCuts = 4
)

// lineEdits returns how the lines of a become those of b: edits in order, none of which
// touch. A line includes its newline, so that a missing one at the end is a
// difference. coarse: the texts are too large, or too different in too regular a way,
// for the smallest difference to have been looked for; what is between edits is equal
// nevertheless.
func lineEdits(a, b []byte) (edits []Edit, coarse bool) { return compare(a, b, lineLen) }

// wordEdits is Lines for words. A word is a run of letters, digits, underscores and bytes
// beyond ASCII; or a run of blanks; or one other byte.
func wordEdits(a, b []byte) (edits []Edit, coarse bool) { return compare(a, b, wordLen) }

// lineLen returns how long the first line of a text is that is not empty.
func lineLen(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

func wordLen(text []byte) int {
	class := classOf(text[0])
	n := 1
	for class != other && n < len(text) && classOf(text[n]) == class {
		n++
	}
	return n
}

const (
	other = iota
	blank
	letter
)

func classOf(c byte) int {
	switch {
	case c == ' ' || c == '\t':
		return blank
	case c >= 0x80, c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return letter
	}
	return other
}

func compare(a, b []byte, partLen func([]byte) int) ([]Edit, bool) {
	if bytes.Equal(a, b) {
		return nil, false
	}
	from, after := trim(a, b)
	midA, midB := a[from:len(a)-after], b[from:len(b)-after]
	whole := []Edit{{from, len(a) - after, from, len(b) - after}}
	if len(midA) == 0 || len(midB) == 0 {
		return whole, false
	}
	if len(midA)+len(midB) > maxBytes {
		return whole, true
	}
	ids := make(map[string]rune)
	partsA, endsA, ok := parts(midA, partLen, ids, maxParts)
	if !ok {
		return whole, true
	}
	partsB, endsB, ok := parts(midB, partLen, ids, maxParts-len(partsA))
	if !ok {
		return whole, true
	}
	c := &comparison{seen: make([]occurrence, len(ids))}
	c.section(partsA, partsB, 0, 0, maxCuts)
	return c.edits(endsA, endsB, from), c.coarse
}

// trim returns how many bytes of whole lines the texts have in common at their
// beginning, and of the rest at their end.
func trim(a, b []byte) (from, after int) {
	n := min(len(a), len(b))
	for from < n {
		step := min(4096, n-from)
		if bytes.Equal(a[from:from+step], b[from:from+step]) {
			from += step
			continue
		}
		for a[from] == b[from] {
			from++
		}
		break
	}
	from = bytes.LastIndexByte(a[:from], '\n') + 1
	n -= from
	for after < n {
		step := min(4096, n-after)
		if bytes.Equal(a[len(a)-after-step:len(a)-after], b[len(b)-after-step:len(b)-after]) {
			after += step
			continue
		}
		for a[len(a)-after-1] == b[len(b)-after-1] {
			after++
		}
		break
	}
	// The first line of what is common may be the end of longer ones.
	if i := bytes.IndexByte(a[len(a)-after:], '\n'); i >= 0 {
		return from, after - i - 1
	}
	return from, 0
}

// parts gives each part of a text a number, the same to equal ones, and returns where
// each ends. It reports false where there are more than most.
func parts(text []byte, partLen func([]byte) int, ids map[string]rune, most int) (list []rune, ends []int, ok bool) {
	for at := 0; at < len(text); {
		if len(list) == most {
			return nil, nil, false
		}
		part := text[at : at+partLen(text[at:])]
		id, known := ids[string(part)]
		if !known {
			id = rune(len(ids))
			ids[string(part)] = id
		}
		at += len(part)
		list, ends = append(list, id), append(ends, at)
	}
	return list, ends, true
}

// A comparison collects what two lists of parts have in common.
type comparison struct {
	common []run
	coarse bool
	seen   []occurrence // of each part in the section at hand; zero between sections
}

// A run is a stretch of equal parts.
type run struct{ a, b, n int }

// An occurrence says how often a part occurs in either list, and where last.
type occurrence struct{ inA, inB, atA, atB int32 }

func (c *comparison) add(a, b, n int) {
	if n == 0 {
		return
	}
	if last := len(c.common) - 1; last >= 0 && c.common[last].a+c.common[last].n == a && c.common[last].b+c.common[last].n == b {
		c.common[last].n += n
		return
	}
	c.common = append(c.common, run{a, b, n})
}

// section compares a and b, which begin at part atA and atB of the whole. cuts is how
// often it may be cut.
func (c *comparison) section(a, b []rune, atA, atB, cuts int) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	c.add(atA, atB, head)
	a, b, atA, atB = a[head:], b[head:], atA+head, atB+head
	tail := 0
	for tail < len(a) && tail < len(b) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	c.middle(a[:len(a)-tail], b[:len(b)-tail], atA, atB, cuts)
	c.add(atA+len(a)-tail, atB+len(b)-tail, tail)
}

// middle compares what neither begins nor ends alike.
func (c *comparison) middle(a, b []rune, atA, atB, cuts int) {
	if len(a) == 0 || len(b) == 0 {
		return
	}
	c.look(a, b)
	restA, placesA := c.shared(a, func(o occurrence) int32 { return o.inB })
	restB, placesB := c.shared(b, func(o occurrence) int32 { return o.inA })
	var fixed []run
	if cuts > 0 {
		fixed = c.fixedPoints(b)
	}
	c.forget(a, b)
	if len(restA) == 0 || len(restB) == 0 {
		return
	}
	diffs := lcs.DiffRunes(restA, restB)
	if size(diffs) > exactWithin {
		if len(fixed) > 0 {
			fromA, fromB := 0, 0
			for _, f := range fixed {
				c.section(a[fromA:f.a], b[fromB:f.b], atA+fromA, atB+fromB, cuts-1)
				c.add(atA+f.a, atB+f.b, 1)
				fromA, fromB = f.a+1, f.b+1
			}
			c.section(a[fromA:], b[fromB:], atA+fromA, atB+fromB, cuts-1)
			return
		}
		c.coarse = true
	}
	i, j := 0, 0
	equal := func(until int) {
		for ; i < until; i, j = i+1, j+1 {
			c.add(atA+placesA[i], atB+placesB[j], 1)
		}
	}
	for _, d := range diffs {
		equal(d.Start)
		i, j = d.End, d.ReplEnd
	}
	equal(len(restA))
}

// size is how many parts the differences take away and bring.
func size(diffs []lcs.Diff) int {
	n := 0
	for _, d := range diffs {
		n += d.End - d.Start + d.ReplEnd - d.ReplStart
	}
	return n
}

func (c *comparison) look(a, b []rune) {
	for i, id := range a {
		c.seen[id].inA++
		c.seen[id].atA = int32(i)
	}
	for i, id := range b {
		c.seen[id].inB++
		c.seen[id].atB = int32(i)
	}
}

func (c *comparison) forget(a, b []rune) {
	for _, id := range a {
		c.seen[id] = occurrence{}
	}
	for _, id := range b {
		c.seen[id] = occurrence{}
	}
}

// shared returns the parts of a list that the other has too, and their places: what
// it has not is different whatever the rest is, and need not take of lcs' hundred.
func (c *comparison) shared(list []rune, there func(occurrence) int32) (rest []rune, places []int) {
	for i, id := range list {
		if there(c.seen[id]) > 0 {
			rest, places = append(rest, id), append(places, i)
		}
	}
	return rest, places
}

// fixedPoints returns the longest list of parts that occur exactly once in both texts
// and come in the same order in both: a longest increasing subsequence, by patience
// sorting.
func (c *comparison) fixedPoints(b []rune) []run {
	var once []run // in the order of b
	for j, id := range b {
		if o := c.seen[id]; o.inA == 1 && o.inB == 1 {
			once = append(once, run{int(o.atA), j, 1})
		}
	}
	var piles []int // the top of each: its place in once
	before := make([]int, len(once))
	for i, r := range once {
		low, high := 0, len(piles)
		for low < high {
			if mid := (low + high) / 2; once[piles[mid]].a < r.a {
				low = mid + 1
			} else {
				high = mid
			}
		}
		before[i] = -1
		if low > 0 {
			before[i] = piles[low-1]
		}
		if low == len(piles) {
			piles = append(piles, i)
		} else {
			piles[low] = i
		}
	}
	out := make([]run, len(piles))
	if len(piles) > 0 {
		for n, i := len(piles)-1, piles[len(piles)-1]; n >= 0; n, i = n-1, before[i] {
			out[n] = once[i]
		}
	}
	return out
}

// edits is what lies between the common runs, in bytes of the whole texts. Parts end
// at ends, counted from byte from of the texts.
func (c *comparison) edits(endsA, endsB []int, from int) []Edit {
	at := func(ends []int, part int) int {
		if part == 0 {
			return from
		}
		return from + ends[part-1]
	}
	var out []Edit
	a, b := 0, 0
	until := func(nextA, nextB int) {
		if a < nextA || b < nextB {
			out = append(out, Edit{at(endsA, a), at(endsA, nextA), at(endsB, b), at(endsB, nextB)})
		}
	}
	for _, r := range c.common {
		until(r.a, r.b)
		a, b = r.a+r.n, r.b+r.n
	}
	until(len(endsA), len(endsB))
	return out
}
