package extract

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/store"
)

// Which names there are decides what a pattern means: "passwd" is one name where there is
// such a name, and else all that contains it. So one host that pushes an object of that name
// would change everybody's questions. A name decides where some hosts have it by their own
// records.

const (
	enoughHosts = 3   // that have a name, for it to decide
	enoughShare = 100 // or one host in so many
)

// manyHosts is how many hosts of a core are asked whether they have a name, in the request
// for who is listed as having it. All hosts of most cores, and of others enough to find three
// that have what one in fifty has.
const manyHosts = 500

// choose decides what the pattern means, by the names that the servers know. Where a server
// has too many to be read, or none that can be, a path is asked for as it is, and other names
// are those that some hosts have.
func (s *Survey) choose(ctx context.Context) {
	d := &deciding{survey: s}
	texts := s.request.Pattern.Literals()
	paths := !slices.ContainsFunc(texts, func(t string) bool { return !strings.HasPrefix(t, "/") })
	unnamed := s.unnamed()
	if unnamed && !paths {
		d.learn(ctx)
	}
	names := d.consider(ctx, unnamed, texts)
	if unnamed && paths && slices.ContainsFunc(texts, func(t string) bool { return !d.counts([]string{t}) }) {
		d.learn(ctx)
		names = d.consider(ctx, unnamed, texts)
	}
	s.sel = s.request.Pattern.Resolve(names, d.counts)
}

// unnamed notes which cores have more names than their members can tell.
func (s *Survey) unnamed() (any bool) {
	for _, k := range s.cores {
		k.unnamed = slices.ContainsFunc(k.left(), func(m *member) bool { return m.index.MoreNames })
		any = any || k.unnamed
	}
	return any
}

// A deciding finds out which names decide.
type deciding struct {
	survey  *Survey
	names   []string                   // in question
	holders map[string]map[string]bool // name → hosts that have it
	all     bool                       // every host has been asked
}

// consider returns all names, and finds out which of them decide.
func (d *deciding) consider(ctx context.Context, unnamed bool, texts []string) (names []string) {
	names = d.survey.names()
	if unnamed {
		names = slices.Compact(slices.Sorted(slices.Values(append(names, texts...))))
	}
	meanings := d.survey.request.Pattern.Meanings(names)
	if d.names = slices.Concat(meanings...); len(d.names) > 0 {
		d.listen(ctx, meanings)
	}
	return names
}

// listen asks some hosts of each core, and all of them where that leaves a doubt.
func (d *deciding) listen(ctx context.Context, meanings [][]string) {
	d.count()
	if !slices.ContainsFunc(meanings, func(group []string) bool { return !d.counts(group) }) {
		return
	}
	d.all = true
	for _, k := range d.survey.cores {
		d.all = d.all && len(k.hosts.list) <= manyHosts
	}
	each(d.survey.cores, func(k *coreState) { k.sample(ctx, d.names) })
	d.count()
	doubtful := func(group []string) bool {
		return !d.counts(group) && (!d.all || d.held(group) > 0 && !d.vouched())
	}
	if slices.ContainsFunc(meanings, doubtful) {
		each(d.survey.cores, func(k *coreState) { k.pollAll(ctx, d.names) })
		d.count()
	}
}

// learn asks some hosts for all their names.
func (d *deciding) learn(ctx context.Context) {
	each(d.survey.cores, func(k *coreState) {
		if k.unnamed {
			k.learnNames(ctx)
		}
	})
}

// count notes who has said to have which of the names.
func (d *deciding) count() {
	d.holders = make(map[string]map[string]bool, len(d.names))
	for _, k := range d.survey.cores {
		for name, hosts := range k.holders {
			if d.holders[name] == nil {
				d.holders[name] = make(map[string]bool)
			}
			maps.Copy(d.holders[name], hosts)
		}
	}
}

// counts reports whether enough hosts have one of the names. Of names that are not in
// question it says so.
func (d *deciding) counts(names []string) bool {
	if !slices.Contains(d.names, names[0]) {
		return true
	}
	n := d.held(names)
	return n >= enoughHosts || n*enoughShare >= max(1, d.fleet())
}

// held is how many hosts have one of the names.
func (d *deciding) held(names []string) int {
	hosts := make(map[string]bool)
	for _, n := range names {
		maps.Copy(hosts, d.holders[n])
	}
	return len(hosts)
}

// fleet is how many hosts there are.
func (d *deciding) fleet() int {
	n := 0
	for _, k := range d.survey.cores {
		if size := k.rosterSize(); size > 0 {
			n += size
		} else {
			n += k.standing()
		}
	}
	return n
}

// vouched reports whether gc has said how many hosts there are, in each core.
func (d *deciding) vouched() bool {
	return !slices.ContainsFunc(d.survey.cores, func(k *coreState) bool { return k.rosterSize() == 0 })
}

// some returns hosts of the core at random, manyHosts at most.
func (k *coreState) some() []string {
	hosts := k.hosts.names()
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	return hosts[:min(manyHosts, len(hosts))]
}

// sample asks the members who is listed for names, and some hosts whether they have them.
func (k *coreState) sample(ctx context.Context, names []string) {
	if len(names) > fewNames {
		k.learnNames(ctx)
		return
	}
	hosts := k.some()
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) (*store.Holding, error) {
			return m.Holding(ctx, names, k.listable(), hosts)
		},
		func(m *member, h *store.Holding) {
			m.lists = make(map[string]store.List, len(names))
			for i, name := range names {
				m.lists[name] = h.Lists[i]
				for j, host := range hosts {
					if h.Holds[j][i] {
						k.holds(host, name)
					}
				}
			}
		})
}

// holds notes that a host has recorded an object of that name.
func (k *coreState) holds(host, name string) {
	if k.holders == nil {
		k.holders = make(map[string]map[string]bool)
	}
	if k.holders[name] == nil {
		k.holders[name] = make(map[string]bool)
	}
	k.holders[name][host] = true
}

// pollAll asks all hosts whether they have names.
func (k *coreState) pollAll(ctx context.Context, names []string) {
	k.hear(ctx, k.hosts.names(), names)
	for _, m := range k.left() {
		for _, l := range m.lines {
			for _, host := range l.list {
				k.holds(host, l.name)
			}
		}
	}
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

// learnNames asks some hosts for all their names.
func (k *coreState) learnNames(ctx context.Context) {
	hosts := k.some()
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) ([]store.List, error) { return m.NamesOf(ctx, hosts) },
		func(m *member, lists []store.List) {
			for i, l := range lists {
				for _, name := range l.Members {
					k.holds(hosts[i], name)
				}
				if k.unnamed {
					m.index.Names = append(m.index.Names, l.Members...)
				}
			}
		})
}
