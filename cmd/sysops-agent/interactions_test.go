package main

import (
	"math"
	"testing"
	"time"
)

func TestSeriesSumsUpItsValues(t *testing.T) {
	tests := []struct {
		values                                   []float64
		mean, median, std, variance, least, most float64
	}{
		{values: []float64{3}, mean: 3, median: 3, least: 3, most: 3},
		{values: []float64{4, 1}, mean: 2.5, median: 2.5, std: 1.5, variance: 2.25, least: 1, most: 4},
		{values: []float64{9, 2, 5, 4, 4, 5, 4, 7}, mean: 5, median: 4.5, std: 2, variance: 4, least: 2, most: 9},
	}
	for _, tt := range tests {
		var s Series
		for _, v := range tt.values {
			s.add(v)
		}
		for _, f := range []struct {
			name      string
			got, want float64
		}{
			{"mean", s.Mean, tt.mean},
			{"median", s.Median, tt.median},
			{"std", s.Std, tt.std},
			{"var", s.Var, tt.variance},
			{"min", s.Min, tt.least},
			{"max", s.Max, tt.most},
		} {
			if math.Abs(f.got-f.want) > 1e-9 {
				t.Errorf("%v: %s is %v, want %v", tt.values, f.name, f.got, f.want)
			}
		}
	}
}

// A host pushes some hundred times a day: the record must not grow with them.
func TestSeriesKeepsTheLastFifty(t *testing.T) {
	var s Series
	for i := range 120 {
		s.add(float64(i))
	}
	if len(s.Last) != 50 || s.Last[0] != 70 || s.Last[49] != 119 || s.Min != 70 || s.Max != 119 {
		t.Errorf("%d values from %v to %v, min %v, max %v; want 50 from 70 to 119", len(s.Last), s.Last[0], s.Last[len(s.Last)-1], s.Min, s.Max)
	}
}

// A push that took no measurable time has no rate: infinity is no JSON.
func TestInteractionWithoutTimeHasNoRate(t *testing.T) {
	var i Interaction
	i.add(0, 100)
	i.add(2*time.Second, 100)
	if len(i.Seconds.Last) != 2 || len(i.Rate.Last) != 1 || i.Rate.Last[0] != 50 {
		t.Errorf("seconds %v, rates %v; want two seconds and the rate 50", i.Seconds.Last, i.Rate.Last)
	}
}
