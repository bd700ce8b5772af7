package extract

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// What a host says of itself is the truth about it; the index, which every host may write
// to, is made of hints. Hints are believed where they add to an answer, since an object
// that is not there cannot be read. They are checked where they would take something from
// it: a host that is told as missing, stale or lacking, or is left out for its age; and
// where they contradict each other. docs/decisions/0033-truth-and-hints.md says why.

// ahead is how far beyond its server's clock the score of a push may lie. One that lies
// further says nothing.
const ahead = 30 * time.Second

// believable reports whether a push can have happened at this time of m's clock.
func (m *member) believable(at time.Time) bool {
	return !at.IsZero() && at.Sub(m.index.Now) <= ahead
}

// A question is what a core needs to know of a request to tell which hints would take
// something from its answer.
type question struct {
	*Request
	sel        *naming.Selection
	names      []string        // that the selection means, where a host could lack them
	staleAfter time.Duration   // of a host's last push
	contested  map[string]bool // hosts that other cores know, too
	byHost     bool            // what the index told came from the hosts' records
	everyHost  bool            // each host that is wanted is told of, with its times
}

// verify asks the members what those hosts say of themselves whose hints are in doubt, and
// goes by that. It asks again only where members drop out meanwhile.
func (k *coreState) verify(ctx context.Context, q *question) {
	for {
		k.reunite()
		hosts, lacking := k.doubts(q)
		if len(hosts) == 0 {
			k.lookForUndated(ctx)
			return
		}
		ask(ctx, k, k.grace,
			func(ctx context.Context, m *member) (*testimony, error) { return m.hear(ctx, hosts, lacking, q.names) },
			func(m *member, t *testimony) { m.take(t) })
		k.believe()
	}
}

// A testimony is what one member has of what hosts say of themselves.
type testimony struct {
	hosts  []string
	truths []store.Truth
	lines  []indexLine // what hosts hold that no line of the index lists
}

// fewNames is how many names a host is asked for one by one. Above, it is asked for all.
const fewNames = 8

// hear asks m about hosts. Those that are lacking are also asked which of the names they
// have objects of.
func (m *member) hear(ctx context.Context, hosts []string, lacking map[string]bool, names []string) (*testimony, error) {
	t := &testimony{hosts: hosts}
	if len(lacking) == 0 || len(names) > fewNames {
		names = nil
	}
	var err error
	if t.truths, err = m.Truths(ctx, hosts, names); err != nil {
		return nil, err
	}
	if names != nil {
		for j, name := range names {
			var holders []string
			for i, truth := range t.truths {
				if truth.Holds[j] {
					holders = append(holders, hosts[i])
				}
			}
			t.lines = append(t.lines, indexLine{label{name: name}, holders})
		}
		return t, nil
	}
	var all []string
	for _, h := range hosts {
		if lacking[h] {
			all = append(all, h)
		}
	}
	if len(all) == 0 {
		return t, nil
	}
	lists, err := m.NamesOf(ctx, all)
	holders := make(map[string][]string)
	for i, held := range lists {
		for _, name := range held.Members {
			holders[name] = append(holders[name], all[i])
		}
	}
	for name, list := range holders {
		t.lines = append(t.lines, indexLine{label{name: name}, list})
	}
	return t, err
}

// take keeps what was heard.
func (m *member) take(t *testimony) {
	if m.truths == nil {
		m.truths = make(map[string]*store.Truth, len(t.hosts))
	}
	for i, h := range t.hosts {
		m.truths[h] = &t.truths[i]
	}
	m.lines = append(m.lines, t.lines...)
}

// doubts returns the hosts whose hints are in doubt and whose truth some member has not
// been asked for, and which of them are about to be told as lacking.
func (k *coreState) doubts(q *question) (hosts []string, lacking map[string]bool) {
	now := time.Now()
	members := k.left()
	var all uint64
	for _, m := range members {
		all |= m.bit
	}
	listed := k.listed(q)
	lacking = make(map[string]bool)
	for id, h := range k.hosts.list {
		if !q.sel.Host(h.name) || !q.wants(h.name) || k.heardOf(h, members) {
			continue
		}
		age := now.Sub(h.pushed)
		lacks := listed != nil && !listed[id]
		if !lacks && h.live(now) && h.has == all && !h.odd && !h.suspect && !q.everyHost && q.MaxAge == 0 && age <= q.staleAfter && !q.contested[h.name] {
			continue
		}
		hosts = append(hosts, h.name)
		if lacks && !q.byHost {
			lacking[h.name] = true
		}
	}
	return hosts, lacking
}

