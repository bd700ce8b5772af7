package network

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// By its definition: the smallest value such that p percent of all are no larger.
func TestPercentileIsTheNearestRank(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 1000; n += 1 + n/7 {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(random.IntN(n)) // with repeats
		}
		d := NewDistribution(values)
		for _, permille := range []int{1, 10, 500, 900, 950, 990, 999, 1000} {
			want := math.Inf(1)
			for _, candidate := range values {
				no := 0
				for _, v := range values {
					if v <= candidate {
						no++
					}
				}
				if no*1000 >= permille*n {
					want = min(want, candidate)
				}
			}
			if got := d.Percentile(float64(permille) / 10); got != want {
				t.Fatalf("%d values: percentile %v is %v, want %v", n, float64(permille)/10, got, want)
			}
		}
	}
	if d := NewDistribution([]float64{unknown}); len(d) != 0 || known(d.Percentile(50)) || known(d.Mean()) {
		t.Errorf("of no values: %v", d)
	}
}

func TestMean(t *testing.T) {
	if got := NewDistribution([]float64{1, 2, unknown, 6}).Mean(); got != 3 {
		t.Error(got)
	}
	if got := (Distribution{math.MaxFloat64, math.MaxFloat64}).Mean(); got != math.MaxFloat64 {
		t.Error(got) // their sum is none
	}
}

func fleetOf(values ...float64) *Fleet {
	f := &Fleet{}
	for i, v := range values {
		f.Hosts = append(f.Hosts, Host{Name: fmt.Sprintf("h%d", i), Value: v, selected: true})
	}
	return f
}

func namesOf(hosts []*Host) string {
	var names []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	return strings.Join(names, " ")
}

func TestHostsBeyond(t *testing.T) {
	high, low := &Metric{}, &Metric{Low: true}
	f := fleetOf(1, 2, unknown, 2, 3, 5)
	for _, row := range []struct {
		metric     *Metric
		percentile float64
		want       string
	}{
		{high, 0, "h5 h4 h1 h3 h0"},
		{high, 50, "h5 h4"}, // those at the threshold are not beyond it
		{high, 95, ""},
		{high, 100, ""},
		{low, 0, "h0 h1 h3 h4 h5"},
		{low, 50, "h0"},
		{low, 20, "h0 h1 h3"},
		{low, 100, ""},
	} {
		threshold := row.metric.Threshold(f.Distribution(), row.percentile)
		if got := namesOf(f.Beyond(threshold)); got != row.want {
			t.Errorf("%v, percentile %v (%+v): %q, want %q", row.metric.Low, row.percentile, threshold, got, row.want)
		}
	}
}

func TestTheThresholdIsThatOfAllSwitches(t *testing.T) {
	f := fleetOf(1, 2, 3, 4)
	f.Hosts[3].selected = false
	threshold := (&Metric{}).Threshold(f.Distribution(), 50)
	if got := namesOf(f.Beyond(threshold)); threshold.Value != 2 || got != "h2" {
		t.Errorf("%+v: %q", threshold, got)
	}
}

func TestWilson(t *testing.T) {
	for _, row := range []struct {
		beyond, of int
		want       float64
	}{{30, 40, 0.598}, {31, 200, 0.111}, {1, 1, 0.207}, {0, 10, 0}, {0, 0, 0}, {2400, 2400, 0.998}} {
		if got := wilson(row.beyond, row.of); math.Abs(got-row.want) > 0.001 {
			t.Errorf("%d of %d: %.4f, want %v", row.beyond, row.of, got, row.want)
		}
	}
}

func TestSwitches(t *testing.T) {
	f := &Fleet{}
	add := func(n int, value float64, links ...Link) {
		for range n {
			f.Hosts = append(f.Hosts, Host{Name: fmt.Sprintf("h%d", len(f.Hosts)), Value: value, Links: links, selected: true})
		}
	}
	small, large, two := Link{"eth0", "small", "1"}, Link{"eth0", "large", "1"}, Link{"eth1", "large", "2"}
	add(30, 9, small)
	add(10, 1, small)
	add(31, 9, large, two)
	add(169, 1, large)
	add(5, 1, Link{"eth0", "good", "1"})
	add(5, unknown, large)
	add(5, 9)
	got := f.Switches(Threshold{Value: 5})
	want := []string{"small 30/40 0.75 [1]", "large 31/200 0.155 [1 2]"}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, g := range got {
		if text := fmt.Sprintf("%s %d/%d %v %v", g.Name, g.Beyond, g.Hosts, g.Share, g.Ports); text != want[i] || len(g.Who) != g.Beyond {
			t.Errorf("got %s, want %s", text, want[i])
		}
	}
}

func TestSharedClusters(t *testing.T) {
	f := fleetOf(9, 9, 9, 1, 1, 1, unknown)
	clusters := map[string][]string{
		"web":   {"h0", "h1", "h3"},
		"all":   {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "gone"},
		"sick":  {"h0", "H1", "h2"},
		"empty": {"h4"},
	}
	var asked []string
	var warned error
	got, alone, err := f.Clusters(Threshold{Value: 5},
		func(hosts []string) ([]string, error) {
			asked = hosts
			return []string{"web", "all", "sick", "broken", "empty"}, nil
		},
		func(c string) ([]string, error) {
			if clusters[c] == nil {
				return nil, errors.New("no such cluster")
			}
			return clusters[c], nil
		},
		func(err error) { warned = err })
	if err != nil || !slices.Equal(asked, []string{"h0", "h1", "h2"}) || warned == nil || !strings.Contains(warned.Error(), "broken") {
		t.Errorf("asked %v, warned %v, %v", asked, warned, err)
	}
	var text []string
	for _, g := range got {
		text = append(text, fmt.Sprintf("%s %d/%d", g.Name, g.Beyond, g.Hosts))
	}
	if want := []string{"sick 3/3", "web 2/3", "all 3/6"}; !slices.Equal(text, want) || alone != 0 {
		t.Errorf("got %v, want %v; %d are alone", text, want, alone)
	}
	_, alone, err = f.Clusters(Threshold{Value: 5}, func([]string) ([]string, error) { return []string{"web"}, nil },
		func(c string) ([]string, error) { return clusters[c], nil }, nil)
	if err != nil || alone != 1 {
		t.Errorf("h2 is in no cluster: %d are alone, %v", alone, err)
	}
	refused := errors.New("refused")
	if _, _, err := f.Clusters(Threshold{Value: 5}, func([]string) ([]string, error) { return nil, refused }, nil, nil); !errors.Is(err, refused) {
		t.Error(err)
	}
	if got, _, err := f.Clusters(Threshold{Value: 99}, nil, nil, nil); got != nil || err != nil {
		t.Error("Range is asked about no host")
	}
}
