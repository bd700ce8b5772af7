package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrIncomplete says that an answer would be partial, where that is not allowed.
var ErrIncomplete = errors.New("the answer is incomplete")

// A Request is what is asked of whom. The zero value of every field but Pattern has a
// meaning: the local scope, all hosts, all cores of the scope or none.
type Request struct {
	Pattern naming.Pattern

	Scope      Scope
	Site, Core string // narrow the scope where they are not empty

	Wants  func(host string) bool // nil: every host is wanted
	Named  []string               // hosts that are expected to answer even where no server has heard of them
	MaxAge time.Duration          // leave out hosts whose last push is older; 0: none

	Partial     bool // answer without cores that are down
	EveryServer bool // every object once for each server that has it
	CheckKeys   bool // every entry of the index is checked, since not every object will be read
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
	found.choose(ctx)
	contested := found.contested()
	each(found.cores, func(k *coreState) {
		about := &question{Request: &q, sel: &found.sel, staleAfter: s.options.StaleAfter, contested: contested}
		k.lookUp(ctx, s.options.Legacy, about)
		k.verify(ctx, about)
		if q.CheckKeys {
			k.checkEntries(ctx, about)
		}
		k.dropEmptied(ctx)
		k.enroll(ctx)
	})
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
	contested, alone := found.contested(), naming.HostsAlone()
	each(found.cores, func(k *coreState) {
		if more != nil {
			more(k)
			k.reunite()
		}
		k.verify(ctx, &question{Request: &q, sel: &alone, staleAfter: s.options.StaleAfter, contested: contested, everyHost: true})
		k.enroll(ctx)
	})
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
		k.err = fmt.Errorf("core %s %s: %w", k.core, gone(k.leftOut(), "is down", "cannot be asked"), JoinLine(k.leftOut()))
	case len(k.hosts.list) == 0 && !slices.ContainsFunc(members, func(m *member) bool { return len(m.scanned) > 0 }):
		k.err = fmt.Errorf("core %s is empty: none of its servers knows any host (has an agent pushed there, into this database?)", k.core)
	default:
		k.judgeSize()
	}
}

// judgeSize finds out whether the members that answer have all hosts of the core.
func (k *coreState) judgeSize() {
	all, out := k.standing(), k.leftOut()
	size, vouched := k.size()
	switch {
	case vouched: // enroll has counted
		k.sizes.note(k, coreSize{all, true})
	case len(out) == 0 && !k.sizes.get(k).Verified:
		if len(k.members) > 1 { // where the only server does not answer, nobody has to know
			k.sizes.note(k, coreSize{Hosts: all})
		}
	case size == 0:
		k.unsure = fmt.Errorf("nobody knows how many hosts core %s has, since gc has not run there, and not all of its servers answer: %w", k.core, JoinLine(out))
	default: // a roster that is gone went with what else its server had
		k.short = max(0, size-all)
		all += k.short
	}
	if k.short*coldShare > all {
		k.partial = fmt.Errorf("core %s is short of %d of its %d hosts: the servers that answer do not have them", k.core, k.short, all)
		if !vouched {
			k.partial = fmt.Errorf("%w (it had them when it was last asked; if they are gone for good, run sysops gc)", k.partial)
		}
		if len(out) > 0 {
			k.partial = fmt.Errorf("%w; %w", k.partial, JoinLine(out))
		}
	}
}

// gone returns the words for a core that none of its servers serves: of one that answered,
// if only to refuse, nobody may say that it is down.
func gone(errs []error, down, refused string) string {
	if slices.ContainsFunc(errs, store.Answered) {
		return refused
	}
	return down
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

// lookUp asks the members for the part of the index that sel needs: the hosts of
// every name that can match or, where that is less, the names of every host
// that can.
func (k *coreState) lookUp(ctx context.Context, legacy string, q *question) {
	hosts, names := k.narrow(q)
	known := 0
	for _, m := range k.left() {
		known = max(known, len(m.index.Names))
	}
	q.names = names
	q.byHost = len(hosts)*min(known, namesPerHost) < len(names)*len(k.hosts.list)
	if k.unnamed && q.sel.Exact == nil {
		q.byHost = true
		if slices.ContainsFunc(k.left(), func(m *member) bool { return m.index.MoreNames && len(m.index.Damaged) == 0 }) {
			k.overlook("names not looked at: there are more than can be read, and hosts were asked which they have")
		}
	}
	of := names
	if q.byHost {
		of = hosts
	}
	var cut []string
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) ([]store.List, error) {
			if q.byHost {
				return m.NamesOf(ctx, hosts)
			}
			return m.holders(ctx, names, k.listable())
		},
		func(m *member, lists []store.List) { cut = append(cut, k.note(m, of, lists, q.byHost)...) })
	if len(cut) > 0 {
		k.poll(ctx, q, cut)
	}
	if legacy != LegacyNever {
		k.scan(ctx, legacy, q.Request, q.sel)
	}
}

