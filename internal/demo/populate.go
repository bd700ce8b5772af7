package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	// simulateWorkers is how many hosts are made at a time. Each waits three times
	// for its servers, and needs some hundred microseconds of CPU in between.
	simulateWorkers = 8

	// failuresAllowed is how many hosts may fail before the rest is given up: a
	// server that is gone would fail them all.
	failuresAllowed = 3

	// silentTTL is how long the snapshots of hosts live that have stopped reporting.
	silentTTL = time.Second
)

// checkServers makes sure that the fleet does not mix with another, and then that
// every server can be written.
func (s *Simulation) checkServers(ctx context.Context) error {
	if !s.Force {
		if err := s.refuseOthers(ctx); err != nil {
			return err
		}
	}
	for i := range s.layout.cores {
		k := &s.layout.cores[i]
		for _, url := range k.servers {
			warnings, err := s.client.CheckServer(ctx, url, fleetsim.Name(i, k.domain()))
			if err != nil {
				return fmt.Errorf("cannot push into core %s: %w", k.name, err)
			}
			for _, w := range warnings {
				terminal.Warn(s.Stderr, "%s", w)
			}
		}
	}
	return nil
}

// refuseOthers is an error where the servers know hosts that are not of this fleet,
// or objects that no index knows: they would be in the same answers.
func (s *Simulation) refuseOthers(ctx context.Context) error {
	known, _, err := s.client.Hosts(ctx, sysops.Where{Scope: sysops.Global, Partial: true})
	if err != nil {
		return err
	}
	refuse := func(format string, args ...any) error {
		return hint.To(fmt.Errorf("cannot push a synthetic fleet: "+format, args...), "give the fleet Redis databases of its own (redis://host:port/NUMBER), or push beside what is there with --force")
	}
	if others := s.others(known); len(others) > 0 {
		const shown = 3
		list := strings.Join(others[:min(shown, len(others))], ", ")
		if len(others) > shown {
			list += fmt.Sprintf(" and %d more", len(others)-shown)
		}
		return refuse("the servers know hosts that are not of it: %s", list)
	}
	indexed := make(map[string]bool)
	for _, h := range known {
		indexed[h.Core] = true
	}
	for _, k := range s.layout.cores {
		if indexed[k.name] {
			continue
		}
		n, err := s.unindexed(ctx, k.name)
		if err != nil {
			return err
		}
		if n > 0 {
			return refuse("core %s holds objects of another inserter: %d", k.name, n)
		}
	}
	return nil
}

// others returns the hosts that are not of this fleet, by name and core. Real ones
// never are: see [simulatedCore.domain].
func (s *Simulation) others(known []sysops.HostReport) []string {
	if len(known) == 0 {
		return nil
	}
	own := make(map[string]string, s.Hosts)
	for i := range s.Hosts {
		k := s.layout.core(i)
		own[fleetsim.Name(i, k.domain())] = k.name
	}
	var others []string
	for _, h := range known {
		if own[h.Host] != h.Core {
			others = append(others, h.Host)
		}
	}
	return others
}

// unindexed counts the objects of a core without an index: the original's inserter
// may have written some.
func (s *Simulation) unindexed(ctx context.Context, core string) (int, error) {
	everything, err := sysops.ParsePattern("*#*")
	if err != nil {
		return 0, err
	}
	answer, err := s.client.Ask(ctx, sysops.Query{Pattern: everything, Where: sysops.Where{Core: core, Partial: true}})
	if err != nil {
		return 0, err
	}
	return answer.Len(), nil
}

// A simulated is what became of a host.
type simulated struct {
	silent  bool
	objects int
	bytes   int64 // of contents
	err     error
}

// A tally sums up.
type tally struct {
	hosts, silent, objects int
	bytes                  int64
	failed                 []error
}

func (t *tally) add(h simulated) {
	if h.err != nil {
		t.failed = append(t.failed, h.err)
		return
	}
	t.hosts++
	if h.silent {
		t.silent++
	}
	t.objects += h.objects
	t.bytes += h.bytes
}

