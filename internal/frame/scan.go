package frame

import (
	"bytes"
	"fmt"
	"sync"
)

// SearchOptions say what is looked for of each object.
type SearchOptions struct {
	Most      int  // no more than the first so many lines, or matches with OnlyMatching; 0: all
	CountOnly bool // nothing but Found.Count is asked for: Found.Each has no parts
}

// A Search is one expression on its way through many frames. It evaluates the
// expression once for each base; of the frames against that base, only the lines
// that they insert are then searched. What it finds is what unpacking the frame
// and searching the contents would. It is safe for concurrent use.
type Search struct {
	expr    *Expr
	decoder *Decoder
	options SearchOptions

	mu   sync.Mutex
	hits map[ID]*Hits // nil: of a base that there is no room for
	room int          // bytes that further hits may take
}

// hitsBytes is how much memory a search spends on what it finds in bases. Any host may
// have written thousands of them.
const hitsBytes = 32 << 20

// NewSearch returns a search for x in frames that d unpacks.
func NewSearch(x *Expr, d *Decoder, o SearchOptions) *Search {
	return &Search{expr: x, decoder: d, options: o, hits: make(map[ID]*Hits), room: hitsBytes}
}

// Hits are what an expression finds in a base. They are safe for concurrent use.
type Hits struct {
	Parts [][]byte // in order; must not be changed. None with CountOnly

	first []uint32 // line → how many parts are before it
}

// of evaluates the expression on b, the first time. It returns nil where there is no
// room for what that finds: then contents are searched, not their base.
func (s *Search) of(b *Base) *Hits {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, known := s.hits[b.ID]; known {
		return h
	}
	s.hits[b.ID] = nil
	room := s.room - 4*len(b.starts)
	if room < 0 {
		return nil
	}
	if s.expr.matchesTooOften(b.all) {
		return nil
	}
	h := &Hits{first: make([]uint32, b.lines()+1)}
	line, count := 0, uint32(0)
	s.expr.each(b.all, func(at int, part []byte) bool {
		for int(b.starts[line]) < at {
			line++
			h.first[line] = count
		}
		count++
		if s.options.CountOnly {
			return true
		}
		h.Parts = append(h.Parts, bytes.Clone(part)) // not to keep the whole base in memory
		room -= partBytes + len(part)
		return room >= 0
	})
	if room < 0 {
		return nil
	}
	for line < b.lines() {
		line++
		h.first[line] = count
	}
	s.hits[b.ID], s.room = h, room
	return h
}

// partBytes is what a part takes beside its text.
const partBytes = 32

// A Run is some of what was found in an object, in order: the parts From … To-1 of
// Hits or, where Hits is nil, one part of the object's own.
type Run struct {
	Hits     *Hits
	From, To int
	Part     []byte // valid until the Scanner is used again; must not be changed
}

// Len returns how many parts the run has.
func (r *Run) Len() int {
	if r.Hits == nil {
		return 1
	}
	return r.To - r.From
}

// Found is what a search finds in an object. Nothing of it is held: the lines of the
// object's own are searched each time that it is asked, so that what a host sends takes no
// more memory than its contents do. It is valid until the Scanner is used again.
type Found struct {
	Length int  // of the contents
	Binary bool // they hold NUL

	search *Search
	hits   *Hits  // of the base that edits copy from; nil: they copy nothing
	edits  []edit // that make the contents
	own    []byte // what they insert
	other  bool   // there is nothing to be found in own
}

// all is the most of a search that has none.
const all = int(^uint(0) >> 1)

// walk calls copied with what is found in each stretch that is copied from the base, and
// own with each that is the object's own and may have something, until one of them returns
// false.
func (f *Found) walk(copied func(from, to int) bool, own func(text []byte) bool) {
	at := 0
	for _, ed := range f.edits {
		if h := f.hits; h != nil {
			if from, to := h.first[ed.from], h.first[ed.to]; from < to && !copied(int(from), int(to)) {
				return
			}
		}
		if !f.other && ed.end > at && !own(f.own[at:ed.end]) {
			return
		}
		at = ed.end
	}
}

// left is how many parts are asked for.
func (f *Found) left() int {
	if most := f.search.options.Most; most > 0 {
		return most
	}
	return all
}

