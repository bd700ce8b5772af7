// Package network audits the network of a fleet from what its hosts notice of it: how
// long their pushes took, the counters of netstat -s, the state of their bonds, and the
// switches that LLDP tells them of. It finds the hosts that are worse off than the
// others, and what those have in common.
//
// The question was first asked by extract_network_health of the original sysops-api.
package network

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/parse/interactions"
	"github.com/sysops-api/sysops-api/internal/parse/netif"
	"github.com/sysops-api/sysops-api/internal/parse/netstat"
)

// Options say what of a fleet is read.
type Options struct {
	Mode   *Mode
	Metric *Metric // that hosts are compared by; of a mode that compares by nothing, it is not looked at

	// Switch is a glob: hosts that are connected to none of these switches are left out
	// of what is beyond and of Troubles, not of what hosts are measured by. Empty: all.
	// Case does not matter, for that is how LLDP and people write names.
	Switch string

	switches naming.Glob // Switch, once it is settled
}

// settled returns the options without what the mode has no use for.
func (o Options) settled() Options {
	if !o.reads(readMetric) {
		o.Metric = nil
	}
	if !o.Mode.Narrows {
		o.Switch = ""
	}
	o.switches = naming.NewGlob(strings.ToLower(o.Switch))
	return o
}

// reads reports whether the mode reads this.
func (o *Options) reads(what reading) bool { return o.Mode.reads&what != 0 }

// readsLinks reports whether it matters to which switches hosts are connected.
func (o *Options) readsLinks() bool { return o.reads(readLinks) || o.Switch != "" }

// What is read; the section of a command's output has the name of the JSON object
// before it.
var (
	interactionNames = []string{"*/interaction_times.json", "*/global_sysops_api_interaction_times.json"}
	bondNames        = []string{"/proc/net/bonding/*"}
	lldpNames        = []string{"*@lldp-xml", "*@lldp-json0", "*@lldp-keyvalue"}
	counterNames     = []string{"/proc/net/snmp", "/proc/net/snmp6", "/proc/net/netstat", "*@netstat-s", "*@nstat-*"}
)

// Pattern selects the objects that the audit reads.
func (o Options) Pattern() (sysops.Pattern, error) {
	o = o.settled()
	var names []string
	if o.reads(readServers) || o.Metric != nil && !o.Metric.ofCounters() {
		names = append(names, interactionNames...)
	}
	if o.reads(readCounters|readRatios) || o.Metric != nil && o.Metric.ofCounters() {
		names = append(names, counterNames...)
	}
	if o.reads(readBonds) || o.readsLinks() {
		names = append(names, bondNames...)
	}
	if o.readsLinks() {
		names = append(names, lldpNames...)
	}
	return sysops.Names(names...)
}

// A Fleet is what was read of all hosts.
type Fleet struct {
	Hosts    []Host // in the order of their names
	Bonds    int    // how many were looked at
	Troubles []Trouble

	Servers  map[string][]float64 // of each Redis server: seconds of an interaction, by Metric's statistic, one a host
	Ratios   map[string][]float64 // by name, one value a host
	Counters map[netstat.Counter][]float64

	ratios  []*Metric   // that Ratios is of
	values  [][]float64 // of the counters, by number
	counted []int       // the last host that is among them, from 1
}

// counterNames returns the counters that hosts have, in the order of their names.
func (f *Fleet) counterNames() []netstat.Counter {
	return slices.SortedFunc(maps.Keys(f.Counters), func(x, y netstat.Counter) int { return strings.Compare(x.String(), y.String()) })
}

