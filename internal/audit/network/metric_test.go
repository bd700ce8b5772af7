package network

import (
	"fmt"
	"math"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse/interactions"
	"github.com/sysops-api/sysops-api/internal/parse/netstat"
)

func TestTheSlowestServer(t *testing.T) {
	for _, name := range []string{"interactions.json", "interactions-original.json"} {
		got, err := interactions.Parse(sample(t, "interactions", name), true)
		if err != nil {
			t.Fatal(err)
		}
		for glob, want := range map[string]float64{"mps01.example.com": 0.41, "mps*": 0.61, "mps0[12].example.com": 0.61, "mps02.example.com": 0.61} {
			if s, _ := ofServer(t, glob).slowest(got); s != want {
				t.Errorf("%s: %s took %v, want %v", name, glob, s, want)
			}
		}
		if s, r := ofServer(t, "mps03.example.com").slowest(got); known(s) || known(r) {
			t.Errorf("%s: an unknown server took %v", name, s)
		}
	}
}

func ofServer(t *testing.T, glob string) *Metric {
	t.Helper()
	m, err := Interactions("median", false, glob)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMatchServer(t *testing.T) {
	for _, row := range []struct {
		glob, name string
		want       bool
	}{
		{"mps01", "mps01:6379/1", true},
		{"mps01:6379", "mps01:6379/1", true},
		{"mps01:6379/1", "mps01:6379/1", true},
		{"mps01", "redis://mps01:6379/1", true},
		{"mps01", "mps01", true},
		{"mps*", "mps01:6379/1", true},
		{"mps0", "mps01:6379/1", false},
		{"ps01", "mps01:6379/1", false},
		{"mps01:6380", "mps01:6379/1", false},
		{"[::1]", "[::1]:6379/1", true},
		{"", "mps01", false},
	} {
		if got := ofServer(t, row.glob).isOf(row.name); got != row.want {
			t.Errorf("%q and %q: %v", row.glob, row.name, got)
		}
	}
}

func TestSeveralObjectsOfAHost(t *testing.T) {
	nan := math.NaN()
	for _, row := range []struct {
		have, more []float64
		kernel     bool
		want       string
	}{
		{nil, []float64{1, nan}, false, "[1 NaN]"},
		{[]float64{1, nan}, []float64{2, 3}, false, "[1 3]"},
		{[]float64{1, 2}, []float64{3, nan}, true, "[3 2]"},
		{[]float64{1}, nil, true, "[1]"},
	} {
		if got := fmt.Sprint(merge(row.have, row.more, row.kernel)); got != row.want {
			t.Errorf("%v and %v: %s, want %s", row.have, row.more, got, row.want)
		}
	}
}

func TestRatios(t *testing.T) {
	contents := sample(t, "netstat", "netstat-s-1.60.txt")
	for _, row := range []struct {
		text, name string
		want       float64
	}{
		{"tcp-retransmitted", "tcp-retransmitted", 340.0 / 1699213},
		{"TCP-retransmitted", "tcp-retransmitted", 340.0 / 1699213},
		{"udp-receive-errors", "udp-receive-errors", 11.0 / 457001},
		{"tcp_segments_retransmited_ratio", "tcp-retransmitted", 340.0 / 1699213},
		{"segments retransmitted/segments sent out", "Tcp.RetransSegs/Tcp.OutSegs", 340.0 / 1699213},
		{"Udp.NoPorts/udp packets received", "Udp.NoPorts/Udp.InDatagrams", 93.0 / 457001},
		{"Tcp.InErrs/Ip.Nosuch", "Tcp.InErrs/Ip.Nosuch", unknown}, // nothing to divide by
	} {
		m, err := RatioMetric(row.text)
		if err != nil {
			t.Errorf("%s: %v", row.text, err)
			continue
		}
		var h Host
		h.Value = unknown
		m.measure(&h, nil, netstat.NewReader(m.counters).Pick(contents, func(int) {}))
		if same := h.Value == row.want || !known(h.Value) && !known(row.want); !same || m.Name != row.name {
			t.Errorf("%s: %s is %v, want %v", row.text, m.Name, h.Value, row.want)
		}
	}
	for _, text := range []string{"", "nosuch", "Tcp.RetransSegs", "/", "Tcp.A/", "InErrors/Tcp.InSegs"} {
		if m, err := RatioMetric(text); err == nil {
			t.Errorf("%q: %+v", text, m)
		}
	}
	for _, r := range Ratios() {
		m, err := RatioMetric(r.Name)
		if err != nil || m.counters[0].String() != r.Of || m.counters[1].String() != r.Over {
			t.Errorf("%s: %+v, %v", r.Name, m, err)
		}
	}
	zero := &Metric{counters: make([]netstat.Counter, 2)}
	h := Host{Value: unknown}
	if zero.measure(&h, nil, []float64{1, 0}); known(h.Value) {
		t.Errorf("1/0 is %v", h.Value)
	}
}

func TestMetricsOfInteractions(t *testing.T) {
	times, err := interactions.Parse(sample(t, "interactions", "interactions.json"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		statistic, server string
		rate              bool
		value             float64
		low               bool
		name              string
	}{
		{"median", "", false, 0.71, false, "median push time"},
		{"max", "", true, 3000, true, "max push speed"},
		{"std", "", true, 816, false, "std push speed"},
		{"var", "", true, 666666, false, "var push speed"},
		{"median", "mps02*", false, 0.61, false, "median push time of mps02*"},
		{"median", "mps01.example.com", true, 501, true, "median push speed of mps01.example.com"},
		{"median", "mps02.example.com", true, unknown, true, "median push speed of mps02.example.com"}, // it has no rate yet
	} {
		m, err := Interactions(row.statistic, row.rate, row.server)
		if err != nil {
			t.Fatal(err)
		}
		h := Host{Value: unknown}
		m.measure(&h, times, nil)
		if same := h.Value == row.value || !known(h.Value) && !known(row.value); !same || m.Low != row.low || m.Name != row.name {
			t.Errorf("%+v: %v, %+v", row, h.Value, m)
		}
	}
	for _, bad := range [][2]string{{"mode", ""}, {"median", "mps[0"}} {
		if _, err := Interactions(bad[0], false, bad[1]); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
