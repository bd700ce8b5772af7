package sysops

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/sysops-api/sysops-api/internal/codec"
)

// CountOptions are what a count over the fleet may be asked to do beside counting.
type CountOptions struct {
	Hosts    bool   // remember the hosts of each count
	Progress func() // called after each object, by one goroutine at a time; nil: not
}

// A LineCount is how often one line is found over the fleet.
type LineCount struct {
	Line   []byte // without its newline; must not be changed
	Count  int
	Binary bool // in place of lines: objects with NUL bytes that match

	hosts *hostNumbers
}

// Hosts returns the hosts that have the line, sorted; nil unless CountOptions.Hosts
// was set.
func (c *LineCount) Hosts() []string { return c.hosts.names() }

// CountLines counts identical lines (or matches, with OnlyMatching) over all
// objects: the most frequent first, equally frequent ones in their own order. What
// hosts have of a base in common is counted once for all of them, not line by line.
// Its errors are those of Objects, and that there are more different lines than fit
// into some 2 GiB of memory, 8 million.
func (a *Answer) CountLines(ctx context.Context, expr *Expr, o CountOptions) ([]LineCount, error) {
	names := a.numberHosts()
	budget := &lineBudget{}
	tallies := tallies{hosts: o.Hosts, crew: crew[tally]{hire: func() *tally {
		return &tally{hosts: o.Hosts, bases: make(map[*codec.Hits]*baseTally), own: lineTable{budget: budget}}
	}}}
	read := searching(a, expr, func(it *item, found *codec.Found) struct{} {
		t := tallies.take()
		t.add(found, found.Binary && !expr.o.Text, uint32(it.host.number))
		tallies.put(t)
		return struct{}{}
	})
	for _, err := range stream(ctx, a, a.targets, read) {
		if err = cmp.Or(err, budget.err()); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress()
		}
	}
	return tallies.sum(names), nil
}

// numberHosts gives the hosts of the answer numbers, in the order of their names, and
// returns the names. A host that the original's inserter has put into two cores has one.
func (a *Answer) numberHosts() []string {
	var names []string
	for i := range a.targets {
		h := a.targets[i].host
		if n := len(names); n == 0 || names[n-1] != h.name {
			names = append(names, h.name)
		}
		h.number = len(names) - 1
	}
	return names
}

// hostNumbers is a set of hosts, by their numbers.
type hostNumbers struct {
	of   []string // the names of all
	list []uint32
}

func (h *hostNumbers) names() []string {
	if h == nil {
		return nil
	}
	out := make([]string, len(h.list))
	for i, n := range h.list {
		out[i] = h.of[n]
	}
	return out
}

// A crew is what the workers of a count have found so far, each by itself.
type crew[T any] struct {
	hire func() *T

	mu   sync.Mutex
	idle []*T // all of them, while nobody works
}

func (c *crew[T]) take() *T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		taken := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return taken
	}
	return c.hire()
}

func (c *crew[T]) put(back *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, back)
}

// tallies are what is counted by all workers.
type tallies struct {
	crew[tally]
	hosts bool
}

// A tally counts what is found in bases by its place there, and other lines by their
// text.
type tally struct {
	hosts  bool
	bases  map[*codec.Hits]*baseTally
	own    lineTable
	binary lineEntry
}

// A baseTally counts the parts that an expression finds in a base. Hosts that copy
// the parts from … to-1 add one at from and take it away at to: the sum up to a part
// is its count.
type baseTally struct {
	steps []int32
	hosts [][]uint32 // of each part; nil unless asked for
}

func (t *tally) add(found *codec.Found, binary bool, host uint32) {
	if binary {
		if found.Count > 0 {
			t.binary.add(1, host, t.hosts)
		}
		return
	}
	for i := range found.Runs {
		r := &found.Runs[i]
		if r.Hits == nil {
			t.own.entry(r.Part).add(1, host, t.hosts)
			continue
		}
		b := t.bases[r.Hits]
		if b == nil {
			b = &baseTally{steps: make([]int32, len(r.Hits.Parts)+1)}
			if t.hosts {
				b.hosts = make([][]uint32, len(r.Hits.Parts))
			}
			t.bases[r.Hits] = b
		}
		b.steps[r.From]++
		b.steps[r.To]--
		if t.hosts {
			for p := r.From; p < r.To; p++ {
				b.hosts[p] = append(b.hosts[p], host)
			}
		}
	}
}

// sum brings together what the workers have counted.
func (t *tallies) sum(names []string) []LineCount {
	all := &tally{}
	for _, one := range t.idle {
		if all.own.count < one.own.count {
			all.own, one.own = one.own, all.own
		}
	}
	all.own.budget = nil // nothing new comes
	for _, one := range t.idle {
		all.binary.merge(&one.binary)
		for e := range one.own.all {
			all.own.entry(e.line).merge(e)
		}
		one.own = lineTable{}
		for hits, b := range one.bases {
			n := int32(0)
			for i, line := range hits.Parts {
				if n += b.steps[i]; n == 0 {
					continue
				}
				found := lineEntry{n: int(n)}
				if b.hosts != nil {
					found.hosts = b.hosts[i]
				}
				all.own.entry(line).merge(&found)
			}
		}
	}
	counts := make([]LineCount, 0, all.own.count+1)
	list := func(e *lineEntry, binary bool) {
		c := LineCount{Line: e.line, Count: e.n, Binary: binary}
		if t.hosts {
			slices.Sort(e.hosts)
			c.hosts = &hostNumbers{names, slices.Compact(e.hosts)}
		}
		counts = append(counts, c)
	}
	for e := range all.own.all {
		list(e, false)
	}
	if all.binary.n > 0 {
		list(&all.binary, true)
	}
	slices.SortFunc(counts, func(x, y LineCount) int { return cmp.Or(cmp.Compare(y.Count, x.Count), bytes.Compare(x.Line, y.Line)) })
	return counts
}
