package network

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// fleetHosts is how many hosts the fleet of the design's headline question has.
const fleetHosts = 24_247

// A fleetTemplate makes the hosts of a fleet out of samples, alike as real hosts are:
// figures, switches and ports differ, the rest does not.
type fleetTemplate struct {
	netstat, bond, lldp []byte
}

func newFleetTemplate(tb testing.TB) *fleetTemplate {
	return &fleetTemplate{sample(tb, "netstat", "netstat-s.txt"), sample(tb, "netif", "bond-active-backup"), sample(tb, "netif", "lldp.xml")}
}

var digits = regexp.MustCompile(`[0-9]+`)

// snapshot is what the agent pushes of host i.
func (f *fleetTemplate) snapshot(i int) snapshot.Snapshot {
	r := rand.New(rand.NewPCG(2013, uint64(i)))
	netstat := digits.ReplaceAllFunc(f.netstat, func(number []byte) []byte {
		n, _ := strconv.ParseUint(string(number), 10, 63)
		return strconv.AppendUint(nil, n*uint64(500+r.IntN(1000))/1000, 10)
	})
	var printed []byte // netstat leaves out what is zero, which differs from host to host
	for line := range bytes.Lines(netstat) {
		if !bytes.HasPrefix(line, []byte("    TCP")) || r.IntN(4) > 0 {
			printed = append(printed, line...)
		}
	}
	lldp := bytes.ReplaceAll(f.lldp, []byte("sw01-a"), fmt.Appendf(nil, "sw%03d-a", i/40))
	lldp = bytes.ReplaceAll(lldp, []byte("Ethernet7"), fmt.Appendf(nil, "Ethernet%d", i%40))
	snap := snapshot.Snapshot{Host: fmt.Sprintf("esv4-app%05d.prod.example.com", i)}
	for _, o := range []struct {
		name     string
		private  bool
		contents []byte
	}{
		{"/var/lib/sysops/interaction_times.json", true, fleetRecord(r)},
		{"/etc/hardware_identification.json@netstat-s", false, printed},
		{"/etc/hardware_identification.json@lldp-xml", true, lldp},
		{"/proc/net/bonding/bond0", false, f.bond},
	} {
		snap.Sources = append(snap.Sources, snapshot.Source{Name: o.name, Private: o.private, Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: o.contents}, nil
		}})
	}
	return snap
}

// fleetRecord is a record of interaction times as sysops-agent writes it for four
// servers: 15 KB.
func fleetRecord(r *rand.Rand) []byte {
	type series struct {
		Last                             []float64 `json:"last"`
		Mean, Median, Std, Var, Min, Max float64
	}
	figures := func(usual float64) (s series) {
		for range 50 {
			s.Last = append(s.Last, usual*(0.5+r.ExpFloat64()))
		}
		s.Mean, s.Median, s.Std, s.Var, s.Min, s.Max = s.Last[0], s.Last[1], s.Last[2], s.Last[3], s.Last[4], s.Last[5]
		return s
	}
	type interaction struct {
		Seconds series `json:"seconds"`
		Rate    series `json:"bytes_per_second"`
	}
	servers := make(map[string]any)
	for n := range 4 {
		servers[fmt.Sprintf("mps%02d.example.com:6379/1", n+1)] = interaction{figures(0.03), figures(1e6)}
	}
	type record struct {
		Updated int64          `json:"updated"`
		Total   any            `json:"total"`
		Servers map[string]any `json:"servers"`
	}
	text, err := json.MarshalIndent(record{1770000000 + r.Int64N(3600), interaction{figures(0.1), figures(5e5)}, servers}, "", " ")
	if err != nil {
		panic(err)
	}
	return append(lowerKeys.ReplaceAllFunc(text, bytes.ToLower), '\n')
}

var lowerKeys = regexp.MustCompile(`"[A-Z][a-z]+":`)

// loadFleet pushes the fleet to a server.
func loadFleet(tb testing.TB, url string, hosts int) {
	tb.Helper()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	f := newFleetTemplate(tb)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < hosts; i += 4 {
				if _, err := client.Publish(tb.Context(), "", f.snapshot(i)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkFleet reads what each mode of sysops audit network needs of 24,247 hosts.
func BenchmarkFleet(b *testing.B) {
	server := redistest.Start(b)
	loadFleet(b, server.URL(), fleetHosts)
	client, err := sysops.New(sysops.ServerList(server.URL()), sysops.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	wholePush, err := Interactions("median", false, "")
	if err != nil {
		b.Fatal(err)
	}
	oneServer, err := Interactions("median", false, "mps01.example.com")
	if err != nil {
		b.Fatal(err)
	}
	ratio, err := RatioMetric("tcp-retransmitted")
	if err != nil {
		b.Fatal(err)
	}
	for _, mode := range []struct {
		name string
		Options
	}{
		{"hosts", Options{Mode: ModeOf(Hosts), Metric: wholePush}},
		{"percentiles", Options{Mode: ModeOf(Spreads), Metric: wholePush}},
		{"mps", Options{Mode: ModeOf(Hosts), Metric: oneServer}},
		{"per-mps", Options{Mode: ModeOf(ByServer), Metric: wholePush}},
		{"ratio", Options{Mode: ModeOf(Hosts), Metric: ratio}},
		{"counters", Options{Mode: ModeOf(AllCounters)}},
		{"bonding", Options{Mode: ModeOf(Bonding)}},
		{"report", Options{Mode: ModeOf(Report), Metric: wholePush}},
	} {
		b.Run(mode.name, func(b *testing.B) {
			b.ReportAllocs()
			pattern, err := mode.Pattern()
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				answer, err := client.Ask(b.Context(), sysops.Query{Pattern: pattern})
				if err != nil {
					b.Fatal(err)
				}
				fleet, err := Read(b.Context(), answer, mode.Options, func(key sysops.Key, err error) { b.Errorf("%s: %v", key, err) }, nil)
				if err != nil || len(fleet.Hosts) != fleetHosts {
					b.Fatalf("%d hosts, %v", len(fleet.Hosts), err)
				}
			}
		})
	}
}
