package codec

// A Packing is contents on their way into a frame. It is offered bases, one after
// another, and keeps the best: they need not all be in memory.
type Packing struct {
	text    *text
	best    *Base
	lacking int // bytes of lines that best lacks
}

// NewPacking begins to pack contents, which must not change until Frame.
func NewPacking(contents []byte) *Packing {
	return &Packing{text: newText(contents), lacking: len(contents) + 1}
}

// Offer offers a base. It reports whether that one is the best so far.
func (p *Packing) Offer(b *Base) bool {
	n := p.text.lacks(b)
	if n >= p.lacking {
		return false
	}
	p.best, p.lacking = b, n
	return true
}

// wellPacked: a delta of less than one part in so many of the contents is taken
// without asking what zstd would make of them.
const wellPacked = 32

// Frame returns the smallest frame of the contents that is known: against the best
// base or by itself; base is nil for the latter. alone is how long the frame by
// itself is, or would about be. Contents that are the base's own are said to be the
// same without a look at what else could be done with them; alone is then 0.
func (e *Encoder) Frame(p *Packing) (frame []byte, base *Base, alone int) {
	contents := p.text.contents
	if p.best != nil {
		if p.lacking == 0 && p.best.ID == Sum(contents) {
			return SameAs(p.best.ID, len(contents)), p.best, 0
		}
		if frame = p.text.delta(p.best); len(frame) < len(contents)/wellPacked {
			return frame, p.best, len(contents) / 4
		}
	}
	self := e.Encode(contents)
	if frame == nil || len(frame) >= len(self) {
		return self, nil, len(self)
	}
	return frame, p.best, len(self)
}
