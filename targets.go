package sysops

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A target is one object to be fetched.
type target struct {
	host    *hostState
	name    string
	core    *coreState
	servers uint64 // members of core that can have it
}

func (t *target) key() Key { return Key{Host: t.host.name, Name: t.name} }

// settle makes the sorted list of targets out of what the members know.
func (a *Answer) settle(sel selection) {
	now := time.Now()
	a.chooseHosts(now)
	var found []target
	for _, k := range a.cores {
		if k.err == nil {
			found = k.adopted(now, k.indexed(sel, found))
		}
	}
	holders := make([]*hostState, 0, min(len(found), a.knownHosts()))
	for _, k := range a.cores {
		for _, h := range k.hosts.list {
			if h.count > 0 {
				holders = append(holders, h)
			}
		}
	}
	a.targets = inKeyOrder(found, holders)
	a.count(now, holders, sel)
	if a.query.EveryServer {
		var all []target
		for _, t := range a.targets {
			all = append(all, t.copies()...)
		}
		a.targets = all
	}
}

// knownHosts is how many hosts the cores know.
func (a *Answer) knownHosts() int {
	n := 0
	for _, k := range a.cores {
		n += len(k.hosts.list)
	}
	return n
}

// inKeyOrder returns the targets sorted by key. '#' sorts below all that a host
// name may hold, so hosts in order, and names in order within each, are keys in
// order. Few hosts have many names and names come sorted, most often: hosts are
// sorted, and their targets put in place.
func inKeyOrder(found []target, holders []*hostState) []target {
	slices.SortFunc(holders, func(x, y *hostState) int { return strings.Compare(x.name, y.name) })
	at := 0
	for _, h := range holders {
		h.first = at
		at += h.count
	}
	sorted := make([]target, len(found))
	for _, t := range found {
		sorted[t.host.first] = t
		t.host.first++
	}
	for _, h := range holders {
		slices.SortFunc(sorted[h.first-h.count:h.first], func(x, y target) int { return strings.Compare(x.name, y.name) })
	}
	return sorted
}

// chooseHosts marks the hosts whose objects the query wants. A host that two
// cores know (it moved) belongs to the one that it pushed to last.
func (a *Answer) chooseHosts(now time.Time) {
	var owner map[string]*hostState // of hosts that several cores may know
	if len(a.cores) > 1 {
		owner = make(map[string]*hostState, a.knownHosts())
	}
	for _, k := range a.cores {
		if k.err != nil {
			continue
		}
		for _, h := range k.hosts.list {
			h.owned = true
			if len(a.cores) > 1 {
				o := owner[h.name]
				if h.owned = o == nil || later(h.pushed, h.mark, o.pushed, o.mark); h.owned {
					owner[h.name] = h
					if o != nil {
						o.owned, o.wanted = false, false
					}
				}
			}
			h.wanted = h.owned && h.live(now) && a.query.narrow(h.name) &&
				(a.query.MaxAge == 0 || now.Sub(h.pushed) <= a.query.MaxAge)
			if a.query.EveryServer {
				h.has = ^uint64(0) // what each server says, be it old
			}
		}
	}
}

// target makes a target of a host's object.
func (k *coreState) target(h *hostState, name string, servers uint64) target {
	h.count++
	return target{host: h, name: name, core: k, servers: servers}
}

// indexed appends every object that the index of the members selects. Of a host,
// only what the members with its latest push say counts.
func (k *coreState) indexed(sel selection, found []target) []target {
	lines := make(map[label][]vote)
	for _, m := range k.left() {
		for _, h := range m.keys {
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
func (k *coreState) holdersOf(name string, votes []vote, t *ballot, sel selection, found []target) []target {
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
		if sel.key(Key{h.name, name}) {
			found = append(found, k.target(h, name, t.servers[id]))
		}
		t.servers[id] = 0
	}
	return found
}

// namesOf appends the objects of one host.
func (k *coreState) namesOf(host string, votes []vote, sel selection, found []target) []target {
	h := k.hosts.get(host)
	if h == nil || !h.wanted {
		return found
	}
	servers := make(map[string]uint64)
	for _, v := range votes {
		for _, name := range v.list {
			if h.has&v.bit != 0 && sel.key(Key{host, name}) {
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
func (k *coreState) adopted(now time.Time, found []target) []target {
	if !slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
		return found
	}
	indexed := make(map[Key]bool) // at any of the servers, not only those that were scanned
	for _, m := range k.left() {
		for _, line := range m.keys {
			for _, v := range line.list {
				indexed[Key{cmp.Or(line.host, v), cmp.Or(line.name, v)}] = true
			}
		}
	}
	servers := make(map[Key]uint64)
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
		found = append(found, k.target(h, key.Name, bits))
	}
	return found
}

// copies returns t once for each server that can have it.
func (t target) copies() []target {
	var out []target
	for _, m := range t.core.members {
		if t.servers&m.bit != 0 {
			one := t
			one.servers = m.bit
			out = append(out, one)
		}
	}
	return out
}
