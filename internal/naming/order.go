package naming

import (
	"cmp"
	"strings"
)

// CompareNatural orders text as a person would: numbers in it by value, web9 before
// web10, and all else by its bytes. It returns -1, 0 or 1, and 0 only for the same text:
// where two differ in leading zeros alone, those decide.
func CompareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m > 0 && n > 0 {
			if c := CompareNumbers(x[:m], y[:n]); c != 0 {
				return c
			}
			x, y = x[m:], y[n:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// CompareNumbers orders decimal digits by the number that they are, of whatever length:
// 007 and 7 are equal. It returns -1, 0 or 1.
func CompareNumbers(a, b string) int {
	if len(a) == len(b) {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// digits returns how many digits text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}