// A Host is what is known of one host.
type Host struct {
	Name     string  `json:"host"`
	Value    float64 `json:"value"` // of the metric; NaN: not known
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"bytes_per_second"`
	Links    []Link  `json:"links"`
	selected bool    // by Options.Switch
}

// Limits of what hosts can make a question hold, beside those of the parsers.
const (
	maxTroubles = 256     // of a host
	maxDistinct = 20_000  // Redis servers, or counters, of the fleet
	maxHost     = 1 << 20 // bytes that are held of a host
)

// A part is what one object says.
type part struct {
	times      *interactions.Record
	neighbours []netif.Neighbour
	bond       *netif.Bond
	values     []float64 // of reader.wanted
	all        []netstat.Value
	err        error
}

var errTooMuch = fmt.Errorf("what is made of the host's objects takes more than %d MiB: this one and those behind it are not read", maxHost>>20)

// bounded lets go of what a host has beyond maxHost: it may have any number of bonds,
// and of the rest.
func bounded(objects iter.Seq2[sysops.Mapped[part], error]) iter.Seq2[sysops.Mapped[part], error] {
	return audit.Bounded(objects, maxHost, func(p part) int { return p.size() }, part{err: errTooMuch})
}

// size is about how many bytes are held of an object.
func (p *part) size() int {
	const text = 16 // of a string, beside its bytes
	n := 8*len(p.values) + 16*len(p.all)
	for i := range p.neighbours {
		v := &p.neighbours[i]
		n += 3*text + len(v.Interface) + len(v.Switch) + len(v.Port)
	}
	if p.bond != nil {
		b := p.bond
		n += 5*text + len(b.Name) + len(b.Mode) + len(b.Primary) + len(b.Active) + len(b.Status)
		for i := range b.Slaves {
			s := &b.Slaves[i]
			n += 8*text + len(s.Name) + len(s.Status) + len(s.Speed) + len(s.Duplex) + len(s.Aggregator) + len(s.Partner)
		}
	}
	if p.times != nil {
		n += 256
		for name := range p.times.Servers {
			n += 256 + len(name)
		}
	}
	return n
}

// Read reads what the options ask for. leftOut is called for each object that says
// nothing because it cannot be understood; the host then is as one that lacks it. step
// is called after each object; both may be nil.
func Read(ctx context.Context, answer *sysops.Answer, o Options, leftOut func(sysops.Key, error), step func()) (*Fleet, error) {
	o = o.settled()
	r := &reader{Options: o, names: netstat.NewNames(maxDistinct)}
	fleet := &Fleet{Servers: make(map[string][]float64), Ratios: make(map[string][]float64), Counters: make(map[netstat.Counter][]float64)}
	if o.Metric != nil {
		r.wanted = slices.Clone(o.Metric.counters)
	}
	if o.reads(readRatios) {
		for _, ratio := range Ratios() {
			m, err := RatioMetric(ratio.Name)
			if err != nil {
				return nil, err
			}
			fleet.ratios = append(fleet.ratios, m)
			r.wanted = append(r.wanted, m.counters...)
		}
	}
	r.heard = make([]atomic.Bool, len(r.wanted))
	r.lines.New = func() any {
		if o.reads(readCounters) {
			return netstat.NewReaderOfAll(r.names)
		}
		return netstat.NewReader(r.wanted)
	}
	for h, err := range audit.ByHost(bounded(sysops.Map(ctx, answer, r.part))) {
		if err != nil {
			return nil, err
		}
		tooMuch := false
		for i := range h.Objects {
			err := h.Objects[i].Value.err
			if err != nil && leftOut != nil && !tooMuch {
				leftOut(h.Objects[i].Key, err)
			}
			tooMuch = tooMuch || errors.Is(err, errTooMuch)
			if step != nil {
				step()
			}
		}
		fleet.add(&o, h)
	}
	r.dropUnheard(fleet)
	counters := r.names.Counters()
	for id, values := range fleet.values {
		fleet.Counters[counters[id]] = values
	}
	return fleet, nil
}

type reader struct {
	Options
	wanted []netstat.Counter // of the metric, and two of each ratio
	heard  []atomic.Bool     // which of them some host names
	names  *netstat.Names
	lines  sync.Pool // of *netstat.Reader
}

// hear is called for each host: that something is stored once is for the CPUs' caches.
func (r *reader) hear(i int) {
	if !r.heard[i].Load() {
		r.heard[i].Store(true)
	}
}

// dropUnheard takes back the zeros of counters that no host names: a typing mistake
// would else be a fleet without any fault.
func (r *reader) dropUnheard(f *Fleet) {
	unheard := func(m *Metric, at int) (end int, is bool) {
		for range m.counters {
			is = is || !r.heard[at].Load()
			at++
		}
		return at, is
	}
	at, is := 0, false
	if r.Metric != nil {
		if at, is = unheard(r.Metric, at); is {
			for i := range f.Hosts {
				f.Hosts[i].Value = unknown
			}
		}
	}
	for _, m := range f.ratios {
		if at, is = unheard(m, at); is {
			delete(f.Ratios, m.Name)
		}
	}
}

// part is called by all CPUs at once.
func (r *reader) part(o *sysops.Object) (p part) {
	_, section, _ := strings.Cut(o.Name, "@")
	switch {
	case strings.HasSuffix(o.Name, "interaction_times.json"):
		p.times, p.err = interactions.Parse(o.Contents, r.reads(readServers) || r.Metric != nil && r.Metric.Server != "")
	case strings.HasPrefix(o.Name, "/proc/net/bonding/"):
		p.bond, p.err = netif.ParseBond(path.Base(o.Name), o.Contents)
	case strings.HasPrefix(section, "lldp-"):
		p.neighbours, p.err = netif.ParseLLDP(o.Contents)
	default:
		lines := r.lines.Get().(*netstat.Reader)
		defer r.lines.Put(lines)
		if r.reads(readCounters) {
			p.all, p.err = lines.All(o.Contents)
		} else {
			p.values = lines.Pick(o.Contents, r.hear)
		}
	}
	return p
}

func (f *Fleet) add(o *Options, h audit.Host[part]) {
	host := Host{Name: h.Name, Value: unknown, Seconds: unknown, Rate: unknown}
	var bonds []*netif.Bond
	var neighbours []netif.Neighbour
	var values []float64
	var times *interactions.Record
	for i := range h.Objects {
		p := &h.Objects[i].Value
		neighbours = append(neighbours, p.neighbours...)
		values = merge(values, p.values, strings.HasPrefix(h.Objects[i].Name, "/proc/"))
		if p.bond != nil {
			bonds = append(bonds, p.bond)
		}
		if p.times != nil && (times == nil || p.times.Updated > times.Updated) {
			times = p.times
		}
	}
	f.addCounters(h)
	if times != nil && o.reads(readServers) {
		f.addServers(times, o.Metric)
	}
	if o.Metric != nil {
		n := min(len(o.Metric.counters), len(values))
		o.Metric.measure(&host, times, values[:n])
		values = values[n:]
	}
	f.addRatios(values)
	if o.readsLinks() {
		host.Links = linksOf(bonds, neighbours)
	}
	host.selected = o.Switch == "" || slices.ContainsFunc(host.Links, func(l Link) bool { return o.switches.Match(strings.ToLower(l.Switch)) })
	if host.selected && o.reads(readBonds) {
		f.addTroubles(h.Name, bonds)
	}
	f.Hosts = append(f.Hosts, host)
}

func (f *Fleet) addTroubles(host string, bonds []*netif.Bond) {
	f.Bonds += len(bonds)
	var all []Trouble
	for _, b := range bonds {
		if all = append(all, troublesOf(host, b)...); len(all) >= maxTroubles {
			all = all[:maxTroubles]
			break
		}
	}
	f.Troubles = append(f.Troubles, all...)
}

func (f *Fleet) addRatios(values []float64) {
	for _, m := range f.ratios {
		if len(values) < len(m.counters) {
			return
		}
		var h Host
		h.Value = unknown
		m.measure(&h, nil, values[:len(m.counters)])
		if known(h.Value) {
			f.Ratios[m.Name] = append(f.Ratios[m.Name], h.Value)
		}
		values = values[len(m.counters):]
	}
}

// addCounters adds each counter of a host once, although several objects may have it.
func (f *Fleet) addCounters(h audit.Host[part]) {
	for i := range h.Objects {
		for _, c := range h.Objects[i].Value.all {
			for c.ID >= len(f.values) {
				f.values = append(f.values, nil)
				f.counted = append(f.counted, 0)
			}
			if f.counted[c.ID] != len(f.Hosts)+1 {
				f.counted[c.ID] = len(f.Hosts) + 1
				f.values[c.ID] = append(f.values[c.ID], c.Value)
			}
		}
	}
}

func (f *Fleet) addServers(times *interactions.Record, m *Metric) {
	for name, s := range times.Servers {
		if f.Servers[name] == nil && len(f.Servers) == maxDistinct {
			continue
		}
		if v := s.Seconds.Of(m.statistic()); known(v) {
			f.Servers[name] = append(f.Servers[name], v)
		}
	}
}
