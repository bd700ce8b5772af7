package sysops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// How long a core's servers are waited for. One that sends nothing for
// probeWait is left out; so is one that has not answered siblingGrace, and as
// long as the fastest took, after its fastest sibling: a hung server must cost
// nobody a second. Where the fastest know that they are not whole, the others
// have probeWait in place of siblingGrace.
const (
	probeWait    = time.Second
	siblingGrace = 100 * time.Millisecond
)

// maxServers is how many servers a core may have: sets of them are kept as the
// bits of a word.
const maxServers = 64

// A coreState is a core in the course of one query.
type coreState struct {
	place
	members []*member
	hosts   map[string]*hostState
	united  int   // how many members hosts was made of
	first   int   // the member that is preferred throughout the query
	err     error // why the core is left out
	short   int   // hosts that its servers know of and do not have
	partial error // why its answer is not whole, though it is not left out

	basing sync.Mutex // held while bases are read
}

// A member is one server of a core in the course of one query. What it knows is
// written before the fetch begins; the atomic fields change during it.
type member struct {
	*store.Server
	bit uint64
	err error // why it is left out; nil while it answers

	index   *store.Index
	keys    []held       // of the index: what was asked for
	scanned map[Key]bool // every key that SCAN found → whether it was asked for
	lacks   int          // hosts of the core whose latest push it does not have

	down atomic.Pointer[error] // why it failed during the fetch
	slow atomic.Bool           // a sibling overtook it during the fetch
	pace atomic.Int64          // the longest batch so far, in nanoseconds
}

// held is one line of the index: the hosts of one name, or the names of one host.
type held struct {
	label
	list []string
}

// label is what a line of the index is about: one of the two is empty.
type label struct{ name, host string }

var errLate = errors.New("did not answer in the time that its siblings took")

// ask puts one question to every member of k that is still in, at once, and
// hands take each answer, in the caller's goroutine. A member that fails is
// left out, with its error. grace is how much longer than the fastest the others
// may take; it is asked again with each answer. nil: as long as ctx allows.
func ask[T any](ctx context.Context, k *coreState, grace func() time.Duration, question func(context.Context, *member) (T, error), take func(*member, T)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type reply struct {
		m   *member
		v   T
		err error
	}
	replies := make(chan reply, len(k.members))
	waiting := make(map[*member]int64) // → bytes received so far
	for _, m := range k.left() {
		waiting[m] = m.Traffic().Received
		go func() {
			v, err := question(ctx, m)
			replies <- reply{m, v, err}
		}()
	}
	drop := func(m *member, why error) {
		delete(waiting, m)
		m.err = fmt.Errorf("server %s %w", m.Name(), why)
	}
	began := time.Now()
	var first time.Duration // that the fastest took
	var late <-chan time.Time
	pulse := time.NewTicker(probeWait)
	defer pulse.Stop()
	for len(waiting) > 0 {
		select {
		case r := <-replies:
			delete(waiting, r.m)
			if r.m.err = r.err; r.err != nil {
				continue
			}
			take(r.m, r.v)
			if first == 0 {
				first = time.Since(began)
			}
			if grace != nil {
				late = time.After(time.Until(began.Add(2*first + grace())))
			}
		case <-pulse.C:
			for m, before := range waiting {
				now := m.Traffic().Received
				if waiting[m] = now; now == before && grace != nil {
					drop(m, store.ErrTimeout)
				}
			}
		case <-late:
			for m := range waiting {
				drop(m, errLate)
			}
		case <-ctx.Done():
			for m := range waiting {
				drop(m, context.Cause(ctx))
			}
		}
	}
}

// left returns the members that still answer.
func (k *coreState) left() []*member {
	var out []*member
	for _, m := range k.members {
		if m.err == nil {
			out = append(out, m)
		}
	}
	return out
}

