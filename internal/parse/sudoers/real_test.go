package sudoers

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// The real sudo runs in a mount namespace of its own, in which /etc is a folder in
// memory: the machine's sudoers are neither read nor written. This test's binary, run
// again with this variable, is what goes there.
const insideVariable = "SUDO_TEST_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) != "" {
		if err := inside(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A request has files written below /etc, and sudo run.
type request struct {
	Files map[string]string // all sudoers files; those of the request before are gone
	Runs  []sudoRun
}

type sudoRun struct {
	User string // who runs it
	Args []string
}

type sudoResult struct {
	Stdout, Stderr string
	Status         int
}

const (
	testPasswd = `root:x:0:0:root:/root:/bin/bash
ann:x:1001:1001::/home/ann:/bin/sh
bob:x:1002:1002::/home/bob:/bin/sh
op:x:1003:1010::/home/op:/bin/sh
eve:x:1004:1004::/home/eve:/bin/sh
UPPER:x:1005:1005::/home/upper:/bin/sh
`
	testGroup = `root:x:0:
ann:x:1001:
bob:x:1002:
eve:x:1004:
wheel:x:1010:ann
dba:x:1020:ann,bob
ops team:x:1030:bob
`
	testNetgroup = `admins (-,ann,) nested
nested (-,eve,)
machines (web01.example.com,-,) (web02,-,)
loop loop2
loop2 loop (-,bob,)
`
	testHosts = "127.0.0.1 localhost\n10.9.8.7 web01.example.com web01\n"
)

// inside is what runs in the namespace: it answers requests until there are no more.
func inside(in io.Reader, out io.Writer) error {
	if err := furnish(); err != nil {
		return fmt.Errorf("cannot prepare the namespace: %w", err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	enc, dec := json.NewEncoder(out), json.NewDecoder(bufio.NewReader(in))
	if err := enc.Encode(fmt.Sprint(addresses)); err != nil {
		return err
	}
	for {
		var r request
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := writeSudoers(r.Files); err != nil {
			return err
		}
		results := make([]sudoResult, len(r.Runs))
		var running sync.WaitGroup // side by side: on a busy machine each waits for its turn to run
		for i, run := range r.Runs {
			running.Go(func() { results[i] = runSudo(run) })
		}
		running.Wait()
		if err := enc.Encode(results); err != nil {
			return err
		}
	}
}

// furnish hides what sudo could read or write of the machine.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte("web01")); err != nil {
		return err
	}
	for _, dir := range []string{"/etc", "/run", "/var/lib/sudo"} { // the last two: what sudo remembers of users
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	if _, err := os.Stat("/usr/sbin/sendmail"); err == nil {
		if err := syscall.Mount("/dev/null", "/usr/sbin/sendmail", "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := os.Mkdir("/etc/pam.d", 0o755); err != nil {
		return err
	}
	const pam = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
	for name, text := range map[string]string{
		"passwd": testPasswd, "group": testGroup, "netgroup": testNetgroup, "hosts": testHosts, "pam.d/sudo": pam, "pam.d/other": pam,
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nnetgroup: files\nsudoers: files\n",
	} {
		if err := os.WriteFile("/etc/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, args := range []string{"link add v0 type veth peer name v1", "addr add 10.9.8.7/24 dev v0", "link set v0 up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s (ip is in the package iproute2: apt-get install iproute2)", args, err, out)
		}
	}
	return nil
}

func writeSudoers(files map[string]string) error {
	old, err := filepath.Glob("/etc/sudoers*")
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	for name, text := range files {
		if !strings.HasPrefix(name, "/etc/sudoers") {
			return fmt.Errorf("%s is no sudoers file", name)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o440); err != nil {
			return err
		}
	}
	return nil
}

func runSudo(r sudoRun) sudoResult {
	cmd := exec.Command("sudo", r.Args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	h := testHost(nil)
	who := h.person(r.User)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.uid, Gid: who.gids[0], Groups: who.gids}}
	err := cmd.Run()
	status := cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		status = -1
		fmt.Fprintln(&stderr, err)
	}
	return sudoResult{stdout.String(), stderr.String(), status}
}

func testHost(addresses []netip.Prefix) *Host {
	return &Host{
		Name: "web01.example.com", Accounts: accounts.ParsePasswd([]byte(testPasswd)), Groups: accounts.ParseGroup([]byte(testGroup)),
		Netgroups: accounts.ParseNetgroups([]byte(testNetgroup)), Addresses: func() []netip.Prefix { return addresses },
	}
}

// A realSudo is the sudo in its namespace.
type realSudo struct {
	enc       *json.Encoder
	dec       *json.Decoder
	addresses []netip.Prefix
}

func startSudo(t *testing.T) *realSudo {
	t.Helper()
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Fatal("cannot find sudo: install it with: sh scripts/test-deps.sh, or: apt-get install sudo")
	}
	if os.Getuid() != 0 {
		t.Fatal("the test of the real sudo needs root, for a mount namespace in which sudo is still root's: run it as root")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(own) // ends when its input does
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
	}
	runtime.LockOSThread() // the kernel kills it when the thread that started it ends
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot make a namespace for sudo: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("in sudo's namespace: %v: %s", err, &stderr)
		}
	})
	s := &realSudo{enc: json.NewEncoder(stdin), dec: json.NewDecoder(stdout)}
	var addresses string
	if err := s.dec.Decode(&addresses); err != nil {
		t.Fatalf("in sudo's namespace: %v", err)
	}
	for _, a := range strings.Fields(strings.Trim(addresses, "[]")) {
		if p := netip.MustParsePrefix(a); !p.Addr().IsLoopback() {
			s.addresses = append(s.addresses, p)
		}
	}
	return s
}

