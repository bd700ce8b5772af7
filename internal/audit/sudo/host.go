package sudo

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/audit"
)

// A Host is what sudo asks its system for, as far as the cache knows it.
type Host struct {
	Name     string // fully qualified
	Accounts []audit.Account
	Groups   []audit.Group

	Netgroups Netgroups             // nil: not known
	Addresses func() []netip.Prefix // of its interfaces but for the loopback; nil: not known
}

// Short returns the host's name up to its first dot.
func (h *Host) Short() string {
	short, _, _ := strings.Cut(h.Name, ".")
	return short
}

// A person is a user as sudo sees one. Without an account, uid and primary group are
// not known, and what names them does not match.
type person struct {
	name    string
	account bool
	uid     uint32
	gids    []uint32
	groups  []string
}

// person looks a user up by name, or by #uid.
func (h *Host) person(name string) *person {
	p := &person{name: name}
	uid, byID := parseID(name)
	if byID {
		p.account, p.uid = true, uid
	}
	for i := range h.Accounts {
		a := &h.Accounts[i]
		if a.Name == name || byID && a.UID == uid {
			p.name, p.account, p.uid = a.Name, true, a.UID
			p.gids = append(p.gids, a.GID)
			break
		}
	}
	for i := range h.Groups {
		g := &h.Groups[i]
		if len(p.gids) > 0 && g.GID == p.gids[0] || slices.Contains(g.Members, p.name) {
			p.gids = append(p.gids, g.GID)
			p.groups = append(p.groups, g.Name)
		}
	}
	return p
}

// key is different for persons of whom anything is different.
func (p *person) key() string {
	b := make([]byte, 0, 128)
	word := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	word(p.name)
	b = strconv.AppendBool(b, p.account)
	b = binary.BigEndian.AppendUint32(b, p.uid)
	b = binary.AppendUvarint(b, uint64(len(p.gids)))
	for _, gid := range p.gids {
		b = binary.BigEndian.AppendUint32(b, gid)
	}
	for _, g := range p.groups {
		word(g)
	}
	return string(b)
}

// group looks a group up by name, or by #gid.
func (h *Host) group(name string) (audit.Group, bool) {
	gid, byID := parseID(name)
	for _, g := range h.Groups {
		if g.Name == name || byID && g.GID == gid {
			return g, true
		}
	}
	return audit.Group{Name: name, GID: gid}, byID
}

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

// has reports whether a host or a user is in the netgroup, as innetgr(3) does; the one
// that is empty is not asked about. Domains are not known, and any is taken.
func (n Netgroups) has(name, host, user string) bool {
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

// ParseAddresses reads what "ip addr" prints: the addresses of all interfaces but for
// the loopback, which sudo leaves out too.
func ParseAddresses(output []byte) []netip.Prefix {
	var out []netip.Prefix
	loopback := false
	for line := range bytes.Lines(output) {
		f := strings.Fields(string(line))
		switch {
		case len(f) > 2 && strings.HasSuffix(f[0], ":"):
			loopback = strings.Contains(f[2], "LOOPBACK")
		case len(f) > 1 && (f[0] == "inet" || f[0] == "inet6") && !loopback:
			if p, err := netip.ParsePrefix(f[1]); err == nil {
				out = append(out, p)
			} else if a, err := netip.ParseAddr(f[1]); err == nil { // of a point-to-point link
				out = append(out, netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	return out
}

// onNetwork reports whether a host with these addresses is what an address or a network
// of sudoers means. A network without a mask is that of an interface.
func onNetwork(addresses []netip.Prefix, text string) bool {
	base, mask, masked := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(base)
	if err != nil {
		return false
	}
	if !masked {
		return slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return p.Addr() == addr || p.Masked().Addr() == addr })
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		m, err := netip.ParseAddr(mask)
		if err != nil || m.BitLen() != addr.BitLen() {
			return false
		}
		return slices.ContainsFunc(addresses, func(p netip.Prefix) bool {
			return p.Addr().BitLen() == addr.BitLen() && masks(p.Addr(), m) == masks(addr, m)
		})
	}
	if addr.Is4() && network.Bits() == 0 { // shifted by its 32 bits, sudo's mask stays what it was
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	return slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return network.Contains(p.Addr()) })
}

// masks is the address with the bits of the mask alone.
func masks(a, mask netip.Addr) netip.Addr {
	x, m := a.AsSlice(), mask.AsSlice()
	for i := range x {
		x[i] &= m[i]
	}
	out, _ := netip.AddrFromSlice(x)
	return out
}
