package frame

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// A Form says what of contents counts when they are compared. Its functions are called
// by several goroutines at once. The zero Form is contents byte for byte.
type Form struct {
	// Line appends a line to dst in the form in which it counts, or returns false where
	// it does not. It sees the line without its newline, and nothing else. nil: every
	// line counts as it is.
	Line func(dst, line []byte) ([]byte, bool)

	// Unordered: the lines count in any order.
	Unordered bool

	// Whole brings contents as a whole into the form whose lines count, or returns false
	// where they are in it already. It is asked only of contents that begin with a byte
	// that Begins accepts. nil: no contents are another form.
	Whole  func(contents []byte) ([]byte, bool)
	Begins func(first byte) bool
}

// A Digest stands for what counts of contents. Contents whose digests, by the same
// Digester, are equal are equal in its Form. With a Form that has Line, or is
// Unordered, it says nothing of a missing newline at the end.
type Digest struct {
	sums  sums
	lines int
	open  bool
}

// A Digester finds out which contents are equal in a form, without unpacking frames: it
// digests every base once; of the frames against it, only the lines that they insert.
// A frame's digest is a polynomial over its lines' hashes, so that a run of the base's
// lines takes a few multiplications, whatever its length. All constants are drawn when
// the Digester is made: no host can know what its digest will be, let alone make it
// another's. It is safe for concurrent use.
type Digester struct {
	form    Form
	decoder *Decoder
	seeds   [lanes]maphash.Seed
	powers  [lanes][32]uint64 // of the point at which the polynomial is evaluated: to the 1, 2, 4, 8 …

	mu    sync.Mutex
	bases map[ID]*baseSums // nil: of a base that there is no room for
	room  int              // bytes that further ones may take
}

// lanes is how many independent hashes there are. Each lets two different contents pass
// for equal with a probability of about their lines in 2⁶¹.
const lanes = 2

// digestBytes is how much memory a Digester spends on bases.
const digestBytes = 32 << 20

// NewDigester returns a Digester of frames that d unpacks.
func NewDigester(f Form, d *Decoder) *Digester {
	g := &Digester{form: f, decoder: d, bases: make(map[ID]*baseSums), room: digestBytes}
	var random [8 * lanes]byte
	rand.Read(random[:]) // never fails
	for i := range lanes {
		g.seeds[i] = maphash.MakeSeed()
		p := 2 + binary.LittleEndian.Uint64(random[8*i:])%(prime-2)
		for k := range g.powers[i] {
			g.powers[i][k] = p
			p = multiply(p, p)
		}
	}
	return g
}

// Sums are one value for each lane, below prime.
type sums [lanes]uint64

// prime is 2⁶¹-1.
const prime = 1<<61 - 1

func reduce(x uint64) uint64 {
	if x = x&prime + x>>61; x >= prime {
		x -= prime
	}
	return x
}

func multiply(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return reduce(low&prime + (high<<3 | low>>61))
}

// hash hashes a line, never to 0: lines that count cannot vanish.
func (g *Digester) hash(line []byte) sums {
	var s sums
	for i := range s {
		s[i] = maphash.Bytes(g.seeds[i], line)%(prime-1) + 1
	}
	return s
}

// power is the point of a lane to the n.
func (g *Digester) power(lane, n int) uint64 {
	out := uint64(1)
	for k := 0; n > 0; n, k = n>>1, k+1 {
		if n&1 == 1 {
			out = multiply(out, g.powers[lane][k])
		}
	}
	return out
}

// add adds a line to a digest.
func (g *Digester) add(d *Digest, h sums) {
	for i := range d.sums {
		if !g.form.Unordered {
			d.sums[i] = multiply(d.sums[i], g.powers[i][0])
		}
		d.sums[i] = reduce(d.sums[i] + h[i])
	}
	d.lines++
}

// addRun adds the lines from … to-1 of a base.
func (g *Digester) addRun(d *Digest, b *baseSums, from, to int) {
	x, y := &b.before[from], &b.before[to]
	n := y.lines - x.lines
	if n == 0 {
		return
	}
	for i := range d.sums {
		shift := uint64(1)
		if !g.form.Unordered {
			shift = g.power(i, n)
		}
		run := reduce(y.sums[i] + prime - multiply(x.sums[i], shift))
		d.sums[i] = reduce(multiply(d.sums[i], shift) + run)
	}
	d.lines += n
}

