package network

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Distribution is how the values of a metric lie over hosts, smallest first.
type Distribution []float64

// NewDistribution leaves out what is not known.
func NewDistribution(values []float64) Distribution {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(sorted)
	return sorted
}

// Percentile returns the smallest value that is at least as large as p percent of all
// values (the nearest rank: one that a host really has, without interpolation). p is
// above 0 and at most 100; of no values it is NaN.
func (d Distribution) Percentile(p float64) float64 {
	if len(d) == 0 {
		return unknown
	}
	rank := int(math.Ceil(p*float64(len(d))/100 - 1e-9)) // 99.9 % of 1000 is 999.0000000000001
	return d[min(max(rank, 1), len(d))-1]
}

// Mean returns the arithmetic mean, NaN of no values.
func (d Distribution) Mean() float64 {
	if len(d) == 0 {
		return unknown
	}
	sum := 0.0
	for _, v := range d {
		sum += v / float64(len(d))
	}
	return sum
}

// Percentiles are the usual ones, in percent. 100 is the largest value.
func Percentiles() []float64 { return []float64{50, 90, 95, 99, 99.9, 100} }

// PercentileName is p50, p99.9, max.
func PercentileName(p float64) string {
	if p == 100 {
		return "max"
	}
	return fmt.Sprintf("p%v", p)
}

// Opposite is the percentile as far from 0 as p is from 100: of 99.9 it is 0.1, from which
// their difference is some way off.
func Opposite(p float64) float64 { return math.Round((100-p)*1e9) / 1e9 }

// Distribution returns how the metric lies over all hosts, those of other switches
// included.
func (f *Fleet) Distribution() Distribution {
	values := make([]float64, len(f.Hosts))
	for i := range f.Hosts {
		values[i] = f.Hosts[i].Value
	}
	return NewDistribution(values)
}

// A Threshold tells the hosts that are beyond.
type Threshold struct {
	Value float64
	Low   bool // beyond is below
}

// Threshold returns the value that only hosts beyond the given percentile exceed. Where
// small values are the bad ones, it is that of 100 minus the percentile, and they are
// below it. Percentile 0 puts every host with a value beyond.
func (m *Metric) Threshold(d Distribution, percentile float64) Threshold {
	switch {
	case percentile == 0 && m.Low:
		return Threshold{math.Inf(1), true}
	case percentile == 0:
		return Threshold{math.Inf(-1), false}
	case m.Low && percentile == 100:
		return Threshold{math.Inf(-1), true}
	case m.Low:
		return Threshold{d.Percentile(100 - percentile), true}
	}
	return Threshold{d.Percentile(percentile), false}
}

// Beyond reports whether a value is: the threshold itself is not.
func (t Threshold) Beyond(value float64) bool {
	if t.Low {
		return value < t.Value
	}
	return value > t.Value
}

// Beyond returns the hosts that are beyond the threshold, the worst first.
func (f *Fleet) Beyond(t Threshold) []*Host {
	var out []*Host
	for i := range f.Hosts {
		if h := &f.Hosts[i]; h.selected && t.Beyond(h.Value) {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b *Host) int {
		if t.Low {
			return cmp.Compare(a.Value, b.Value)
		}
		return cmp.Compare(b.Value, a.Value)
	})
	return out
}

// A Group is hosts that have something in common, such as a switch, and how many of them
// are beyond the threshold.
type Group struct {
	Name   string   `json:"name"`
	Beyond int      `json:"beyond"`
	Hosts  int      `json:"hosts"` // of which the metric is known
	Share  float64  `json:"share"` // Beyond of Hosts
	Score  float64  `json:"score"` // see Groups
	Who    []string `json:"-"`     // those beyond, in the order of their names
	Ports  []string `json:"ports"` // of a switch: those of Who, each once
}

// newGroup computes what follows from the counts.
func (g *Group) finish() {
	g.Share = float64(g.Beyond) / float64(max(g.Hosts, 1))
	g.Score = wilson(g.Beyond, g.Hosts)
}

// wilson is the lower bound of Wilson's 95 % interval of a proportion: what share can at
// least be believed in. It puts 30 of 40 (0.60) before 31 of 200 (0.11) and before
// 1 of 1 (0.21).
func wilson(beyond, of int) float64 {
	if of == 0 {
		return 0
	}
	const z = 1.96
	n, p := float64(of), float64(beyond)/float64(of)
	return max(0, (p+z*z/(2*n)-z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n)))/(1+z*z/n))
}

// sortGroups puts the worst first.
func sortGroups(groups []Group) {
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Beyond, a.Beyond), strings.Compare(a.Name, b.Name))
	})
}

// Switches returns the switches to which at least one host beyond the threshold is
// connected, the worst first: by the lower bound of Wilson's 95 % interval of the share
// of their hosts that are beyond. A host counts once for each of its switches.
func (f *Fleet) Switches(t Threshold) []Group {
	groups := make(map[string]*Group)
	for i := range f.Hosts {
		h := &f.Hosts[i]
		if !known(h.Value) || !h.selected {
			continue
		}
		counted := make(map[string]bool)
		for _, l := range h.Links {
			g := groups[l.Switch]
			if g == nil {
				g = &Group{Name: l.Switch, Ports: []string{}}
				groups[l.Switch] = g
			}
			beyond := t.Beyond(h.Value)
			if !counted[l.Switch] {
				counted[l.Switch] = true
				g.Hosts++
				if beyond {
					g.Beyond++
					g.Who = append(g.Who, h.Name)
				}
			}
			if beyond && l.Port != "" && !slices.Contains(g.Ports, l.Port) {
				g.Ports = append(g.Ports, l.Port)
			}
		}
	}
	return finishGroups(groups)
}

func finishGroups(groups map[string]*Group) []Group {
	var out []Group
	for _, g := range groups {
		if g.Beyond > 0 {
			g.finish()
			out = append(out, *g)
		}
	}
	sortGroups(out)
	return out
}

// Clusters returns the clusters that the hosts beyond the threshold share, the worst
// first, as Switches does. clustersOf returns the clusters that hold at least one of the
// hosts, and members the hosts of a cluster; both ask Range. One that cannot be
// expanded is left out and told to warn. alone is how many such hosts are in none.
func (f *Fleet) Clusters(t Threshold, clustersOf func(hosts []string) ([]string, error), members func(cluster string) ([]string, error), warn func(error)) (shared []Group, alone int, err error) {
	value := make(map[string]float64, len(f.Hosts))
	var beyond []string
	for i := range f.Hosts {
		h := &f.Hosts[i]
		if !known(h.Value) || !h.selected {
			continue
		}
		value[h.Name] = h.Value
		if t.Beyond(h.Value) {
			beyond = append(beyond, h.Name)
		}
	}
	if len(beyond) == 0 {
		return nil, 0, nil
	}
	names, err := clustersOf(beyond)
	if err != nil {
		return nil, 0, err
	}
	held := make(map[string]bool) // of beyond
	groups := make(map[string]*Group)
	for _, name := range names {
		hosts, err := members(name)
		if err != nil {
			warn(fmt.Errorf("cluster %s is left out: %w", name, err))
			continue
		}
		g := &Group{Name: name}
		for _, h := range hosts {
			v, ok := value[strings.ToLower(h)]
			if !ok {
				continue
			}
			g.Hosts++
			if t.Beyond(v) {
				g.Beyond++
				g.Who = append(g.Who, strings.ToLower(h))
				held[strings.ToLower(h)] = true
			}
		}
		groups[name] = g
	}
	return finishGroups(groups), len(beyond) - len(held), nil
}
