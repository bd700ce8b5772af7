package redact

import "bytes"

// A textSet searches for many texts in one pass over the data: it looks each
// pair of bytes up in a bitmap of 8 KiB, and compares only where a text begins
// with that pair.
type textSet struct {
	pairs [1 << 16 / 64]uint64
	texts [256][][]byte // by their first byte
}

// newTextSet takes texts of two bytes or more.
func newTextSet(texts []string) *textSet {
	s := &textSet{}
	for _, text := range texts {
		pair := uint16(text[0])<<8 | uint16(text[1])
		s.pairs[pair/64] |= 1 << (pair % 64)
		s.texts[text[0]] = append(s.texts[text[0]], []byte(text))
	}
	return s
}

// next returns where the first of the texts begins at or after from; len(data)
// where there is none.
func (s *textSet) next(data []byte, from int) int {
	if from >= len(data) {
		return len(data)
	}
	pair := uint16(data[from])
	for i, c := range data[from+1:] {
		pair = pair<<8 | uint16(c)
		if s.pairs[pair/64]&(1<<(pair%64)) != 0 && s.matches(data[from+i:]) {
			return from + i
		}
	}
	return len(data)
}

func (s *textSet) matches(data []byte) bool {
	for _, text := range s.texts[data[0]] {
		if bytes.HasPrefix(data, text) {
			return true
		}
	}
	return false
}
