package redact

// A trigger is a text, in lower case and of three bytes or more, at which something is looked
// for, in whatever case the text is written.
type trigger struct {
	text string
	find func(s *scan, at int) // adds what it finds around data[at:], where the text begins
}

// A triggerSet searches for the texts of many triggers in one pass over the data: it looks
// each three bytes up in a bitmap of 4 KiB, which the processor keeps close, and compares only
// where a text begins with them.
type triggerSet struct {
	begins [1 << 15 / 64]uint64
	by     map[uint16][]trigger
}

func newTriggerSet(triggers []trigger) *triggerSet {
	s := &triggerSet{by: make(map[uint16][]trigger)}
	for _, t := range triggers {
		h := hash(t.text[0], t.text[1], t.text[2])
		s.begins[h/64] |= 1 << (h % 64)
		s.by[h] = append(s.by[h], t)
	}
	return s
}

// hash takes five bits of each byte, which are the same for capitals.
func hash(a, b, c byte) uint16 {
	return uint16(a&31)<<10 | uint16(b&31)<<5 | uint16(c&31)
}

// next returns where the first text may begin at or after from, and the triggers to compare;
// len(data) where there is none.
func (s *triggerSet) next(data []byte, from int) (int, []trigger) {
	if from+2 >= len(data) {
		return len(data), nil
	}
	h := hash(0, data[from], data[from+1])
	for i, c := range data[from+2:] {
		h = (h<<5 | uint16(c&31)) & (1<<15 - 1)
		if s.begins[h/64]&(1<<(h%64)) != 0 {
			return from + i, s.by[h]
		}
	}
	return len(data), nil
}

// hasFold reports whether data begins with text, which is in lower case, in whatever case.
func hasFold(data []byte, text string) bool {
	if len(data) < len(text) {
		return false
	}
	for i := range len(text) {
		if lower(data[i]) != text[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool  { return isLetter(c) || isDigit(c) }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }
