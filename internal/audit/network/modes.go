package network

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
)

// A Mode is one of the answers that the audit has: what is read for it, and what its
// rows are. It does not change.
type Mode struct {
	Name string // as its flag and the documentation have it

	// Compares says by what hosts are compared for it.
	Compares Comparison

	// Narrows: its rows are about hosts beyond the threshold or with troubles, which
	// Options.Switch narrows to those of some switches.
	Narrows bool

	// Folded is the mode that tells of the same with the hosts of each row; nil: no host
	// is named.
	Folded *Mode

	reads   reading
	columns func(*Metric) []Field
	rows    func(*Findings, func(Row) bool) // nil: see Report
}

// A Comparison is what the hosts are compared by.
type Comparison int

// By any Metric, by the median time of pushes alone, or by nothing.
const (
	ByMetric Comparison = iota
	ByPushTime
	ByNothing
)

// reading is a set of what may be read.
type reading uint8

const (
	readMetric   reading = 1 << iota // the record of interaction times, or counters
	readLinks                        // to which switches hosts are connected
	readBonds                        // and what is wrong with them
	readServers                      // how long each Redis server takes
	readRatios                       // those that have a name
	readCounters                     // all of them, in place of those of the metric and of ratios
)

// A Field is one named value of a row.
type Field struct {
	Name  string
	Value any // what encoding/json takes; nil: not known
}

// A Row is one line of what a mode tells.
type Row struct {
	Fields []Field  // the mode's columns
	Hosts  []string // of a folded mode: those that it is about
	Of     any      // what it is about, for who writes text: *Host, *Group, *Trouble, Problem, Percentile, Bin or Spread
}

// The names of the modes.
const (
	Hosts       = "hosts"
	BySwitch    = "switchcount"
	ByCluster   = "range-clusters"
	Spreads     = "percentiles"
	Bins        = "histogram"
	ByServer    = "per-mps"
	Bonding     = "bonding"
	AllCounters = "list-netstat"
	Report      = "report" // a page of all of it, which its reader puts together out of the rows of the others
)

// Modes returns the table of modes, in the order in which they are documented.
func Modes() []*Mode {
	return []*Mode{
		{
			Name: Hosts, Narrows: true, reads: readMetric | readLinks,
			columns: func(m *Metric) []Field { return hostFields(m, &Host{}) }, rows: (*Findings).hostRows,
			Folded: &Mode{Name: Hosts, Narrows: true, reads: readMetric | readLinks, columns: noFields, rows: (*Findings).allHosts},
		},
		folding(Mode{
			Name: BySwitch, Narrows: true, reads: readMetric | readLinks,
			columns: func(*Metric) []Field { return switchFields(&Group{}) }, rows: (*Findings).switchRows,
		}),
		folding(Mode{
			Name: ByCluster, Narrows: true, reads: readMetric | readLinks,
			columns: func(*Metric) []Field { return groupFields("cluster", &Group{}) }, rows: (*Findings).clusterRows,
		}),
		{
			Name: Spreads, reads: readMetric,
			columns: func(m *Metric) []Field { return percentileFields(m, Percentile{}) }, rows: (*Findings).percentileRows,
		},
		{
			Name: Bins, reads: readMetric,
			columns: func(*Metric) []Field { return binFields(Bin{}) }, rows: (*Findings).binRows,
		},
		{
			Name: ByServer, Compares: ByPushTime, reads: readMetric | readServers,
			columns: func(*Metric) []Field { return spreadFields("server", Spread{}) }, rows: (*Findings).serverRows,
		},
		{
			Name: Bonding, Compares: ByNothing, Narrows: true, reads: readBonds,
			columns: func(*Metric) []Field { return troubleFields(&Trouble{}) }, rows: (*Findings).troubleRows,
			Folded: &Mode{
				Name: Bonding, Compares: ByNothing, Narrows: true, reads: readBonds,
				columns: func(*Metric) []Field { return problemFields(Problem{}) }, rows: (*Findings).problemRows,
			},
		},
		{
			Name: AllCounters, Compares: ByNothing, reads: readCounters,
			columns: func(*Metric) []Field { return spreadFields("counter", Spread{}) }, rows: (*Findings).counterRows,
		},
		{
			Name: Report, Narrows: true, reads: readMetric | readLinks | readBonds | readServers | readRatios,
			columns: func(*Metric) []Field { return []Field{{"report", map[string]any(nil)}} },
		},
	}
}

// folding is for a mode whose rows name their hosts as they are.
func folding(m Mode) *Mode {
	m.Folded = &m
	return &m
}

// ModeOf returns the mode of a name, which is one of the constants.
func ModeOf(name string) *Mode {
	modes := Modes()
	return modes[slices.IndexFunc(modes, func(m *Mode) bool { return m.Name == name })]
}

// Columns returns the fields of the mode's rows. Their values are of the right types, and
// say nothing.
func (m *Mode) Columns(metric *Metric) []Field { return m.columns(metric) }

// Rows makes the mode's rows, in their order: the worst first, or that of the names. Of
// several that need more memory than their fields, such as the values of a counter, one
// is held at a time.
func (m *Mode) Rows(f *Findings) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		if m.rows != nil {
			m.rows(f, yield)
		}
	}
}

// Findings are what was read of a fleet, and which hosts are beyond.
type Findings struct {
	*Fleet
	Metric     *Metric
	Percentile float64 // that the threshold is; also where the threshold is another value
	Spread     Distribution
	Threshold  Threshold
	Beyond     []*Host // the worst first

	Least  int     // how many hosts beyond a switch has that is told of; 0: any
	Shared []Group // the clusters that hosts beyond share, for ByCluster: see Fleet.Clusters
}

// Compare finds the hosts beyond a percentile of the metric.
func (f *Fleet) Compare(m *Metric, percentile float64) *Findings {
	d := f.Distribution()
	return f.compare(m, percentile, d, m.Threshold(d, percentile))
}

// CompareAbove finds the hosts that are beyond a value. The percentile is one that is
// told of beside the usual ones.
func (f *Fleet) CompareAbove(m *Metric, value, percentile float64) *Findings {
	return f.compare(m, percentile, f.Distribution(), Threshold{Value: value, Low: m.Low})
}

func (f *Fleet) compare(m *Metric, percentile float64, d Distribution, t Threshold) *Findings {
	out := &Findings{Fleet: f, Metric: m, Percentile: percentile, Spread: d, Threshold: t}
	if len(d) > 0 {
		out.Beyond = f.Beyond(t)
	}
	return out
}

func noFields(*Metric) []Field { return nil }

