package sysops

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// A Query says what is asked of whom. The zero value of every field but Pattern
// has a meaning: the local scope, all hosts, whole answers only.
type Query struct {
	Pattern Pattern

	Scope Scope  // default Local
	Site  string // implies SiteWide
	Core  string // that core alone, wherever it is

	Hosts   *HostSet      // nil: all hosts
	Exclude *HostSet      // nil: none
	MaxAge  time.Duration // leave out hosts whose last push is older; 0: none

	// Partial accepts an answer without the cores that are down and the
	// objects that are unreadable; Completeness tells them. Otherwise such an
	// answer is ErrIncomplete.
	Partial bool

	// EveryServer asks each server of a core in place of one, and returns every
	// object once for each server that has it: to compare servers.
	EveryServer bool
}

// narrow reports whether the query wants this host at all.
func (q *Query) narrow(host string) bool {
	return (q.Hosts == nil || q.Hosts.Contains(host)) && !q.Exclude.Contains(host)
}

// Ask finds out which objects q selects, and returns an Answer from which they
// can be read. Nothing has been fetched by then but the index. The error is
// ErrIncomplete where a core is down and q does not allow that, ErrUnknown for a
// site or core that the directory does not have.
//
// ctx is for the asking alone; the Answer's methods take their own.
func (c *Client) Ask(ctx context.Context, q Query) (*Answer, error) {
	if q.Pattern.text == "" {
		return nil, fmt.Errorf("cannot search for nothing: %w: the query has none", ErrBadPattern)
	}
	a, err := c.survey(ctx, q, false)
	if err != nil {
		return nil, err
	}
	sel := q.Pattern.resolve(a.names())
	a.sel = sel
	each(a.cores, func(k *coreState) { k.lookUp(ctx, c.opts.Legacy, &q, sel) })
	if err := a.judgeCores(ctx); err != nil {
		return nil, err
	}
	a.settle(sel)
	return a, nil
}