// asked returns the hosts of which anything is wanted.
func (k *coreState) asked(q *question) []string {
	hosts := make([]string, 0, len(k.hosts.list))
	for _, h := range k.hosts.list {
		if q.wants(h.name) && q.sel.Host(h.name) {
			hosts = append(hosts, h.name)
		}
	}
	return hosts
}

// narrow returns the hosts and the names of which anything can be selected.
func (k *coreState) narrow(q *question) (hosts, names []string) {
	sel := q.sel
	hosts = k.asked(q)
	if sel.Exact != nil {
		return hosts, sel.Exact
	}
	seen := make(map[string]bool)
	for _, m := range k.left() {
		for _, n := range m.index.Names {
			if !seen[n] && sel.Name(n) {
				names = append(names, n)
			}
			seen[n] = true
		}
	}
	if sel.Narrow != nil && !k.unnamed {
		hosts, names = sel.Narrow(hosts, names)
	}
	return hosts, names
}

// holders returns who is listed for names, as m may have said already.
func (m *member) holders(ctx context.Context, names []string, most int) ([]store.List, error) {
	lists := make([]store.List, 0, len(names))
	for _, n := range names {
		l, ok := m.lists[n]
		if !ok {
			return m.Holders(ctx, names, most)
		}
		lists = append(lists, l)
	}
	return lists, nil
}

// namesPerHost is a guess at how many objects a host has, to choose between
// asking by name and by host.
const namesPerHost = 100

// note keeps what m lists of names or, byHost, of hosts. It returns the names whose lists
// cannot be read.
func (k *coreState) note(m *member, of []string, lists []store.List, byHost bool) (cut []string) {
	if byHost {
		m.lines = nil // hosts say it all
	}
	for i, l := range lists {
		line := indexLine{label{name: of[i]}, l.Members}
		if byHost {
			line.label = label{host: of[i]}
		}
		m.lines = append(m.lines, line)
		switch {
		case byHost && l.Cut:
			k.overlook("what host %s has recorded not looked at: at server %s it is too large, or of another type", of[i], m.Name())
		case l.Damaged:
			k.damaged(m, store.ListOf(of[i]))
		}
		if !byHost && l.Cut {
			cut = append(cut, of[i])
		}
	}
	return cut
}

// scan searches the members that have no index, or all of them with
// LegacyAlways. A server that restarted empty beside indexed siblings has
// nothing to scan, so asking it costs one request.
func (k *coreState) scan(ctx context.Context, legacy string, q *Request, sel *naming.Selection) {
	ask(ctx, k, nil,
		func(ctx context.Context, m *member) (map[naming.Key]bool, error) {
			if m.index.Indexed && legacy != LegacyAlways {
				return nil, nil
			}
			matches := make(map[naming.Key]bool)
			err := m.Scan(ctx, func(s string) {
				if key, ok := naming.ParseKey(s); ok {
					matches[key] = sel.Key(key) && q.wants(key.Host)
				}
			})
			return matches, err
		},
		func(m *member, found map[naming.Key]bool) { m.scanned = found })
}

// Began is when the survey did.
func (s *Survey) Began() time.Time { return s.began }

// Cost returns what the survey, and reading it, have cost so far.
func (s *Survey) Cost() Cost {
	c := Cost{Keys: len(s.targets), Packed: s.cost.packed.Load(), Unpacked: s.cost.unpacked.Load(), Took: time.Since(s.began)}
	for m, before := range s.traffic {
		c.Servers = append(c.Servers, ServerCost{
			Server: m.Name(), Keys: m.cost.keys.Load(), Packed: m.cost.packed.Load(), Unpacked: m.cost.unpacked.Load(),
			Traffic: m.Traffic().Since(before),
		})
	}
	return c
}

// Record has the servers that were asked record the question, and publish it. Its error
// tells where that was refused (a replica, an ACL).
func (s *Survey) Record(ctx context.Context, entry []byte) error {
	refused := make([][]error, len(s.cores))
	var wg sync.WaitGroup
	for i, k := range s.cores {
		wg.Go(func() {
			ask(ctx, k, quick,
				func(ctx context.Context, m *member) (error, error) {
					if m.down.Load() != nil || m.slow.Load() {
						return nil, nil
					}
					return m.Record(ctx, entry), nil
				},
				func(_ *member, err error) {
					if err != nil {
						refused[i] = append(refused[i], err)
					}
				})
		})
	}
	wg.Wait()
	if all := slices.Concat(refused...); len(all) > 0 {
		return fmt.Errorf("cannot record the query: %w", JoinLine(all))
	}
	return nil
}