// probe reads the index of hosts and names of every member.
func (k *coreState) probe(ctx context.Context) {
	grace := func() time.Duration {
		if k.shortBy(k.mostHosts()) > 0 {
			return probeWait // those that answered know that others know more
		}
		return siblingGrace
	}
	ask(ctx, k, grace,
		func(ctx context.Context, m *member) (*store.Index, error) { return m.Index(ctx) },
		func(m *member, x *store.Index) { m.index = x })
}

// quick is the grace of questions whose answers cannot be short.
func quick() time.Duration { return siblingGrace }

// mostHosts is the most that any member that has answered knows.
func (k *coreState) mostHosts() int {
	most := 0
	for _, m := range k.members {
		if m.index != nil {
			most = max(most, len(m.index.Pushed))
		}
	}
	return most
}

// shortBy is how many more than these hosts the core has, as its servers have
// been told with the pushes.
func (k *coreState) shortBy(hosts int) int {
	size := 0
	for _, m := range k.members {
		if m.index != nil {
			size = max(size, m.index.Size)
		}
	}
	return max(0, size-hosts)
}

// A hostState is what the members of a core know of one host.
type hostState struct {
	name    string
	pushed  time.Time // its latest push, by our clock; zero: only the original's inserter knows it
	mark    int
	expires time.Time // of its snapshot, by our clock
	has     uint64    // the members that have the latest push

	owned  bool // of all cores that know it, this one has its latest push
	wanted bool // owned, live, and in the query's host sets: its objects are wanted

	id    int // 0 … len(core.hosts)-1
	first int // where its targets begin
	count int // how many it has

	number int // among the hosts of the answer; see Answer.numberHosts
}

// sameWithin is how far the corrected clocks of two servers may disagree on the
// time of one push: a server that was slow to take it is not behind.
const sameWithin = 30 * time.Second

// markedWithin is how close two pushes must be for their marks to tell which came
// first; otherwise the corrected clocks do.
const markedWithin = 10 * time.Second

// uniteHosts makes k.hosts of what the members know, and counts what each lacks.
// It is to be called again when members have dropped out.
func (k *coreState) uniteHosts() {
	members := k.left()
	most := 0
	for _, m := range members {
		most = max(most, len(m.index.Pushed))
	}
	k.hosts = make(map[string]*hostState, most)
	k.united = len(members)
	for _, m := range members {
		for _, p := range m.index.Pushed {
			k.see(m, p.Host, p.At.Add(-m.index.Offset), p.Mark)
		}
	}
	for _, m := range members {
		for _, e := range m.index.Expires {
			if h := k.hosts[e.Host]; h != nil && h.has&m.bit != 0 {
				h.expires = maxTime(h.expires, e.At.Add(-m.index.Offset))
			}
		}
		m.lacks = 0
		for _, h := range k.hosts {
			if h.has&m.bit == 0 {
				m.lacks++
			}
		}
	}
}

// see notes that m had a push from host at this time, by our clock.
func (k *coreState) see(m *member, host string, at time.Time, mark int) {
	h := k.hosts[host]
	if h == nil {
		if _, err := ParseHost(host); err != nil {
			return // no publisher writes such a host; adopted ones may be in capitals
		}
		k.hosts[host] = &hostState{name: host, pushed: at, mark: mark, has: m.bit, id: len(k.hosts)}
		return
	}
	switch {
	case h.mark == mark && at.Sub(h.pushed).Abs() <= sameWithin:
		h.has |= m.bit
		h.pushed = maxTime(h.pushed, at)
	case later(at, mark, h.pushed, h.mark):
		h.pushed, h.mark, h.has = at, mark, m.bit
	}
}

// later reports whether the first of two pushes of one host came after the second.
func later(at time.Time, mark int, than time.Time, thanMark int) bool {
	apart := at.Sub(than)
	if apart.Abs() <= markedWithin && mark != thanMark {
		return store.MarkedAfter(mark, thanMark)
	}
	return apart > 0
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// live reports whether a host's snapshot has not expired at now, our clock.
func (h *hostState) live(now time.Time) bool { return h.expires.After(now) }
