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
		if k.err != nil {
			continue
		}
		add := func(t target) {
			t.core = k
			t.host.count++
			found = append(found, t)
		}
		k.indexed(sel, add)
		k.adopted(now, add)
	}
	var holders []*hostState
	for _, k := range a.cores {
		for _, h := range k.hosts {
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
	owner := make(map[string]*hostState)
	for _, k := range a.cores {
		if k.err != nil {
			continue
		}
		for name, h := range k.hosts {
			h.owned = true
			if len(a.cores) > 1 {
				o := owner[name]
				if h.owned = o == nil || later(h.pushed, h.mark, o.pushed, o.mark); h.owned {
					owner[name] = h
					if o != nil {
						o.owned, o.wanted = false, false
					}
				}
			}
			h.wanted = h.owned && h.live(now) && a.query.narrow(name) &&
				(a.query.MaxAge == 0 || now.Sub(h.pushed) <= a.query.MaxAge)
			if a.query.EveryServer {
				h.has = ^uint64(0) // what each server says, be it old
			}
		}
	}
}

// indexed calls add with every object that the index of the members selects. Of
// a host, only what the members with its latest push say counts.
func (k *coreState) indexed(sel selection, add func(target)) {
	lines := make(map[label][]vote)
	for _, m := range k.left() {
		for _, h := range m.keys {
			lines[h.label] = append(lines[h.label], vote{m.bit, h.list})
		}
	}
	servers := make([]uint64, len(k.hosts))
	for l, votes := range lines {
		if l.host == "" {
			k.holdersOf(l.name, votes, servers, sel, add)
		} else {
			k.namesOf(l.host, votes, sel, add)
		}
	}
}

// vote is what one member says of a line of the index.
type vote struct {
	bit  uint64
	list []string
}

// holdersOf adds the objects of one name. servers is scratch space, all zero
// before and after: one word a host.
func (k *coreState) holdersOf(name string, votes []vote, servers []uint64, sel selection, add func(target)) {
	var holders []*hostState
	for _, v := range votes {
		for _, host := range v.list {
			h := k.hosts[host]
			if h == nil || !h.wanted || h.has&v.bit == 0 {
				continue
			}
			if servers[h.id] == 0 {
				holders = append(holders, h)
			}
			servers[h.id] |= v.bit
		}
	}
	for _, h := range holders {
		if sel.key(Key{h.name, name}) {
			add(target{host: h, name: name, servers: servers[h.id]})
		}
		servers[h.id] = 0
	}
}

// namesOf adds the objects of one host.
func (k *coreState) namesOf(host string, votes []vote, sel selection, add func(target)) {
	h := k.hosts[host]
	if h == nil || !h.wanted {
		return
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
		add(target{host: h, name: name, servers: bits})
	}
}

// adopted adds what SCAN found and the index does not know: the objects of the
// original's inserter. Their expiry is Redis' alone, so they count as live.
func (k *coreState) adopted(now time.Time, add func(target)) {
	if !slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
		return
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
		h := k.hosts[key.Host]
		if h == nil {
			h = &hostState{name: key.Host, expires: now.Add(time.Hour), owned: true, wanted: true, id: len(k.hosts)}
			k.hosts[key.Host] = h
		}
		add(target{host: h, name: key.Name, servers: bits})
	}
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
