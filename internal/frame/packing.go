package frame

// A Packing is contents on their way into a frame. It is offered bases, one after
// another, and keeps the best: they need not all be in memory. A Packing is used by one
// goroutine; the bases may be used by others as well.
type Packing struct {
	text
	hashes  []uint64          // of the lines
	lineOf  map[uint64]*equal // by hash
	offers  int
	best    *Base
	lacking int // bytes of lines that best lacks
}

// Equal lines of a Packing count together.
type equal struct {
	bytes int // with their newlines
	offer int // the last that had them
}

// NewPacking begins to pack contents, which must not change until Frame. They must be
// shorter than 4 GiB.
func NewPacking(contents []byte) *Packing {
	p := &Packing{text: newText(contents), lacking: len(contents) + 1}
	p.hashes = p.lineHashes()
	return p
}

// Offer offers a base. It reports whether that one is the best so far.
func (p *Packing) Offer(b *Base) bool {
	n := p.lacks(b)
	if n >= p.lacking {
		return false
	}
	p.best, p.lacking = b, n
	return true
}

// lacks is about how many bytes a frame against b needs, for choosing one. It looks b's
// lines up among its own: to prepare b for the contrary takes several times as long,
// and only the best is worth it.
func (p *Packing) lacks(b *Base) int {
	if p.lineOf == nil {
		all := make([]equal, len(p.hashes))
		p.lineOf = make(map[uint64]*equal, len(p.hashes))
		for i, h := range p.hashes {
			if p.lineOf[h] == nil {
				p.lineOf[h] = &all[i]
			}
			p.lineOf[h].bytes += len(p.span(i, i+1))
		}
	}
	p.offers++
	lacking := len(p.all)
	for _, h := range b.hashed() {
		if e := p.lineOf[h]; e != nil && e.offer != p.offers {
			e.offer = p.offers
			lacking -= e.bytes
		}
	}
	return lacking
}

// wellPacked: a delta of less than one part in so many of the contents is taken
// without asking what zstd would make of them.
const wellPacked = 32

// Frame returns the smallest frame of the contents that is known: against the best
// base or by itself; base is nil for the latter. alone is how long the frame by
// itself is, or would about be. Contents that are the base's own are said to be the
// same without a look at what else could be done with them; alone is then 0.
func (e *Encoder) Frame(p *Packing) (frame []byte, base *Base, alone int) {
	contents := p.contents()
	if p.best != nil {
		if p.lacking == 0 && p.best.ID == Sum(contents) {
			return SameAs(p.best.ID, len(contents)), p.best, 0
		}
		if frame = p.delta(p.best); len(frame) < len(contents)/wellPacked {
			return frame, p.best, len(contents) / 4
		}
	}
	self := e.Encode(contents)
	if frame == nil || len(frame) >= len(self) {
		return self, nil, len(self)
	}
	return frame, p.best, len(self)
}
