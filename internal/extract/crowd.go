package extract

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/words"
)

// What hosts share has no bounds, and any host can make it too large to be read, or of
// another type. A reader then goes by the hosts that gc has verified, and by what each of
// them says of itself; the answer tells what was not looked at.

// disperse has a core go by its roster where a server lists more hosts than that allows, or
// none that can be read.
func (k *coreState) disperse(ctx context.Context) {
	size, crowded := k.rosterSize(), false
	for _, m := range k.left() {
		flooded := size > 0 && m.index.Listed > store.Allowed(size)
		m.crowded = m.index.Crowded || flooded
		crowded = crowded || m.crowded
		switch {
		case flooded:
			k.overlook("newcomers not looked at: server %s lists %s hosts, of which gc has verified %s",
				m.Name(), words.Grouped(m.index.Listed), words.Grouped(size))
		case m.crowded && len(m.index.Damaged) == 0:
			k.overlook("newcomers not looked at: what server %s lists is too large to be read", m.Name())
		}
	}
	if !crowded {
		return
	}
	if size > 0 {
		k.readRoster(ctx)
	} else {
		ask(ctx, k, k.grace,
			func(ctx context.Context, m *member) ([]string, error) { return m.LiveHosts(ctx) },
			func(_ *member, hosts []string) { k.roster = append(k.roster, hosts...) })
	}
	k.uniteAll()
}

// rosterSize is how many hosts gc has verified; 0: nobody knows.
func (k *coreState) rosterSize() int {
	size := 0
	for _, m := range k.members {
		if m.index != nil {
			size = max(size, m.index.Roster)
		}
	}
	return size
}

// readRoster reads which hosts gc has verified, once.
func (k *coreState) readRoster(ctx context.Context) {
	if k.roster != nil {
		return
	}
	known := make(map[string]bool)
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) ([]string, error) {
			if m.index.Roster == 0 {
				return nil, nil
			}
			return m.Roster(ctx)
		},
		func(_ *member, hosts []string) {
			for _, h := range hosts {
				known[h] = true
			}
		})
	k.roster = slices.Sorted(maps.Keys(known))
}

// uniteAll makes k.hosts of what the members know.
func (k *coreState) uniteAll() {
	k.hosts = hostTable{}
	crowded := false
	for _, m := range k.left() {
		crowded = crowded || m.crowded
		k.unite(m)
	}
	if !crowded {
		return
	}
	for _, name := range k.roster {
		if _, err := naming.ParseHost(name); err != nil || k.hosts.get(name) != nil {
			continue
		}
		k.hosts.add(name).odd = true // nothing says when it pushed
	}
}

// listable is how many hosts a name may have listed, for the list to be read.
func (k *coreState) listable() int {
	if size := k.rosterSize(); size > 0 {
		return store.Allowed(size)
	}
	return store.Allowed(len(k.hosts.list))
}

// poll asks the hosts that are wanted which of the names they have objects of, because the
// lists of those cannot be read.
func (k *coreState) poll(ctx context.Context, q *question, names []string) {
	if q.sel.Lacking {
		names = q.names // a host that has none of them lacks what is asked
	}
	k.hear(ctx, k.asked(q), names)
}

// hear asks the members about hosts, and which of the names those have objects of, and goes
// by that.
func (k *coreState) hear(ctx context.Context, hosts, names []string) {
	all := make(map[string]bool, len(hosts))
	for _, h := range hosts {
		all[h] = true
	}
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) (*testimony, error) { return m.hear(ctx, hosts, all, names) },
		func(m *member, t *testimony) { m.take(t) })
	k.reunite()
	k.believe()
}

// overlook notes, once, that something was not looked at, and why.
func (k *coreState) overlook(format string, args ...any) {
	if what := fmt.Sprintf(format, args...); !slices.Contains(k.unseen, what) {
		k.unseen = append(k.unseen, what)
	}
}

// damaged notes that a key of a server is of another type.
func (k *coreState) damaged(m *member, key string) {
	k.overlook("%s not looked at: it is of another type at server %s", key, m.Name())
}
