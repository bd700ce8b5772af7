package redact

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// A span is where a secret lies in a text.
type span struct {
	start, end int
	rule       string
}

// A scan is one search through a text.
type scan struct {
	data   []byte
	format format
	spans  []span

	strengths map[string]strength // of the names that have been met

	start, end int // of the line in which the present trigger lies, without what ends it
	done       int // before here keys have been dealt with
	shaped     int // before here a token has been found
	manifest   int // before here a manifest of a Secret has been read
	mapped     int // before here the pairs below a key have been read
	webKeys    int // before here the parts of a web key have been read
	filled     int // how long the text is without what is blank around it
	command    int // before here the line has been read as a command's arguments
}

var allTriggers = sync.OnceValue(func() *triggerSet {
	return newTriggerSet(slices.Concat(shapeTriggers(), blockTriggers(), wordTriggers(), commandTriggers(), directiveTriggers(), callTriggers(), redirectTriggers()))
})

// find returns where the secrets of a text are, in order and apart.
func find(f format, data []byte, strengths map[string]strength) []span {
	s := &scan{data: data, format: f, strengths: strengths}
	s.records()
	triggers := allTriggers()
	for pos := 0; ; pos++ {
		at, near := triggers.next(data, pos)
		if at == len(data) {
			break
		}
		pos = at
		for _, t := range near {
			if hasFold(data[at:], t.text) {
				s.enter(at)
				t.find(s, at)
			}
		}
	}
	return s.sorted()
}

// enter makes the line of data[at:] the present one.
func (s *scan) enter(at int) {
	if s.start <= at && at < s.end {
		return
	}
	s.start, s.end = s.lineStart(at), s.lineEnd(at)
}

// lineStart looks no further back than to the present line's end: triggers come in order.
func (s *scan) lineStart(at int) int {
	from := min(s.end, at)
	return from + bytes.LastIndexAny(s.data[from:at], "\n\r") + 1
}

// lineEnd returns where the line of pos ends.
func (s *scan) lineEnd(pos int) int {
	if n := bytes.IndexAny(s.data[pos:], "\n\r"); n >= 0 {
		return pos + n
	}
	return len(s.data)
}

// nextLine returns where the line after that of pos begins and ends; false where there is none.
func (s *scan) nextLine(pos int) (start, end int, ok bool) {
	start = s.lineEnd(pos)
	if start == len(s.data) {
		return 0, 0, false
	}
	if s.data[start] == '\r' && start+1 < len(s.data) && s.data[start+1] == '\n' {
		start++
	}
	start++
	return start, s.lineEnd(start), true
}

// add notes a secret, unless it is a mark already, a part of one, or nothing at all. It contains
// marks as a whole.
func (s *scan) add(start, end int, rule string) {
	start, end = s.behindMark(start), s.behindMark(end)
	if start >= end || end-start <= longestMark && end <= start+markLength(s.data[start:]) {
		return
	}
	s.spans = append(s.spans, span{start, end, rule})
}

// behindMark returns where the mark ends in which pos lies; pos itself where it lies in none.
func (s *scan) behindMark(pos int) int {
	from := max(0, pos-longestMark)
	if i := bytes.LastIndex(s.data[from:min(len(s.data), pos+len("[redacted")-1)], []byte("[redacted")); i >= 0 {
		return max(pos, from+i+markLength(s.data[from+i:]))
	}
	return pos
}

// sorted returns the spans in order; those that overlap have become one.
func (s *scan) sorted() []span {
	slices.SortStableFunc(s.spans, func(a, b span) int { return cmp.Or(a.start-b.start, b.end-a.end) })
	var apart []span
	for _, sp := range s.spans {
		if n := len(apart); n > 0 && sp.start < apart[n-1].end {
			apart[n-1].end = max(apart[n-1].end, sp.end)
			continue
		}
		apart = append(apart, sp)
	}
	return apart
}
