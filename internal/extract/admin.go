package extract

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A ServerChange says what an administrative command did to one server.
type ServerChange struct {
	Server   string
	Hosts    int // removed
	Entries  int // of the index: removed by GC, added by Adopt
	Names    int // removed
	Objects  int // removed by GC: no push had recorded them
	Repaired int // by GC: keys of a wrong type, scores that were not the host's, objects that would never have expired
	Ahead    int // by GC: hosts and objects of which stamps lay in the future, and were taken down
	Bases    int // by GC: chosen, or put back, where hosts may not write them
	Err      error
}

// GC prunes every server in the scope, as store's Prune describes it, and brings the roster
// of each up to date: who belongs to the core. It may run beside pushes and queries. Its
// error joins those of the servers.
//
// The servers of a core have the same roster, so that one that restarted empty knows that
// it is not whole. Where a server of a core cannot be asked nobody is taken off the rosters
// of the others: the host may be known there.
func (s *Servers) GC(ctx context.Context, q Request, keep time.Duration) ([]ServerChange, error) {
	cores, err := s.administered(ctx, q)
	if err != nil {
		return nil, err
	}
	changes := make([][]ServerChange, len(cores))
	var wg sync.WaitGroup
	for i, k := range cores {
		t := &tending{coreState: k, keep: keep, foreign: s.options.Legacy == LegacyNever, failed: make(map[*member]error)}
		for _, m := range k.members {
			if m.err != nil {
				t.failed[m] = m.err
			}
		}
		wg.Go(func() { changes[i] = t.prune(ctx) })
	}
	wg.Wait()
	return joinChanges(slices.Concat(changes...))
}

// administered returns the cores of a scope for a verb that changes their servers. Servers
// that the password of an administrator must not be sent to have an error.
func (s *Servers) administered(ctx context.Context, q Request) ([]*coreState, error) {
	cores, err := s.cores(ctx, q.Scope, q.Site, q.Core)
	for _, m := range membersOf(cores) {
		m.err = m.CheckAdmin()
	}
	return cores, err
}

// A tending is the pruning of one core.
type tending struct {
	*coreState
	keep    time.Duration
	foreign bool

	mu     sync.Mutex
	failed map[*member]error // why a server's roster is not as it should be
}

// prune prunes the servers of the core, all at once, and then brings their rosters up to
// date.
func (t *tending) prune(ctx context.Context) []ServerChange {
	changes := atEach(t.members, func(m *member) ServerChange {
		if err := t.failure(m); err != nil {
			return ServerChange{Server: m.Name(), Err: err}
		}
		p, err := m.Prune(ctx, store.Pruning{Keep: t.keep, Foreign: t.foreign, Verified: t.enroll})
		return ServerChange{Server: m.Name(), Hosts: p.Hosts, Entries: p.Entries, Names: p.Names, Objects: p.Objects, Repaired: p.Repaired, Ahead: p.Ahead, Err: err}
	})
	t.chooseBases(ctx, changes)
	all := len(t.failed) == 0 && !slices.ContainsFunc(changes, func(c ServerChange) bool { return c.Err != nil })
	ends := atEach(t.members, func(m *member) error { return t.end(ctx, m, all) })
	for i, err := range ends {
		changes[i].Err = cmp.Or(changes[i].Err, err)
	}
	return changes
}

// enroll puts hosts that one server has verified on the rosters of all that can be asked.
func (t *tending) enroll(ctx context.Context, hosts []string) error {
	hosts = slices.DeleteFunc(hosts, func(h string) bool {
		_, err := naming.ParseHost(h)
		return err != nil // no publisher writes such a host
	})
	atEach(t.members, func(m *member) error {
		if t.failure(m) != nil {
			return nil // it need not be waited for again
		}
		if err := m.Enroll(ctx, hosts); err != nil {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.failed[m] = err
		}
		return nil
	})
	return ctx.Err()
}

func (t *tending) failure(m *member) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed[m]
}

// end takes those off a server's roster who belong to the core no more, if all its servers
// can tell, and notes that gc has been there.
func (t *tending) end(ctx context.Context, m *member, all bool) error {
	if err := t.failure(m); err != nil {
		return err
	}
	if all {
		err := m.EachOfRoster(ctx, func(hosts []string) error {
			gone, err := t.unknown(ctx, hosts)
			if err != nil {
				return err
			}
			return m.Strike(ctx, gone)
		})
		if err != nil {
			return err
		}
	}
	return m.MarkPruned(ctx)
}

// unknown returns those of hosts that no server of the core vouches for, or that have left
// it since their last push.
func (t *tending) unknown(ctx context.Context, hosts []string) ([]string, error) {
	vouched := make([]bool, len(hosts))
	pushed, left := make([]time.Time, len(hosts)), make([]time.Time, len(hosts)) // by our clock
	for _, m := range t.members {
		ahead, err := m.Ahead(ctx)
		if err != nil {
			return nil, err
		}
		testimonies, err := m.Testimonies(ctx, hosts)
		if err != nil {
			return nil, err
		}
		for i := range testimonies {
			if push, ok := testimonies[i].Push(); ok {
				pushed[i] = maxTime(pushed[i], push.At.Add(-ahead))
			}
			if leave, ok := testimonies[i].Left(); ok {
				left[i] = maxTime(left[i], leave.At.Add(-ahead))
			}
			if vouched[i] = vouched[i] || testimonies[i].Pushes(); vouched[i] || !testimonies[i].Known {
				continue
			}
			if vouched[i], err = m.HasObject(ctx, hosts[i]); err != nil {
				return nil, err
			}
		}
	}
	var out []string
	for i, host := range hosts {
		if !vouched[i] || left[i].After(pushed[i]) {
			out = append(out, host)
		}
	}
	return out, nil
}

// atEach does work at all servers at once, each for as long as it takes.
func atEach[T any](members []*member, work func(*member) T) []T {
	results := make([]T, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() { results[i] = work(m) })
	}
	wg.Wait()
	return results
}

// Adopt adds objects that the original's inserter wrote to the index of every server in
// the scope, so that they are found without SCAN. Hosts that are new live for ttl.
func (s *Servers) Adopt(ctx context.Context, q Request, ttl time.Duration) ([]ServerChange, error) {
	cores, err := s.administered(ctx, q)
	if err != nil {
		return nil, err
	}
	return joinChanges(atEach(membersOf(cores), func(m *member) ServerChange {
		if m.err != nil {
			return ServerChange{Server: m.Name(), Err: m.err}
		}
		n, err := m.Adopt(ctx, ttl)
		return ServerChange{Server: m.Name(), Entries: n, Err: err}
	}))
}

func membersOf(cores []*coreState) []*member {
	var out []*member
	for _, k := range cores {
		out = append(out, k.members...)
	}
	return out
}

// joinChanges returns changes, and their errors as one.
func joinChanges(changes []ServerChange) ([]ServerChange, error) {
	var errs []error
	for _, c := range changes {
		if c.Err != nil {
			errs = append(errs, c.Err)
		}
	}
	if len(errs) == 0 {
		return changes, nil
	}
	return changes, JoinLine(errs)
}
