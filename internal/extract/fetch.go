package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A fetch reads elements of objects from the servers of their cores. It turns to
// siblings where a server fails, lags or lacks an object, so that neither shows
// in what it returns. It is safe for concurrent use.
type fetch struct {
	servers *Servers
	cost    *costs // of the survey
	ask     func(context.Context, *coreState, *member, []store.Ref) ([]store.Entry, error)
	packed  bool // what is read is frames, which may refer to bases
	records bool // what is read is what the index records, which it does not of foreign objects
}

// newFetch reads elements of objects, the contents first if they are among them, or what
// the index records of objects, where there are no elements.
func newFetch(s *Survey, elements []Element) *fetch {
	f := &fetch{servers: s.servers, cost: &s.cost}
	if len(elements) == 0 {
		f.records = true
		f.ask = func(ctx context.Context, _ *coreState, m *member, refs []store.Ref) ([]store.Entry, error) {
			return m.Records(ctx, refs)
		}
		return f
	}
	f.packed = elements[0] == Contents
	wire := make([]int, len(elements))
	for i, e := range elements {
		wire[i] = int(e)
	}
	// Where there are siblings, a hint may say that a server has a push that it has not.
	f.ask = func(ctx context.Context, k *coreState, m *member, refs []store.Ref) ([]store.Entry, error) {
		return m.Elements(ctx, refs, wire, len(k.left()) > 1 && !s.request.EveryServer)
	}
	return f
}

// A want is a target and the servers that it need not be asked of again.
type want struct {
	*Target
	tried uint64
}

// A got is what became of a want.
type got struct {
	values [][]byte
	base   *frame.Base // that values[0] refers to; nil: none, or see noBase
	noBase error       // why base is not there; nil: it is, or nobody has looked
	from   *member
	gone   bool  // its host has no such object, whatever the index says
	ghost  bool  // gone, and no server that answers has its host
	err    error // no server could give it

	// of is when its host pushed it, by our clock, where a hint says that the host has pushed
	// since. If no server has such a push, the hint is wrong.
	of time.Time
}

var (
	// errNoServer: the servers that could have the object are down.
	errNoServer = errors.New("no server is left")

	// errNoCopy: some are up, but have lost or damaged it.
	errNoCopy = errors.New("no server has a good copy")
	// errListed: nor does its host say that it is gone.
	errListed = errors.New("the index listed it")
)

// pick returns the member to read w from: the first in the query's order that
// neither failed nor lags, else one that lags.
func (k *coreState) pick(w want) *member {
	var lagging *member
	for i := range k.members {
		m := k.members[(k.preferred+i)%len(k.members)]
		if w.servers&^w.tried&m.bit == 0 || m.down.Load() != nil {
			continue
		}
		if !m.slow.Load() {
			return m
		}
		if lagging == nil {
			lagging = m
		}
	}
	return lagging
}

// read returns what became of each want, all of which are of core k.
func (f *fetch) read(ctx context.Context, k *coreState, wants []want) []got {
	out := make([]got, len(wants))
	groups := make(map[*member][]int)
	for i, w := range wants {
		if m := k.pick(w); m != nil {
			groups[m] = append(groups[m], i)
		} else {
			out[i].err = k.whyNone(w)
		}
	}
	var wg sync.WaitGroup
	for m, positions := range groups {
		wg.Go(func() {
			part := make([]want, len(positions))
			for j, i := range positions {
				part[j] = wants[i]
			}
			for j, g := range f.readFrom(ctx, k, m, part) {
				out[positions[j]] = g
			}
		})
	}
	wg.Wait()
	return out
}

// whyNone tells why no server is left for w: errNoServer if all that could have
// it are down, else that those that are up have no good copy.
func (k *coreState) whyNone(w want) error {
	var errs []error
	up := false
	for _, m := range k.members {
		if w.servers&m.bit == 0 {
			continue
		}
		if err := m.down.Load(); err != nil {
			errs = append(errs, *err)
		} else {
			up = true
		}
	}
	switch {
	case len(errs) == 0:
		return errNoCopy
	case up:
		return fmt.Errorf("%w: %w", errNoCopy, JoinLine(errs))
	}
	return fmt.Errorf("%w: %w", errNoServer, JoinLine(errs))
}

// patience is how long m may take for a batch before a sibling is asked as well.
func (m *member) patience() time.Duration {
	return max(150*time.Millisecond, 3*time.Duration(m.pace.Load()))
}

type reply struct {
	entries []store.Entry
	err     error
}

// readFrom asks m, and its siblings as well where it takes too long: the first
// to have everything wins.
func (f *fetch) readFrom(ctx context.Context, k *coreState, m *member, wants []want) []got {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := make(chan reply, 1)
	began := time.Now()
	go func() {
		entries, err := f.ask(ctx, k, m, refs(wants))
		first <- reply{entries, err}
	}()
	overdue := time.NewTimer(m.patience())
	defer overdue.Stop()
	elsewhere := make(chan []got, 1)
	asked := false
	var other []got
	for {
		select {
		case r := <-first:
			switch {
			case r.err == nil:
				m.pace.Store(max(m.pace.Load(), int64(time.Since(began))))
				return f.accept(ctx, k, m, wants, r.entries)
			case errors.Is(r.err, store.ErrReplyTooLarge):
				return f.split(ctx, k, m, wants, r.err)
			}
			if ctx.Err() != nil {
				return failed(wants, context.Cause(ctx)) // we broke off, not the server
			}
			m.down.Store(&r.err)
			switch {
			case other != nil:
				return other
			case asked:
				return <-elsewhere
			}
			return f.read(ctx, k, without(wants, m))
		case <-overdue.C:
			if rest := without(wants, m); k.pick(rest[0]) != nil {
				asked = true
				m.slow.Store(true)
				go func() { elsewhere <- f.read(ctx, k, rest) }()
			}
		case other = <-elsewhere:
			if allRead(other) {
				return other
			}
		case <-ctx.Done():
			return failed(wants, context.Cause(ctx))
		}
	}
}

