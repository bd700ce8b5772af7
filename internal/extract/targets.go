package extract

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
)

// A Target is one object that a survey found.
type Target struct {
	host    *hostState
	name    string
	core    *coreState
	servers uint64 // members of core that can have it
	foreign bool   // SCAN found it, and no index knows it
}

// Key returns the object's key.
func (t *Target) Key() naming.Key { return naming.Key{Host: t.host.name, Name: t.name} }

// Host returns the host that the object is of.
func (t *Target) Host() string { return t.host.name }

// HostNumber returns the place of the host among those that Survey.NumberHosts returned.
func (t *Target) HostNumber() int { return t.host.number }

// Name returns what the object is called.
func (t *Target) Name() string { return t.name }

// Place returns the site and the core that the object is read from.
func (t *Target) Place() (site, core string) { return t.core.site, t.core.core }

// Server returns the name of the first server that can have the object. With
// Request.EveryServer it is the only one.
func (t *Target) Server() string {
	for _, m := range t.core.members {
		if t.servers&m.bit != 0 {
			return m.Name()
		}
	}
	return ""
}

// inKeyOrder returns the targets sorted by key. '#' sorts below all that a host
// name may hold, so hosts in order, and names in order within each, are keys in
// order. Few hosts have many names and names come sorted, most often: hosts are
// sorted, and their targets put in place.
func inKeyOrder(found []Target, holders []*hostState) []Target {
	slices.SortFunc(holders, func(x, y *hostState) int { return strings.Compare(x.name, y.name) })
	at := 0
	for _, h := range holders {
		h.at = at
		at += h.count
	}
	sorted := make([]Target, len(found))
	for _, t := range found {
		sorted[t.host.at] = t
		t.host.at++
	}
	for _, h := range holders {
		slices.SortFunc(sorted[h.at-h.count:h.at], func(x, y Target) int { return strings.Compare(x.name, y.name) })
	}
	return sorted
}

// target makes a target of a host's object.
func (k *coreState) target(h *hostState, name string, servers uint64) Target {
	h.count++
	return Target{host: h, name: name, core: k, servers: servers}
}

// indexed appends every object that the index of the members selects. Of a host,
// only what the members with its latest push say counts.
func (k *coreState) indexed(sel *naming.Selection, found []Target) []Target {
	lines := make(map[label][]vote)
	for _, m := range k.left() {
		for _, h := range m.lines {
			lines[h.label] = append(lines[h.label], vote{m.bit, h.list})
		}
	}
	n := len(k.hosts.list)
	t := &ballot{heard: make([]uint64, n), servers: make([]uint64, n), holders: make([]int, 0, n)}
	for id, h := range k.hosts.list {
		if h.wanted {
			t.heard[id] = h.has
		}
	}
	for l, votes := range lines {
		if l.host == "" {
			found = k.holdersOf(l.name, votes, t, sel, found)
		} else {
			found = k.namesOf(l.host, votes, sel, found)
		}
	}
	return found
}

// vote is what one member says of a line of the index.
type vote struct {
	bit  uint64
	list []string
}

// votes are counted by the hosts' ids, which keeps what is looked at for each vote small.
type ballot struct {
	heard   []uint64 // the members whose word on the host counts; none where it is not wanted
	servers []uint64 // those that list it; all zero before and after a count
	holders []int    // hosts that anyone lists
}

// holdersOf appends the objects of one name.
func (k *coreState) holdersOf(name string, votes []vote, t *ballot, sel *naming.Selection, found []Target) []Target {
	t.holders = t.holders[:0]
	for _, v := range votes {
		for _, host := range v.list {
			id, ok := k.hosts.ids[host]
			if !ok || t.heard[id]&v.bit == 0 {
				continue
			}
			if t.servers[id] == 0 {
				t.holders = append(t.holders, id)
			}
			t.servers[id] |= v.bit
		}
	}
	found = slices.Grow(found, len(t.holders))
	for _, id := range t.holders {
		h := k.hosts.list[id]
		if sel.Key(naming.Key{Host: h.name, Name: name}) {
			found = append(found, k.target(h, name, t.servers[id]))
		}
		t.servers[id] = 0
	}
	return found
}

// namesOf appends the objects of one host.
func (k *coreState) namesOf(host string, votes []vote, sel *naming.Selection, found []Target) []Target {
	h := k.hosts.get(host)
	if h == nil || !h.wanted {
		return found
	}
	servers := make(map[string]uint64)
	for _, v := range votes {
		for _, name := range v.list {
			if h.has&v.bit != 0 && sel.Key(naming.Key{Host: host, Name: name}) {
				servers[name] |= v.bit
			}
		}
	}
	for name, bits := range servers {
		found = append(found, k.target(h, name, bits))
	}
	return found
}

// adopted appends what SCAN found and the index does not know: the objects of the
// original's inserter. Their expiry is Redis' alone, so they count as live.
func (k *coreState) adopted(now time.Time, found []Target) []Target {
	if !slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
		return found
	}
	indexed := make(map[naming.Key]bool) // at any of the servers, not only those that were scanned
	for _, m := range k.left() {
		for _, line := range m.lines {
			for _, v := range line.list {
				indexed[naming.Key{Host: cmp.Or(line.host, v), Name: cmp.Or(line.name, v)}] = true
			}
		}
	}
	servers := make(map[naming.Key]uint64)
	for _, m := range k.left() {
		for key, selected := range m.scanned {
			if selected && !indexed[key] {
				servers[key] |= m.bit
			}
		}
	}
	for key, bits := range servers {
		h := k.hosts.get(key.Host)
		if h == nil {
			h = k.hosts.add(key.Host)
			h.expires, h.owned, h.wanted = now.Add(time.Hour), true, true
		}
		t := k.target(h, key.Name, bits)
		t.foreign = true
		found = append(found, t)
	}
	return found
}

// copies returns t once for each server that can have it.
func (t Target) copies() []Target {
	var out []Target
	for _, m := range t.core.members {
		if t.servers&m.bit != 0 {
			one := t
			one.servers = m.bit
			out = append(out, one)
		}
	}
	return out
}