// plain reports whether lines count as they are, and in their order.
func (f *Form) plain() bool { return f.Line == nil && !f.Unordered }

// baseSums are the digests of what is before each line of a base, and of all of it.
type baseSums struct{ before []Digest }

const baseSumBytes = 32 // a line

// of digests base b, the first time. It returns nil where there is no room for that: then
// contents are digested, not their base.
func (w *DigestWorker) of(b *Base) *baseSums {
	g := w.digester
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, known := g.bases[b.ID]; known {
		return s
	}
	g.bases[b.ID] = nil
	room := g.room - baseSumBytes*len(b.starts)
	if room < 0 {
		return nil
	}
	s := &baseSums{before: make([]Digest, 1, len(b.starts))}
	var d Digest
	for i := range b.lines() {
		w.line(&d, b.line(i))
		s.before = append(s.before, d)
	}
	g.bases[b.ID], g.room = s, room
	return s
}

// A DigestWorker is one worker of a Digester. It is not safe for concurrent use.
type DigestWorker struct {
	digester *Digester
	edits    edits
	buffer   []byte
	memo     []memoLine // of lines that were brought into their form; by hash

	base *Base // the last one, and
	sums *baseSums
}

// A memoLine is what became of a line.
type memoLine struct {
	line, form sums // hashes of both; form is zero where the line does not count
}

// memoLines is a power of two: enough for the lines that frames insert again and again.
const memoLines = 1 << 14

// NewWorker returns a worker of g.
func (g *Digester) NewWorker() *DigestWorker {
	w := &DigestWorker{digester: g}
	if g.form.Line != nil {
		w.memo = make([]memoLine, memoLines)
	}
	return w
}

// line adds a line to a digest, in its form.
func (w *DigestWorker) line(d *Digest, line []byte) {
	g := w.digester
	h := g.hash(line)
	if g.form.Line == nil {
		g.add(d, h)
		return
	}
	m := &w.memo[h[0]%memoLines]
	if m.line != h {
		*m = memoLine{line: h}
		if text, counts := g.form.Line(w.buffer[:0], line); counts {
			m.form = g.hash(text)
			w.buffer = text[:0]
		}
	}
	if m.form != (sums{}) {
		g.add(d, m.form)
	}
}

// Frame digests the contents of frame. base is the one that BaseOf names, nil where
// there is none. The error is one of Decode's, and for the same frames.
func (w *DigestWorker) Frame(frame []byte, base *Base) (d Digest, length int, err error) {
	kind, err := w.digester.decoder.kind(frame)
	if err != nil {
		return Digest{}, 0, err
	}
	if base != nil && kind == Delta {
		if w.base != base {
			w.base, w.sums = base, w.of(base)
		}
		if w.sums != nil {
			if d, length, err = w.delta(frame, base); err != errManyEdits {
				return d, length, err
			}
		}
	}
	contents, err := w.digester.decoder.Decode(frame, base)
	if err != nil {
		return Digest{}, 0, err
	}
	return w.Contents(contents), len(contents), nil
}

// Contents digests contents.
func (w *DigestWorker) Contents(contents []byte) Digest {
	f := &w.digester.form
	if len(contents) > 0 && f.Whole != nil && f.Begins(contents[0]) {
		if form, ok := f.Whole(contents); ok {
			contents = form
		}
	}
	var d Digest
	for line := range bytes.Lines(contents) {
		w.line(&d, bytes.TrimSuffix(line, newline))
	}
	d.open = f.plain() && len(contents) > 0 && contents[len(contents)-1] != '\n'
	return d
}

func (w *DigestWorker) delta(frame []byte, base *Base) (Digest, int, error) {
	g, e := w.digester, &w.edits
	if err := e.read(frame, base, g.decoder.limit); err != nil {
		return Digest{}, 0, err
	}
	if g.form.Whole != nil && e.length > 0 && g.form.Begins(e.firstByte(base)) {
		contents, err := undelta(frame, base, g.decoder.limit)
		return w.Contents(contents), e.length, err
	}
	var d Digest
	at := 0
	for _, ed := range e.list {
		g.addRun(&d, w.sums, ed.from, ed.to)
		for line := range bytes.Lines(e.inserted[at:ed.end]) {
			w.line(&d, line[:len(line)-1])
		}
		at = ed.end
	}
	d.open = g.form.plain() && e.open
	return d, e.length, nil
}
