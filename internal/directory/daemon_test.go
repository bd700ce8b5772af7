package directory

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A daemon is a server's process, with its children. It is killed at the end of the
// test, and when the test binary dies.
type daemon struct {
	t    *testing.T
	pid  int
	done <-chan struct{} // closed when it has ended
}

// startDaemon starts a program and returns when ready says so; false, when the program
// ended before. What it logs is in the folder's file log.
func startDaemon(t *testing.T, folder string, ready func() bool, program string, args ...string) (*daemon, bool) {
	t.Helper()
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	done, err := redistest.StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, pid: cmd.Process.Pid, done: done}
	t.Cleanup(d.kill)
	t.Cleanup(func() {
		if said := readLog(folder); t.Failed() && said != "" {
			t.Logf("log of %s:\n%s", program, said)
		}
	})
	ended := false
	redistest.WaitFor(t, program+" to be ready", func() bool {
		select {
		case <-d.done:
			ended = true
		default:
		}
		return ended || ready()
	})
	return d, !ended
}

// kill ends it, hung or not, and waits for its end.
func (d *daemon) kill() {
	d.signal(syscall.SIGKILL)
	<-d.done
}

// hang stops it: the kernel still accepts connections and packets for it. It returns when
// all of its threads have stopped, one of which could else answer yet.
func (d *daemon) hang() {
	d.signal(syscall.SIGSTOP)
	redistest.WaitFor(d.t, "all threads to stop", func() bool { return groupStopped(d.pid) })
}

// signal reaches the children, too: they are of its process group.
func (d *daemon) signal(sig syscall.Signal) {
	select {
	case <-d.done: // its number may be another's by now
		return
	default:
	}
	if err := syscall.Kill(-d.pid, sig); err != nil && err != syscall.ESRCH {
		d.t.Errorf("cannot send %v to process %d: %v", sig, d.pid, err)
	}
}

func readLog(folder string) string {
	log, _ := os.ReadFile(filepath.Join(folder, "log")) // no log is an empty one
	return string(log)
}

// onFreePort calls start with addresses of 127.0.0.1 until it succeeds: another program
// may take a port meanwhile. Ports are below those of outgoing connections.
func onFreePort(t *testing.T, start func(addr string) bool) string {
	t.Helper()
	for range 20 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000)))
		if isFree(addr) && start(addr) {
			return addr
		}
	}
	t.Fatal("cannot start a server on 20 ports")
	return ""
}

func isFree(addr string) bool {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	udp.Close()
	return true
}

// findProgram returns the path of a program of a server, which may be where only root
// looks.
func findProgram(t *testing.T, program, pkg string) string {
	t.Helper()
	for _, folder := range []string{"", "/usr/sbin/", "/usr/local/sbin/", "/usr/libexec/", "/usr/lib/openldap/"} {
		if path, err := exec.LookPath(folder + program); err == nil {
			return path
		}
	}
	t.Fatalf("cannot find %s: install it with: sh scripts/test-deps.sh, or: apt-get install %s", program, pkg)
	return ""
}
