package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// Forget removes hosts from every server of the scope: those that q names, each of which a
// server has to know, or nothing is removed and the error is ErrUnknown; and, with globs,
// all that the servers know and q wants, of which there has to be one, and not every host
// that there is. It returns the hosts, and how many objects they had.
//
// Where a server cannot be asked, the others have forgotten the hosts when it returns its
// error.
func (s *Servers) Forget(ctx context.Context, q Request, globs bool) (hosts []string, removed int, _ error) {
	cores, err := s.administered(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	if hosts, err = named(ctx, cores, &q); err != nil {
		return nil, 0, err
	}
	if globs {
		matching, err := matching(ctx, cores, &q)
		if err != nil {
			return nil, 0, err
		}
		hosts = slices.Compact(slices.Sorted(slices.Values(slices.Concat(hosts, matching))))
	}
	var errs []error
	for _, k := range cores {
		most := 0
		for _, f := range atEach(k.members, func(m *member) forgotten {
			if m.err != nil {
				return forgotten{0, m.err}
			}
			n, err := m.Forget(ctx, hosts)
			return forgotten{n, err}
		}) {
			if most = max(most, f.objects); f.err != nil {
				errs = append(errs, f.err)
			}
		}
		removed += most
	}
	if len(errs) > 0 {
		return hosts, removed, fmt.Errorf("cannot forget %s everywhere: %w", strings.Join(some(hosts), ", "), JoinLine(errs))
	}
	return hosts, removed, nil
}

type forgotten struct {
	objects int
	err     error
}

// named returns the hosts that q names. One that no server knows is ErrUnknown, unless one
// cannot be asked: it may be known there.
func named(ctx context.Context, cores []*coreState, q *Request) (hosts []string, _ error) {
	for _, h := range q.Named {
		if q.wants(h) {
			hosts = append(hosts, h)
		}
	}
	answers := atEach(membersOf(cores), func(m *member) []bool {
		if m.err != nil {
			return nil
		}
		known, err := m.Knows(ctx, hosts)
		if err != nil {
			return nil // to forget the hosts there will fail as well, and say why
		}
		return known
	})
	var strangers []string
	for i, h := range hosts {
		if !slices.ContainsFunc(answers, func(known []bool) bool { return known == nil || known[i] }) {
			strangers = append(strangers, h)
		}
	}
	if len(strangers) > 0 {
		return nil, fmt.Errorf("cannot forget %s: %w to the servers of scope %s", strings.Join(some(strangers), ", "), ErrUnknown, cmp.Or(q.Scope, Local))
	}
	return hosts, nil
}

// matching returns the hosts that the servers know and q wants.
func matching(ctx context.Context, cores []*coreState, q *Request) ([]string, error) {
	const most = 1_000_000
	var mu sync.Mutex
	found, others := make(map[string]bool), false
	errs := atEach(membersOf(cores), func(m *member) error {
		if m.err != nil {
			return m.err
		}
		return m.EachHost(ctx, func(hosts []string) error {
			mu.Lock()
			defer mu.Unlock()
			for _, h := range hosts {
				if _, err := naming.ParseHost(h); err != nil {
					continue
				}
				if !q.wants(h) {
					others = true
				} else if found[h] = true; len(found) > most {
					return fmt.Errorf("cannot forget over %d hosts at once: sysops gc removes what nobody has pushed", most)
				}
			}
			return nil
		})
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("cannot forget what matches: no such host is known, %w to the servers of scope %s", ErrUnknown, cmp.Or(q.Scope, Local))
	case !others && len(found) > 1:
		return nil, fmt.Errorf("cannot forget all %d hosts that the servers of scope %s know: name them, if the cache is to be emptied", len(found), cmp.Or(q.Scope, Local))
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// A ServerBlocking says what became of a host's user at one server.
type ServerBlocking struct {
	Server, Host string
	store.Blocking
	Err error
}

// Block ends what a host does to the servers of the scope: its user is turned off, its
// connections are closed, and the host is forgotten, with how many objects it had. A host
// that no server knows, not even as a user, is ErrUnknown.
func (s *Servers) Block(ctx context.Context, q Request) (blocked []ServerBlocking, removed int, _ error) {
	cores, err := s.administered(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	users := make(map[string]bool)
	var errs []error
	for _, host := range q.Named {
		for _, b := range atEach(membersOf(cores), func(m *member) ServerBlocking {
			if m.err != nil {
				return ServerBlocking{Server: m.Name(), Host: host, Err: m.err}
			}
			b, err := m.Block(ctx, naming.HostUser(host))
			return ServerBlocking{m.Name(), host, b, err}
		}) {
			blocked = append(blocked, b)
			users[host] = users[host] || b.User
			if b.Err != nil {
				errs = append(errs, b.Err)
			}
		}
	}
	_, removed, err = s.Forget(ctx, q, false)
	if errors.Is(err, ErrUnknown) && !slices.ContainsFunc(q.Named, func(h string) bool { return !users[h] }) {
		err = nil // it has pushed nothing yet
	}
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return blocked, removed, JoinLine(errs)
	}
	return blocked, removed, nil
}
