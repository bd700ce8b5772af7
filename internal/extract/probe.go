package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// How long a core's servers are waited for. One that cannot be connected to in ProbeWait, or
// a fifth of its timeout where that is more, is left out; so is one that has not answered SiblingGrace, and as long as the fastest took,
// after its fastest sibling: a hung server must cost nobody a second. Where the fastest know
// that they are not whole, or a host is known to be at another alone, the others have ProbeWait
// in place of SiblingGrace. One that was connected to and is silent, as a busy one is, has
// its whole timeout while no sibling has answered: there is nobody else to ask.
const (
	ProbeWait    = time.Second
	SiblingGrace = 100 * time.Millisecond
)

// maxServers is how many servers a core may have: sets of them are kept as the
// bits of a word.
const maxServers = 64

// place is a core and where it stands.
type place struct{ site, core string }

// A coreState is a core in the course of one query.
type coreState struct {
	place
	members   []*member
	hosts     hostTable
	united    int                        // how many members hosts was made of
	preferred int                        // the member that is read from throughout, while it answers
	err       error                      // why the core is left out
	short     int                        // hosts that its servers know of and do not have
	partial   error                      // why its answer is not whole, though it is not left out
	unsure    error                      // why nobody knows whether it is whole
	unseen    []string                   // what was not looked at
	unnamed   bool                       // a member has more names than can be read
	holders   map[string]map[string]bool // name → hosts that have recorded it, of those that were asked
	roster    []string                   // that gc has verified, where it had to be read
	sizes     *coreSizes
	undated   map[string]bool // hosts that were looked for since nobody knows when they pushed → an object of theirs is there

	patient    bool          // its servers are waited for as long as they may take
	connecting time.Duration // how long one that cannot be connected to is waited for while no other answers

	basing sync.Mutex // held while bases are read
}

// A member is one server of a core in the course of one query. What it knows is
// written before the fetch begins; the atomic fields change during it.
type member struct {
	*store.Server
	bit uint64
	err error // why it is left out; nil while it answers

	index   *store.Index
	truths  map[string]*store.Truth // what hosts say of themselves, of those that were asked about
	lists   map[string]store.List   // of hosts by name, where they had to be asked for early
	lines   []indexLine             // of the index: what was asked for
	scanned map[naming.Key]bool     // every key that SCAN found → whether it was asked for
	crowded bool                    // what $hosts says is not gone by
	lacks   int                     // hosts of the core whose latest push it does not have

	cost costs                 // of the contents that it gave
	down atomic.Pointer[error] // why it failed during the fetch
	slow atomic.Bool           // a sibling overtook it during the fetch
	pace atomic.Int64          // the longest batch so far, in nanoseconds
}

// An indexLine is one line of the index: the hosts of one name, or the names of one host.
type indexLine struct {
	label
	list []string
}

// label is what a line of the index is about: one of the two is empty.
type label struct{ name, host string }

var errLate = errors.New("did not answer in the time that its siblings took")

