package fleetsim

import (
	"fmt"
	"strings"
	"time"
)

// epoch is when all hosts were looked at: a fleet is the same whenever it is made.
const epoch = 1735689600 // 2025-01-01 00:00:00 UTC

// What commands print about a host's state: invented whole, because one real
// machine's processes and connections on every host would answer no question
// about a fleet.

func uptime(m *machine) []byte {
	r := m.random(streamState)
	load := r.ExpFloat64() * float64(m.cpus) / 8
	return fmt.Appendf(nil, " %02d:%02d:%02d up %d days, %2d:%02d,  %d users,  load average: %.2f, %.2f, %.2f\n",
		r.IntN(24), r.IntN(60), r.IntN(60), m.uptime/86400, m.uptime/3600%24, m.uptime/60%60, r.IntN(3), load, load*0.9, load*0.8)
}

func processes(m *machine) []byte {
	r := m.random(streamState)
	b := []byte("USER                 PID    PPID  NI NLWP   RSS                  STARTED COMMAND\n")
	started := time.Unix(epoch-m.uptime, 0).UTC().Format(time.ANSIC)
	line := func(user string, pid, parent, threads, rss int, args string) {
		b = fmt.Appendf(b, "%-16s %7d %7d   0 %4d %5d %s %s\n", user, pid, parent, threads, rss, started, args)
	}
	line("root", 1, 0, 1, 12400, "/sbin/init")
	line("root", 2, 0, 1, 0, "[kthreadd]")
	pid := 400
	for _, args := range []string{"/usr/lib/systemd/systemd-journald", "/usr/sbin/crond -n", "/usr/sbin/sshd -D", "/usr/sbin/chronyd", "/usr/bin/sysops-agent run"} {
		pid += 1 + r.IntN(200)
		line("root", pid, 1, 1, 2000+r.IntN(20000), args)
	}
	role := roles[m.role]
	parent := pid + 1 + r.IntN(500)
	user, _, _ := strings.Cut(role.account, ":")
	line(user, parent, 1, 4, 20000+r.IntN(60000), "/usr/sbin/"+role.daemon)
	for range m.cpus / 4 {
		pid = parent + 1 + r.IntN(30000)
		line(user, pid, parent, 1+r.IntN(8), 30000+r.IntN(60000), role.daemon+": worker")
	}
	return b
}

// connections has listeners, and connections to hosts of other indices of the
// same domain, as "ss -anp" prints them.
func connections(m *machine) []byte {
	r := m.random(streamConnections)
	b := []byte("Netid State  Recv-Q Send-Q  Local Address:Port   Peer Address:Port Process\n")
	role := roles[m.role]
	listen := func(port int, daemon string) {
		b = fmt.Appendf(b, "tcp   LISTEN 0      4096          0.0.0.0:%-10d    0.0.0.0:*     users:((%q,pid=%d,fd=6))\n", port, daemon, 600+r.IntN(2000))
	}
	listen(22, "sshd")
	listen(role.port, role.daemon)
	for range 3 + r.IntN(12) {
		peer := Address(abs(m.index-500+r.IntN(1000)), m.domain)
		if r.IntN(2) == 0 {
			b = fmt.Appendf(b, "tcp   ESTAB  0      0      %s:%d %s:%d users:((%q,pid=%d,fd=%d))\n",
				m.address(), role.port, peer, 32768+r.IntN(28000), role.daemon, 2600+r.IntN(30000), 7+r.IntN(90))
		} else {
			b = fmt.Appendf(b, "tcp   ESTAB  0      0      %s:%d %s:%d users:((%q,pid=%d,fd=%d))\n",
				m.address(), 32768+r.IntN(28000), peer, role.calls, role.daemon, 2600+r.IntN(30000), 7+r.IntN(90))
		}
	}
	return b
}

func addresses(m *machine) []byte {
	cards := m.cardAddresses()
	b := []byte("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n" +
		"    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n")
	for i, name := range m.interfaces {
		b = fmt.Appendf(b, "%d: %s: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n", i+2, name)
		b = fmt.Appendf(b, "    link/ether %s brd ff:ff:ff:ff:ff:ff\n", cards[i])
		if i == 0 {
			b = fmt.Appendf(b, "    inet %s/16 brd 10.%d.255.255 scope global %s\n       valid_lft forever preferred_lft forever\n", m.address(), site(m.domain), name)
		}
	}
	return b
}

// cardAddresses are the MAC addresses of the interfaces.
func (m *machine) cardAddresses() []string {
	r := m.random(streamConnections)
	out := make([]string, len(m.interfaces))
	for i := range out {
		out[i] = string(hexGroups([]byte("0c:42:a1:"), r, ':', 1, 1, 1))
	}
	return out
}

func routes(m *machine) []byte {
	net, card := site(m.domain), m.interfaces[0]
	return fmt.Appendf(nil, "default via 10.%[1]d.0.1 dev %[2]s \n10.%[1]d.0.0/16 dev %[2]s proto kernel scope link src %[3]s \n", net, card, m.address())
}

func abs(n int) int { return max(n, -n) }
