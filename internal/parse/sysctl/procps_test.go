package sysctl

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// machine is a root directory with a sysctl in it, a /proc/sys of plain files and no
// other /proc: the program, which is told --dry-run besides, cannot reach the settings of
// the machine that the test runs on.
type machine struct{ root string }

// keys are those of the machine, as sysctl -a prints them.
var keys = []string{
	"kernel.a", "kernel.b", "kernel.panic", "kernel.pid_max", "net.core.rmem_max", "net.core.wmem_max", "net.ipv4.ip_forward", "net.ipv4.tcp_rmem", "vm.swappiness",
	"net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.eth1.rp_filter",
	"net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.lo.rp_filter", "net.ipv4.conf.br-lan.rp_filter",
	"net.ipv4.conf.all.forwarding", "net.ipv4.conf.eth0.forwarding", "net.ipv4.conf.eth0/100.forwarding", "net.ipv4.conf.lo.forwarding",
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	program, err := exec.LookPath("sysctl")
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			program, err = exec.LookPath(filepath.Join(dir, "sysctl"))
		}
	}
	if err != nil {
		t.Fatalf("%v; install it: apt-get install procps (or dnf install procps-ng)", err)
	}
	m := &machine{t.TempDir()}
	var shm syscall.Statfs_t
	const noExec = 8                                                      // ST_NOEXEC of statvfs(3)
	if syscall.Statfs("/dev/shm", &shm) == nil && shm.Flags&noExec == 0 { // in memory: a disk that is busy takes seconds
		if dir, err := os.MkdirTemp("/dev/shm", "sysctl"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			m.root = dir
		}
	}
	libraries, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatalf("cannot tell which libraries sysctl needs: %v", err)
	}
	m.install(t, program, "/bin/sysctl")
	for _, path := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
		m.install(t, path, path)
	}
	for _, key := range keys {
		m.write(t, "/proc/sys/"+separators.Replace(key), "0\n")
	}
	return m
}

