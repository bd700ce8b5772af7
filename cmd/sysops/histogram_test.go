package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever the values: each is in one bin, the one whose edges it lies between.
func TestEveryValueIsInItsBin(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 2000 {
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
		bins := histogram(values)
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
		if got := fmt.Sprint(histogram(row.values)); got != row.want {
			t.Errorf("%v: %s, want %s", row.values, got, row.want)
		}
	}
}

func TestHistogramLines(t *testing.T) {
	bins := []histogramBin{{0, 1, 1000}, {1, 10, 250}, {10, 20, 1}, {20, 30, 0}}
	s := histogramStyle{
		label: func(v float64) string { return fmt.Sprintf("%v s", v) }, width: 62,
		mark: func(b histogramBin) string {
			if b.From == 10 {
				return " ← here"
			}
			return ""
		},
	}
	want := []string{
		" 0 s –  1 s  1,000   79.9%  ███████████████",
		" 1 s – 10 s    250   20.0%  ███▊",
		"10 s – 20 s      1    0.1%  ▏ ← here",
		"20 s – 30 s      0    0.0%",
	}
	if got := s.lines(bins); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.ascii, s.mark = true, nil
	for i, line := range s.lines(bins) {
		if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) || strings.Count(line, "#") != []int{15, 4, 1, 0}[i] {
			t.Errorf("in ASCII: %s", line)
		}
	}
	s.width = 1000
	for _, line := range s.lines(bins) {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("a line of %d columns", n)
		}
	}
}

func TestASCIIOnly(t *testing.T) {
	for _, row := range []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "", false},
		{"C", "", "en_US.UTF-8", true},
		{"", "C.utf8", "C", false},
		{"", "", "de_DE.UTF-8", false},
		{"", "", "de_DE.ISO-8859-1", true},
		{"", "POSIX", "", true},
	} {
		t.Setenv("LC_ALL", row.all)
		t.Setenv("LC_CTYPE", row.ctype)
		t.Setenv("LANG", row.lang)
		if got := asciiOnly(); got != row.want {
			t.Errorf("%+v: %v", row, got)
		}
	}
}