// survey resolves the scope and probes its cores: what every question begins with.
// exact is for probe.
func (c *Client) survey(ctx context.Context, q Query, exact bool) (*Answer, error) {
	began := time.Now()
	if q.Scope == "" {
		q.Scope = Local
	}
	cores, err := c.cores(ctx, q.Scope, q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	a := &Answer{client: c, query: q, cores: cores, began: began, traffic: make(map[*member]store.Traffic)}
	for _, k := range cores {
		if len(k.members) > 0 {
			k.first = rand.IntN(len(k.members))
		}
		for _, m := range k.members {
			a.traffic[m] = m.Traffic()
		}
	}
	each(cores, func(k *coreState) { k.probe(ctx, exact) })
	return a, nil
}

// each runs work on all cores at once.
func each(cores []*coreState, work func(*coreState)) {
	var wg sync.WaitGroup
	for _, k := range cores {
		wg.Go(func() { work(k) })
	}
	wg.Wait()
}

// names returns every name that any server knows.
func (a *Answer) names() []string {
	seen := make(map[string]bool)
	for _, k := range a.cores {
		for _, m := range k.left() {
			for _, n := range m.index.Names {
				seen[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// lookUp asks the members for the part of the index that sel needs: the hosts of
// every name that can match or, where that is less, the names of every host
// that can.
func (k *coreState) lookUp(ctx context.Context, legacy Legacy, q *Query, sel selection) {
	var names []string
	known := make(map[string]bool)
	for _, m := range k.left() {
		for _, n := range m.index.Names {
			if !known[n] && sel.name(n) {
				names = append(names, n)
			}
			known[n] = true
		}
	}
	hosts := make([]string, 0, len(k.hosts.list))
	for _, h := range k.hosts.list {
		if q.narrow(h.name) && sel.host(h.name) {
			hosts = append(hosts, h.name)
		}
	}
	if sel.narrow != nil {
		hosts, names = sel.narrow(hosts, names)
	}
	byHost := len(hosts)*min(len(known), namesPerHost) < len(names)*len(k.hosts.list)
	ask(ctx, k, quick,
		func(ctx context.Context, m *member) ([]held, error) {
			if byHost {
				lists, err := m.NamesOf(ctx, hosts)
				return holdings(lists, func(i int, h *held) { h.host = hosts[i] }), err
			}
			lists, err := m.Holders(ctx, names)
			return holdings(lists, func(i int, h *held) { h.name = names[i] }), err
		},
		func(m *member, keys []held) { m.keys = keys })
	if legacy != LegacyNever {
		k.scan(ctx, legacy, q, sel)
	}
	k.confirm(ctx)
}

// namesPerHost is a guess at how many objects a host has, to choose between
// asking by name and by host.
const namesPerHost = 100

func holdings(lists [][]string, label func(int, *held)) []held {
	out := make([]held, len(lists))
	for i, l := range lists {
		out[i].list = l
		label(i, &out[i])
	}
	return out
}

// scan searches the members that have no index, or all of them with
// LegacyAlways. A server that restarted empty beside indexed siblings has
// nothing to scan, so asking it costs one request.
func (k *coreState) scan(ctx context.Context, legacy Legacy, q *Query, sel selection) {
	ask(ctx, k, nil,
		func(ctx context.Context, m *member) (map[Key]bool, error) {
			if m.index.Indexed && legacy != LegacyAlways {
				return nil, nil
			}
			matches := make(map[Key]bool)
			err := m.Scan(ctx, func(s string) {
				if key, ok := ParseKey(s); ok {
					matches[key] = sel.key(key) && q.narrow(key.Host)
				}
			})
			return matches, err
		},
		func(m *member, found map[Key]bool) { m.scanned = found })
}

// judgeCores marks the cores that cannot answer, and returns ErrIncomplete for
// them unless the query is content with less.
func (a *Answer) judgeCores(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot ask: %w", context.Cause(ctx))
	}
	var gaps []error
	for _, k := range a.cores {
		k.judge()
		if err := cmp.Or(k.err, k.partial); err != nil {
			gaps = append(gaps, err)
		}
	}
	if len(gaps) == 0 || a.query.Partial {
		return nil
	}
	hint := gapHint
	if slices.ContainsFunc(a.cores, func(k *coreState) bool { return k.partial != nil }) {
		hint += "; a server that restarted empty is full again when all hosts have pushed"
	}
	return hinted(fmt.Errorf("%w: %w", ErrIncomplete, joinLine(gaps)), hint)
}

func (k *coreState) judge() {
	members := k.left()
	switch {
	case len(k.members) == 0:
		k.err = fmt.Errorf("core %s has no servers in the directory", k.core)
	case len(members) == 0:
		k.err = fmt.Errorf("core %s is down: %w", k.core, joinLine(k.leftOut()))
	case len(k.hosts.list) == 0 && !slices.ContainsFunc(members, func(m *member) bool { return len(m.scanned) > 0 }):
		k.err = fmt.Errorf("core %s is empty: none of its servers knows any host (has an agent pushed there, into this database?)", k.core)
	default:
		if k.short = k.shortBy(len(k.hosts.list)); k.short*coldShare > k.short+len(k.hosts.list) {
			k.partial = fmt.Errorf("core %s is short of %d of its %d hosts: the servers that answer do not have them", k.core, k.short, k.short+len(k.hosts.list))
			if out := k.leftOut(); len(out) > 0 {
				k.partial = fmt.Errorf("%w; %w", k.partial, joinLine(out))
			}
		}
	}
}

// leftOut returns why members are left out.
func (k *coreState) leftOut() []error {
	var errs []error
	for _, m := range k.members {
		if m.err != nil {
			errs = append(errs, m.err)
		}
	}
	return errs
}

// joinLine is errors.Join on one line.
func joinLine(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return lineError(errs)
}

type lineError []error

func (l lineError) Unwrap() []error { return l }

func (l lineError) Error() string {
	texts := make([]string, len(l))
	for i, err := range l {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}
