package fleetsim

import "fmt"

// How hosts are connected: two switches a rack, and what the bonding driver and LLDP
// tell of them.

// links are the connections of a host. The slaves of its bond, if it has one, are
// interfaces 1 and 2; its two first cards are connected to switches a and b, another
// to the rack's switch for management.
type links struct {
	bonded  bool
	lacp    bool
	active  int    // the slave that carries the traffic, without LACP
	down    int    // the slave that is down, -1 for none
	slow    int    // the slave that runs at a tenth of the speed, -1 for none
	alone   int    // the slave whose switch does not speak LACP, -1 for none
	failed  [2]int // how often a slave was down
	overBad bool   // its traffic passes the rack's bad switch
}

func (m *machine) rack() int { return m.index / rackSize }

// hasBadSwitch reports whether switch a of the rack loses frames.
func (m *machine) hasBadSwitch() bool { return m.rack()%badRackOf == badRack }

func (m *machine) links() links {
	r := m.random(streamLinks)
	l := links{bonded: m.interfaces[0] == bond, down: -1, slow: -1, alone: -1}
	down, failed, slow, alone := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	slave, times := r.IntN(2), 1+int(r.ExpFloat64()*4)
	if l.bonded {
		l.lacp = m.role == lb || m.role == cache
		if failed < shareFailures {
			l.failed[slave] = times
		}
		switch {
		case !l.lacp && down < shareSlaveDown:
			l.down, l.failed[slave] = slave, max(1, l.failed[slave])
		case slow < shareSlowSlave:
			l.slow = slave
		case l.lacp && alone < shareNoPartner:
			l.alone = slave
		}
		if !l.lacp && l.failed[0] > 0 {
			l.active = 1 // and it stays there
		}
	}
	l.overBad = m.hasBadSwitch() && (l.lacp || l.active == 0)
	return l
}

// bondState is /proc/net/bonding/bond0. Where one slave is active, the driver asks for
// the gateway by ARP: a slave may be down although its link is up, as ip addr says.
func bondState(m *machine) []byte {
	l := m.links()
	driver := "v" + m.family.release
	recent := m.family.kernel >= 5006
	if !recent {
		driver = "v3.7.1 (April 27, 2011)"
	}
	b := fmt.Appendf(nil, "Ethernet Channel Bonding Driver: %s\n\nBonding Mode: ", driver)
	interval := 0
	if l.lacp {
		b = append(b, "IEEE 802.3ad Dynamic link aggregation\nTransmit Hash Policy: layer3+4 (1)\n"...)
		interval = 100
	} else {
		b = fmt.Appendf(b, "fault-tolerance (active-backup)\nPrimary Slave: None\nCurrently Active Slave: %s\n", m.interfaces[1+l.active])
	}
	b = fmt.Appendf(b, "MII Status: up\nMII Polling Interval (ms): %d\nUp Delay (ms): 0\nDown Delay (ms): 0\n", interval)
	if recent {
		b = append(b, "Peer Notification Delay (ms): 0\n"...)
	}
	cards := m.cardAddresses()
	if l.lacp {
		b = m.aggregate(b, &l, cards[0])
	} else {
		b = fmt.Appendf(b, "ARP Polling Interval (ms): 1000\nARP IP target/s (n.n.n.n form): 10.%d.0.1\n", site(m.domain))
	}
	for i := range 2 {
		b = m.slaveState(b, &l, i, cards)
	}
	return b
}

// aggregate is what the driver tells of 802.3ad.
func (m *machine) aggregate(b []byte, l *links, card string) []byte {
	ports := 2
	if l.alone >= 0 {
		ports = 1
	}
	return fmt.Appendf(b, "\n802.3ad info\nLACP rate: fast\nMin links: 0\nAggregator selection policy (ad_select): stable\nSystem priority: 65535\n"+
		"System MAC address: %s\nActive Aggregator Info:\n\tAggregator ID: 1\n\tNumber of ports: %d\n\tActor Key: 15\n\tPartner Key: 1\n\tPartner Mac Address: %s\n",
		card, ports, m.chassis(0))
}

