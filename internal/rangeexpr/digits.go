package rangeexpr

import (
	"math/big"
	"strings"
)

// Numbers in names are kept as text: they may have leading zeros, which count, and
// any number of digits, such as those of a date or of a serial number.

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digitsEnd returns where the digits that begin at s[at] end.
func digitsEnd(s string, at int) int {
	for at < len(s) && isDigit(s[at]) {
		at++
	}
	return at
}

// follows reports whether b is the next number after a, written as a is: 10
// follows both 9 and 09, and 010 follows neither.
func follows(a, b string) bool {
	if len(b) == len(a)+1 && b[0] == '1' {
		return strings.Trim(a, "9") == "" && strings.Trim(b[1:], "0") == ""
	}
	if len(a) != len(b) {
		return false
	}
	i := len(a) - 1
	for i > 0 && a[i] == '9' && b[i] == '0' {
		i--
	}
	return i >= 0 && b[i] == a[i]+1 && isDigit(b[i]) && a[:i] == b[:i]
}

// increment makes of a number the next one, which has one digit more where all
// were nines.
func increment(digits []byte) []byte {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return digits
		}
		digits[i] = '0'
	}
	return append([]byte{'1'}, digits...)
}

// numbersBetween returns how many numbers there are from first to last, at most
// plenty.
func numbersBetween(first, last string) int {
	a, _ := new(big.Int).SetString(first, 10)
	b, _ := new(big.Int).SetString(last, 10)
	b.Sub(b, a)
	switch {
	case b.Sign() < 0:
		return 0
	case b.Cmp(big.NewInt(plenty)) >= 0:
		return plenty
	}
	return int(b.Int64()) + 1
}
