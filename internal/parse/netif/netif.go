// Package netif reads what a host tells of its network interfaces: the addresses that
// they have, the slaves that a bond is made of, and the switches and ports that LLDP
// names at the other end of their cables. These formats are in one package because they
// are read together: which neighbour counts is told by the bond.
//
// Names that hosts and switches made up are bounded (parse.Name), and so is how many
// slaves and neighbours there are. A text that is none of the format is an error; of a
// text that is, what is not known is passed over.
//
// What is wrong with a bond, and which hosts share a switch, is left to
// internal/audit/network. Counters of the kernel are another format: netstat.
package netif

import (
	"bytes"
	"net/netip"
	"strings"
)

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
