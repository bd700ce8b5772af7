package sysctl

import (
	"strconv"
	"strings"
)

// Same reports whether a live value is what writing the persistent one makes of it. The
// kernel separates with tabs what files separate with blanks, prints in decimal
// what was written as 0x10 or 010, and leaves the rest of a list alone of which only the
// first numbers are written.
func Same(persistent, live string) bool {
	p, l := strings.Fields(persistent), strings.Fields(live)
	if len(p) > len(l) || len(p) < len(l) && (len(p) == 0 || !allNumbers(l)) {
		return false
	}
	for i := range p {
		if p[i] != l[i] && !sameNumber(p[i], l[i]) {
			return false
		}
	}
	return true
}

func sameNumber(a, b string) bool {
	x, ok1 := number(a)
	y, ok2 := number(b)
	return ok1 && ok2 && x == y
}

// number is a number as the kernel reads it, its sign and size apart: 0x is
// hexadecimal, 0 octal.
func number(s string) (string, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if strings.ContainsAny(digits, "_+oO") || strings.HasPrefix(digits, "0b") || strings.HasPrefix(digits, "0B") { // Go's own
		return "", false
	}
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil {
		return "", false
	}
	out := strconv.FormatUint(n, 10)
	if negative && n != 0 {
		out = "-" + out
	}
	return out, true
}

func allNumbers(words []string) bool {
	for _, w := range words {
		if _, ok := number(w); !ok {
			return false
		}
	}
	return true
}