// Each calls see with what is found, in order, until see returns false.
func (f *Found) Each(see func(Run) bool) {
	left, on := f.left(), true
	f.walk(func(from, to int) bool {
		n := min(to-from, left)
		left -= n
		return see(Run{Hits: f.hits, From: from, To: from + n}) && left > 0
	}, func(text []byte) bool {
		f.search.expr.each(text, func(_ int, part []byte) bool {
			left--
			on = see(Run{Part: part}) && left > 0
			return on
		})
		return on
	})
}

// EachCopied calls see with all that is found in what the object copies from its base.
func (f *Found) EachCopied(see func(Run)) {
	f.walk(func(from, to int) bool {
		see(Run{Hits: f.hits, From: from, To: to})
		return true
	}, func([]byte) bool { return true })
}

// Count returns how many parts are found.
func (f *Found) Count() int {
	most := f.left()
	count := 0
	f.walk(func(from, to int) bool {
		count += min(to-from, most-count)
		return count < most
	}, func(text []byte) bool {
		f.search.expr.each(text, func(int, []byte) bool {
			count++
			return count < most
		})
		return count < most
	})
	return count
}

// Own returns how many bytes are the object's own: so many, at most, are in the parts that
// it has in common with no base.
func (f *Found) Own() int { return len(f.own) }

// A Scanner is one worker of a search. It is not safe for concurrent use.
type Scanner struct {
	search *Search
	edits  edits
	whole  [1]edit // the one of contents that stand by themselves
	found  Found

	base *Base // the last one, and
	hits *Hits // what is found in it: frames against one base come one after another, often
}

// NewScanner returns a Scanner of s.
func (s *Search) NewScanner() *Scanner { return &Scanner{search: s} }

// Frame searches the contents of frame. base is the one that BaseOf names, nil
// where there is none. The error is one of Decode's, and for the same frames, or
// ErrTooManyMatches.
func (s *Scanner) Frame(frame []byte, base *Base) (*Found, error) {
	s.found = Found{search: s.search}
	kind, err := s.search.decoder.kind(frame)
	if err != nil {
		return nil, err
	}
	switch searched := s.searched(base); {
	case searched && kind == Delta:
		err = s.delta(frame, base)
		if err == errManyEdits {
			err = s.contents(frame, base)
		}
	case searched && kind == Same:
		err = s.same(frame, base)
	default:
		err = s.contents(frame, base)
	}
	if err == nil && s.search.expr.matchesTooOften(s.found.own) {
		err = fmt.Errorf("%w: over %d", ErrTooManyMatches, mostOnLine)
	}
	if err != nil {
		return nil, err
	}
	return &s.found, nil
}

// searched finds out what is in base, and reports whether that is known.
func (s *Scanner) searched(base *Base) bool {
	if base == nil {
		return false
	}
	if s.base != base {
		s.base, s.hits = base, s.search.of(base)
	}
	return s.hits != nil
}

func (s *Scanner) contents(frame []byte, base *Base) error {
	contents, err := s.search.decoder.Decode(frame, base)
	if err != nil {
		return err
	}
	s.whole[0] = edit{end: len(contents)}
	s.found.Length, s.found.Binary = len(contents), IsBinary(contents)
	s.found.own, s.found.edits = contents, s.whole[:]
	return nil
}

func (s *Scanner) same(frame []byte, base *Base) error {
	contents, err := s.search.decoder.Decode(frame, base)
	if err != nil {
		return err
	}
	s.whole[0] = edit{to: base.lines()}
	s.found.Length, s.found.Binary = len(contents), base.binary(0, base.lines())
	s.found.hits, s.found.edits = s.hits, s.whole[:]
	return nil
}

func (s *Scanner) delta(frame []byte, base *Base) error {
	e := &s.edits
	if err := e.read(frame, base, s.search.decoder.limit); err != nil {
		return err
	}
	s.found.Length = e.length
	s.found.Binary = IsBinary(e.inserted)
	if base.nuls != nil {
		for _, ed := range e.list {
			s.found.Binary = s.found.Binary || base.binary(ed.from, ed.to)
		}
	}
	s.found.hits, s.found.edits = s.hits, e.list
	s.found.own, s.found.other = e.inserted, !s.search.expr.mayMatch(e.inserted)
	return nil
}

// mayMatch is false where no line of text can be among what x finds.
func (x *Expr) mayMatch(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	if x.needles == nil || x.options.Invert {
		return true
	}
	h := newHunt(x.needles, text)
	return h.from(0) < len(text)
}
