package frame

import (
	"bytes"
	"sync"
)

// A Search is one expression on its way through many frames. It evaluates the
// expression once for each base; of the frames against that base, only the lines
// that they insert are then searched. What it finds is what unpacking the frame
// and searching the contents would. It is safe for concurrent use.
type Search struct {
	expr    *Expr
	decoder *Decoder
	most    int // parts of an object, 0: all

	mu   sync.Mutex
	hits map[ID]*Hits // nil: of a base that there is no room for
	room int          // bytes that further hits may take
}

// hitsBytes is how much memory a search spends on what it finds in bases. Any host may
// have written thousands of them.
const hitsBytes = 32 << 20

// NewSearch returns a search for x in frames that d unpacks. Of an object, no more
// than the first most lines are found, or matches with OnlyMatching; 0: all.
func NewSearch(x *Expr, d *Decoder, most int) *Search {
	return &Search{expr: x, decoder: d, most: most, hits: make(map[ID]*Hits), room: hitsBytes}
}

// Hits are what an expression finds in a base. They are safe for concurrent use.
type Hits struct {
	Parts [][]byte // in order; must not be changed

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
	h := &Hits{first: make([]uint32, b.lines()+1)}
	line := 0
	s.expr.each(b.all, func(at int, part []byte) bool {
		for int(b.starts[line]) < at {
			line++
			h.first[line] = uint32(len(h.Parts))
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
		h.first[line] = uint32(len(h.Parts))
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

// Found is what a search found in an object.
type Found struct {
	Runs   []Run // valid until the Scanner is used again
	Count  int   // of all parts
	Binary bool  // the contents hold NUL
	Length int   // of the contents
}

// A Scanner is one worker of a search. It is not safe for concurrent use.
type Scanner struct {
	search *Search
	edits  edits
	found  Found

	base *Base // the last one, and
	hits *Hits // what is found in it: frames against one base come one after another, often
}

// NewScanner returns a Scanner of s.
func (s *Search) NewScanner() *Scanner { return &Scanner{search: s} }

// Frame searches the contents of frame. base is the one that BaseOf names, nil
// where there is none. The error is one of Decode's, and for the same frames.
func (s *Scanner) Frame(frame []byte, base *Base) (*Found, error) {
	s.found = Found{Runs: s.found.Runs[:0]}
	kind, err := s.search.decoder.kind(frame)
	if err != nil {
		return nil, err
	}
	switch searched := s.searched(base); {
	case searched && kind == Delta:
		err = s.delta(frame, base)
	case searched && kind == Same:
		err = s.same(frame, base)
	default:
		err = s.contents(frame, base)
	}
	if err != nil {
		return nil, err
	}
	s.limit()
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
	s.found.Length, s.found.Binary = len(contents), IsBinary(contents)
	s.own(contents)
	return nil
}

func (s *Scanner) same(frame []byte, base *Base) error {
	contents, err := s.search.decoder.Decode(frame, base)
	if err != nil {
		return err
	}
	s.found.Length, s.found.Binary = len(contents), base.binary(0, base.lines())
	s.copied(0, base.lines())
	return nil
}

func (s *Scanner) delta(frame []byte, base *Base) error {
	e := &s.edits
	if err := e.read(frame, base, s.search.decoder.limit); err != nil {
		return err
	}
	s.found.Length = e.length
	s.found.Binary = IsBinary(e.inserted)
	own := s.search.expr.mayMatch(e.inserted)
	at := 0
	for _, ed := range e.list {
		s.copied(ed.from, ed.to)
		if base.nuls != nil {
			s.found.Binary = s.found.Binary || base.binary(ed.from, ed.to)
		}
		if own && ed.end > at {
			s.own(e.inserted[at:ed.end])
		}
		at = ed.end
	}
	return nil
}

// copied adds what is found in the lines from … to-1 of the base.
func (s *Scanner) copied(from, to int) {
	h := s.hits
	if a, b := h.first[from], h.first[to]; a < b {
		s.found.Runs = append(s.found.Runs, Run{Hits: h, From: int(a), To: int(b)})
		s.found.Count += int(b - a)
	}
}

// own adds what is found in text of the object's own.
func (s *Scanner) own(text []byte) {
	most := s.search.most
	s.search.expr.each(text, func(_ int, part []byte) bool {
		s.found.Runs = append(s.found.Runs, Run{Part: part})
		s.found.Count++
		return most == 0 || s.found.Count < most
	})
}

// limit cuts off what is beyond the most that is asked for.
func (s *Scanner) limit() {
	most := s.search.most
	if most == 0 || s.found.Count <= most {
		return
	}
	for i := range s.found.Runs {
		r := &s.found.Runs[i]
		if n := r.Len(); n < most {
			most -= n
			continue
		}
		if r.Hits != nil {
			r.To = r.From + most
		}
		s.found.Runs = s.found.Runs[:i+1]
		break
	}
	s.found.Count = s.search.most
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
