package extract

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// probe reads the index of hosts and names of every member. exact: with the times
// at which all snapshots expire. Else one member tells which hosts are live, since
// others would only repeat it; see confirm.
func (k *coreState) probe(ctx context.Context, exact bool) {
	grace := func() time.Duration {
		if k.shortBy(k.mostHosts()) > 0 {
			return ProbeWait // those that answered know that others know more
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
			m.index = x
			k.unite(m) // while the others are under way
		})
	k.weigh()
}

// liveAhead is longer than any query takes: a host whose snapshot lasts that long is
// live throughout.
const liveAhead = time.Hour

// confirm asks about hosts that are not known to be live those members that have
// their latest push and have not been asked.
func (k *coreState) confirm(ctx context.Context) {
	for {
		k.reunite()
		doubts := k.doubts(time.Now())
		if len(doubts) == 0 {
			return
		}
		asked := &coreState{patient: k.patient, members: slices.Collect(maps.Keys(doubts))}
		ask(ctx, asked, quick,
			func(ctx context.Context, m *member) ([]store.Expiry, error) { return m.Expiries(ctx, doubts[m]) },
			func(m *member, list []store.Expiry) {
				m.told = make(map[string]bool)
				m.index.Expires = append(m.index.Expires, list...)
				for _, e := range m.index.Expires {
					m.told[e.Host] = true
				}
				k.expire(m)
			})
	}
}

// doubts returns what confirm is to ask of each member.
func (k *coreState) doubts(now time.Time) map[*member][]string {
	doubts := make(map[*member][]string)
	for _, m := range k.left() {
		if !m.index.Until.IsZero() {
			continue // it has told of all
		}
		for _, h := range k.hosts.list {
			if h.has&m.bit != 0 && !h.live(now) && !m.told[h.name] {
				doubts[m] = append(doubts[m], h.name)
			}
		}
	}
	return doubts
}

// quick is the grace of questions whose answers cannot be short.
func quick() time.Duration { return SiblingGrace }

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
