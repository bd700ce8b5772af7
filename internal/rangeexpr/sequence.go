package rangeexpr

import "strings"

// A sequence is a word such as web01..12.example.com: texts that differ in one
// number, which goes up by one.
type sequence struct {
	head  string // before the digits that change
	first string // digits; none of the numbers is written with fewer
	last  string // digits, as written in the last text
	tail  string
	count int // of texts, at most plenty
}

// maxSequence is the longest text that can be a sequence of host names: twice the
// longest name (RFC 1035: 253 bytes). Finding out takes more than linear time.
const maxSequence = 2*253 + len("..")

// parseSequence reads a word as Range does, whose rule is a regular expression:
//
//	^([-\w.]*?) (\d+) (\.[-A-Za-z\d.]*[-A-Za-z]+[-A-Za-z\d.]*)?   prefix, first, domain
//	\.\. \1? (\d+) ((?(3)\3|(?:\.[-A-Za-z\d.]+)?))$               prefix again, last, domain
//
// So the number is the leftmost that works; prefix and domain may be repeated; a
// domain before the dots must be, after the number there may be any. Everything
// else is no sequence, but a name like any other.
func parseSequence(word string) (sequence, bool) {
	if len(word) > maxSequence || !strings.Contains(word, "..") {
		return sequence{}, false
	}
	for at := 0; at < len(word) && isPrefixByte(word[at]); at++ {
		if !isDigit(word[at]) {
			continue
		}
		end := digitsEnd(word, at)
		if s, ok := sequenceFrom(word[:at], word[at:end], word[end:]); ok {
			return s, true
		}
		at = end - 1
	}
	return sequence{}, false
}

// sequenceFrom reads what comes after the first number: the longest domain that
// works, then none.
func sequenceFrom(prefix, first, rest string) (sequence, bool) {
	end := 0
	for end < len(rest) && isDomainByte(rest[end]) && rest[0] == '.' {
		end++
	}
	for ; end > 0; end-- {
		if !strings.HasPrefix(rest[end:], "..") || strings.IndexFunc(rest[:end], isNotNumeric) < 0 {
			continue
		}
		if s, ok := sequenceTo(prefix, first, rest[:end], rest[end+2:]); ok {
			return s, true
		}
	}
	if after, ok := strings.CutPrefix(rest, ".."); ok {
		return sequenceTo(prefix, first, "", after)
	}
	return sequence{}, false
}

// sequenceTo reads what comes after the dots.
func sequenceTo(prefix, first, domain, rest string) (sequence, bool) {
	after, repeated := strings.CutPrefix(rest, prefix)
	for _, s := range []string{after, rest} {
		n := digitsEnd(s, 0)
		if n > 0 && (s[n:] == domain || domain == "" && isDomain(s[n:])) {
			return newSequence(prefix, first, s[:n], s[n:]), true
		}
		if !repeated || prefix == "" {
			break
		}
	}
	return sequence{}, false
}

// newSequence settles what the digits mean. A last number with fewer digits than
// the first is an abbreviation: 100..3 is 100..103. One with as many or more is
// whole: 8..11, and 08..11, whose numbers have at least two digits.
func newSequence(prefix, first, last, domain string) sequence {
	if same := len(first) - len(last); same > 0 {
		prefix, first = prefix+first[:same], first[same:]
	}
	for len(last) > len(first) && last[0] == '0' {
		last = last[1:]
	}
	return sequence{head: prefix, first: first, last: last, tail: domain, count: numbersBetween(first, last)}
}

func (s sequence) firstText() string { return s.head + s.first + s.tail }
func (s sequence) lastText() string  { return s.head + s.last + s.tail }

func isLetter(c byte) bool     { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDomainByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '.' }
func isPrefixByte(c byte) bool { return isDomainByte(c) || c == '_' }
func isHostByte(c byte) bool   { return isPrefixByte(c) || c == ':' }
func isNotNumeric(r rune) bool { return r != '.' && (r < '0' || r > '9') }

// isDomain reports whether a sequence can end in s.
func isDomain(s string) bool {
	if len(s) < 2 || s[0] != '.' {
		return false
	}
	for i := range len(s) {
		if !isDomainByte(s[i]) {
			return false
		}
	}
	return true
}