// populate makes all hosts, several at a time. Those that have stopped reporting come
// last: their objects must not be what others are stored against.
func (s *Simulation) populate(ctx context.Context) error {
	began := time.Now()
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	results := s.startWorkers(working, s.startQueue(working))
	bar := terminal.BeforeRows(s.Stderr, "hosts", s.Hosts) // what stdout gets has been printed
	bar.Rate, bar.Stride = true, 1
	var t tally
	for h := range results {
		if working.Err() != nil && h.err != nil {
			continue // it was cut short
		}
		t.add(h)
		bar.Step()
		if len(t.failed) == failuresAllowed || errors.Is(h.err, sysops.ErrOtherMachine) || h.err != nil && s.client == nil {
			stop(h.err)
		}
	}
	bar.Done()
	took := time.Since(began)
	if ctx.Err() != nil {
		terminal.Say(s.Stderr, "stopped at %d of %d hosts", t.hosts, s.Hosts)
		return context.Cause(ctx)
	}
	if len(t.failed) > 0 {
		return s.failure(&t)
	}
	s.conclude(&t, took)
	return s.awaitSilence(ctx, &t)
}

// startQueue hands out the hosts' numbers.
func (s *Simulation) startQueue(ctx context.Context) <-chan int {
	queue := make(chan int)
	go func() {
		defer close(queue)
		for _, silent := range []bool{false, true} {
			for i := range s.Hosts {
				if fleetsim.Silent(s.Seed, i) != silent {
					continue
				}
				select {
				case queue <- i:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return queue
}

func (s *Simulation) startWorkers(ctx context.Context, queue <-chan int) <-chan simulated {
	results := make(chan simulated)
	var wg sync.WaitGroup
	for range simulateWorkers {
		wg.Go(func() {
			for i := range queue {
				results <- s.one(ctx, i)
			}
		})
	}
	go func() {
		wg.Wait()
		close(results)
	}()
	return results
}

// one makes host i: it writes its files, pushes it, or both.
func (s *Simulation) one(ctx context.Context, i int) simulated {
	k := s.layout.core(i)
	snap := s.template.Host(s.Seed, i, k.domain())
	if s.Objects > 0 {
		snap.Sources = snap.Sources[:min(s.Objects, len(snap.Sources))]
	}
	snap.TTL, snap.TakeOver = s.TTL, s.Force
	h := simulated{silent: fleetsim.Silent(s.Seed, i)}
	if h.silent {
		if snap.TTL = silentTTL; s.client == nil {
			return h // no query would find its objects, so no file has them
		}
	}
	sizes := measure(&snap)
	if s.files != nil && !h.silent {
		if h.err = s.files.write(ctx, &snap); h.err != nil {
			return h
		}
	}
	if s.client != nil {
		_, h.err = s.client.Publish(ctx, k.name, snap)
	}
	for _, size := range sizes {
		h.bytes += size
	}
	h.objects = len(snap.Sources)
	return h
}

// measure has the sizes of the snapshot's objects noted when they are read.
func measure(snap *snapshot.Snapshot) []int64 {
	sizes := make([]int64, len(snap.Sources))
	for j := range snap.Sources {
		read := snap.Sources[j].Read
		snap.Sources[j].Read = func(ctx context.Context) (snapshot.Content, error) {
			c, err := read(ctx)
			sizes[j] = int64(len(c.Data))
			return c, err
		}
	}
	return sizes
}

func (s *Simulation) failure(t *tally) error {
	first := t.failed[0]
	if errors.Is(first, sysops.ErrOtherMachine) {
		return hint.To(fmt.Errorf("cannot push a synthetic fleet: %w", first), "the servers hold a fleet of another --seed; --force replaces it")
	}
	return fmt.Errorf("cannot make the fleet: %d of %d hosts are done, %d failed: %w", t.hosts, s.Hosts, len(t.failed), first)
}

// conclude says what was made.
func (s *Simulation) conclude(t *tally, took time.Duration) {
	made, silent := "pushed", ""
	if t.silent > 0 {
		silent = fmt.Sprintf(" (%d silent)", t.silent)
	}
	if s.client == nil {
		made = "wrote"
		if t.hosts -= t.silent; t.silent > 0 {
			silent = fmt.Sprintf(" (%d silent left out)", t.silent)
		}
	}
	terminal.Say(s.Stderr, "%s %d hosts%s: %d objects, %.1f MB of contents in %.1f s, %.0f hosts a second",
		made, t.hosts, silent, t.objects, float64(t.bytes)/1e6, took.Seconds(), float64(t.hosts)/took.Seconds())
}

// awaitSilence waits until the snapshots of hosts that have stopped reporting have
// expired, so that already the first question counts them as missing.
func (s *Simulation) awaitSilence(ctx context.Context, t *tally) error {
	if t.silent == 0 || s.client == nil {
		return nil
	}
	select {
	case <-time.After(silentTTL + 100*time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
