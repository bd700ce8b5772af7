package lines

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"sort"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/mask"
)

// A census counts which objects of a name have which lines.
type census struct {
	perWorker[enumerator]
	targets []extract.Target
}

// An enumerator is one worker of a census. It counts objects by bases' lines where it
// can, and by the text of lines else.
type enumerator struct {
	form    *mask.Form
	counted []uint32 // objects, without binary ones
	binary  int
	bases   map[*frame.Hits]*baseLines
	own     lineTable // with the objects that have a line, each once, as its hosts

	memo   []memoForm // of lines that were brought into their form; by hash
	buffer []byte
	spans  []span // of the object under way
}

// baseLines are the lines of a base, in their form, and who copies them.
type baseLines struct {
	lines  [][]byte          // nil: it does not count, or is one of again
	places map[string]uint32 // of lines
	again  []repeatedLine
	steps  []int32 // as in a baseTally
	copied []copied
}

// A repeatedLine is a line that a base has more than once.
type repeatedLine struct {
	line   []byte
	places []uint32
}

// A span is the lines from … to-1 of a base.
type span struct{ from, to uint32 }

// A copied is what an object has of a base.
type copied struct {
	object uint32
	span
}

// A memoForm is what became of a line.
type memoForm struct {
	known, counts bool
	line, form    []byte
}

// formMemo is how many lines an enumerator remembers, a power of two; longer lines than
// longestMemo it does not.
const (
	formMemo    = 1 << 14
	longestMemo = 512
)

func newEnumerator(form *mask.Form, budget *lineBudget) *enumerator {
	e := &enumerator{form: form, bases: make(map[*frame.Hits]*baseLines), own: lineTable{budget: budget}}
	if form.Edits() {
		e.memo = make([]memoForm, formMemo)
	}
	return e
}

// formOf returns a line in its form, or false where it does not count. It is valid until
// the next call.
func (e *enumerator) formOf(line []byte) ([]byte, bool) {
	if e.memo == nil {
		return line, true
	}
	var counts bool
	if len(line) > longestMemo {
		e.buffer, counts = e.form.Line(e.buffer[:0], line)
		return e.buffer, counts
	}
	m := &e.memo[maphash.Bytes(lineSeed, line)%formMemo]
	if !m.known || !bytes.Equal(m.line, line) {
		m.form, m.counts = e.form.Line(m.form[:0], line)
		m.line, m.known = append(m.line[:0], line...), true
	}
	return m.form, m.counts
}

// of brings the lines of a base into their form, the first time.
func (e *enumerator) of(hits *frame.Hits) *baseLines {
	if b := e.bases[hits]; b != nil {
		return b
	}
	b := &baseLines{lines: make([][]byte, len(hits.Parts)), places: make(map[string]uint32), steps: make([]int32, len(hits.Parts)+1)}
	again := make(map[string]int)
	for i, line := range hits.Parts {
		form, counts := e.formOf(line)
		if !counts {
			continue
		}
		at := uint32(i)
		if n, is := again[string(form)]; is {
			b.again[n].places = append(b.again[n].places, at)
			continue
		}
		if first, is := b.places[string(form)]; is {
			again[string(form)] = len(b.again)
			b.again = append(b.again, repeatedLine{b.lines[first], []uint32{first, at}})
			b.lines[first] = nil
			delete(b.places, string(form))
			continue
		}
		b.lines[i] = bytes.Clone(form)
		b.places[string(form)] = at
	}
	e.bases[hits] = b
	return b
}

// add counts an object. Its frame has one base at most.
func (e *enumerator) add(found *frame.Found, object uint32) {
	if found.Binary {
		e.binary++
		return
	}
	e.counted = append(e.counted, object)
	var base *baseLines
	e.spans = e.spans[:0]
	found.EachCopied(func(r frame.Run) {
		if base == nil {
			base = e.of(r.Hits)
		}
		e.spans = append(e.spans, span{uint32(r.From), uint32(r.To)})
	})
	e.spans = merged(e.spans)
	for _, s := range e.spans {
		base.steps[s.from]++
		base.steps[s.to]--
		base.copied = append(base.copied, copied{object, s})
	}
	if base != nil {
		for i := range base.again {
			if r := &base.again[i]; slices.ContainsFunc(r.places, e.copies) {
				e.has(r.line, object)
			}
		}
	}
	found.Each(func(r frame.Run) bool {
		if r.Hits != nil {
			return true
		}
		line, counts := e.formOf(r.Part)
		if !counts {
			return true
		}
		if base != nil {
			if at, is := base.places[string(line)]; is && e.copies(at) {
				return true
			}
		}
		e.has(line, object)
		return true
	})
}

