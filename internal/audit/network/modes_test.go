package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/parse/netstat"
)

// everything is a fleet of which each mode has something to tell.
func everything(t *testing.T) *Findings {
	t.Helper()
	m, err := Interactions("median", false, "")
	if err != nil {
		t.Fatal(err)
	}
	fleet := &Fleet{
		Bonds:    2,
		Troubles: []Trouble{{Host: "h1", Bond: "bond0", Problem: BondDown}, {Host: "h2", Bond: "bond0", Slave: "eth1", Problem: SlaveDown}},
		Servers:  map[string][]float64{"mps01:6379/1": {1, 2}, "mps02:6379/1": {3}},
		Ratios:   map[string][]float64{"tcp-retransmitted": {0.5}},
		Counters: map[netstat.Counter][]float64{{Group: "Tcp", Name: "OutSegs"}: {7}, {Group: "Tcp", Name: "InSegs"}: {8}},
	}
	for i, name := range []string{"h1", "h2", "h3", "h4"} {
		fleet.Hosts = append(fleet.Hosts, Host{Name: name, Value: float64(i), Links: []Link{{"eth0", "sw1", name}, {"eth1", "sw2", name}}, selected: true})
	}
	f := fleet.Compare(m, 50)
	f.Shared = []Group{{Name: "web", Beyond: 1, Hosts: 2, Who: []string{"h4"}}, {Name: "db", Beyond: 1, Hosts: 2, Who: []string{"h3"}}}
	return f
}

// The rows of a mode have the columns that are told of beforehand, and those of a folded
// mode have hosts.
func TestRowsHaveTheColumnsOfTheirMode(t *testing.T) {
	f := everything(t)
	names := func(fields []Field) string {
		var out []string
		for _, field := range fields {
			out = append(out, field.Name)
		}
		return strings.Join(out, " ")
	}
	for _, m := range Modes() {
		if m.Name == Report { // whose reader makes its row
			continue
		}
		for _, m := range []*Mode{m, m.Folded} {
			if m == nil {
				continue
			}
			rows := slices.Collect(m.Rows(f))
			if len(rows) == 0 {
				t.Errorf("%s tells nothing", m.Name)
			}
			for _, r := range rows {
				if got, want := names(r.Fields), names(m.Columns(f.Metric)); got != want {
					t.Errorf("%s: a row has %s, and the columns are %s", m.Name, got, want)
				}
			}
		}
		if m.Folded == nil {
			continue
		}
		for r := range m.Folded.Rows(f) {
			if len(r.Hosts) == 0 {
				t.Errorf("%s, folded: %+v names no host", m.Name, r)
			}
		}
	}
	if rows := f.RatioRows(); len(rows) != 1 {
		t.Errorf("ratios: %+v", rows)
	}
}

// Whoever wants a few rows is not told the others.
func TestRowsEndWhenNobodyWantsMore(t *testing.T) {
	f := everything(t)
	for _, m := range Modes() {
		for _, m := range []*Mode{m, m.Folded} {
			if m == nil {
				continue
			}
			for range m.Rows(f) {
				break // a panic, where the mode goes on
			}
		}
	}
}

// A mode reads what its rows need, and nothing else: LLDP is asked for where switches
// matter.
func TestWhatAModeReads(t *testing.T) {
	push, err := Interactions("median", false, "")
	if err != nil {
		t.Fatal(err)
	}
	counter, err := CounterMetric("Tcp.OutSegs")
	if err != nil {
		t.Fatal(err)
	}
	pattern := func(parts ...[]string) string {
		p, err := sysops.Names(slices.Concat(parts...)...)
		if err != nil {
			t.Fatal(err)
		}
		return p.String()
	}
	for _, row := range []struct {
		mode string
		o    Options
		want string
	}{
		{Hosts, Options{Metric: push}, pattern(interactionNames, bondNames, lldpNames)},
		{Hosts, Options{Metric: counter}, pattern(counterNames, bondNames, lldpNames)},
		{BySwitch, Options{Metric: push}, pattern(interactionNames, bondNames, lldpNames)},
		{Spreads, Options{Metric: push}, pattern(interactionNames)},
		{Bins, Options{Metric: counter, Switch: "sw1"}, pattern(counterNames)}, // of all hosts, whichever the switch
		{ByServer, Options{Metric: push}, pattern(interactionNames)},
		{Bonding, Options{Metric: push}, pattern(bondNames)},
		{Bonding, Options{Metric: push, Switch: "sw1"}, pattern(bondNames, lldpNames)},
		{AllCounters, Options{Metric: push}, pattern(counterNames)},
		{Report, Options{Metric: push}, pattern(interactionNames, counterNames, bondNames, lldpNames)},
	} {
		row.o.Mode = ModeOf(row.mode)
		if got, err := row.o.Pattern(); err != nil || got.String() != row.want {
			t.Errorf("%s, %+v: %s, want %s, %v", row.mode, row.o, got, row.want, err)
		}
	}
}