func (m *machine) slaveState(b []byte, l *links, i int, cards []string) []byte {
	status, speed, aggregator, partner := "up", 10000, 1, m.chassis(0)
	churn, churned := "none", 0
	if l.down == i {
		status = "down"
	}
	if l.slow == i {
		speed = 1000
	}
	if l.alone == i {
		aggregator, partner, churn, churned = 2, "00:00:00:00:00:00", "churned", 1
	}
	b = fmt.Appendf(b, "\nSlave Interface: %s\nMII Status: %s\nSpeed: %d Mbps\nDuplex: full\nLink Failure Count: %d\nPermanent HW addr: %s\nSlave queue ID: 0\n",
		m.interfaces[1+i], status, speed, l.failed[i], cards[1+i])
	if !l.lacp {
		return b
	}
	return fmt.Appendf(b, "Aggregator ID: %d\nActor Churn State: %s\nPartner Churn State: %[2]s\nActor Churned Count: %[3]d\nPartner Churned Count: %[3]d\n"+
		"details actor lacp pdu:\n    system priority: 65535\n    system mac address: %[4]s\n    port key: 15\n    port priority: 255\n    port number: %[5]d\n    port state: 63\n"+
		"details partner lacp pdu:\n    system priority: 32768\n    system mac address: %[6]s\n    oper key: 1\n    port priority: 32768\n    port number: %[7]d\n    port state: 61\n",
		aggregator, churn, churned, cards[0], i+1, partner, m.port())
}

// port is where the host is connected, on each switch of its rack.
func (m *machine) port() int { return m.index%rackSize + 1 }

// chassis is the MAC address of a switch of the rack. To LACP, a and b are one switch.
func (m *machine) chassis(n int) string {
	return fmt.Sprintf("00:1c:73:%02x:%02x:%02x", m.rack()>>8&0xff, m.rack()&0xff, 0xa+n)
}

// neighbours is what LLDP hears, as "lldpcli -f xml show neighbors details" prints it.
func neighbours(m *machine) []byte {
	cards := m.interfaces
	if cards[0] == bond {
		cards = cards[1:]
	}
	b := []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<lldp label=\"LLDP neighbors\">\n")
	up := max(0, m.uptime-40)
	plural := "s"
	if up/86400 == 1 {
		plural = ""
	}
	age := fmt.Sprintf("%d day%s, %02d:%02d:%02d", up/86400, plural, up/3600%24, up/60%60, up%60)
	for i, card := range cards {
		name, system, port := fmt.Sprintf("sw%04d-%c", m.rack()+1, "ab"[i%2]), "Arista Networks EOS version 4.28.3M running on an Arista Networks DCS-7050SX3-48YC8", "10GigBaseSR"
		if i == 2 {
			name, system, port = fmt.Sprintf("mgmt%04d", m.rack()+1), "Arista Networks EOS version 4.23.9M running on an Arista Networks DCS-7010T-48", "1000BaseTFD"
		}
		b = fmt.Appendf(b, ` <interface label="Interface" name="%s" via="LLDP" rid="%d" age="%s">
  <chassis label="Chassis">
   <id label="ChassisID" type="mac">%s</id>
   <name label="SysName">%s.%s</name>
   <descr label="SysDescr">%s</descr>
   <mgmt-ip label="MgmtIP">10.%d.255.%d</mgmt-ip>
   <capability label="Capability" type="Bridge" enabled="on"/>
   <capability label="Capability" type="Router" enabled="off"/>
  </chassis>
  <port label="Port">
   <id label="PortID" type="ifname">Ethernet%d</id>
   <descr label="PortDescr">%s %s</descr>
   <ttl label="TTL">120</ttl>
   <mfs label="MFS">9236</mfs>
   <auto-negotiation label="PMD autoneg" supported="no" enabled="no">
    <current label="MAU oper type">%s</current>
   </auto-negotiation>
  </port>
 </interface>
`, card, i+1, age, m.chassis(i), name, m.domain, system, site(m.domain), (3*m.rack()+i)%254+1, m.port(), m.short(), card, port)
	}
	return append(b, "</lldp>\n"...)
}
