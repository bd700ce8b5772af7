package directory

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// zoneHead begins the zone of example.com.
const zoneHead = `$ORIGIN example.com.
$TTL 300
@  SOA  ns hostmaster 1 3600 600 86400 60
@  NS   ns
ns A    127.0.0.1
`

// An nsd is a real DNS server (NLnet Labs' NSD) on 127.0.0.1, for UDP and TCP.
type nsd struct {
	t    *testing.T
	addr string
	*daemon
}

// startNSD serves zones: origin → text of the zone. A zone without text is one that the
// server has not loaded: it answers SERVFAIL. Names of no zone are REFUSED.
func startNSD(t *testing.T, zones map[string]string) *nsd {
	t.Helper()
	n := &nsd{t: t}
	n.addr = onFreePort(t, func(addr string) bool {
		n.addr = addr
		return n.start(zones)
	})
	return n
}

// restart serves other zones at the same address.
func (n *nsd) restart(zones map[string]string) {
	n.t.Helper()
	n.kill()
	if !n.start(zones) {
		n.t.Fatalf("cannot start nsd again at %s", n.addr)
	}
}

// kill also waits until its last process has left the address.
func (n *nsd) kill() {
	n.t.Helper()
	n.daemon.kill()
	redistest.WaitFor(n.t, n.addr+" to be free", func() bool { return isFree(n.addr) })
}

func (n *nsd) start(zones map[string]string) (ok bool) {
	n.t.Helper()
	folder := n.t.TempDir()
	_, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, `server:
  ip-address: 127.0.0.1
  port: %s
  username: ""
  chroot: ""
  database: ""
  zonesdir: "%[2]s"
  pidfile: "%[2]s/pid"
  xfrdfile: ""
  xfrdir: "%[2]s"
  zonelistfile: "%[2]s/zones"
  server-count: 1
remote-control:
  control-enable: no
`, port, folder)
	for origin, zone := range zones {
		fmt.Fprintf(&conf, "zone:\n  name: %s\n  zonefile: %[1]s.zone\n", origin)
		if zone != "" {
			writeFile(n.t, filepath.Join(folder, origin+".zone"), zone)
		}
	}
	writeFile(n.t, filepath.Join(folder, "nsd.conf"), conf.String())
	ready := func() bool {
		_, err := n.soa("example.com")
		return err == nil
	}
	if n.daemon, ok = startDaemon(n.t, folder, ready, findProgram(n.t, "nsd", "nsd"), "-d", "-c", filepath.Join(folder, "nsd.conf")); !ok {
		return false
	}
	for origin, zone := range zones {
		if reply, err := n.soa(origin); err != nil || zone != "" && len(reply.Answer) != 1 {
			n.t.Fatalf("nsd cannot serve the zone %s: %v\n%s", origin, err, readLog(folder))
		}
	}
	return true
}

// soa asks for what every zone has.
func (n *nsd) soa(origin string) (*dns.Msg, error) {
	return dns.Exchange(new(dns.Msg).SetQuestion(origin+".", dns.TypeSOA), n.addr)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fakeDNS answers at an address what no real server would, over UDP and TCP, until the
// test ends. An answer of nil is none.
func fakeDNS(t *testing.T, addr string, answer func(question *dns.Msg, network string) []byte) {
	t.Helper()
	packets, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		if reply := answer(question, w.LocalAddr().Network()); reply != nil {
			_, _ = w.Write(reply) // who asked may be gone
		}
		w.Close()
	})
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan error, 1)
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := server.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// pack returns the bytes of a message.
func pack(t *testing.T, m *dns.Msg) []byte {
	data, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return data
}