// Number is a number for programs, nil where it is not known.
func Number(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

func (f *Findings) hostRows(yield func(Row) bool) {
	for _, h := range f.Beyond {
		if !yield(Row{Fields: hostFields(f.Metric, h), Of: h}) {
			break
		}
	}
}

func hostFields(m *Metric, h *Host) []Field {
	fields := []Field{{"host", h.Name}, {"metric", m.Name}, {"value", Number(h.Value)}}
	if !m.ofCounters() {
		fields = append(fields, Field{"seconds", Number(h.Seconds)}, Field{"bytes_per_second", Number(h.Rate)})
	}
	var interfaces, switches, ports []string
	for _, l := range h.Links {
		interfaces, switches, ports = append(interfaces, l.Interface), append(switches, l.Switch), append(ports, l.Port)
	}
	return append(fields, Field{"interface", strings.Join(interfaces, ",")}, Field{"switch", strings.Join(switches, ",")}, Field{"port", strings.Join(ports, ",")})
}

// allHosts is one row of all hosts beyond.
func (f *Findings) allHosts(yield func(Row) bool) {
	if len(f.Beyond) == 0 {
		return
	}
	var names []string
	for _, h := range f.Beyond {
		names = append(names, h.Name)
	}
	yield(Row{Hosts: names})
}

func (f *Findings) switchRows(yield func(Row) bool) {
	for _, g := range f.Switches(f.Threshold) {
		if g.Beyond >= f.Least && !yield(Row{Fields: switchFields(&g), Hosts: g.Who, Of: &g}) {
			break
		}
	}
}

func (f *Findings) clusterRows(yield func(Row) bool) {
	for _, g := range f.Shared {
		if !yield(Row{Fields: groupFields("cluster", &g), Hosts: g.Who, Of: &g}) {
			break
		}
	}
}

func switchFields(g *Group) []Field { return append(groupFields("switch", g), Field{"ports", g.Ports}) }

func groupFields(what string, g *Group) []Field {
	return []Field{{what, g.Name}, {"beyond", g.Beyond}, {"of", g.Hosts}, {"share", g.Share}, {"score", g.Score}}
}

// A Percentile is how many hosts are beyond one.
type Percentile struct {
	P      float64 // 0: the smallest value
	Value  float64
	Beyond int
}

// percentileRows tell of the usual ones, turned around where small values are the bad
// ones, and of that of the question.
func (f *Findings) percentileRows(yield func(Row) bool) {
	if len(f.Spread) == 0 {
		return
	}
	for _, p := range f.percentiles() {
		one := Percentile{P: p, Value: f.Spread.Percentile(p)}
		if p == 0 {
			one.Value = f.Spread[0]
		}
		t := Threshold{Value: one.Value, Low: f.Metric.Low}
		for _, v := range f.Spread {
			if t.Beyond(v) {
				one.Beyond++
			}
		}
		if !yield(Row{Fields: percentileFields(f.Metric, one), Of: one}) {
			break
		}
	}
}

func (f *Findings) percentiles() []float64 {
	all := Percentiles()
	if p := f.Percentile; p > 0 && p < 100 {
		all = append(all, p)
	}
	if f.Metric.Low {
		for i, p := range all {
			all[i] = Opposite(p)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func percentileFields(m *Metric, p Percentile) []Field {
	return []Field{{"metric", m.Name}, {"percentile", p.P}, {"value", Number(p.Value)}, {"beyond", p.Beyond}}
}

func (f *Findings) binRows(yield func(Row) bool) {
	for _, b := range f.Spread.Histogram() {
		if !yield(Row{Fields: binFields(b), Of: b}) {
			break
		}
	}
}

func binFields(b Bin) []Field { return []Field{{"from", b.From}, {"to", b.To}, {"count", b.Count}} }

// A Spread is how values lie that are known by a name, such as that of a server.
type Spread struct {
	Name   string
	Unit   Unit
	Values Distribution
}

func spreadFields(what string, s Spread) []Field {
	fields := []Field{{what, s.Name}, {"hosts", len(s.Values)}}
	for _, p := range Percentiles() {
		fields = append(fields, Field{PercentileName(p), Number(s.Values.Percentile(p))})
	}
	return fields
}

// serverRows tell of the Redis servers, the slowest first.
func (f *Findings) serverRows(yield func(Row) bool) {
	var all []Spread
	for name, values := range f.Servers {
		all = append(all, Spread{name, Seconds, NewDistribution(values)})
	}
	slices.SortFunc(all, func(x, y Spread) int {
		return cmp.Or(cmp.Compare(y.Values.Percentile(95), x.Values.Percentile(95)), strings.Compare(x.Name, y.Name))
	})
	for _, s := range all {
		if !yield(Row{Fields: spreadFields("server", s), Of: s}) {
			break
		}
	}
}

// counterRows sort the values of one counter at a time: all of them take the most memory
// of what is held.
func (f *Findings) counterRows(yield func(Row) bool) {
	for _, c := range f.counterNames() {
		s := Spread{c.String(), Count, NewDistribution(f.Counters[c])}
		if !yield(Row{Fields: spreadFields("counter", s), Of: s}) {
			break
		}
	}
}

// RatioRows tell of the ratios that have a name and that some host has. They are a part
// of the report.
func (f *Findings) RatioRows() []Row {
	var out []Row
	for _, r := range Ratios() {
		if d := NewDistribution(f.Ratios[r.Name]); len(d) > 0 {
			s := Spread{r.Name, Share, d}
			out = append(out, Row{Fields: spreadFields("ratio", s), Of: s})
		}
	}
	return out
}

func (f *Findings) troubleRows(yield func(Row) bool) {
	for i := range f.Troubles {
		if t := &f.Troubles[i]; !yield(Row{Fields: troubleFields(t), Of: t}) {
			break
		}
	}
}

func troubleFields(t *Trouble) []Field {
	return []Field{{"host", t.Host}, {"bond", t.Bond}, {"slave", t.Slave}, {"problem", t.Problem}, {"detail", t.Detail}}
}

// A Problem is one of Problems, and the hosts that have it.
type Problem struct {
	Name  string
	Hosts []string // in the order of their names
}

// problemRows tell of the problems that hosts have, the worst first.
func (f *Findings) problemRows(yield func(Row) bool) {
	for _, name := range Problems() {
		p := Problem{Name: name}
		for i := range f.Troubles {
			t := &f.Troubles[i]
			if t.Problem == name && (len(p.Hosts) == 0 || p.Hosts[len(p.Hosts)-1] != t.Host) { // they come in order
				p.Hosts = append(p.Hosts, t.Host)
			}
		}
		if len(p.Hosts) > 0 && !yield(Row{Fields: problemFields(p), Hosts: p.Hosts, Of: p}) {
			break
		}
	}
}

func problemFields(p Problem) []Field { return []Field{{"problem", p.Name}} }
