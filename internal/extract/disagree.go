package extract

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// DisagreementKind says in what a server differs from its siblings.
type DisagreementKind string

// The kinds of disagreement. All but the first are about hosts whose latest push the
// server has, as its siblings do.
const (
	ServerBehind   DisagreementKind = "behind"   // hosts whose latest push it does not have
	ServerLacks    DisagreementKind = "lacks"    // objects that siblings have recorded and it has not
	ServerContents DisagreementKind = "contents" // objects of which it has recorded other contents than most siblings
	ServerStat     DisagreementKind = "stat"     // those of which it has recorded another stat
)

// A Disagreement is what one server of a core has other than its siblings, of one kind.
// Where as many siblings have the one as the other, the first of the directory counts.
type Disagreement struct {
	Core     string
	Server   string
	Kind     DisagreementKind
	Count    int
	Examples []string // the first hosts or keys, sorted
}

// Disagreements compares the servers of each core in the scope: for each live host that is
// wanted, who has its latest push, and what those who have it recorded of its objects. Each
// Disagreement has so many examples at most.
//
// What differs is looked at twice, since a push may be under way; one that is under way
// for longer shows. The records are those of the index: contents are not read.
func (s *Servers) Disagreements(ctx context.Context, q Request, examples int) ([]Disagreement, *Survey, error) {
	q.Partial, q.Patient = true, true
	found, err := s.probe(ctx, q, true)
	if err != nil {
		return nil, nil, err
	}
	suspects := make(map[*coreState]*disagreeing, len(found.cores))
	for _, k := range found.cores {
		suspects[k] = &disagreeing{core: k}
	}
	for again := range 2 {
		if again > 0 {
			each(found.cores, func(k *coreState) {
				if len(suspects[k].hosts) > 0 {
					k.probe(ctx, true)
				}
			})
		}
		found.chooseHosts(time.Now())
		each(found.cores, func(k *coreState) {
			only := suspects[k].hosts
			seen := &disagreeing{core: k, examples: examples, hosts: make(map[string]bool), found: make(map[disagreement]*Disagreement)}
			seen.look(ctx, func(host string) bool { return again == 0 || only[host] })
			*suspects[k] = *seen
			k.reunite()
		})
	}
	if err := found.judgeCores(ctx); err != nil {
		return nil, nil, err
	}
	found.settleHosts()
	var out []Disagreement
	for _, k := range found.cores {
		for _, m := range k.members {
			for _, kind := range []DisagreementKind{ServerBehind, ServerLacks, ServerContents, ServerStat} {
				if d := suspects[k].found[disagreement{m, kind}]; d != nil {
					out = append(out, *d)
				}
			}
		}
	}
	return out, found, nil
}

// A disagreeing gathers the disagreements of one core.
type disagreeing struct {
	core     *coreState
	examples int
	hosts    map[string]bool // that servers disagree about
	found    map[disagreement]*Disagreement
}

type disagreement struct {
	member *member
	kind   DisagreementKind
}

func (d *disagreeing) note(m *member, kind DisagreementKind, host, name string) {
	d.hosts[host] = true
	of := disagreement{m, kind}
	if d.found[of] == nil {
		d.found[of] = &Disagreement{Core: d.core.core, Server: m.Name(), Kind: kind}
	}
	found := d.found[of]
	if found.Count++; len(found.Examples) < d.examples {
		if name != "" {
			host = naming.Key{Host: host, Name: name}.String()
		}
		found.Examples = append(found.Examples, host)
	}
}

// comparedAtOnce is how many hosts' records are held at a time, of each server.
const comparedAtOnce = 256

// look compares the wanted hosts, those that only selects.
func (d *disagreeing) look(ctx context.Context, only func(host string) bool) {
	k := d.core
	if len(k.left()) < 2 {
		return
	}
	var hosts []*hostState
	for _, h := range k.hosts.list {
		if h.wanted && only(h.name) {
			hosts = append(hosts, h)
		}
	}
	slices.SortFunc(hosts, func(x, y *hostState) int { return strings.Compare(x.name, y.name) })
	for part := range slices.Chunk(hosts, comparedAtOnce) {
		for _, h := range part {
			for _, m := range k.left() {
				if h.has&m.bit == 0 {
					d.note(m, ServerBehind, h.name, "")
				}
			}
		}
		part = slices.DeleteFunc(slices.Clone(part), func(h *hostState) bool { return bits.OnesCount64(h.has) < 2 })
		if len(part) > 0 {
			d.compare(ctx, part)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// compare compares what members recorded of hosts.
func (d *disagreeing) compare(ctx context.Context, hosts []*hostState) {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.name
	}
	records := make(map[*member][]map[string]store.Record)
	ask(ctx, d.core, nil,
		func(ctx context.Context, m *member) ([]map[string]store.Record, error) {
			return m.RecordsOf(ctx, names)
		},
		func(m *member, list []map[string]store.Record) { records[m] = list })
	for i, h := range hosts {
		var voters []*member // in the directory's order
		for _, m := range d.core.left() {
			if h.has&m.bit != 0 && records[m] != nil {
				voters = append(voters, m)
			}
		}
		d.compareHost(h.name, voters, func(m *member) map[string]store.Record { return records[m][i] })
	}
}

// compareHost compares what the voters, who have a host's latest push, recorded of it.
func (d *disagreeing) compareHost(host string, voters []*member, of func(*member) map[string]store.Record) {
	var names []string
	for _, m := range voters {
		for name := range of(m) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		var have []store.Record
		for _, m := range voters {
			if r, ok := of(m)[name]; ok {
				have = append(have, r)
			}
		}
		sum := mostCommon(have, func(r store.Record) [32]byte { return r.Sum })
		have = slices.DeleteFunc(have, func(r store.Record) bool { return r.Sum != sum })
		stat := mostCommon(have, func(r store.Record) uint64 { return r.StatSum })
		for _, m := range voters {
			switch r, ok := of(m)[name]; {
			case !ok:
				d.note(m, ServerLacks, host, name)
			case r.Sum != sum:
				d.note(m, ServerContents, host, name)
			case r.StatSum != stat:
				d.note(m, ServerStat, host, name)
			}
		}
	}
}

// mostCommon returns the value that most records have; of several, the first.
func mostCommon[T comparable](records []store.Record, of func(store.Record) T) T {
	counts := make(map[T]int)
	for _, r := range records {
		counts[of(r)]++
	}
	best := slices.MaxFunc(records, func(x, y store.Record) int { return cmp.Compare(counts[of(x)], counts[of(y)]) })
	return of(best)
}
