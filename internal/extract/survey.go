package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrIncomplete says that an answer would be partial, where that is not allowed.
var ErrIncomplete = errors.New("the answer is incomplete")

// A Request is what is asked of whom. The zero value of every field but Pattern has a
// meaning: the local scope, all hosts, whole answers only.
type Request struct {
	Pattern naming.Pattern

	Scope      Scope
	Site, Core string // narrow the scope where they are not empty

	Wants  func(host string) bool // nil: every host is wanted
	Named  []string               // hosts that are expected to answer even where no server has heard of them
	MaxAge time.Duration          // leave out hosts whose last push is older; 0: none

	Partial     bool // answer without cores that are down and objects that are unreadable
	EveryServer bool // every object once for each server that has it
	Patient     bool // wait for each server as long as its timeout allows: every one is meant
}

// wants reports whether anything of this host is wanted.
func (q *Request) wants(host string) bool { return q.Wants == nil || q.Wants(host) }

// A Survey is what the servers of a scope know: the objects that a request selects, or
// the hosts. What it found does not change; reading its objects is the matter of a Pass.
type Survey struct {
	servers *Servers
	request Request
	sel     naming.Selection
	cores   []*coreState
	targets []Target // in key order
	began   time.Time

	counts  Report // of hosts, before anything is read
	pass    *Pass  // that ran last; nil: none has
	cost    costs
	traffic map[*member]store.Traffic // when the survey began
}

// Survey finds out which objects q selects. Nothing has been fetched by then but the
// index. The error is ErrIncomplete where a core is down and q does not allow that,
// ErrUnknown for a site or core that the directory does not have.
func (s *Servers) Survey(ctx context.Context, q Request) (*Survey, error) {
	found, err := s.probe(ctx, q, false)
	if err != nil {
		return nil, err
	}
	found.sel = q.Pattern.Resolve(found.names())
	each(found.cores, func(k *coreState) { k.lookUp(ctx, s.options.Legacy, &q, &found.sel) })
	if err := found.judgeCores(ctx); err != nil {
		return nil, err
	}
	found.settle()
	return found, nil
}

// surveyHosts finds out which hosts there are, with the times at which their snapshots
// expire. more, unless it is nil, then asks the servers of each core for something else,
// all cores at once.
func (s *Servers) surveyHosts(ctx context.Context, q Request, more func(*coreState)) (*Survey, error) {
	found, err := s.probe(ctx, q, true)
	if err != nil {
		return nil, err
	}
	if more != nil {
		each(found.cores, func(k *coreState) {
			more(k)
			k.reunite()
		})
	}
	if err := found.judgeCores(ctx); err != nil {
		return nil, err
	}
	found.settleHosts()
	return found, nil
}

// probe resolves the scope and probes its cores: what every question begins with.
// exact is for coreState.probe.
func (s *Servers) probe(ctx context.Context, q Request, exact bool) (*Survey, error) {
	began := time.Now()
	q.Scope = cmp.Or(q.Scope, Local)
	cores, err := s.cores(ctx, q.Scope, q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	found := &Survey{servers: s, request: q, cores: cores, began: began, traffic: make(map[*member]store.Traffic)}
	for _, k := range cores {
		k.patient = q.Patient
		if len(k.members) > 0 {
			k.preferred = rand.IntN(len(k.members))
		}
		for _, m := range k.members {
			found.traffic[m] = m.Traffic()
		}
	}
	each(cores, func(k *coreState) { k.probe(ctx, exact) })
	return found, nil
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
func (s *Survey) names() []string {
	seen := make(map[string]bool)
	for _, k := range s.cores {
		for _, m := range k.left() {
			for _, n := range m.index.Names {
				seen[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// judgeCores marks the cores that cannot answer, and returns ErrIncomplete for
// them unless the query is content with less.
func (s *Survey) judgeCores(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot ask: %w", context.Cause(ctx))
	}
	var gaps []error
	for _, k := range s.cores {
		k.judge()
		if err := cmp.Or(k.err, k.partial); err != nil {
			gaps = append(gaps, err)
		}
	}
	if len(gaps) == 0 || s.request.Partial {
		return nil
	}
	advice := gapHint
	if slices.ContainsFunc(s.cores, func(k *coreState) bool { return k.partial != nil }) {
		advice += "; a server that restarted empty is full again when all hosts have pushed"
	}
	return hint.To(fmt.Errorf("%w: %w", ErrIncomplete, JoinLine(gaps)), advice)
}

func (k *coreState) judge() {
	members := k.left()
	switch {
	case len(k.members) == 0:
		k.err = fmt.Errorf("core %s has no servers in the directory", k.core)
	case len(members) == 0:
		k.err = fmt.Errorf("core %s is down: %w", k.core, JoinLine(k.leftOut()))
	case len(k.hosts.list) == 0 && !slices.ContainsFunc(members, func(m *member) bool { return len(m.scanned) > 0 }):
		k.err = fmt.Errorf("core %s is empty: none of its servers knows any host (has an agent pushed there, into this database?)", k.core)
	default:
		if k.short = k.shortBy(len(k.hosts.list)); k.short*coldShare > k.short+len(k.hosts.list) {
			k.partial = fmt.Errorf("core %s is short of %d of its %d hosts: the servers that answer do not have them", k.core, k.short, k.short+len(k.hosts.list))
			if out := k.leftOut(); len(out) > 0 {
				k.partial = fmt.Errorf("%w; %w", k.partial, JoinLine(out))
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
