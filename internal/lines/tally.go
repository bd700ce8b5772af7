package lines

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
)

// An Expr is what lines are searched for.
type Expr struct {
	*frame.Expr
	Text bool // contents with NUL bytes are searched like text
	Most int  // no more than the first so many lines of an object; 0: all
}

// CountOptions are what a count may be asked to do beside counting.
type CountOptions struct {
	Hosts    bool   // remember the hosts of each count
	Progress func() // called after each object, by one goroutine at a time; nil: not
}

// A Count is how often one line is found.
type Count struct {
	Line   []byte // without its newline; must not be changed
	Count  int
	Binary bool // in place of lines: objects with NUL bytes that match
	Hosts  Hosts
}

// Hosts are the hosts that have a line. The zero value has none.
type Hosts struct {
	of   []string // the names of all
	list []uint32 // which of them, in order
}

// Names returns the hosts, sorted; nil for none.
func (h Hosts) Names() []string {
	if h.of == nil {
		return nil
	}
	out := make([]string, len(h.list))
	for i, n := range h.list {
		out[i] = h.of[n]
	}
	return out
}

// CountAll counts identical lines (or matches, where expr is for these) over all objects
// of the pass's survey: the most frequent first, equally frequent ones in their own order.
// What hosts have of a base in common is counted once for all of them, not line by line.
// n is how many there are. An object with too many different lines, see frame.Share, is
// unreadable. Its errors are those of extract.Stream, and that there are more different
// lines than fit into some 2 GiB of memory, 8 million; where few hosts take more than an
// eighth of that each, it is their objects that are unreadable.
func CountAll(ctx context.Context, p *extract.Pass, expr Expr, o CountOptions) (n int, counts iter.Seq[Count], err error) {
	names := p.Survey().NumberHosts()
	without := make(map[int]bool)
	for {
		budget := &lineBudget{of: make([]spent, len(names))}
		all, err := countAll(ctx, p, expr, o, budget, without)
		if err == nil {
			n, counts = all.sum(names)
			return n, counts, nil
		}
		greedy := budget.greedy()
		if budget.err() == nil || len(greedy) == 0 || 2*(len(without)+len(greedy)) >= len(names) {
			return 0, nil, err // where most hosts have many lines, it is the question that is too large
		}
		for _, host := range greedy {
			without[host] = true
		}
	}
}

// errGreedy is why objects of a host are left out.
var errGreedy = errors.New("cannot count its lines: those of its host alone take an eighth of the memory that there is for the lines of all")

// countAll counts the lines of all hosts but some.
func countAll(ctx context.Context, p *extract.Pass, expr Expr, o CountOptions, budget *lineBudget, without map[int]bool) (*tallies, error) {
	all := &tallies{hosts: o.Hosts, perWorker: perWorker[tally]{fresh: func() *tally {
		return &tally{hosts: o.Hosts, bases: make(map[*frame.Hits]*baseTally), own: lineTable{budget: budget}}
	}}}
	options := frame.SearchOptions{Most: expr.Most}
	read := extract.Search(p, expr.Expr, options, func(it *extract.Item, found *frame.Found) (none struct{}, err error) {
		if without[it.HostNumber()] {
			return none, errGreedy
		}
		binary := found.Binary && !expr.Text
		if !binary {
			if err := fits(found); err != nil {
				return none, err
			}
		}
		t := all.take()
		t.add(found, binary, uint32(it.HostNumber()))
		all.put(t)
		return none, nil
	})
	for _, err := range extract.Stream(ctx, p, p.Survey().Targets(), read) {
		if err = cmp.Or(err, budget.err()); err != nil {
			return nil, err
		}
		if o.Progress != nil && len(without) == 0 {
			o.Progress()
		}
	}
	return all, nil
}

// littleText is how much text of its own an object may have without a look at how many
// different lines there are.
const littleText = 1 << 20

// fits finds out, before anything of it is counted, whether an object has too many different
// lines to be held.
func fits(found *frame.Found) error {
	if found.Own() <= littleText {
		return nil
	}
	var share frame.Share
	return share.TakeDifferent(func(see func([]byte) bool) {
		found.Each(func(r frame.Run) bool { return r.Hits != nil || see(r.Part) })
	})
}

// perWorker is what the workers of a count have found so far, each by itself.
type perWorker[T any] struct {
	fresh func() *T // for one more worker

	mu   sync.Mutex
	list []*T // of all workers, while nobody works
}

func (c *perWorker[T]) take() *T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.list); n > 0 {
		taken := c.list[n-1]
		c.list = c.list[:n-1]
		return taken
	}
	return c.fresh()
}

func (c *perWorker[T]) put(back *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, back)
}

// tallies are what is counted by all workers.
type tallies struct {
	perWorker[tally]
	hosts bool
}

// A tally counts what is found in bases by its place there, and other lines by their
// text.
type tally struct {
	hosts  bool
	bases  map[*frame.Hits]*baseTally
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

func (t *tally) add(found *frame.Found, binary bool, host uint32) {
	if binary {
		if found.Count() > 0 {
			t.binary.add(1, host, t.hosts)
		}
		return
	}
	found.Each(func(r frame.Run) bool {
		if r.Hits == nil {
			before := t.own.count
			t.own.entry(r.Part).add(1, host, t.hosts)
			if t.own.count > before {
				of := &t.own.budget.of[host]
				of.lines.Add(1)
				of.text.Add(int64(len(r.Part)))
			}
			return true
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
		return true
	})
}

// sum brings together what the workers have counted. names are those of all hosts.
func (t *tallies) sum(names []string) (int, iter.Seq[Count]) {
	all := &tally{}
	for _, one := range t.list {
		if all.own.count < one.own.count {
			all.own, one.own = one.own, all.own
		}
	}
	all.own.budget = nil // nothing new comes
	for _, one := range t.list {
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
	entries := make([]*lineEntry, 0, all.own.count+1)
	for e := range all.own.all {
		entries = append(entries, e)
	}
	if all.binary.n > 0 {
		entries = append(entries, &all.binary)
	}
	slices.SortFunc(entries, func(x, y *lineEntry) int { return cmp.Or(cmp.Compare(y.n, x.n), bytes.Compare(x.line, y.line)) })
	return len(entries), func(yield func(Count) bool) {
		for _, e := range entries {
			c := Count{Line: e.line, Count: e.n, Binary: e == &all.binary}
			if t.hosts {
				slices.Sort(e.hosts)
				c.Hosts = Hosts{names, slices.Compact(e.hosts)}
			}
			if !yield(c) {
				return
			}
		}
	}
}