// ask puts one question to every member of k that is still in, at once, and
// hands take each answer, in the caller's goroutine. A member that fails is
// left out, with its error. grace is how much longer than the fastest the others
// may take; it is asked again with each answer, and told which members have given theirs.
// nil, or where k is patient: as long as ctx and the server's timeout allow.
func ask[T any](ctx context.Context, k *coreState, grace func(answered uint64) time.Duration, question func(context.Context, *member) (T, error), take func(*member, T)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if k.patient {
		grace = nil
	}
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
	var answered uint64
	var first time.Duration // that the fastest took
	var late <-chan time.Time
	pulse := time.NewTicker(ProbeWait)
	defer pulse.Stop()
	for len(waiting) > 0 {
		select {
		case r := <-replies:
			delete(waiting, r.m)
			if r.m.err = r.err; r.err != nil {
				continue
			}
			take(r.m, r.v)
			answered |= r.m.bit
			if first == 0 {
				first = time.Since(began)
			}
			if grace != nil {
				late = time.After(time.Until(began.Add(2*first + grace(answered))))
			}
		case <-pulse.C:
			for m, before := range waiting {
				now := m.Traffic()
				alone := answered == 0 && (now.Sent > 0 || time.Since(began) < k.connecting)
				if waiting[m] = now.Received; now.Received == before && grace != nil && !alone {
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

// probe reads the index of hosts and names of every member. exact: with the times
// at which all snapshots expire. Else one member tells which hosts are live, since
// others would only repeat it; see verify.
func (k *coreState) probe(ctx context.Context, exact bool) {
	grace := func(uint64) time.Duration {
		if size, _ := k.size(); size == 0 || k.mostHosts() < size {
			return ProbeWait // others may know more than those that answered
		}
		return SiblingGrace
	}
	k.hosts = hostTable{}
	ask(ctx, k, grace,
		func(ctx context.Context, m *member) (*store.Index, error) {
			switch {
			case exact:
				return m.Index(ctx, store.AllExpiries)
			case m == k.members[k.preferred]:
				return m.Index(ctx, liveAhead)
			}
			return m.Index(ctx, store.NoExpiries)
		},
		func(m *member, x *store.Index) {
			m.index, m.crowded = x, false
			k.unite(m) // while the others are under way
		})
	for _, m := range k.left() {
		for _, key := range m.index.Damaged {
			k.damaged(m, key)
		}
	}
	k.disperse(ctx)
	k.weigh()
}

// liveAhead is longer than any query takes: a host whose snapshot lasts that long is
// live throughout.
const liveAhead = time.Hour

// grace is for questions about the hosts that the members are known to have: whoever alone
// has the latest push of one is waited for.
func (k *coreState) grace(answered uint64) time.Duration {
	for _, h := range k.hosts.list {
		if h.has != 0 && h.has&answered == 0 && !h.unverified && !h.left {
			return ProbeWait
		}
	}
	return SiblingGrace
}

// quick is the grace of what no answer waits for.
func quick(uint64) time.Duration { return SiblingGrace }

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

// size is how many hosts the core has, as gc has told a server that has answered or, without
// that, as is remembered. 0: nobody knows.
func (k *coreState) size() (hosts int, vouched bool) {
	if hosts = k.rosterSize(); hosts > 0 {
		return hosts, true
	}
	return k.sizes.get(k).Hosts, false
}

// unite adds what m knows to k.hosts.
func (k *coreState) unite(m *member) {
	if k.hosts.ids == nil {
		k.hosts = makeHosts(len(m.index.Pushed))
	}
	if m.crowded {
		return
	}
	var h *hostState
	for _, p := range m.index.Pushed {
		h = k.see(m, h, p)
	}
}

// weigh finds out, once all members are united, when snapshots expire, and what
// each member lacks.
func (k *coreState) weigh() {
	members := k.left()
	k.united = len(members)
	for _, m := range members {
		k.expire(m)
	}
	k.weighMembers(members)
}

// weighMembers counts of which hosts each member lacks the latest push.
func (k *coreState) weighMembers(members []*member) {
	for _, m := range members {
		m.lacks = 0
		for _, h := range k.hosts.list {
			if h.has&m.bit == 0 && !h.unverified && !h.left {
				m.lacks++
			}
		}
	}
}

// reunite makes k.hosts anew if members have dropped out since it was made.
func (k *coreState) reunite() {
	members := k.left()
	if len(members) == k.united {
		return
	}
	k.uniteAll()
	k.weigh()
	k.believe()
}

// dropEmptied leaves out members that have lost all their hosts since they were probed, where nothing at all was found:
// a server that restarts between two requests knows of no host that has what is asked for.
func (k *coreState) dropEmptied(ctx context.Context) {
	for _, m := range k.left() {
		if len(m.scanned) > 0 || slices.ContainsFunc(m.lines, func(l indexLine) bool { return len(l.list) > 0 }) {
			return
		}
	}
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) (emptied bool, err error) {
			if len(m.index.Pushed) == 0 {
				return false, nil
			}
			t, err := m.Tending(ctx)
			if store.Answered(err) { // it refuses to tell, so it is there
				return false, nil
			}
			return err == nil && t.Listed == 0, err
		},
		func(m *member, emptied bool) {
			if emptied {
				m.err = fmt.Errorf("server %s lost all its hosts while it was being asked (it restarted?)", m.Name())
			}
		})
	k.reunite()
}

// see notes that m had a push from host at this time of its clock. It returns the host, nil
// if it is none; after is the one that it returned before.
func (k *coreState) see(m *member, after *hostState, p store.Push) *hostState {
	h := k.hosts.getAfter(after, p.Host)
	if h == nil {
		if _, err := naming.ParseHost(p.Host); err != nil {
			return nil // no publisher writes such a host; adopted ones may be in capitals
		}
		h = k.hosts.add(p.Host)
	}
	if !m.believable(p.At) {
		h.odd = true
		return h
	}
	h.note(m.bit, m.momentOf(&p.PushTime))
	return h
}

// note notes that the member of that bit has a push of this moment.
func (h *hostState) note(bit uint64, w moment) {
	switch {
	case h.has != 0 && w.is(&h.moment):
		h.has |= bit
		h.pushed = maxTime(h.pushed, w.pushed)
	case h.has == 0 || w.later(&h.moment):
		h.moment, h.has = w, bit
	}
}

// expire notes when the snapshots that m has expire.
func (k *coreState) expire(m *member) {
	var h *hostState
	note := func(host string, at time.Time) {
		if h = k.hosts.getAfter(h, host); h != nil && h.has&m.bit != 0 {
			h.expires = maxTime(h.expires, at.Add(-m.index.Offset))
		}
	}
	for _, e := range m.index.Expires {
		note(e.Host, e.At)
	}
	for _, host := range m.index.Lasting {
		note(host, m.index.Until)
	}
}
