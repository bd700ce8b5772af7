package extract

import (
	"context"

	"github.com/sysops-api/sysops-api/internal/naming"
)

// lookUp asks the members for the part of the index that sel needs: the hosts of
// every name that can match or, where that is less, the names of every host
// that can.
func (k *coreState) lookUp(ctx context.Context, legacy string, q *Request, sel *naming.Selection) {
	var names []string
	known := make(map[string]bool)
	for _, m := range k.left() {
		for _, n := range m.index.Names {
			if !known[n] && sel.Name(n) {
				names = append(names, n)
			}
			known[n] = true
		}
	}
	hosts := make([]string, 0, len(k.hosts.list))
	for _, h := range k.hosts.list {
		if q.wants(h.name) && sel.Host(h.name) {
			hosts = append(hosts, h.name)
		}
	}
	if sel.Narrow != nil {
		hosts, names = sel.Narrow(hosts, names)
	}
	byHost := len(hosts)*min(len(known), namesPerHost) < len(names)*len(k.hosts.list)
	ask(ctx, k, quick,
		func(ctx context.Context, m *member) ([]indexLine, error) {
			if byHost {
				lists, err := m.NamesOf(ctx, hosts)
				return holdings(lists, func(i int, h *indexLine) { h.host = hosts[i] }), err
			}
			lists, err := m.Holders(ctx, names)
			return holdings(lists, func(i int, h *indexLine) { h.name = names[i] }), err
		},
		func(m *member, keys []indexLine) { m.lines = keys })
	if legacy != LegacyNever {
		k.scan(ctx, legacy, q, sel)
	}
	k.confirm(ctx)
}

// namesPerHost is a guess at how many objects a host has, to choose between
// asking by name and by host.
const namesPerHost = 100

func holdings(lists [][]string, label func(int, *indexLine)) []indexLine {
	out := make([]indexLine, len(lists))
	for i, l := range lists {
		out[i].list = l
		label(i, &out[i])
	}
	return out
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