// count fills in what is known of hosts before anything is read. holders are the hosts
// with at least one target.
func (s *Survey) count(now time.Time, holders []*hostState) {
	c := &s.counts
	c.AnyKey = !s.sel.Lacking
	for _, h := range holders {
		c.Answered++
		if age := now.Sub(h.pushed); !h.pushed.IsZero() {
			c.Oldest = max(c.Oldest, age)
			if c.Newest == 0 || age < c.Newest {
				c.Newest = age
			}
		}
	}
	for _, k := range s.cores {
		for _, h := range k.hosts.list {
			if !s.sel.Host(h.name) || !s.request.wants(h.name) {
				continue
			}
			if h.unverified {
				c.Unverified = append(c.Unverified, h.name)
			}
			if !h.owned {
				continue
			}
			c.Expected++
			if !h.live(now) {
				c.Missing = append(c.Missing, h.name)
				continue
			}
			if h.undated {
				c.Undated = append(c.Undated, h.name)
			}
			if !h.wanted || !h.pushed.IsZero() && now.Sub(h.pushed) > s.servers.options.StaleAfter {
				c.Stale = append(c.Stale, h.name)
			}
			if s.sel.Lacking && h.wanted && h.count == 0 {
				c.Lacking = append(c.Lacking, h.name)
			}
		}
	}
	for _, name := range s.request.Named {
		if !s.knows(name) && s.sel.Host(name) && s.request.wants(name) {
			c.Expected++
			c.Missing = append(c.Missing, name)
		}
	}
	for _, list := range [][]string{c.Stale, c.Undated, c.Missing, c.Lacking, c.Unverified} {
		slices.Sort(list)
	}
}

// knows reports whether any core that answers knows the host.
func (s *Survey) knows(host string) bool {
	return slices.ContainsFunc(s.cores, func(k *coreState) bool {
		h := k.hosts.get(host)
		return k.err == nil && h != nil && !h.unverified && !h.left
	})
}

// Targets returns the objects of the survey in the order of their keys. The list must
// not be changed.
func (s *Survey) Targets() []Target { return s.targets }

// ByName returns the targets of each name, in the order of the names and, within each, of
// the hosts.
func (s *Survey) ByName() iter.Seq[[]Target] {
	return func(yield func([]Target) bool) {
		rest := slices.Clone(s.targets)
		slices.SortFunc(rest, func(x, y Target) int {
			return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.host.name, y.host.name), strings.Compare(x.core.core, y.core.core))
		})
		for len(rest) > 0 {
			n := 1
			for n < len(rest) && rest[n].name == rest[0].name {
				n++
			}
			if !yield(rest[:n:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// NumberHosts gives the hosts that have targets numbers, in the order of their names, and
// returns the names. A host that the original's inserter has put into two cores has one.
func (s *Survey) NumberHosts() []string {
	var names []string
	for i := range s.targets {
		h := s.targets[i].host
		if n := len(names); n == 0 || names[n-1] != h.name {
			names = append(names, h.name)
		}
		h.number = len(names) - 1
	}
	return names
}

// settle makes the sorted list of targets out of what the members know.
func (s *Survey) settle() {
	now := time.Now()
	sel := &s.sel
	s.chooseHosts(now)
	for _, k := range s.cores {
		k.judgeLife(now)
	}
	var found []Target
	for _, k := range s.cores {
		if k.err == nil {
			found = k.adopted(now, k.indexed(sel, found))
		}
	}
	holders := make([]*hostState, 0, min(len(found), s.knownHosts()))
	for _, k := range s.cores {
		for _, h := range k.hosts.list {
			if h.count > 0 {
				holders = append(holders, h)
			}
		}
	}
	s.targets = inKeyOrder(found, holders)
	s.count(now, holders)
	if s.request.EveryServer {
		var all []Target
		for _, t := range s.targets {
			copies := t.copies()
			t.host.count += len(copies) - 1
			all = append(all, copies...)
		}
		s.targets = all
	}
}

// contested returns the hosts that several cores know.
func (s *Survey) contested() map[string]bool {
	if len(s.cores) < 2 {
		return nil
	}
	seen := make(map[string]bool, s.knownHosts())
	several := make(map[string]bool)
	for _, k := range s.cores {
		for _, h := range k.hosts.list {
			if seen[h.name] {
				several[h.name] = true
			}
			seen[h.name] = true
		}
	}
	return several
}

// knownHosts is how many hosts the cores know.
func (s *Survey) knownHosts() int {
	n := 0
	for _, k := range s.cores {
		n += len(k.hosts.list)
	}
	return n
}

// chooseHosts marks the hosts whose objects the query wants. A host that two
// cores know (it moved) belongs to the one that it pushed to last.
func (s *Survey) chooseHosts(now time.Time) {
	var owner map[string]*hostState // of hosts that several cores may know
	if len(s.cores) > 1 {
		owner = make(map[string]*hostState, s.knownHosts())
	}
	for _, k := range s.cores {
		if k.err != nil {
			continue
		}
		for _, h := range k.hosts.list {
			h.owned = !h.unverified && !h.left
			if h.owned && len(s.cores) > 1 {
				o := owner[h.name]
				if h.owned = o == nil || h.later(&o.moment); h.owned {
					owner[h.name] = h
					if o != nil {
						o.owned, o.wanted = false, false
					}
				}
			}
			h.wanted = h.owned && h.live(now) && s.request.wants(h.name) &&
				(s.request.MaxAge == 0 || now.Sub(h.pushed) <= s.request.MaxAge)
			if s.request.EveryServer {
				h.has = ^uint64(0) // what each server says counts, however old it is
			}
		}
	}
}