func (s *realSudo) run(t *testing.T, r request) []sudoResult {
	t.Helper()
	if err := s.enc.Encode(r); err != nil {
		t.Fatal(err)
	}
	var out []sudoResult
	if err := s.dec.Decode(&out); err != nil {
		t.Fatalf("in sudo's namespace: %v", err)
	}
	return out
}

// listing returns the entries that sudo printed.
func (r *sudoResult) listing() []string {
	_, list, _ := strings.Cut(r.Stdout, " may run the following commands on web01:\n")
	var out []string
	for line := range strings.Lines(list) {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(line, "    "), "\n"))
	}
	return out
}

// A comparison is what sudo is asked about one set of sudoers, and what is to be true of
// its answers.
type comparison struct {
	t      *testing.T
	host   *Host
	policy *Policy
	runs   []sudoRun
	want   []func(sudoResult)

	entries, allowed, denied int // of sudo's answers
}

// list asks what a user may do.
func (c *comparison) list(user, by string, args ...string) {
	c.runs = append(c.runs, sudoRun{by, append([]string{"-l"}, args...)})
	got, undecided := c.policy.Entries(c.host, user)
	var texts []string
	for _, e := range got {
		texts = append(texts, e.String())
	}
	c.want = append(c.want, func(r sudoResult) {
		real := r.listing()
		c.entries += len(real)
		if !slices.Equal(texts, real) {
			c.t.Errorf("%s, asked by %s:\n got %q\nsudo %q\n%s\nundecided %q, problems %v", user, by, texts, real, r.Stderr, undecided, c.policy.Problems)
		}
	})
}

// check asks whether a user may run a command as somebody.
func (c *comparison) check(user, by, as, command string, args ...string) {
	args = append([]string{"-l"}, args...)
	runas, group, _ := strings.Cut(as, ":")
	if runas != "" {
		args = append(args, "-u", runas)
	}
	if group != "" {
		args = append(args, "-g", group)
	}
	c.runs = append(c.runs, sudoRun{by, append(args, strings.Fields(command)...)})
	d, undecided := c.policy.Decide(c.host, user, command, as, time.Now())
	c.want = append(c.want, func(r sudoResult) {
		if r.Status == 0 {
			c.allowed++
		} else {
			c.denied++
		}
		if d.Allowed != (r.Status == 0) {
			c.t.Errorf("%s as %q: %s, asked by %s: got %+v, sudo's status %d\n%s%s\nundecided %q", user, as, command, by, d, r.Status, r.Stdout, r.Stderr, undecided)
		}
	})
}

// TestAsSudo compares what the real sudo lists and decides with what this package does.
func TestAsSudo(t *testing.T) {
	before := hashSudoers(t)
	s := startSudo(t)
	allowed, denied, entries := 0, 0, 0
	for _, c := range realCases {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"/etc/sudoers": c.sudoers}
			maps.Copy(files, c.files)
			parsed := make(Files)
			for name, text := range files {
				parsed[name] = Parse([]byte(text))
			}
			host := testHost(s.addresses)
			compared := comparison{t: t, host: host, policy: Assemble(parsed, "/etc/sudoers", host.Short())}
			for _, user := range []string{"ann", "bob"} {
				if !c.own {
					compared.list(user, "root", "-U", user)
				}
				compared.list(user, user)
			}
			for line := range strings.Lines(c.checks) {
				f := strings.Fields(line)
				if len(f) == 0 {
					continue
				}
				as := strings.Trim(f[1], "-")
				command := strings.Join(f[2:], " ")
				if !c.own {
					compared.check(f[0], "root", as, command, "-U", f[0])
				}
				compared.check(f[0], f[0], as, command)
			}
			for i, r := range s.run(t, request{files, compared.runs}) {
				compared.want[i](r)
			}
			allowed, denied, entries = allowed+compared.allowed, denied+compared.denied, entries+compared.entries
		})
	}
	t.Logf("%d cases: %d entries listed, %d commands allowed, %d denied", len(realCases), entries, allowed, denied)
	if entries < 100 || allowed < 50 || denied < 50 {
		t.Errorf("sudo listed %d entries, allowed %d commands and denied %d: does it work here at all?", entries, allowed, denied)
	}
	if !bytes.Equal(before, hashSudoers(t)) {
		t.Error("the machine's own sudoers have changed")
	}
}

// hashSudoers is a digest of the machine's own sudoers.
func hashSudoers(t *testing.T) []byte {
	t.Helper()
	sum := sha256.New()
	names, err := filepath.Glob("/etc/sudoers.d/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "/etc/sudoers") {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		fmt.Fprintf(sum, "%s %d %x\n", name, len(b), sha256.Sum256(b))
	}
	return sum.Sum(nil)
}
