package verbs

import (
	"fmt"
	"testing"

	"github.com/sysops-api/sysops-api/internal/audit/network"
)

func TestTooFewHostsForAPercentile(t *testing.T) {
	for _, row := range []struct {
		hosts      int
		percentile float64
		highest    int
		few        bool
	}{
		{0, 95, 0, false},
		{1, 95, 0, false},
		{5, 95, 80, true},
		{5, 80, 80, false},
		{5, 100, 0, false}, // which nobody ever is beyond
		{19, 95, 94, true},
		{20, 95, 95, false},
		{2000, 99.9, 99, false},
		{999, 99.9, 99, true},
		{1000, 99.9, 99, false},
	} {
		if highest, few := tooFew(row.hosts, row.percentile); highest != row.highest || few != row.few {
			t.Errorf("%d hosts, percentile %v: %d, %v", row.hosts, row.percentile, highest, few)
		}
		values := make(network.Distribution, row.hosts)
		for i := range values {
			values[i] = float64(i)
		}
		m := &network.Metric{}
		if row.hosts > 1 && row.percentile < 100 && m.Threshold(values, row.percentile).Beyond(float64(row.hosts-1)) == row.few {
			t.Errorf("%d hosts, percentile %v: the last host says otherwise", row.hosts, row.percentile)
		}
	}
}

func TestValueText(t *testing.T) {
	for _, row := range []struct {
		unit network.Unit
		v    float64
		want string
	}{
		{network.Seconds, 0, "0 s"},
		{network.Seconds, 0.0000312, "31.2 us"},
		{network.Seconds, 0.5, "500 ms"},
		{network.Seconds, 1.239, "1.24 s"},
		{network.Seconds, 1234.5, "1234 s"},
		{network.BytesPerSecond, 12, "12.0 B/s"},
		{network.BytesPerSecond, 12345678, "12.3 MB/s"},
		{network.Share, 0.000571, "0.0571%"},
		{network.Share, 0, "0%"},
		{network.Count, 24247, "24,247"},
		{network.Count, -1, "-1"},
		{network.Count, -24247, "-24,247"},
		{network.Count, 18446744073709551615, "1.84e+19"},
	} {
		if got := valueText(row.unit, row.v); got != row.want {
			t.Errorf("%v %s: %s, want %s", row.v, row.unit, got, row.want)
		}
	}
	for p, want := range map[float64]string{1: "1st", 2: "2nd", 3: "3rd", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 95: "95th", 99.9: "99.9th"} {
		if got := ordinal(p); got != want {
			t.Errorf("%v: %s", p, got)
		}
	}
	for v, want := range map[float64]string{1: "1 s", 0.5: "500 ms", 10: "10 s", 1.5: "1.5 s", 100: "100 s"} {
		if got := edgeText(network.Seconds, v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// Where small values are the bad ones, percentile 99.9 is the 0.1th, and that alone.
func TestLowPercentiles(t *testing.T) {
	m, err := network.Interactions("median", true, "")
	if err != nil {
		t.Fatal(err)
	}
	n := &networked{
		AuditNetwork: &AuditNetwork{Percentile: 99.9},
		Findings:     &network.Findings{Metric: m, Percentile: 99.9, Spread: network.Distribution{1, 2}, Threshold: network.Threshold{Value: 1000, Low: true}},
	}
	if got, want := n.beyond(), "below the 0.1th percentile, 1.00 kB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var shown []float64
	for _, r := range n.rowsOf(network.Spreads) {
		shown = append(shown, r.Of.(network.Percentile).P)
	}
	if got, want := fmt.Sprint(shown), "[0 0.1 1 5 10 50]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
