package network

import (
	"math"
	"slices"
)

// A Bin is how many values lie from From up to, but not at, To. The last bin
// has those at To as well; a bin of one value has it as both.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// Bins are few enough to be seen at once.
const (
	mostLinearBins = 12
	mostFineBins   = 20 // of 1, 2, 5, 10; beyond, 1, 10, 100
)

// Histogram counts the values in bins with round edges: of equal width or, where the
// largest value is over 20 times the smallest, each two to ten times as wide as the one
// before. Zeros then have a bin of their own. Infinities and NaN must not be among the
// values.
func (d Distribution) Histogram() []Bin {
	sorted := []float64(d)
	if len(sorted) == 0 {
		return nil
	}
	least, most := sorted[0], sorted[len(sorted)-1]
	if least == most {
		return []Bin{{least, most, len(sorted)}}
	}
	positive, _ := slices.BinarySearch(sorted, math.SmallestNonzeroFloat64)
	var bins []Bin
	var edges []float64
	if least == 0 || least > 0 && least < most/20 {
		if positive > 0 {
			bins = append(bins, Bin{0, 0, positive})
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
		bins = append(bins, Bin{edges[i-1], edges[i], end - at})
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
