package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	seed     = 2013
	domain   = "example.com"
	changing = 0.03 // of a host's objects, from one push to the next
)

// A fleet is hosts, each with its agent.
type fleet struct {
	plan
	template *fleetsim.Template
	urls     []string
	dir      string

	mu       sync.Mutex
	now      tally
	awaited  map[int]bool // hosts that have not been whole since the servers came back; nil: nobody waits
	allWhole chan struct{}
}

// A tally is what became of the pushes of a time.
type tally struct {
	whole, failed         int
	objects, changed      int // of those that were whole
	sent, received        int64
	waits, servers, tries int64
	firstError            error
	slowest               time.Duration
	began                 time.Time
	took                  time.Duration
}

func newFleet(t testing.TB, p plan, urls []string) *fleet {
	template, err := fleetsim.NewTemplate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fleet{plan: p, template: template, urls: urls, dir: t.TempDir(), now: tally{began: time.Now()}}
}

// turn ends a time, and begins another.
func (f *fleet) turn() tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.now
	old.took = time.Since(old.began)
	f.now = tally{began: time.Now()}
	return old
}

// fill has every host push once.
func (f *fleet) fill(ctx context.Context) {
	hosts := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range hosts {
				f.push(ctx, i, nil)
			}
		})
	}
	for i := range f.hosts {
		hosts <- i
	}
	close(hosts)
	wg.Wait()
}

// gc verifies which hosts there are, as it does each night: while it never has, an answer
// without one of the servers is in doubt.
func (f *fleet) gc(ctx context.Context) error {
	client, err := sysops.New(sysops.ServerList(f.urls...), sysops.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.GC(ctx, sysops.Where{}, 0)
	return err
}

// run has every agent run as sysops-agent run does, until ctx ends.
func (f *fleet) run(ctx context.Context) *sync.WaitGroup {
	var agents sync.WaitGroup
	for i := range f.hosts {
		agents.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			versions := make(map[string]int)
			pause(ctx, time.Duration(random.Int64N(int64(f.every()))))
			for ctx.Err() == nil {
				next := time.Now().Add(f.every())
				f.push(ctx, i, func(name string) int {
					if random.Float64() < changing {
						versions[name]++
					}
					return versions[name]
				})
				pause(ctx, time.Until(next)+time.Duration(random.Int64N(int64(f.every()/4))))
			}
		})
	}
	return &agents
}

// push pushes a host once, as an agent does: with connections of its own, and the bases that
// it keeps on disk. version says how often an object has changed; nil: none has.
func (f *fleet) push(ctx context.Context, i int, version func(name string) int) {
	client, err := sysops.New(sysops.ServerList(f.urls...), sysops.Options{BasesFolder: filepath.Join(f.dir, strconv.Itoa(i))})
	if err != nil {
		f.note(i, nil, err)
		return
	}
	defer client.Close()
	snap := f.template.Host(seed, i, domain)
	snap.Machine, snap.Retry = fmt.Sprintf("machine-%d", i), f.every()/2
	for s := range snap.Sources {
		source := &snap.Sources[s]
		if version == nil {
			continue
		}
		n, read := version(source.Name), source.Read
		if n == 0 {
			continue
		}
		source.Read = func(ctx context.Context) (snapshot.Content, error) {
			c, err := read(ctx)
			c.Data = append(bytes.Clone(c.Data), fmt.Sprintf("day.version = %d\n", n)...)
			return c, err
		}
	}
	report, err := client.Publish(ctx, "", snap)
	if ctx.Err() == nil {
		f.note(i, report, err)
	}
}

// note counts a push.
func (f *fleet) note(i int, r *snapshot.Report, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r != nil {
		for _, s := range r.Servers {
			f.now.sent += s.Sent
			f.now.received += s.Received
			f.now.waits += s.Waits
			f.now.tries += int64(s.Tries)
			f.now.servers++
		}
	}
	if err != nil {
		f.now.failed++
		if f.now.firstError == nil {
			f.now.firstError = err
		}
		return
	}
	f.now.whole++
	f.now.objects += r.Objects
	f.now.changed += r.Servers[0].Replaced
	f.now.slowest = max(f.now.slowest, r.Took)
	delete(f.awaited, i)
	if f.awaited != nil && len(f.awaited) == 0 {
		close(f.allWhole)
		f.awaited = nil
	}
}

// awaitAll begins to wait for a push of every host that is whole on all servers. What it
// returns waits on, no longer than limit, and says how many hosts had one, and after how long
// the last.
func (f *fleet) awaitAll() func(ctx context.Context, limit time.Duration) (int, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited, f.allWhole = make(map[int]bool), make(chan struct{})
	for i := range f.hosts {
		f.awaited[i] = true
	}
	return func(ctx context.Context, limit time.Duration) (int, time.Duration) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		select {
		case <-f.allWhole:
		case <-ctx.Done():
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.hosts - len(f.awaited), time.Since(began)
	}
}
