package fleetsim

import (
	"fmt"
	"math/rand/v2"
)

// Shares of the hosts that are out of line. The tests hold the package to them.
const (
	shareTuned      = 0.01  // for each knob
	shareRootLogin  = 0.007 // PermitRootLogin yes
	sharePassword   = 0.02  // PasswordAuthentication yes
	shareResolver   = 0.005 // a public name server
	shareSecondRoot = 0.003 // a second account with uid 0
	shareSilent     = 0.008 // no longer report
	shareFull       = 0.01  // of the file systems: nearly full

	shareForgotten = 0.012 // a setting in a file that nobody loaded
	shareMisspelt  = 0.004 // a setting in a file that no kernel has

	shareDeployAll    = 0.004 // deploy may do everything, without a password
	shareNegation     = 0.006 // deploy may do everything but for what it can get round
	shareSudoersError = 0.003 // a rule that sudo passes over
	shareDeployAdmin  = 0.005 // deploy is in the administrators' group

	shareSlow      = 0.003 // slow pushes, whatever the switch
	shareSlowThere = 0.8   // of the hosts whose traffic passes a bad switch: slow pushes
	shareLossy     = 0.01  // many segments are sent again
	shareSlaveDown = 0.01  // of the bonds with one active slave: the other one is down
	shareFailures  = 0.03  // of the bonds: a slave was down once
	shareSlowSlave = 0.004 // of the bonds: a slave runs at a tenth of the speed
	shareNoPartner = 0.01  // of the bonds with LACP: the switch does not speak it
)

// Hosts stand in racks, in the order of their numbers, each with two switches. One
// rack in a hundred has a bad one, the first of them near the front, so that a small
// fleet has one too.
const (
	rackSize  = 40
	badRack   = 3 // the first
	badRackOf = 100
)

// A role is what a host is for.
type role struct {
	name    string
	port    int    // that it serves
	daemon  string // that serves it
	account string // a line of /etc/passwd
	calls   int    // the port of what it connects to
	modules module
	set     map[string]string // settings of sysctl
}

const (
	web = iota
	app
	db
	cache
	lb
	logs
	roleCount
)

var roles = [roleCount]role{
	web: {name: "web", port: 443, daemon: "nginx", account: "nginx:x:991:988:nginx user:/var/cache/nginx:/sbin/nologin", calls: 8080},
	app: {
		name: "app", port: 8080, daemon: "java", account: "app:x:1500:1500:application:/srv/app:/bin/bash", calls: 5432,
		modules: moduleBridge,
		set:     map[string]string{"net.ipv4.ip_forward": "1", "vm.max_map_count": "262144"},
	},
	db: {
		name: "db", port: 5432, daemon: "postgres", account: "postgres:x:26:26:PostgreSQL Server:/var/lib/pgsql:/bin/bash", calls: 5432,
		modules: moduleRAID,
		set:     map[string]string{"vm.swappiness": "1", "vm.dirty_background_ratio": "3", "vm.overcommit_memory": "2"},
	},
	cache: {
		name: "cache", port: 6379, daemon: "redis-server", account: "redis:x:989:986:Redis:/var/lib/redis:/sbin/nologin", calls: 6379,
		set: map[string]string{"vm.overcommit_memory": "1", "net.core.somaxconn": "65535"},
	},
	lb: {
		name: "lb", port: 443, daemon: "haproxy", account: "haproxy:x:188:188:haproxy:/var/lib/haproxy:/sbin/nologin", calls: 443,
		modules: moduleConntrack | moduleIPVS,
		set: map[string]string{
			"net.ipv4.ip_forward": "1", "net.ipv4.ip_nonlocal_bind": "1", "net.core.somaxconn": "65535",
			"net.netfilter.nf_conntrack_max": "1048576", "net.nf_conntrack_max": "1048576",
		},
	},
	logs: {
		name: "log", port: 6514, daemon: "rsyslogd", account: "logship:x:1501:1501:log shipping:/srv/log:/sbin/nologin", calls: 9092,
		modules: moduleRAID | moduleNFS,
		set:     map[string]string{"net.core.rmem_max": "16777216"},
	},
}