func (m *machine) install(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(m.root, to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	redistest.WriteProgram(t, path, string(text))
}

func (m *machine) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if text == toNull {
		if err := os.Symlink("/dev/null", path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// toNull stands for a link to /dev/null. The agent sends an empty object for it.
const toNull = "\x00null"

// dryRun returns what the real sysctl would assign with these files, in order.
func (m *machine) dryRun(t *testing.T, files []File) []string {
	t.Helper()
	for _, d := range []string{"/etc", "/run", "/usr/local", "/usr/lib/sysctl.d", "/lib/sysctl.d"} {
		if err := os.RemoveAll(filepath.Join(m.root, d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	m.write(t, "/dev/null", "")
	for _, f := range files {
		m.write(t, f.Name, f.Contents)
	}
	cmd := exec.Command("/bin/sysctl", "--system", "--dry-run")
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) { // it fails for what it complains about, too
		t.Fatalf("cannot run sysctl: %v", err)
	}
	var out []string
	applied := 0
	for line := range strings.Lines(stdout.String()) {
		if strings.HasPrefix(line, "* Applying ") {
			applied++
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		if !ok {
			t.Fatalf("sysctl prints %q", line)
		}
		key, _ = canonical(key)
		out = append(out, key+" = "+value)
	}
	if applied == 0 && len(files) > 0 && len(InOrder(files)) > 0 {
		t.Fatalf("sysctl has read no file: %s", stderr.String())
	}
	return out
}

// ours is what the package says about the same.
func ours(t *testing.T, files []File) []string {
	t.Helper()
	files = slices.Clone(files)
	for i := range files {
		if files[i].Contents == toNull {
			files[i].Contents = ""
		}
	}
	plan, err := NewPlan(files)
	if err != nil {
		t.Fatal(err)
	}
	assignments, err := plan.Apply(strings.Join(keys, " = 0\n") + " = 0\n")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range assignments {
		if !a.Absent {
			out = append(out, a.Key+" = "+a.Value)
		}
	}
	return out
}

// What we say is applied, in order, is what the real sysctl --system --dry-run says.
func TestAsProcpsDecides(t *testing.T) {
	m := newMachine(t)
	const conf, etc, run, local, usr, lib = "/etc/sysctl.conf", "/etc/sysctl.d/", "/run/sysctl.d/", "/usr/local/lib/sysctl.d/", "/usr/lib/sysctl.d/", "/lib/sysctl.d/"
	one := func(text string) []File { return []File{{conf, text}} }
	sets := map[string][]File{
		"nothing":                          nil,
		"sysctl.conf alone":                one("kernel.a = 1\n"),
		"sysctl.conf is last":              {{conf, "kernel.a = 1\n"}, {etc + "zz.conf", "kernel.a = 2\n"}},
		"sorted by name, not directory":    {{etc + "20.conf", "kernel.a = 20\n"}, {lib + "10.conf", "kernel.a = 10\n"}, {usr + "30.conf", "kernel.a = 30\n"}},
		"etc shadows run":                  {{etc + "a.conf", "kernel.a = 1\n"}, {run + "a.conf", "kernel.b = 2\n"}},
		"run shadows local":                {{run + "a.conf", "kernel.a = 1\n"}, {local + "a.conf", "kernel.b = 2\n"}},
		"local shadows usr":                {{local + "a.conf", "kernel.a = 1\n"}, {usr + "a.conf", "kernel.b = 2\n"}},
		"usr shadows lib":                  {{usr + "a.conf", "kernel.a = 1\n"}, {lib + "a.conf", "kernel.b = 2\n"}},
		"all five":                         {{etc + "a.conf", "kernel.a = 1\n"}, {run + "a.conf", "kernel.a = 2\n"}, {local + "a.conf", "kernel.a = 3\n"}, {usr + "a.conf", "kernel.a = 4\n"}, {lib + "a.conf", "kernel.a = 5\n"}},
		"an empty file masks":              {{etc + "a.conf", ""}, {usr + "a.conf", "kernel.a = 1\n"}},
		"a link to /dev/null masks":        {{etc + "a.conf", toNull}, {usr + "a.conf", "kernel.a = 1\n"}, {usr + "b.conf", "kernel.b = 1\n"}},
		"other endings":                    {{etc + "README", "kernel.a = 1\n"}, {etc + "a.conf~", "kernel.a = 2\n"}, {etc + "a.conf.bak", "kernel.a = 3\n"}, {etc + "aconf", "kernel.a = 4\n"}},
		"hidden files count":               {{etc + ".a.conf", "kernel.a = 1\n"}, {etc + ".conf", "kernel.b = 1\n"}},
		"directories below do not":         {{etc + "sub/a.conf", "kernel.a = 1\n"}, {etc + "b.conf", "kernel.b = 1\n"}},
		"upper case sorts first":           {{etc + "a.conf", "kernel.a = a\n"}, {etc + "B.conf", "kernel.a = B\n"}},
		"numbers sort as text":             {{etc + "9.conf", "kernel.a = 9\n"}, {etc + "10.conf", "kernel.a = 10\n"}, {etc + "99-x.conf", "kernel.b = 99\n"}},
		"comments":                         one("# kernel.a = 1\n; kernel.a = 2\n  # kernel.a = 3\n\t;kernel.a = 4\nkernel.a = 5 # not one\n"),
		"blank lines and short ones":       one("\n \n\t\nx\nxy\n=\n=1\n-\n--\n-=\nkernel.a=1\n"),
		"white space":                      one("  kernel.a   =   1 2\t3  \n\tkernel.b\t=\tx y\t\nvm.swappiness=\v7\f\n"),
		"no end of line":                   one("kernel.a = 1"),
		"crlf":                             one("kernel.a = 1\r\nkernel.b = 2\r\n\r\n"),
		"NUL":                              one("kernel.a = 1\x002\nkernel\x00.b = 3\n\x00kernel.b = 4\nkernel.b = 5\n"),
		"empty values":                     one("kernel.a =\nkernel.b=   \n"),
		"values with =":                    one("kernel.a = x=y\nkernel.b ==\n"),
		"ignored errors":                   one("-kernel.a = 1\n -kernel.b = 2\n- vm.swappiness = 3\n-kernel.nope = 4\nkernel.nope = 5\n--kernel.a = 6\n"),
		"slashes":                          one("kernel/a = 1\nnet/ipv4/conf/eth0.100/rp_filter = 2\nnet.ipv4.conf.eth0/100.forwarding = 3\nnet/ipv4/conf/eth0/100/rp_filter = 4\nnet.ipv4.conf.eth0.100.rp_filter = 5\n"),
		"mixed separators":                 one("net.ipv4/conf.all = 1\nnet/ipv4.ip_forward = 2\nkernel.a/b = 3\n"),
		"odd separators":                   one("/kernel/a = 1\n.kernel.a = 2\nkernel..b = 3\nkernel//b = 4\nkernel.a. = 5\nkernel = 6\n"),
		"a dot as a name":                  one("kernel/./a = 1\nkernel/././b = 2\n"),
		"directories are not set":          one("net.ipv4 = 1\nnet.ipv4.conf.eth0 = 2\nnet.ipv4.conf.* = 3\nkernel.* = 4\n"),
		"the last one wins":                {{etc + "1.conf", "kernel.a = 1\nkernel.a = 2\n"}, {etc + "2.conf", "kernel/a = 3\n"}},
		"globs":                            one("net.ipv4.conf.*.rp_filter = 2\n"),
		"globs, and a key with a dot more": {{etc + "50.conf", "*.ipv4.conf.lo.rp_filter = 2\n"}, {etc + "60.conf", ".net.ipv4.conf.lo.rp_filter = 1\n"}},
		"globs, and a key both ways":       one(".kernel.a = 1\nkernel.? = 2\nkernel.a = 3\n"),
		"globs with a separator more":      one("net.ipv4.conf.lo.rp_filter = 1\nnet..ipv4.conf.*.rp_filter = 2\nnet/ipv4/conf/*//forwarding = 3\nnet.ipv4.conf.lo.forwarding = 4\n"),
		"globs that end in a separator":    one("kernel.?. = 1\n*/b/ = 2\nkernel/p*// = 3\n"),
		"classes with a separator":         one("kernel/[!/] = 1\n[/k]*/b = 2\nkernel[/]* = 3\nkernel.[.a] = 4\nkernel.[a/b] = 5\n"),
		"ranges":                           one("kernel.[z-ab] = 1\nkernel.[!--] = 2\nkernel.[a-a-z] = 3\nkernel.[-a] = 4\nkernel.[a\\]] = 5\nkernel.[\\a] = 6\nkernel.[^z-a] = 7\nkernel.[a-] = 8\n"),
		"globs with slashes":               one("net/ipv4/conf/*/rp_filter = 2\n"),
		"globs, and a key before":          one("net.ipv4.conf.lo.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 2\n"),
		"globs, and a key in a later file": {{etc + "50.conf", "net.ipv4.conf.*.rp_filter = 2\n"}, {etc + "60.conf", "net.ipv4.conf.eth0.rp_filter = 1\n-net/ipv4/conf/eth0.100/rp_filter\n"}},
		"exclusions":                       one("net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n"),
		"exclusions spare no plain key":    one("net.ipv4.conf.all.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n"),
		"globs one after the other":        one("net.ipv4.conf.*.rp_filter = 2\nnet.ipv4.conf.eth*.rp_filter = 1\nnet.*.conf.lo.rp_filter = 3\n"),
		"question marks and classes":       one("net.ipv4.conf.eth?.rp_filter = 1\nnet.ipv4.conf.[!e]*.rp_filter = 2\nnet.ipv4.conf.[a-l]o.forwarding = 3\nkernel.[[:alpha:]] = 4\nnet.ipv4.conf.eth[^0].rp_filter = 5\n"),
		"classes that are none":            one("kernel.[a = 1\nkernel.[]a] = 2\nkernel.[] = 3\nkernel.[z-a] = 4\nkernel.[!] = 5\n"),
		"escapes":                          one("kernel.\\[a] = 1\nkernel.\\a = 2\nkernel.\\?* = 3\nkernel.\\a* = 4\nkernel.\\* = 5\n"),
		"globs do not cross separators":    one("net*rp_filter = 1\nnet.*.rp_filter = 2\nnet.ipv4.*.*.rp_filter = 3\n*.*.*.*.forwarding = 4\n"),
		"a star in a value":                one("kernel.a = *\nkernel.b = [x]\n"),
		"quotes":                           one("\"kernel.a\" = 1\nkernel.b = \"two words\"\n"),
		"a colon assigns nothing":          one("kernel.a: 1\nkernel.b 1\n"),
		"long lines":                       one("kernel.a = " + strings.Repeat("x", 3<<12) + "\nkernel.b = 1\n" + strings.Repeat("#", 9000) + "\nkernel.b = " + strings.Repeat(" ", 9000) + "2\n"),
		"many lines":                       one(strings.Repeat("kernel.a = 1\n", 3000) + "kernel.a = 2\n"),
		"not UTF-8":                        one("kernel.a = \xff\xfe\nkernel.\xff = 1\nkernel.\xff* = 2\nkernel.b = \u00a01\u00a0\n"),
		"nothing that exists":              one("net.bridge.bridge-nf-call-iptables = 1\nnet.bridge.* = 1\n"),
	}
	for seed := range uint64(redistest.Cases(t, 60)) {
		sets[fmt.Sprint("generated ", seed)] = generate(rand.New(rand.NewPCG(seed, 1)))
	}
	assigned := 0
	for name, files := range sets {
		want, got := m.dryRun(t, files), ours(t, files)
		if !slices.Equal(got, want) {
			t.Errorf("%s: we apply\n%q\nsysctl applies\n%q\nof %q", name, got, want, files)
		}
		assigned += len(want)
	}
	if assigned < 500 {
		t.Errorf("sysctl has applied %d settings: too few to compare", assigned)
	}
}

// generate makes a set of files out of what files are made of.
func generate(r *rand.Rand) []File {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	key := func() string {
		k := pick(keys...)
		if r.IntN(4) == 0 {
			parts := strings.Split(k, ".")
			at := r.IntN(len(parts))
			parts[at] = pick("*", "?*", parts[at][:1]+"*", "*"+parts[at][len(parts[at])-1:], "[a-k]*", "[!a]*")
			k = strings.Join(parts, ".")
		}
		if r.IntN(3) == 0 {
			k = separators.Replace(k)
		}
		return k
	}
	files := make(map[string]string)
	for range 1 + r.IntN(7) {
		name := pick(directories...) + "/" + pick("10-a", "50-default", "90-local", "99-sysctl", "a", "Z") + pick(".conf", ".conf", ".conf", ".bak")
		if r.IntN(5) == 0 {
			name = MainFile
		}
		var b strings.Builder
		for range r.IntN(8) {
			switch r.IntN(12) {
			case 0:
				fmt.Fprintf(&b, "%s%s\n", pick("# ", ";", " #"), key())
			case 1:
				b.WriteString(pick("\n", "  \n", "x\n", "no assignment\n", "= 1\n"))
			case 2:
				k := key()
				if !isGlob(k) { // of which versions of procps think differently
					fmt.Fprintf(&b, "-%s%s\n", k, pick("", " ", "\t"))
				}
			default:
				fmt.Fprintf(&b, "%s%s%s=%s%d%s\n", pick("", "", " ", "-"), key(), pick("", " ", "\t"), pick("", " ", " \t "), r.IntN(100), pick("", " ", " 1", "\t2 3"))
			}
		}
		files[name] = b.String()
	}
	var out []File
	for name, text := range files {
		out = append(out, File{name, text})
	}
	return out
}