func refs(wants []want) []store.Ref {
	out := make([]store.Ref, len(wants))
	for i, w := range wants {
		out[i] = store.Ref{Host: w.host.name, Name: w.name}
	}
	return out
}

func without(wants []want, m *member) []want {
	out := make([]want, len(wants))
	for i, w := range wants {
		w.tried |= m.bit
		out[i] = w
	}
	return out
}

func allRead(list []got) bool {
	for _, g := range list {
		if g.err != nil || !g.of.IsZero() {
			return false
		}
	}
	return true
}

func failed(wants []want, err error) []got {
	out := make([]got, len(wants))
	for i := range out {
		out[i].err = err
	}
	return out
}

// split reads half as many at a time: together they were too much for one reply.
func (f *fetch) split(ctx context.Context, k *coreState, m *member, wants []want, err error) []got {
	if len(wants) == 1 {
		return failed(wants, err)
	}
	half := len(wants) / 2
	return append(f.readFrom(ctx, k, m, wants[:half]), f.readFrom(ctx, k, m, wants[half:])...)
}

// accept takes what m answered, and asks siblings for what it lacks, or has an earlier push
// of than a hint says that there is.
func (f *fetch) accept(ctx context.Context, k *coreState, m *member, wants []want, entries []store.Entry) []got {
	out := make([]got, len(wants))
	early := make(map[int]time.Time)
	var lacking []int
	for i, e := range entries {
		if m.behind(wants[i].host, e.Push) {
			early[i] = e.Push.At.Add(-m.index.Offset)
		}
		switch {
		case e.Err != nil:
			out[i].err = e.Err
		case !e.Missing || f.records && wants[i].foreign:
			if out[i] = (got{values: e.Values, from: m, of: early[i]}); out[i].of.IsZero() {
				continue
			}
		}
		lacking = append(lacking, i)
	}
	found := make([]*got, len(out))
	for i := range out {
		found[i] = &out[i]
	}
	f.findBases(ctx, k, m, found)
	if len(lacking) == 0 {
		return out
	}
	rest := make([]want, len(lacking))
	for j, i := range lacking {
		rest[j] = wants[i]
		rest[j].tried |= m.bit
	}
	var lost []int
	for j, g := range f.read(ctx, k, rest) {
		i := lacking[j]
		ours, behind := early[i]
		switch {
		case g.err == nil && (g.of.IsZero() || behind && g.of.After(ours)):
			out[i] = g
		case out[i].from != nil: // no sibling has a later push
		case g.err == nil && behind && out[i].err != nil && ours.Sub(g.of) <= sameWithin:
			out[i] = g // the same push, and not damaged
		case out[i].err == nil: // m said that there is none; no sibling has it
			out[i].err = cmp.Or(g.err, errNoCopy)
			lost = append(lost, i)
		}
	}
	f.forgive(ctx, k, wants, out, lost)
	return out
}

// behind reports whether the push that m has of h, as h says itself, came before the latest.
func (m *member) behind(h *hostState, push *store.PushTime) bool {
	if push == nil || h.pushed.IsZero() || m.truths[h.name] != nil || !m.believable(push.At) {
		return false
	}
	w := m.momentOf(push)
	return !w.is(&h.moment) && h.later(&w)
}

// forgive tells the objects that their host does not have from those that are lost. The
// index is made of hints: an entry is left behind where a host has deleted its object, and
// anybody may add one. What the host says itself decides, at any server that has the host.
// An object that only SCAN found has nobody to say so, and may have expired.
func (f *fetch) forgive(ctx context.Context, k *coreState, wants []want, out []got, lost []int) {
	if len(lost) == 0 {
		return
	}
	rest := make([]want, len(lost))
	for j, i := range lost {
		rest[j] = wants[i]
	}
	said := f.standings(ctx, k, refs(rest))
	for j, i := range lost {
		switch {
		case rest[j].foreign, said[j] == store.ObjectDenied:
			out[i] = got{gone: true}
		case said[j] == store.HostUnknown:
			out[i] = got{gone: true, ghost: true}
		case errors.Is(out[i].err, errNoCopy) && !errors.Is(out[i].err, errListed):
			out[i].err = fmt.Errorf("%w, but %w", errListed, out[i].err)
		}
	}
}

// standings asks all members that are up what hosts say of objects. A denial goes before a
// record, which a sibling that missed the host's latest push may still have. Where a member
// cannot be asked, an object counts as recorded.
func (f *fetch) standings(ctx context.Context, k *coreState, refs []store.Ref) []store.Standing {
	all := make([][]store.Standing, len(k.members))
	var wg sync.WaitGroup
	for i, m := range k.members {
		if m.err != nil || m.down.Load() != nil {
			continue
		}
		wg.Go(func() {
			list, err := m.Standings(ctx, refs)
			if err != nil {
				list = slices.Repeat([]store.Standing{store.ObjectRecorded}, len(refs))
			}
			all[i] = list
		})
	}
	wg.Wait()
	said := make([]store.Standing, len(refs))
	for j := range said {
		for _, list := range all {
			switch {
			case list == nil:
			case list[j] == store.ObjectDenied:
				said[j] = store.ObjectDenied
			case said[j] != store.ObjectDenied:
				said[j] = max(said[j], list[j])
			}
		}
	}
	return said
}
