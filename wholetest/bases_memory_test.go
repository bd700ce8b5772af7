package wholetest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// The synthetic fleet takes about as much of a server's memory where gc chooses the bases,
// after one push of each host, as where hosts claim them.
func TestChosenBasesSaveAsMuchAsClaimedOnes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, objects string // that end like this
		hosts         int
		save          float64 // of the memory at least
	}{
		{"all objects", "", 300, 0.15},
		{"sysctl -a alone", "@sysctl-a", 700, 0.6},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := &syntheticFleet{t: t, hosts: row.hosts, objects: row.objects}
			claimed := f.into(hostUser(openRules), sysops.Options{})
			claimed.push()
			without := f.into(hostUser(openRules), sysops.Options{NoBases: true})
			without.push()
			chosen := f.into(hostUser(fleetRules), sysops.Options{})
			chosen.push()
			if _, err := connect(t, chosen.server.URL()).GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
				t.Fatal(err)
			}
			chosen.push()
			with, now, none := claimed.memory(), chosen.memory(), without.memory()
			ratio := float64(now) / float64(with)
			t.Logf("%d hosts take %d bytes with claimed bases, %d with chosen ones: %.3f; %d without any", row.hosts, with, now, ratio, none)
			if ratio > 1.15 {
				t.Errorf("chosen bases leave %.3f of what claimed ones do", ratio)
			}
			if float64(with) > (1-row.save)*float64(none) {
				t.Errorf("bases save too little for this test to tell: %d bytes with, %d without", with, none)
			}
		})
	}
}

// fleetRules let one user push as any host, with what hosts may do to bases.
const fleetRules = "~$[^b]* ~[^$]* &* +@all (%R~$base:* +strlen +getrange) (%R~$bases:* +zrange +zcard)"

// A syntheticFleet can be pushed into any server.
type syntheticFleet struct {
	t       *testing.T
	hosts   int
	objects string // that end like this
}

// A pushedFleet is one at a server.
type pushedFleet struct {
	*syntheticFleet
	server   *redistest.Server
	client   *sysops.Client
	template *fleetsim.Template
}

func (f *syntheticFleet) into(user redistest.Option, o sysops.Options) *pushedFleet {
	f.t.Helper()
	template, err := fleetsim.NewTemplate(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	p := &pushedFleet{syntheticFleet: f, server: redistest.Start(f.t, user), template: template}
	o.User, o.Password, o.Timeout = "host", "any", redistest.Patience
	p.client = connectTo(f.t, sysops.ServerList(p.server.URL()), o)
	return p
}

func (p *pushedFleet) push() {
	var wg sync.WaitGroup
	for part := range 2 {
		wg.Go(func() {
			for n := part; n < p.hosts; n += 2 {
				snap := p.template.Host(1, n, "example.com")
				snap.Sources = slices.DeleteFunc(snap.Sources, func(s snapshot.Source) bool { return !strings.HasSuffix(s.Name, p.objects) })
				if _, err := p.client.Publish(p.t.Context(), "", snap); err != nil {
					p.t.Errorf("host %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

// memory is what all keys of the server take. What it takes for connections is no matter of
// bases.
func (p *pushedFleet) memory() (bytes int) {
	p.t.Helper()
	for _, key := range p.server.Must("KEYS", "*").([]any) {
		bytes += int(p.server.Must("MEMORY", "USAGE", key.(string), "SAMPLES", "0").(int64))
	}
	return bytes
}
