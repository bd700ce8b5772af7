package interactions

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/parse"
)

// scan reads the record of sysops-agent as it writes it: nine tenths of it
// are lists that nobody asks for, which are passed over unread. It is false for
// whatever else there may be in a record: that is left to encoding/json.
func scan(contents []byte, servers bool) (*Record, bool) {
	s := recordScanner{rest: contents}
	out := &Record{}
	if servers {
		out.Servers = make(map[string]Interaction)
	}
	enough := false
	ok := s.object(func(key []byte) bool {
		switch string(key) {
		case "updated":
			updated, err := strconv.ParseInt(string(s.number()), 10, 64)
			out.Updated = updated
			return err == nil
		case "total":
			enough = s.interaction(&out.Total) && !servers
			return servers && s.sound // without servers, the rest is not read
		case "servers":
			return servers && s.object(func(name []byte) bool {
				var one Interaction
				if len(name) > parse.MaxName || !s.interaction(&one) {
					return false
				}
				out.addServer(string(name), one)
				return true
			})
		}
		return false
	})
	if ok {
		s.blanks()
	}
	return out, enough || ok && len(s.rest) == 0
}

// A recordScanner reads JSON from its front.
type recordScanner struct {
	rest  []byte
	kept  []figure // to which series point
	sound bool     // whether the last interaction was
}

func (s *recordScanner) blanks() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\n' || s.rest[0] == '\t' || s.rest[0] == '\r') {
		s.rest = s.rest[1:]
	}
}

// take takes a character, if it is the next one.
func (s *recordScanner) take(c byte) bool {
	s.blanks()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// object calls value with each key; it must take the value.
func (s *recordScanner) object(value func(key []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		if !s.take('"') {
			return false
		}
		end := bytes.IndexByte(s.rest, '"')
		if end < 0 {
			return false
		}
		key := s.rest[:end]
		s.rest = s.rest[end+1:]
		if bytes.IndexByte(key, '\\') >= 0 || !utf8.Valid(key) || !s.take(':') || !value(key) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *recordScanner) interaction(into *Interaction) bool {
	s.sound = s.object(func(key []byte) bool {
		switch string(key) {
		case "seconds":
			return s.series(&into.Seconds)
		case "bytes_per_second":
			return s.series(&into.Rate)
		}
		return false
	})
	return s.sound
}

func (s *recordScanner) series(into *Series) bool {
	return s.object(func(key []byte) bool {
		if string(key) == "last" {
			return s.passOverList()
		}
		at := into.at(string(key))
		if at == nil {
			return false
		}
		v, err := strconv.ParseFloat(string(s.number()), 64)
		if err != nil {
			return false
		}
		if len(s.kept) == cap(s.kept) {
			s.kept = make([]figure, 0, 64) // all of five interactions, at once
		}
		s.kept = append(s.kept, figure(v))
		*at = &s.kept[len(s.kept)-1]
		return true
	})
}

// number returns the characters of the next number: of what is none, nothing.
func (s *recordScanner) number() []byte {
	s.blanks()
	n := 0
	for n < len(s.rest) && (s.rest[n] >= '0' && s.rest[n] <= '9' || s.rest[n] == '-' || s.rest[n] == '.' || s.rest[n] == '+' || s.rest[n] == 'e' || s.rest[n] == 'E') {
		n++
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

// passOverList takes a list of numbers, or null, which an empty one is written as.
func (s *recordScanner) passOverList() bool {
	s.blanks()
	var null bool
	if s.rest, null = bytes.CutPrefix(s.rest, []byte("null")); null {
		return true
	}
	end := bytes.IndexByte(s.rest, ']')
	if end < 0 || !s.take('[') {
		return false
	}
	list := s.rest[:end-1]
	s.rest = s.rest[end:]
	for _, c := range []byte(`"[{`) { // within which there might be another ]
		if bytes.IndexByte(list, c) >= 0 {
			return false
		}
	}
	return true
}
