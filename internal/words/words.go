// Package words writes numbers, ages and names as people read them in errors, warnings and
// tables, and finds the word that was meant where one is misspelt. It knows nothing of what
// the words are about.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Plural writes a number and what it counts: 1 core, 2 cores.
func Plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return Grouped(n) + " " + what
}

// Age writes a duration in its largest whole unit.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// Grouped writes 24247 as 24,247.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes writes a number of bytes in the largest unit of which there is one: 1234 is 1.2 kB.
func Bytes(n int64) string {
	value, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	for value >= 1000 && len(units) > 1 {
		value, units = value/1000, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[0])
}

// Nearest returns the word that s is most likely a misspelling of, "" if none is
// close: one that begins with s, or else the one that takes the fewest changes.
func Nearest(s string, words []string) string {
	best, distance := "", min(max(2, len(s)/3)+1, len(s))
	for _, w := range words {
		if len(s) > 2 && strings.HasPrefix(w, s) && len(w) <= len(s)+2 {
			return w
		}
		if d := editDistance(s, w); d < distance {
			best, distance = w, d
		}
	}
	return best
}

// editDistance counts the letters to be changed, added, taken out, or exchanged with
// their neighbour (Damerau and Levenshtein's optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// Size writes bytes as Redis' INFO does: 1.05M, a M being 1024 K.
func Size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	f, unit := float64(n), 0
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.2f%c", f, "BKMGT"[unit])
}
