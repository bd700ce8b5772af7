package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Whatever the values: each is in one bin, the one whose edges it lies between.
func TestEveryValueIsInItsBin(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range redistest.Cases(t, 2000) {
		values := make([]float64, 1+random.IntN(50))
		for i := range values {
			switch round % 5 {
			case 0:
				values[i] = math.Exp(random.NormFloat64() * 4)
			case 1:
				values[i] = float64(random.IntN(100))
			case 2:
				values[i] = float64(random.IntN(3)) * math.Pow(10, float64(random.IntN(200)-100))
			case 3:
				values[i] = 1000 + random.Float64()
			case 4:
				values[i] = random.NormFloat64()
			}
		}
		slices.Sort(values)
		bins := Distribution(values).Histogram()
		if len(bins) > 250 || round%5 != 2 && len(bins) > mostFineBins+6 {
			t.Errorf("%d bins of %v", len(bins), values)
		}
		sum := 0
		for i, b := range bins {
			count := 0
			for _, v := range values {
				if v >= b.From && (v < b.To || v == b.To && (i == len(bins)-1 || b.From == b.To)) && (v != 0 || b.From <= 0) {
					count++
				}
			}
			if i > 0 && b.From < bins[i-1].To || b.To < b.From || count < b.Count {
				t.Fatalf("bin %d of %+v; values %v", i, bins, values)
			}
			sum += b.Count
		}
		if sum != len(values) {
			t.Fatalf("%d of %d values are in %+v; values %v", sum, len(values), bins, values)
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   string
	}{
		{nil, "[]"},
		{[]float64{3, 3}, "[{3 3 2}]"},
		{[]float64{1, 2, 3, 4}, "[{1 1.5 1} {1.5 2 0} {2 2.5 1} {2.5 3 0} {3 3.5 1} {3.5 4 1}]"},
		{[]float64{0.1, 0.3, 0.6, 1}, "[{0.1 0.2 1} {0.2 0.3 0} {0.3 0.4 1} {0.4 0.5 0} {0.5 0.6 0} {0.6 0.7 1} {0.7 0.8 0} {0.8 0.9 0} {0.9 1 1}]"},
		{[]float64{0.3, 0.9, 1.2}, "[{0.3 0.4 1} {0.4 0.5 0} {0.5 0.6 0} {0.6 0.7 0} {0.7 0.8 0} {0.8 0.9 0} {0.9 1 1} {1 1.1 0} {1.1 1.2 1}]"},
		{[]float64{2e-06, 5e-05}, "[{2e-06 5e-06 1} {5e-06 1e-05 0} {1e-05 2e-05 0} {2e-05 5e-05 1}]"},
		{[]float64{1, 30}, "[{1 2 1} {2 5 0} {5 10 0} {10 20 0} {20 50 1}]"},
		{[]float64{0, 0, 30, 40}, "[{0 0 2} {20 50 2}]"},
		{[]float64{1, 1e9}, "[{1 10 1} {10 100 0} {100 1000 0} {1000 10000 0} {10000 100000 0} {100000 1e+06 0} {1e+06 1e+07 0} {1e+07 1e+08 0} {1e+08 1e+09 1}]"},
	} {
		if got := fmt.Sprint(Distribution(row.values).Histogram()); got != row.want {
			t.Errorf("%v: %s, want %s", row.values, got, row.want)
		}
	}
}
