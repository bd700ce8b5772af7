// Package netstat reads the kernel's network counters: what "netstat -s" of net-tools
// prints, from 1.60 on, what nstat of iproute2 prints, and the kernel's own files snmp,
// netstat and snmp6 of /proc/net. All of them come to the kernel's names, so that a
// counter is the same one in whichever form a host sent it, and people may ask for it by
// any of its names.
//
// What is no counter is passed over; nothing fails. A Reader remembers what lines mean,
// because the hosts of a fleet print the same lines with other numbers. What is
// remembered is bounded, and so is how many counters of a fleet have a number.
//
// Which hosts count more than others is left to internal/audit/network.
package netstat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse"
)

// A Counter is one of the kernel's network counters, by the names of /proc/net/snmp and
// /proc/net/netstat: Tcp and RetransSegs. Of a line of netstat -s for which that name is
// not known, Name is its words in lower case, without the number. An empty Group, in a
// question, is any.
type Counter struct {
	Group, Name string
}

func (c Counter) String() string {
	if c.Group == "" {
		return c.Name
	}
	return c.Group + "." + c.Name
}

// is compares with a counter that was read.
func (c Counter) is(group, name []byte) bool {
	return (c.Group == "" || equalFold(c.Group, group)) && equalFold(c.Name, name)
}

func equalFold(a string, b []byte) bool { return len(a) == len(b) && strings.EqualFold(a, string(b)) }

// groups are the prefixes of nstat's names. One that begins with another comes before it.
var groups = []string{"IcmpMsg", "Icmp6", "Icmp", "UdpLite6", "UdpLite", "Udp6", "Udp", "IpExt", "Ip6", "Ip", "TcpExt", "Tcp", "MPTcpExt", "Sctp", "Xfrm", "Tls"}

// splitName splits a name of nstat: TcpRetransSegs.
func splitName(name []byte) (group, rest []byte) {
	for _, g := range groups {
		if n := len(g); len(name) > n && string(name[:n]) == g {
			return name[:n], name[n:]
		}
	}
	return nil, name
}

// ParseCounter reads a counter as people write it, in any case: by the kernel's name
// (Tcp.RetransSegs, or RetransSegs where one group alone has it), by nstat's
// (TcpRetransSegs), by the words of netstat -s ("segments retransmitted"), or as
// the original's users do (tcp_segments_retransmited).
func ParseCounter(text string) (Counter, error) {
	text = strings.TrimSpace(text)
	words := normalised([]byte(text), nil)
	if len(words) == 0 || len(text) > parse.MaxName {
		return Counter{}, fmt.Errorf("cannot use %.40q as a counter: it is no name", text)
	}
	group, name, dotted := strings.Cut(text, ".")
	if dotted && name != "" {
		if g := groupNamed(group); g != "" {
			return spelled(Counter{g, name}), nil
		}
	}
	if !strings.ContainsAny(text, " _-") {
		return wordCounter(text)
	}
	table := phraseTable()
	for _, g := range groups {
		rest := strings.TrimPrefix(string(words), strings.ToLower(g)+" ")
		for _, phrase := range []string{rest, string(words)} {
			if name, ok := table[g+" "+phrase]; ok {
				return Counter{g, name}, nil
			}
		}
	}
	first, rest, _ := strings.Cut(string(words), " ")
	if g := groupNamed(first); g != "" && rest != "" {
		return Counter{g, rest}, nil
	}
	return Counter{"", string(words)}, nil
}

func groupNamed(text string) string {
	for _, g := range groups {
		if strings.EqualFold(g, text) {
			return g
		}
	}
	return ""
}

// spelled writes a name as the kernel does, where that is known.
func spelled(c Counter) Counter {
	for _, k := range phraseCounters() {
		if k.Group == c.Group && strings.EqualFold(k.Name, c.Name) {
			return k
		}
	}
	return c
}

// wordCounter reads a counter that is one word.
func wordCounter(text string) (Counter, error) {
	for _, k := range phraseCounters() {
		if strings.EqualFold(k.Group+k.Name, text) {
			return k, nil
		}
	}
	var found []string
	for _, k := range phraseCounters() {
		if strings.EqualFold(k.Name, text) && !slices.Contains(found, k.String()) {
			found = append(found, k.String())
		}
	}
	switch {
	case len(found) == 1:
		group, name, _ := strings.Cut(found[0], ".")
		return Counter{group, name}, nil
	case len(found) > 1:
		return Counter{}, fmt.Errorf("cannot tell which counter %q is: it may be %s", text, strings.Join(found, " or "))
	}
	if group, name := splitName([]byte(text)); group != nil {
		return Counter{string(group), string(name)}, nil
	}
	return Counter{"", text}, nil
}
