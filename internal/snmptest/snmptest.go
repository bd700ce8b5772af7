// Package snmptest runs real snmpd processes (Net-SNMP's) for tests: each on a free
// UDP port of 127.0.0.1, with a configuration and a state of its own, none of the
// system's.
package snmptest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// What a Server knows its callers by.
const (
	Community      = "sesame 17" // v2c
	User           = "sysops"    // v3, with SHA and AES
	AuthPassphrase = "correct horse"
	PrivPassphrase = "battery staple"
)

// A Server is a running snmpd. It is killed at the end of the test.
type Server struct {
	Addr string // 127.0.0.1:port

	t     testing.TB
	pid   int
	ended <-chan struct{}
}

// Start starts an snmpd with these further lines of snmpd.conf, and returns when it
// answers. Without the program the test fails, and says how to install it.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	program := Find(t, "snmpd", "snmpd")
	for range 20 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000)) // below those of outgoing packets
		if s := start(t, program, addr, lines); s != nil {
			return s
		}
	}
	t.Fatal("cannot start snmpd on 20 ports")
	return nil
}

func start(t testing.TB, program, addr string, lines []string) *Server {
	t.Helper()
	folder := t.TempDir()
	conf := append([]string{
		`rocommunity "` + Community + `" 127.0.0.1`,
		fmt.Sprintf("createUser %s SHA %q AES %q", User, AuthPassphrase, PrivPassphrase),
		"rouser " + User + " priv",
		"sysName device under test", "sysLocation rack 7", "sysContact nobody",
	}, lines...)
	file := filepath.Join(folder, "snmpd.conf")
	if err := os.WriteFile(file, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(program, "-f", "-Lo", "-r", "-C", "-c", file, "udp:"+addr)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+folder, "MIBS=")
	ended, err := redistest.StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: addr, t: t, pid: cmd.Process.Pid, ended: ended}
	t.Cleanup(s.kill)
	t.Cleanup(func() {
		if said, _ := os.ReadFile(log.Name()); t.Failed() && len(said) > 0 { // no log is an empty one
			t.Logf("log of snmpd:\n%s", said)
		}
	})
	taken := false
	redistest.WaitFor(t, "snmpd to answer", func() bool {
		select {
		case <-s.ended:
			taken = true // the port
		default:
		}
		return taken || s.answers()
	})
	if taken {
		return nil
	}
	return s
}

// answers asks for sysDescr.0, with a packet of version 2c.
func (s *Server) answers() bool {
	conn, err := net.Dial("udp", s.Addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	pdu := "\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"
	body := "\x02\x01\x01\x04" + string(rune(len(Community))) + Community + "\xa0" + string(rune(len(pdu))) + pdu
	if _, err := conn.Write([]byte("\x30" + string(rune(len(body))) + body)); err != nil {
		return false
	}
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return false
	}
	n, err := conn.Read(make([]byte, 1500))
	return err == nil && n > 0
}

// Hang stops the server: it takes packets, and answers none.
func (s *Server) Hang() { s.signal(syscall.SIGSTOP) }

func (s *Server) signal(sig syscall.Signal) {
	select {
	case <-s.ended: // its number may be another's by now
		return
	default:
	}
	if err := syscall.Kill(s.pid, sig); err != nil && err != syscall.ESRCH {
		s.t.Errorf("cannot send %v to snmpd: %v", sig, err)
	}
}

func (s *Server) kill() {
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// Find returns the path of a program of Net-SNMP, which may be where only root looks.
func Find(t testing.TB, program, pkg string) string {
	t.Helper()
	for _, folder := range []string{"", "/usr/sbin/", "/usr/local/sbin/"} {
		if path, err := exec.LookPath(folder + program); err == nil {
			return path
		}
	}
	t.Fatalf("cannot find %s: install it with: sh scripts/test-deps.sh, or: apt-get install %s", program, pkg)
	return ""
}
