package demo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A demoCore is one core of the demonstration: its place and its embedded servers.
type demoCore struct {
	site, name string
	servers    []*miniredis.Miniredis
}

func (k *demoCore) domain() string { return k.site + ".example.com" }

const demoServers = 2 // a core

// A demoFleet is all that the demonstration leaves in the machine while it runs:
// servers on free ports of the loopback interface, and a private folder with the
// config that leads to them.
type demoFleet struct {
	cores  []*demoCore // the first is the local one
	folder string
	clock  func() // stops the servers' clock
}

// startDemoFleet starts the servers and writes the config. The caller closes the
// fleet.
func startDemoFleet() (*demoFleet, error) {
	f := &demoFleet{
		cores: []*demoCore{{site: "esv4", name: "esv4-1"}, {site: "esv4", name: "esv4-2"}, {site: "eat1", name: "eat1-1"}},
		clock: func() {},
	}
	if err := f.start(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *demoFleet) start() error {
	var err error
	if f.folder, err = os.MkdirTemp("", "sysops-demo-"); err != nil { // 0700
		return fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	for _, k := range f.cores {
		for range demoServers {
			s := miniredis.NewMiniRedis()
			if err := s.StartAddr("127.0.0.1:0"); err != nil {
				return fmt.Errorf("cannot start an embedded Redis server: %w", err)
			}
			k.servers = append(k.servers, s)
		}
	}
	f.startClock()
	if err := os.WriteFile(f.config(), f.configText(), 0o600); err != nil {
		return fmt.Errorf("cannot write the config: %w", err)
	}
	return nil
}

// startClock lets the servers' keys expire: an embedded server's TTLs only move
// when it is told how much time has passed. (Its own ClockTTL looks at every key
// for every command, which is quadratic in the size of a push.)
func (f *demoFleet) startClock() {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		last := time.Now()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			now := time.Now()
			for _, s := range f.servers() {
				s.FastForward(now.Sub(last))
			}
			last = now
		}
	})
	f.clock = func() {
		close(done)
		wg.Wait()
	}
}

func (f *demoFleet) servers() []*miniredis.Miniredis {
	var out []*miniredis.Miniredis
	for _, k := range f.cores {
		out = append(out, k.servers...)
	}
	return out
}

// close stops the servers and removes the folder.
func (f *demoFleet) close() error {
	f.clock()
	for _, s := range f.servers() {
		s.Close()
	}
	if f.folder == "" {
		return nil
	}
	if err := os.RemoveAll(f.folder); err != nil {
		return fmt.Errorf("cannot remove the temporary folder: %w", err)
	}
	return nil
}

// core is where neighbour i pushes to.
func (f *demoFleet) core(i int) *demoCore { return f.cores[i%len(f.cores)] }

func (f *demoFleet) config() string { return filepath.Join(f.folder, "config.yaml") }

// directory lists the fleet as a config does.
func (f *demoFleet) directory() map[string]map[string][]string {
	sites := make(map[string]map[string][]string)
	for _, k := range f.cores {
		if sites[k.site] == nil {
			sites[k.site] = make(map[string][]string)
		}
		for _, s := range k.servers {
			sites[k.site][k.name] = append(sites[k.site][k.name], "redis://"+s.Addr()+"/0")
		}
	}
	return sites
}

func (f *demoFleet) configText() []byte {
	var b strings.Builder
	b.WriteString("# The fleet of \"sysops demo\". The servers, and this file, are gone when it ends.\ndirectory:\n  sites:\n")
	sites := f.directory()
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		fmt.Fprintf(&b, "    %s:\n", site)
		for _, core := range slices.Sorted(maps.Keys(sites[site])) {
			fmt.Fprintf(&b, "      %s: [%s]\n", core, strings.Join(sites[site][core], ", "))
		}
	}
	fmt.Fprintf(&b, "  local: {site: %s, core: %s}\n", f.cores[0].site, f.cores[0].name)
	b.WriteString("\nscope: global # the default of --scope, as that of any flag\n")
	return []byte(b.String())
}

// client returns a client of the fleet, by the way that any program would take.
func (f *demoFleet) client() (*sysops.Client, error) { return sysops.Open(f.config()) }

// A demoPush is one snapshot with the core that it goes to.
type demoPush struct {
	core string
	snap snapshot.Snapshot
}

// tend has gc verify the hosts, as its timer does: without that nobody knows, while a server
// is down, whether its sibling has all of them.
func (f *demoFleet) tend(ctx context.Context) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.GC(ctx, sysops.Where{Scope: sysops.Global}, snapshot.DefaultTTL)
	return err
}

// publish pushes all snapshots, several at a time, and calls step after each.
func (f *demoFleet) publish(ctx context.Context, pushes []demoPush, step func()) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan demoPush)
	var wg sync.WaitGroup
	for range demoWorkers {
		wg.Go(func() {
			for p := range work {
				if _, err := client.Publish(ctx, p.core, p.snap); err != nil {
					cancel(err)
				}
				step()
			}
		})
	}
	for _, p := range pushes {
		if ctx.Err() != nil {
			break
		}
		work <- p
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// demoWorkers is how many hosts push at a time. More bring nothing: servers and
// hosts share this machine's CPUs.
const demoWorkers = 8
