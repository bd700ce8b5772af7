package accounts

import (
	"bytes"
	"strings"
)

// Netgroups are the lines of netgroup(5), by name.
type Netgroups map[string][]netgroupMember

type netgroupMember struct {
	group              string // another one; empty: a triple
	host, user, domain string
}

// ParseNetgroups reads /etc/netgroup. It returns an empty map, not nil, where there is
// nothing in it.
func ParseNetgroups(contents []byte) Netgroups {
	out := make(Netgroups)
	contents = bytes.ReplaceAll(contents, []byte("\\\n"), []byte(" "))
	for line := range bytes.Lines(contents) {
		text, _, _ := strings.Cut(string(line), "#")
		name, rest, ok := strings.Cut(strings.TrimSpace(text), " ")
		if tab := strings.IndexByte(name, '\t'); tab >= 0 {
			rest, name, ok = name[tab:]+" "+rest, name[:tab], true
		}
		if !ok {
			continue
		}
		for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
			var m netgroupMember
			if rest[0] == '(' {
				triple, after, closed := strings.Cut(rest[1:], ")")
				f := strings.Split(triple, ",")
				if !closed || len(f) != 3 {
					break
				}
				m.host, m.user, m.domain = strings.TrimSpace(f[0]), strings.TrimSpace(f[1]), strings.TrimSpace(f[2])
				rest = after
			} else {
				n := strings.IndexAny(rest+" ", " \t(")
				m.group, rest = rest[:n], rest[n:]
			}
			out[name] = append(out[name], m)
		}
	}
	return out
}

// Has reports whether a host or a user is in the netgroup, as innetgr(3) does; the one
// that is empty is not asked about. Domains are not known, and any is taken.
func (n Netgroups) Has(name, host, user string) bool {
	return n.search(name, host, user, make(map[string]bool))
}

func (n Netgroups) search(name, host, user string, seen map[string]bool) bool {
	if seen[name] {
		return false
	}
	seen[name] = true
	for _, m := range n[name] {
		if m.group != "" {
			if n.search(m.group, host, user, seen) {
				return true
			}
			continue
		}
		if (host == "" || m.host == "" || strings.EqualFold(m.host, host)) && (user == "" || m.user == "" || m.user == user) {
			return true
		}
	}
	return false
}