// addContents counts an object by its contents alone, unless these have too many different
// lines.
func (e *enumerator) addContents(contents []byte, object uint32) error {
	if frame.IsBinary(contents) {
		e.binary++
		return nil
	}
	if values, is := e.form.Values(contents); is {
		contents = values
	}
	if len(contents) > littleText {
		var share frame.Share
		err := share.TakeDifferent(func(see func([]byte) bool) {
			for line := range bytes.Lines(contents) {
				if !see(line) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
	}
	e.counted = append(e.counted, object)
	for line := range bytes.Lines(contents) {
		if form, counts := e.formOf(bytes.TrimSuffix(line, []byte{'\n'})); counts {
			e.has(form, object)
		}
	}
	return nil
}

// has counts a line of an object's own, once.
func (e *enumerator) has(line []byte, object uint32) {
	entry := e.own.entry(line)
	if n := len(entry.hosts); n == 0 || entry.hosts[n-1] != object {
		entry.hosts = append(entry.hosts, object)
	}
}

// copies reports whether the object under way copies this line of its base.
func (e *enumerator) copies(line uint32) bool {
	i := sort.Search(len(e.spans), func(i int) bool { return e.spans[i].to > line })
	return i < len(e.spans) && e.spans[i].from <= line
}

// merged returns spans in order, none of which overlap.
func merged(list []span) []span {
	slices.SortFunc(list, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// sum brings together what the workers have counted.
func (c *census) sum(most int) Deviations {
	var all lineTable
	d := Deviations{Name: c.targets[0].Name()}
	for _, e := range c.list {
		d.Objects += len(e.counted)
		d.Binary += e.binary
		for line := range e.own.all {
			all.entry(line.line).n += len(line.hosts)
		}
		for _, b := range e.bases {
			n := int32(0)
			for i, line := range b.lines {
				if n += b.steps[i]; n > 0 && line != nil {
					all.entry(line).n += int(n)
				}
			}
		}
	}
	deviating := make(map[*lineEntry]*members)
	for line := range all.all {
		switch rest := d.Objects - line.n; {
		case rest == 0:
			d.Common++
		case most > 0 && min(line.n, rest) > most:
			d.LeftOut++
		default:
			deviating[line] = newMembers(line.n, len(c.targets), line.n > rest)
		}
	}
	counted := make([]uint64, (len(c.targets)+63)/64)
	for _, e := range c.list {
		for _, p := range e.counted {
			counted[p/64] |= 1 << (p % 64)
		}
		for line := range e.own.all {
			if m := deviating[all.entry(line.line)]; m != nil {
				m.add(line.hosts...)
			}
		}
		for _, b := range e.bases {
			b.enter(func(line []byte) *members { return deviating[all.entry(line)] })
		}
	}
	for line, m := range deviating {
		v := Deviation{Line: line.line, Count: line.n, Of: d.Objects, targets: c.targets, members: m}
		if rest := d.Objects - line.n; rest < line.n {
			v.Lacking, v.Count = true, rest
			m.invert(counted)
		}
		slices.Sort(m.list)
		d.Lines = append(d.Lines, v)
	}
	slices.SortFunc(d.Lines, func(x, y Deviation) int { return cmp.Or(cmp.Compare(y.Count, x.Count), bytes.Compare(x.Line, y.Line)) })
	return d
}

// enter adds the objects that copy lines of the base to those lines' members.
func (b *baseLines) enter(of func(line []byte) *members) {
	var places []uint32 // of lines that have members
	var entered []*members
	next := make([]uint32, len(b.lines)) // place → the first of places from there on
	for i, line := range b.lines {
		next[i] = uint32(len(places))
		if line == nil {
			continue
		}
		if m := of(line); m != nil {
			places, entered = append(places, uint32(i)), append(entered, m)
		}
	}
	for _, c := range b.copied {
		for i := next[c.from]; int(i) < len(places) && places[i] < c.to; i++ {
			entered[i].add(c.object)
		}
	}
}

// members are places of objects: as bits where that takes less.
type members struct {
	list []uint32
	bits []uint64
}

// newMembers returns room for n objects, whose places are below end; asBits: what is
// to be inverted.
func newMembers(n, end int, asBits bool) *members {
	if asBits || 32*n > end {
		return &members{bits: make([]uint64, (end+63)/64)}
	}
	return &members{list: make([]uint32, 0, n)}
}

func (m *members) add(places ...uint32) {
	if m.bits == nil {
		m.list = append(m.list, places...)
		return
	}
	for _, p := range places {
		m.bits[p/64] |= 1 << (p % 64)
	}
}

// invert makes members of those of all that are not.
func (m *members) invert(all []uint64) {
	for i, word := range all {
		m.bits[i] = word &^ m.bits[i]
	}
}

// all calls yield with each place, in order where the list is.
func (m *members) all(yield func(uint32) bool) {
	for _, p := range m.list {
		if !yield(p) {
			return
		}
	}
	for i, word := range m.bits {
		for ; word != 0; word &= word - 1 {
			if !yield(uint32(64*i + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
