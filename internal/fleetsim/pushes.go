package fleetsim

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// interactionsName is where sysops-agent keeps its record of how long pushes took.
const interactionsName = "/var/lib/sysops/state/interaction_times.json"

// The record, in the words of sysops-agent.
type (
	pushes struct {
		Updated int64             `json:"updated"`
		Total   *pushed           `json:"total"`
		Servers map[string]pushed `json:"servers"`
	}
	pushed struct {
		Seconds figures `json:"seconds"`
		Rate    figures `json:"bytes_per_second"`
	}
	figures struct {
		Last   []float64 `json:"last"`
		Mean   float64   `json:"mean"`
		Median float64   `json:"median"`
		Std    float64   `json:"std"`
		Var    float64   `json:"var"`
		Min    float64   `json:"min"`
		Max    float64   `json:"max"`
	}
)

// recorded is how many pushes of an hour the record has. An agent keeps fifty, which
// would be a third of all that a host sends and say no more.
const recorded = 12

func pushRecord(m *machine) []byte {
	r := m.random(streamPushes)
	usual := 0.12 * math.Exp(0.3*r.NormFloat64()) // seconds
	if m.pace().slow {
		usual *= 12 + 8*r.Float64()
	}
	var servers [2]pushed
	total := &pushed{}
	for range recorded {
		bytes, longest := 0, time.Duration(0)
		for i := range servers {
			sent := 3000 + r.IntN(9000)
			took := time.Duration(usual * (0.7 + 0.6*r.Float64()) * float64(time.Second))
			servers[i].add(took, sent)
			bytes += sent
			longest = max(longest, took)
		}
		total.add(longest+time.Duration(2+r.IntN(8))*time.Millisecond, bytes) // they are asked at once
	}
	total.sum()
	for i := range servers {
		servers[i].sum()
	}
	record := pushes{epoch - r.Int64N(300), total, map[string]pushed{
		"mps01." + m.domain + ":6379/1": servers[0], "mps02." + m.domain + ":6379/1": servers[1],
	}}
	text, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		panic(err) // numbers are finite: no push takes no time
	}
	return append(text, '\n')
}

func (p *pushed) add(took time.Duration, bytes int) {
	p.Seconds.Last = append(p.Seconds.Last, took.Seconds())
	p.Rate.Last = append(p.Rate.Last, float64(bytes)/took.Seconds())
}

// sum fills in what the figures come to.
func (p *pushed) sum() {
	for _, f := range []*figures{&p.Seconds, &p.Rate} {
		sorted := slices.Sorted(slices.Values(f.Last))
		n := len(sorted)
		f.Min, f.Max, f.Median = sorted[0], sorted[n-1], (sorted[(n-1)/2]+sorted[n/2])/2
		sum, squares := 0.0, 0.0
		for _, x := range sorted {
			sum += x
		}
		f.Mean = sum / float64(n)
		for _, x := range sorted {
			squares += (x - f.Mean) * (x - f.Mean)
		}
		f.Var = squares / float64(n)
		f.Std = math.Sqrt(f.Var)
	}
}