// heardOf reports whether all members have been asked about h.
func (k *coreState) heardOf(h *hostState, members []*member) bool {
	return !slices.ContainsFunc(members, func(m *member) bool { return m.truths[h.name] == nil })
}

// listed returns which hosts, by their ids, the index lists for what is asked; nil: a host
// that it does not list lacks nothing.
func (k *coreState) listed(q *question) []bool {
	if !q.sel.Lacking {
		return nil
	}
	listed := make([]bool, len(k.hosts.list))
	note := func(m *member, host string) {
		if h := k.hosts.get(host); h != nil && h.has&m.bit != 0 {
			listed[h.id] = true
		}
	}
	for _, m := range k.left() {
		for _, l := range m.lines {
			for _, other := range l.list {
				switch {
				case l.host == "" && q.sel.Name(l.name):
					note(m, other)
				case l.host != "" && q.sel.Key(naming.Key{Host: l.host, Name: other}):
					note(m, l.host)
				}
			}
		}
	}
	return listed
}

// believe goes by what hosts say of themselves, where members have been asked for it.
func (k *coreState) believe() {
	members := k.left()
	if len(members) == 0 || members[0].truths == nil {
		return
	}
	for name := range members[0].truths {
		if h := k.hosts.get(name); h != nil && k.heardOf(h, members) {
			h.believe(members)
		}
	}
	k.weighMembers(members)
}

// believe makes h anew of what the members have of what it says of itself. Where it says
// nothing, as agents before record version 03 and adopted hosts do not, hints count.
func (h *hostState) believe(members []*member) {
	hints := *h
	var known uint64 // the members that have the host at all
	var left *moment
	h.moment, h.has, h.expires = moment{}, 0, time.Time{}
	for _, m := range members {
		t := m.truths[h.name]
		if !t.Known {
			continue
		}
		known |= m.bit
		if t.Push != nil {
			if w := m.momentOf(t.Push); w.says() {
				h.note(m.bit, w)
			}
		}
		// When it left, though a server's clock was wrong then: it has not pushed there since.
		if t.Left != nil {
			if w := m.momentOf(t.Left); (w.says() || t.Push == nil) && (left == nil || w.later(left)) {
				left = &w
			}
		}
	}
	says := h.has != 0
	switch {
	case known == 0:
		*h = hints
		h.unverified = true
		return
	case says:
		h.undated = h.pushed.IsZero()
	case left != nil && !left.says():
		h.left = true
		return
	case !hints.odd:
		h.moment, h.has = hints.moment, hints.has&known
	default: // nobody knows since when: a server's clock was set back, or an older agent's hint is wrong
		h.has, h.undated = known, true
	}
	h.expireBy(members)
	// leave writes into $hosts what it writes into $left, so no push has to come after it.
	h.left = left != nil && (!h.says() || !h.later(left))
}

// expireBy finds out when the snapshot of h expires, by the members that have it. One that is
// undated counts as live as long as an object of it is there; see lookForUndated.
func (h *hostState) expireBy(members []*member) {
	if h.undated {
		h.expires = time.Now().Add(liveAhead)
		return
	}
	for _, m := range members {
		t := m.truths[h.name]
		if h.has&m.bit == 0 {
			continue
		}
		at := t.Expires
		if at.IsZero() {
			at = t.Live
		}
		if !at.IsZero() {
			h.expires = maxTime(h.expires, at.Add(-m.index.Offset))
		}
	}
}

// lookForUndated has undated hosts of which no object is there count as expired.
func (k *coreState) lookForUndated(ctx context.Context) {
	if k.undated == nil {
		k.undated = make(map[string]bool)
	}
	var hosts []string
	for _, h := range k.hosts.list {
		if _, asked := k.undated[h.name]; h.undated && !asked {
			hosts = append(hosts, h.name)
		}
	}
	if len(hosts) > 0 {
		ask(ctx, k, k.grace,
			func(ctx context.Context, m *member) ([]bool, error) { return m.HaveObjects(ctx, hosts) },
			func(_ *member, have []bool) {
				for i, h := range hosts {
					k.undated[h] = k.undated[h] || have[i]
				}
			})
	}
	for _, h := range k.hosts.list {
		if h.undated && !k.undated[h.name] {
			h.expires = time.Time{}
		}
	}
}

