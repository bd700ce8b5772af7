package netif

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse"
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

// Up reports whether the slave has a link.
func (s *Slave) Up() bool { return s.Status == "up" }

// LACP reports whether the bond speaks LACP with its switch.
func (b *Bond) LACP() bool { return strings.Contains(b.Mode, "802.3ad") }

// maxSlaves bounds what is read of a bond.
const maxSlaves = 64

// ParseBond reads a file of /proc/net/bonding. Lines that it does not know are passed
// over; more than 64 slaves are.
func ParseBond(name string, contents []byte) (*Bond, error) {
	b := &Bond{Name: parse.Name(name)}
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
			b.Slaves = append(b.Slaves, Slave{Name: parse.Name(value)})
			section = ""
		case strings.HasPrefix(key, "details "):
			section = key
		case len(b.Slaves) == 0:
			b.set(key, parse.Name(value))
		default:
			b.Slaves[len(b.Slaves)-1].set(section, key, parse.Name(value))
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
