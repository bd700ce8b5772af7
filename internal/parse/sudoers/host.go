package sudoers

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// A Host is what sudo asks its system for, as far as that is known.
type Host struct {
	Name     string // fully qualified
	Accounts []accounts.Account
	Groups   []accounts.Group

	Netgroups accounts.Netgroups    // nil: not known
	Addresses func() []netip.Prefix // of its interfaces but for the loopback; nil: not known
}

// Short returns the host's name up to its first dot.
func (h *Host) Short() string {
	short, _, _ := strings.Cut(h.Name, ".")
	return short
}

// withShortName returns the host under its short name.
func (h *Host) withShortName() *Host {
	out := *h
	out.Name = h.Short()
	return &out
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
func (h *Host) group(name string) (accounts.Group, bool) {
	gid, byID := parseID(name)
	for _, g := range h.Groups {
		if g.Name == name || byID && g.GID == gid {
			return g, true
		}
	}
	return accounts.Group{Name: name, GID: gid}, byID
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