// checkEntries leaves out of what the index lists the objects whose host says that it does not
// have them. One server's word is about its own entries.
func (k *coreState) checkEntries(ctx context.Context, q *question) {
	denied := make(map[string]bool)
	ask(ctx, k, k.grace,
		func(ctx context.Context, m *member) ([]indexLine, error) { return m.recorded(ctx, k, q) },
		func(m *member, lines []indexLine) {
			for i, l := range lines {
				if len(l.list) == len(m.lines[i].list) {
					continue
				}
				kept := make(map[string]bool, len(l.list))
				for _, host := range l.list {
					kept[host] = true
				}
				for _, host := range m.lines[i].list {
					denied[host] = denied[host] || !kept[host]
				}
			}
			m.lines = lines
		})
	doubtful := false
	for host, is := range denied {
		if h := k.hosts.get(host); h != nil && is {
			h.suspect, doubtful = true, true
		}
	}
	if doubtful {
		k.verify(ctx, q)
	}
}

// recorded returns m's lines of the index without the entries that are not in their hosts'
// records. The entries of hosts that are not asked about stay.
func (m *member) recorded(ctx context.Context, k *coreState, q *question) ([]indexLine, error) {
	var refs []store.Ref
	asked := make(map[string]int)
	for _, l := range m.lines {
		if l.host != "" {
			continue // it is made of the host's records
		}
		for _, host := range l.list {
			if h := k.hosts.get(host); h != nil && q.wants(host) && q.sel.Key(naming.Key{Host: host, Name: l.name}) {
				refs = append(refs, store.Ref{Host: host, Name: l.name})
				asked[host]++
			}
		}
	}
	there, err := m.areRecorded(ctx, refs, asked)
	if err != nil {
		return nil, err
	}
	refused := make(map[store.Ref]bool)
	for i, is := range there {
		if !is {
			refused[refs[i]] = true
		}
	}
	lines := slices.Clone(m.lines)
	for i, l := range lines {
		if l.host == "" && len(refused) > 0 {
			lines[i].list = slices.DeleteFunc(slices.Clone(l.list), func(host string) bool { return refused[store.Ref{Host: host, Name: l.name}] })
		}
	}
	return lines, nil
}

// manyEntries is how many entries of a host are asked about one by one, on the average.
// Above, all its records are.
const manyEntries = 8

func (m *member) areRecorded(ctx context.Context, refs []store.Ref, asked map[string]int) ([]bool, error) {
	if len(refs) <= manyEntries*len(asked) {
		return m.Recorded(ctx, refs)
	}
	hosts := slices.Collect(maps.Keys(asked))
	lists, err := m.NamesOf(ctx, hosts)
	if err != nil {
		return nil, err
	}
	held := make(map[store.Ref]bool, len(refs))
	for i, names := range lists {
		for _, n := range names.Members {
			held[store.Ref{Host: hosts[i], Name: n}] = true
		}
	}
	there := make([]bool, len(refs))
	for i, r := range refs {
		there[i] = held[r]
	}
	return there, nil
}

// enroll adds the hosts that gc has verified and no server that answers has. They are
// missing, and the core is short of them. Where the servers have all that gc has counted, the
// roster itself is not read.
func (k *coreState) enroll(ctx context.Context) {
	most, known, doubt := k.rosterSize(), 0, false
	for _, h := range k.hosts.list {
		if doubt = doubt || h.unverified; !h.unverified {
			known++
		}
	}
	if most == 0 || most <= known && !doubt {
		return
	}
	k.readRoster(ctx)
	for _, name := range k.roster {
		h := k.hosts.get(name)
		switch {
		case h == nil:
			if _, err := naming.ParseHost(name); err != nil {
				continue
			}
			h = k.hosts.add(name)
		case !h.unverified:
			continue
		}
		h.unverified, h.short, h.expires = false, true, time.Time{}
		k.short++
	}
}

// standing is how many hosts the core has, as far as anybody knows. Those that have left are
// counted until gc has removed them, as whoever remembers the core has counted them.
func (k *coreState) standing() int {
	n := 0
	for _, h := range k.hosts.list {
		if !h.unverified {
			n++
		}
	}
	return n
}
