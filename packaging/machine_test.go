//go:build packagetest

package packaging_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// debootstrap begins to make a clean root of the Debian release that this machine runs,
// from the mirror that this machine uses, and returns what waits for it.
func debootstrap(t *testing.T) (wait func() (root string)) {
	t.Helper()
	release := must(t, "sh", "-c", `. /etc/os-release && echo "$ID $VERSION_CODENAME"`)
	id, codename, _ := strings.Cut(strings.TrimSpace(release), " ")
	if id != "debian" {
		t.Fatalf("this machine runs %s: the packages are tested on Debian", id)
	}
	mirror := ""
	for line := range strings.Lines(must(t, "apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages")) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == codename && f[1] == "main" {
			mirror = f[2]
			break
		}
	}
	if mirror == "" {
		t.Fatalf("apt knows no mirror of %s: apt-get update", codename)
	}
	root := filepath.Join(t.TempDir(), "root")
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "debootstrap", "--variant=minbase", "--include=systemd-sysv,dbus,iproute2,procps,cron", codename, root, mirror)
	cmd.Stdout, cmd.Stderr = &said, &said
	ended, err := redistest.StartProcess(cmd)
	if err != nil {
		t.Fatalf("cannot run debootstrap: %v", err)
	}
	t.Cleanup(func() { <-ended }) // which the test's context has ended, if need be
	return func() string {
		if <-ended; !cmd.ProcessState.Success() {
			t.Fatalf("cannot make a clean root: debootstrap: %v\n%s", cmd.ProcessState, said.String())
		}
		return root
	}
}

// A machine is a root that systemd has booted in a container. It shares the network,
// and so the loopback interface, with this machine.
type machine struct {
	t    *testing.T
	root string
	init string // the process id of its init
}

// boot boots a root. The machine is shut down with the test.
func boot(t *testing.T, root string) *machine {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command("systemd-nspawn", "--directory="+root, "--boot", "--register=no", "--keep-unit", "--console=pipe",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", fmt.Sprintf("--machine=sysops-test-%d", os.Getpid()))
	cmd.Stdout, cmd.Stderr = &said, &said
	ended, err := redistest.StartProcess(cmd)
	if err != nil {
		t.Fatalf("cannot boot a machine: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an orderly shutdown
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	m := &machine{t: t, root: root}
	nspawn := strconv.Itoa(cmd.Process.Pid)
	m.until("the machine is up", func() bool {
		select {
		case <-ended:
			t.Fatalf("systemd-nspawn cannot boot a machine here:\n%s", said.String())
		default:
		}
		children, _ := os.ReadFile("/proc/" + nspawn + "/task/" + nspawn + "/children")
		if m.init = strings.TrimSpace(string(children)); m.init == "" {
			return false
		}
		out, _ := m.command("systemctl", "is-system-running").Output()
		return string(out) == "running\n" || string(out) == "degraded\n" // a unit that a container cannot have
	})
	return m
}

// command prepares a program that runs in the machine, as root.
func (m *machine) command(name string, args ...string) *exec.Cmd {
	inside := []string{
		"--target", m.init, "--all", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
		"DEBIAN_FRONTEND=noninteractive", name,
	}
	return exec.CommandContext(m.t.Context(), "nsenter", append(inside, args...)...)
}

// run runs a program to its end and returns its stdout.
func (m *machine) run(name string, args ...string) string {
	m.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := m.command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		m.t.Fatalf("%s %q: %v\n%s%s", name, args, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func (m *machine) equal(want, name string, args ...string) {
	m.t.Helper()
	if got := m.run(name, args...); got != want {
		m.t.Errorf("%s %q says %q, want %q", name, args, got, want)
	}
}

// show returns a property of a unit.
func (m *machine) show(unit, property string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "-P", property, unit))
}

func (m *machine) write(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// until waits, longer than anything takes however busy the machine is.
func (m *machine) until(what string, happened func() bool) {
	m.t.Helper()
	redistest.WaitFor(m.t, what, happened)
}
