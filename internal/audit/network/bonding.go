package network

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse/netif"
)

// A Trouble is something that is wrong with a bond.
type Trouble struct {
	Host    string `json:"host"`
	Bond    string `json:"bond"`
	Slave   string `json:"slave"` // empty: it is about the bond
	Problem string `json:"problem"`
	Detail  string `json:"detail"`
}

// The problems that a bond may have, the worst first.
const (
	BondDown       = "bond down"         // no traffic passes
	SlaveDown      = "slave down"        // the bond is degraded
	NotRedundant   = "one slave"         // there is none to take over
	SpeedMismatch  = "speed mismatch"    // slaves that are up differ
	HalfDuplex     = "half duplex"       // a failed negotiation
	NoPartner      = "no LACP partner"   // the switch does not speak LACP on that port
	SplitAggregate = "split aggregate"   // slaves are in different aggregators, of which one alone carries traffic
	NotPrimary     = "not on primary"    // the preferred slave is up and another one carries the traffic
	LinkFailures   = "had link failures" // since the slave was added
)

// Problems lists them in that order.
func Problems() []string {
	return []string{BondDown, SlaveDown, NotRedundant, SpeedMismatch, HalfDuplex, NoPartner, SplitAggregate, NotPrimary, LinkFailures}
}

// troublesOf returns what is wrong with the bond, the bond's own first.
func troublesOf(host string, b *netif.Bond) []Trouble {
	var out []Trouble
	add := func(slave, problem, format string, args ...any) {
		if len(out) < maxTroubles {
			out = append(out, Trouble{host, b.Name, slave, problem, fmt.Sprintf(format, args...)})
		}
	}
	if b.Status != "" && b.Status != "up" {
		add("", BondDown, "MII status %s", b.Status)
	}
	switch len(b.Slaves) {
	case 0:
		add("", NotRedundant, "it has no slave")
	case 1:
		add(b.Slaves[0].Name, NotRedundant, "it has no other")
	}
	if slow, fast := speeds(b); slow != nil {
		add(slow.Name, SpeedMismatch, "%s, and %s has %s", slow.Speed, fast.Name, fast.Speed)
	}
	if aggregators := aggregators(b); len(aggregators) > 1 {
		add("", SplitAggregate, "aggregators %s", strings.Join(aggregators, " and "))
	}
	for i := range b.Slaves {
		s := &b.Slaves[i]
		if s.Status != "" && !s.Up() {
			add(s.Name, SlaveDown, "MII status %s", s.Status)
		}
		if s.Up() && s.Duplex == "half" {
			add(s.Name, HalfDuplex, "%s", s.Speed)
		}
		if b.LACP() && s.Up() && s.Partner == "00:00:00:00:00:00" {
			add(s.Name, NoPartner, "the other end does not answer")
		}
		if s.Name == b.Primary && s.Up() && b.Active != "" && b.Active != b.Primary {
			add(s.Name, NotPrimary, "%s is active", b.Active)
		}
		if s.Failures > 0 {
			add(s.Name, LinkFailures, "%d", s.Failures)
		}
	}
	return out
}

// speeds returns the slowest and the fastest slave that are up, nil where they agree.
// "Unknown!" is no speed.
func speeds(b *netif.Bond) (slow, fast *netif.Slave) {
	var least, most int
	for i := range b.Slaves {
		s := &b.Slaves[i]
		text, _ := strings.CutSuffix(s.Speed, " Mbps")
		mbps, err := strconv.Atoi(text)
		if !s.Up() || err != nil {
			continue
		}
		if slow == nil || mbps < least {
			slow, least = s, mbps
		}
		if fast == nil || mbps > most {
			fast, most = s, mbps
		}
	}
	if least == most {
		return nil, nil
	}
	return slow, fast
}

// aggregators returns those of the slaves that are up, each once.
func aggregators(b *netif.Bond) []string {
	var out []string
	seen := make(map[string]bool)
	for i := range b.Slaves {
		s := &b.Slaves[i]
		if b.LACP() && s.Up() && s.Aggregator != "" && !seen[s.Aggregator] {
			seen[s.Aggregator] = true
			out = append(out, s.Aggregator)
		}
	}
	return out
}
