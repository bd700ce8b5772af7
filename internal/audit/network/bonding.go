package network

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Bond is a file of /proc/net/bonding, in the words of the kernel's documentation,
// Documentation/networking/bonding.rst.
type Bond struct {
	Name    string // of the interface: bond0
	Mode    string // "fault-tolerance (active-backup)"
	Primary string // slave that is active when it is up; empty: none is preferred
	Active  string // "Currently Active Slave"; empty in modes that use all slaves
	Status  string // "MII Status"
	Slaves  []Slave
}

// A Slave is one interface of a Bond.
type Slave struct {
	Name       string
	Status     string // "MII Status"
	Speed      string // "10000 Mbps"; empty: an old kernel does not tell
	Duplex     string
	Failures   int    // "Link Failure Count", since the slave was added
	Aggregator string // "Aggregator ID", of 802.3ad
	Partner    string // MAC address of the other end, of 802.3ad
}

func (s *Slave) up() bool { return s.Status == "up" }

// ParseBond reads a file of /proc/net/bonding. Lines that it does not know are passed
// over; more than 64 slaves are.
func ParseBond(name string, contents []byte) (*Bond, error) {
	b := &Bond{Name: clip(name)}
	section := "" // "details partner lacp pdu" and the like
	for line := range bytes.Lines(contents) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch {
		case key == "Slave Interface":
			if len(b.Slaves) == maxSlaves {
				return b, nil
			}
			b.Slaves = append(b.Slaves, Slave{Name: clip(value)})
			section = ""
		case strings.HasPrefix(key, "details "):
			section = key
		case len(b.Slaves) == 0:
			b.set(key, clip(value))
		default:
			b.Slaves[len(b.Slaves)-1].set(section, key, clip(value))
		}
	}
	if b.Mode == "" {
		return nil, errors.New("cannot read the state of a bond: it has no Bonding Mode")
	}
	return b, nil
}

func (b *Bond) set(key, value string) {
	switch key {
	case "Bonding Mode":
		b.Mode = value
	case "Primary Slave":
		if b.Primary, _, _ = strings.Cut(value, " "); b.Primary == "None" {
			b.Primary = ""
		}
	case "Currently Active Slave":
		if b.Active = value; b.Active == "None" {
			b.Active = ""
		}
	case "MII Status":
		b.Status = value
	}
}

func (s *Slave) set(section, key, value string) {
	switch {
	case section == "details partner lacp pdu" && key == "system mac address":
		s.Partner = value
	case section != "":
	case key == "MII Status":
		s.Status = value
	case key == "Speed":
		s.Speed = value
	case key == "Duplex":
		s.Duplex = value
	case key == "Link Failure Count":
		s.Failures, _ = strconv.Atoi(value) // 0 where it is no number
	case key == "Aggregator ID":
		s.Aggregator = value
	}
}

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

func (b *Bond) lacp() bool { return strings.Contains(b.Mode, "802.3ad") }

// troubles returns what is wrong with the bond, the bond's own first.
func (b *Bond) troubles(host string) []Trouble {
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
	if slow, fast := b.speeds(); slow != nil {
		add(slow.Name, SpeedMismatch, "%s, and %s has %s", slow.Speed, fast.Name, fast.Speed)
	}
	if aggregators := b.aggregators(); len(aggregators) > 1 {
		add("", SplitAggregate, "aggregators %s", strings.Join(aggregators, " and "))
	}
	for i := range b.Slaves {
		s := &b.Slaves[i]
		if s.Status != "" && !s.up() {
			add(s.Name, SlaveDown, "MII status %s", s.Status)
		}
		if s.up() && s.Duplex == "half" {
			add(s.Name, HalfDuplex, "%s", s.Speed)
		}
		if b.lacp() && s.up() && s.Partner == "00:00:00:00:00:00" {
			add(s.Name, NoPartner, "the other end does not answer")
		}
		if s.Name == b.Primary && s.up() && b.Active != "" && b.Active != b.Primary {
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
func (b *Bond) speeds() (slow, fast *Slave) {
	var least, most int
	for i := range b.Slaves {
		s := &b.Slaves[i]
		text, _ := strings.CutSuffix(s.Speed, " Mbps")
		mbps, err := strconv.Atoi(text)
		if !s.up() || err != nil {
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
func (b *Bond) aggregators() []string {
	var out []string
	seen := make(map[string]bool)
	for i := range b.Slaves {
		s := &b.Slaves[i]
		if b.lacp() && s.up() && s.Aggregator != "" && !seen[s.Aggregator] {
			seen[s.Aggregator] = true
			out = append(out, s.Aggregator)
		}
	}
	return out
}