// cycle is the order in which roles are given out: a host's role and its number
// within the role follow from its index alone.
var cycle = [...]int{web, db, app, web, web, app, cache, web, db, app, web, lb, app, web, db, logs}

// cards is how many network interfaces hosts have: most have two ports, a bond
// of them, and one for management.
var cards = [...]int{1, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}

// A machine is what all objects of a host agree about.
type machine struct {
	seed   uint64
	index  int
	domain string
	name   string // fully qualified
	role   int
	family *family

	hardware
	firmware   int   // its age: an index of firmwares
	memory     int64 // KiB that the kernel has
	modules    module
	interfaces []string
	tuned      uint64 // a bit for each knob
	uptime     int64  // seconds
}

// A stream is a source of random numbers of its own, so that what one object
// draws changes no other.
type stream uint64

const (
	streamMachine stream = iota + 1
	streamKnobs
	streamSilent
	streamSysctl
	streamMistakes
	streamState
	streamConnections
	streamStat
	streamID
	streamHardware
	streamDisks
	streamSpace
	streamRollout
	streamSudo
	streamLinks
	streamPace
	streamCounters
	streamPushes
)

func random(seed uint64, index int, s stream) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed^uint64(s)<<32), mix(uint64(index))))
}

// mix is the finalizer of splitmix64 (Steele et al., 2014): neighbouring indices
// must not begin neighbouring sequences.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (m *machine) random(s stream) *rand.Rand { return random(m.seed, m.index, s) }

// id is as long as a machine-id, and like one no other host's.
func (m *machine) id() string {
	r := m.random(streamID)
	return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
}

// Name returns the name of host i in a domain: "web0001.esv4.example.com" for 0.
// Numbers are unique within a role, whatever the domain.
func Name(i int, domain string) string {
	turn := i % len(cycle)
	before, inCycle := 0, 0
	for at, r := range cycle {
		if r == cycle[turn] {
			inCycle++
			if at < turn {
				before++
			}
		}
	}
	return fmt.Sprintf("%s%04d.%s", roles[cycle[turn]].name, i/len(cycle)*inCycle+before+1, domain)
}

// Silent reports whether host i has stopped reporting.
func Silent(seed uint64, i int) bool {
	return random(seed, i, streamSilent).Float64() < shareSilent
}

func (t *Template) machine(seed uint64, i int, domain string) *machine {
	m := &machine{seed: seed, index: i, domain: domain, name: Name(i, domain), role: cycle[i%len(cycle)]}
	r := m.random(streamMachine)
	m.family = t.pickFamily(r.Float64())
	m.hardware = models[min(len(models)-1, int(r.ExpFloat64()*2))]
	m.firmware = r.IntN(len(firmwares))
	m.memory = int64(m.gib) << 20 * (985 - 3*int64(m.firmware)) / 1000 // each keeps more for itself
	m.interfaces = interfaceNames(m.family.card, cards[r.IntN(len(cards))])
	m.modules = roles[m.role].modules
	for module := module(1); module < moduleEnd; module <<= 1 {
		if r.Float64() < module.loaded() {
			m.modules |= module
		}
	}
	m.uptime = int64(r.ExpFloat64() * 60 * 86400)
	k := m.random(streamKnobs)
	for j := range knobs {
		if k.Float64() < shareTuned {
			m.tuned |= 1 << j
		}
	}
	return m
}

// interfaceNames returns n names in order; from three on, the first is a bond of
// the others.
func interfaceNames(card string, n int) []string {
	var names []string
	if n > 2 {
		names = append(names, bond)
		n--
	}
	first := 1
	if card == "eth" {
		first = 0
	}
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", card, first+i))
	}
	return names
}

// bond is the name of the interface that bundles others.
const bond = "bond0"

// site is the second byte of the addresses in a domain.
func site(domain string) int {
	sum := uint64(0)
	for _, c := range []byte(domain) {
		sum = sum*31 + uint64(c)
	}
	return 128 + int(mix(sum)%100)
}

// Address returns the address of host i in a domain.
func Address(i int, domain string) string {
	n := i + 10
	return fmt.Sprintf("10.%d.%d.%d", site(domain), n/250%256, n%250+1)
}

func (m *machine) address() string { return Address(m.index, m.domain) }
