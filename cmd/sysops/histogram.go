package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api"
)

// A histogramBin is how many values lie from From up to, but not at, To. The last bin
// has those at To as well; a bin of one value has it as both.
type histogramBin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// Bins are few enough to be seen at once.
const (
	mostLinearBins = 12
	mostFineBins   = 20 // of 1, 2, 5, 10; beyond, 1, 10, 100
)

// histogram counts sorted values in bins with round edges: of equal width or, where the
// largest value is over 20 times the smallest, each two to ten times as wide as the one
// before. Zeros then have a bin of their own. Infinities and NaN must not be among the
// values.
func histogram(sorted []float64) []histogramBin {
	if len(sorted) == 0 {
		return nil
	}
	least, most := sorted[0], sorted[len(sorted)-1]
	if least == most {
		return []histogramBin{{least, most, len(sorted)}}
	}
	positive, _ := slices.BinarySearch(sorted, math.SmallestNonzeroFloat64)
	var bins []histogramBin
	var edges []float64
	if least == 0 || least > 0 && least < most/20 {
		if positive > 0 {
			bins = append(bins, histogramBin{0, 0, positive})
		}
		sorted = sorted[positive:]
		edges = logEdges(sorted[0], most)
	} else {
		edges = linearEdges(least, most)
	}
	at := 0
	for i := 1; i < len(edges); i++ {
		end, _ := slices.BinarySearch(sorted, edges[i])
		if i == len(edges)-1 {
			end = len(sorted)
		}
		bins = append(bins, histogramBin{edges[i-1], edges[i], end - at})
		at = end
	}
	return bins
}

// logEdges returns 1, 2, 5 times powers of ten, or only those powers, around values
// above zero.
func logEdges(least, most float64) []float64 {
	steps := []float64{1, 2, 5}
	if 3*math.Log10(most/least) > mostFineBins {
		steps = []float64{1}
	}
	var edges []float64
	for e := int(math.Floor(math.Log10(least))) - 1; ; e++ {
		for _, s := range steps {
			edge := decimal(s, e)
			if edge <= least {
				edges = edges[:0] // the last one that is not above the least value is the first
			}
			edges = append(edges, edge)
			if edge >= most && len(edges) > 1 {
				return edges
			}
		}
	}
}

// linearEdges returns multiples of 1, 2 or 5 times a power of ten.
func linearEdges(least, most float64) []float64 {
	raw := most/mostLinearBins - least/mostLinearBins // their difference might overflow
	power := int(math.Floor(math.Log10(max(raw, 1e-300))))
	step := 10.0
	for _, s := range []float64{1, 2, 5} {
		if decimal(s, power) >= raw {
			step = s
			break
		}
	}
	first := math.Floor(least / decimal(step, power))
	if decimal((first+1)*step, power) <= least { // the division was rounded
		first++
	}
	edges := []float64{decimal(first*step, power)}
	for i := 1.0; len(edges) <= mostLinearBins+2; i++ {
		edge := decimal((first+i)*step, power)
		edges = append(edges, edge)
		if edge >= most {
			break
		}
	}
	return edges
}

// decimal is n times a power of ten, as it is written: 3 times 0.1 is another number
// than 0.3, and a value at 0.3 would lie before it.
func decimal(n float64, power int) float64 {
	if power < 0 {
		return n / math.Pow10(-power)
	}
	return n * math.Pow10(power)
}

// A histogramStyle says how bins are drawn.
type histogramStyle struct {
	label func(float64) string // of a value
	width int                  // columns of a line
	ascii bool
	mark  func(histogramBin) string // what stands behind a bar; nil: nothing
}

// Columns of the longest bar.
const (
	leastBar = 10
	mostBar  = 60
)

// lines draws a line a bin: from, to, count, share and a bar.
func (s *histogramStyle) lines(bins []histogramBin) []string {
	total, highest, edge, digits := 0, 0, 0, 0
	for _, b := range bins {
		total += b.Count
		highest = max(highest, b.Count)
		edge = max(edge, columnsOf(s.label(b.From)), columnsOf(s.label(b.To)))
		digits = max(digits, len(sysops.Grouped(b.Count)))
	}
	lead := 2*edge + digits + len("  -    100.0%  ")
	bar := min(mostBar, max(leastBar, s.width-lead-len(" <- 99th percentile")))
	dash := "–"
	if s.ascii {
		dash = "-"
	}
	out := make([]string, len(bins))
	for i, b := range bins {
		line := fmt.Sprintf("%s %s %s  %*s %6.1f%%  %s", padLeft(s.label(b.From), edge), dash, padLeft(s.label(b.To), edge),
			digits, sysops.Grouped(b.Count), 100*float64(b.Count)/float64(max(total, 1)), s.bar(b.Count, highest, bar))
		if s.mark != nil {
			line += s.mark(b)
		}
		out[i] = strings.TrimRight(line, " ")
	}
	return out
}

// bar draws count as part of highest: anything above none is seen.
func (s *histogramStyle) bar(count, highest, width int) string {
	if count == 0 {
		return ""
	}
	eighths := max(1, int(math.Round(8*float64(width)*float64(count)/float64(highest))))
	if s.ascii {
		return strings.Repeat("#", max(1, (eighths+4)/8))
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// asciiOnly reports whether the environment says that text is something else than UTF-8.
// Where it says nothing, text is UTF-8, as everything else that sysops prints.
func asciiOnly() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToUpper(v)
			return !strings.Contains(v, "UTF-8") && !strings.Contains(v, "UTF8")
		}
	}
	return false
}

func columnsOf(text string) int { return len([]rune(text)) }

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-columnsOf(text))) + text
}
