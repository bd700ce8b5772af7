//go:build packagetest

// Package packaging_test installs the packages as their users do, on a machine of its
// own: a clean Debian that systemd boots in a container. make package-test runs it, as
// root.
package packaging_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

const (
	older = "0.1.0~test1"
	newer = "0.1.0~test2"
)

// build makes the packages of a version, and returns their folder.
func build(t *testing.T, version string) string {
	t.Helper()
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "build.sh", os.Getenv("NFPM"))
	cmd.Env = append(os.Environ(), "VERSION="+version, "DIST="+folder, "ARCHS="+runtime.GOARCH, "SOURCE_DATE_EPOCH=1750000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the packages: %v\n%s", err, out)
	}
	return folder
}

func TestPackages(t *testing.T) {
	if os.Getenv("NFPM") == "" || os.Geteuid() != 0 {
		t.Fatal("it is to be run as root, by make package-test")
	}
	bootstrapped := debootstrap(t)
	first := build(t, older)
	t.Run("the same source gives the same packages", func(t *testing.T) { compareFolders(t, first, build(t, older)) })
	t.Run("manual pages are good roff", func(t *testing.T) { lintPages(t, first) })
	second := build(t, newer)

	root := bootstrapped()
	t.Run("deb", func(t *testing.T) { testDeb(t, root, first, second) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, root, first) })
}

func compareFolders(t *testing.T, a, b string) {
	files, err := os.ReadDir(a)
	if err != nil || len(files) != 4 {
		t.Fatalf("%d packages, want 4: %v", len(files), err)
	}
	for _, f := range files {
		one, err := os.ReadFile(filepath.Join(a, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(filepath.Join(b, f.Name())); err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s is not the same twice: %v", f.Name(), err)
		}
	}
}

func lintPages(t *testing.T, packages string) {
	folder := t.TempDir()
	for _, name := range []string{"sysops", "sysops-agent"} {
		must(t, "dpkg-deb", "-x", deb(packages, name, older), folder)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "usr/share/man/man1/*.1.gz"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		out, err := exec.Command("sh", "-c", `gzip -dc "$1" | mandoc -T lint -W warning`, "lint", page).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
		}
	}
}

func testDeb(t *testing.T, root, first, second string) {
	for name, folder := range map[string]string{"first": first, "second": second} {
		must(t, "cp", "-r", folder, filepath.Join(root, name))
	}
	server := redistest.Start(t)
	m := boot(t, root)
	// Every second in place of every 20 minutes.
	m.write("/etc/systemd/system/sysops-agent.timer.d/often.conf", "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nRandomizedDelaySec=0\n")

	installDebs(t, m)
	staysQuietWithoutConfig(t, m, server)
	pushesOnceConfigured(t, m, server)
	config := m.run("cat", "/etc/sysops/config.yaml")
	upgradeDebs(t, m, config)
	purgeDebs(m, config)
}

func installDebs(t *testing.T, m *machine) {
	said := m.run("dpkg", "-i", deb("/first", "sysops-agent", older), deb("/first", "sysops", older))
	if !strings.Contains(said, "nothing is sent until /etc/sysops/config.yaml says where to") {
		t.Errorf("the installation does not say what is to be done next:\n%s", said)
	}
	m.run("systemd-analyze", "verify", "--man=no", "sysops-agent.service", "sysops-agent.timer", "sysops-gc.service", "sysops-gc.timer")
	for _, file := range []string{
		"/usr/share/man/man1/sysops-grep.1.gz", "/usr/share/man/man1/sysops-agent-run.1.gz",
		"/usr/share/bash-completion/completions/sysops", "/usr/share/bash-completion/completions/sysops-agent",
		"/usr/share/zsh/vendor-completions/_sysops", "/usr/share/fish/vendor_completions.d/sysops.fish",
		"/usr/share/doc/sysops/copyright", "/usr/share/doc/sysops/modules.gz",
	} {
		m.run("test", "-s", file)
	}
}

// staysQuietWithoutConfig makes sure that without a config the agent sends nothing, and is no
// failed unit.
func staysQuietWithoutConfig(t *testing.T, m *machine, server *redistest.Server) {
	m.equal("enabled\n", "systemctl", "is-enabled", "sysops-agent.timer")
	m.equal("active\n", "systemctl", "is-active", "sysops-agent.timer")
	m.until("the service is skipped", func() bool {
		return m.show("sysops-agent.service", "ConditionTimestampMonotonic") != "0"
	})
	m.equal("no\n", "systemctl", "show", "-P", "ConditionResult", "sysops-agent.service")
	m.equal("0\n", "systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", "sysops-agent.service")
	m.equal("enabled\n", "systemctl", "is-enabled", "sysops-gc.timer")
	m.equal("active\n", "systemctl", "is-active", "sysops-gc.timer")
	m.run("systemctl", "start", "sysops-gc.service")
	m.equal("no\n", "systemctl", "show", "-P", "ConditionResult", "sysops-gc.service")
	m.equal("", "systemctl", "list-units", "--failed", "--no-legend", "sysops*")
	if n := server.Must("DBSIZE"); n != int64(0) {
		t.Fatalf("%v keys are on the server before there is a config", n)
	}
}

// pushesOnceConfigured makes sure that with the example's config, changed to name this server,
// the timer does the rest.
func pushesOnceConfigured(t *testing.T, m *machine, server *redistest.Server) {
	m.run("sh", "-c", "sed 's,redis://redis1.*,"+server.URL()+",; /redis2/d; s,^#agent:,agent:,; s,^#  domain:,  domain:,' /usr/share/doc/sysops-agent/examples/config.yaml >/etc/sysops/config.yaml")
	m.run("sysops-agent", "check")
	m.until("the service has run", func() bool { return m.show("sysops-agent.service", "ExecMainExitTimestampMonotonic") != "0" })
	if status := m.show("sysops-agent.service", "ExecMainStatus"); status != "0" {
		t.Fatalf("the service ended with status %s:\n%s", status, m.run("journalctl", "--no-pager", "-u", "sysops-agent.service"))
	}
	m.run("systemctl", "stop", "sysops-agent.timer")
	m.until("the service is at rest", func() bool { return m.show("sysops-agent.service", "ActiveState") == "inactive" })
	host := strings.TrimSpace(m.run("hostname")) + ".example.com"
	if got := m.run("sysops", "cat", host+"#/etc/debian_version"); got != m.run("cat", "/etc/debian_version") {
		t.Errorf("sysops cat says %q", got)
	}
	if got := m.run("sysops", "grep", "--uniq", "^root:", "/etc/passwd"); !strings.Contains(got, "root:x:0:0:") {
		t.Errorf("sysops grep says %q", got)
	}
	compareSandboxed(t, m, host)
	prunesWhereAnAdministratorIs(m, server)
}

// prunesWhereAnAdministratorIs makes sure that gc runs where an administrator's config is, and
// nowhere else: what people and timers ask with is not one.
func prunesWhereAnAdministratorIs(m *machine, server *redistest.Server) {
	m.run("systemctl", "start", "sysops-gc.service")
	m.equal("no\n", "systemctl", "show", "-P", "ConditionResult", "sysops-gc.service")
	m.run("cp", "/etc/sysops/config.yaml", "/etc/sysops/admin.yaml")
	server.Must("SADD", "$names", "/nobody/has/this")
	m.run("systemctl", "start", "sysops-gc.service")
	m.equal("success\n", "systemctl", "show", "-P", "Result", "sysops-gc.service")
	if n := server.Must("SISMEMBER", "$names", "/nobody/has/this"); n != int64(0) {
		m.t.Errorf("gc has run, and a name that nobody has is still there:\n%s", m.run("journalctl", "--no-pager", "-u", "sysops-gc.service"))
	}
}

// upgradeDebs makes sure that an upgrade keeps what the administrator has made, and made off
// with.
func upgradeDebs(t *testing.T, m *machine, config string) {
	m.run("systemctl", "start", "sysops-agent.timer")
	m.run("rm", "/var/lib/sysops/outgoing/etc_shells")
	m.run("dpkg", "-i", deb("/second", "sysops-agent", newer), deb("/second", "sysops", newer))
	m.equal(config, "cat", "/etc/sysops/config.yaml")
	m.run("sh", "-c", "! test -e /var/lib/sysops/outgoing/etc_shells")
	m.equal("active\n", "systemctl", "is-active", "sysops-agent.timer")
	for _, command := range []string{"sysops", "sysops-agent"} {
		if got := m.run(command, "version", "--format", "json"); !strings.Contains(got, `"version": "`+newer+`"`) {
			t.Errorf("after the upgrade %s version says %s", command, got)
		}
	}
	m.run("systemctl", "disable", "--now", "sysops-agent.timer")
	m.run("dpkg", "-i", deb("/second", "sysops-agent", newer))
	m.equal("disabled\n", "sh", "-c", "systemctl is-enabled sysops-agent.timer || true")
	m.equal("enabled\n", "systemctl", "is-enabled", "sysops-gc.timer")
	m.run("systemctl", "disable", "--now", "sysops-gc.timer")
	m.run("dpkg", "-i", deb("/second", "sysops", newer))
	m.equal("disabled\n", "sh", "-c", "systemctl is-enabled sysops-gc.timer || true")
}

// purgeDebs makes sure that a removed agent is still configured, and that of a purged one
// nothing is left but what sysops needs.
func purgeDebs(m *machine, config string) {
	m.run("dpkg", "-r", "sysops-agent")
	m.equal("inactive\n", "sh", "-c", "systemctl is-active sysops-agent.timer || true")
	m.equal(config, "cat", "/etc/sysops/config.yaml")
	m.run("rm", "-r", "/etc/systemd/system/sysops-agent.timer.d")
	m.run("dpkg", "-P", "sysops-agent")
	m.equal(config, "cat", "/etc/sysops/config.yaml")
	m.run("sysops", "hosts")
	m.run("dpkg", "-P", "sysops")
	m.run("rm", "-r", "/first", "/second")
	m.run("rm", "-r", "/root/.cache/sysops") // how many hosts a core had is remembered by who has asked, at home
	m.equal("", "sh", "-c", "find / -xdev -name '*sysops*' -o -xdev -name 'hardware_identification*'")
}

// compareSandboxed makes sure that the service's limits keep nothing from the agent,
// and do not change what it sees: what it has pushed is what a shell of root sees.
func compareSandboxed(t *testing.T, m *machine, host string) {
	m.run("sysops-agent", "collect", "--json", "/tmp/of-a-shell.json")
	read := func(path string) (sections map[string]any) {
		if err := json.Unmarshal([]byte(m.run("cat", path)), &sections); err != nil {
			t.Fatal(err)
		}
		return sections
	}
	shell, service := read("/tmp/of-a-shell.json"), read("/etc/hardware_identification.json")
	m.run("rm", "/tmp/of-a-shell.json")
	if a, b := slices.Sorted(maps.Keys(shell)), slices.Sorted(maps.Keys(service)); !slices.Equal(a, b) || len(a) < 12 {
		t.Errorf("a shell collects %q,\nthe service %q", a, b)
	}
	for _, section := range []string{"mount", "crontab-l", "dpkg-l", "ip-addr", "ip-route", "lsblk-J", "uname-a", "systemctl-list-unit-files", "df-Pi"} {
		a, b := fmt.Sprint(shell[section]), fmt.Sprint(service[section])
		if section == "df-Pi" { // the numbers of inodes change
			a, b = lastColumn(a), lastColumn(b)
		}
		if a != b {
			t.Errorf("%s: a shell sees\n%s\nthe service\n%s", section, a, b)
		}
	}
	names := func(sections map[string]any) (out []string) {
		for line := range strings.Lines(fmt.Sprint(sections["sysctl-a"])) {
			name, _, _ := strings.Cut(line, " = ")
			out = append(out, name)
		}
		return out
	}
	// The kernel shows these to CAP_SYS_ADMIN alone, which is nearly all of root's power.
	all := slices.DeleteFunc(names(shell), func(name string) bool { return strings.HasPrefix(name, "net.core.bpf_jit_") })
	seen := slices.DeleteFunc(names(service), func(name string) bool { return strings.HasPrefix(name, "net.core.bpf_jit_") })
	if !slices.Equal(all, seen) || len(all) < 100 {
		lost := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(seen, name) })
		t.Errorf("sysctl -a: a shell sees %d, the service %d: not %q", len(all), len(seen), lost)
	}
	if ps := fmt.Sprint(service["ps"]); !strings.Contains(ps, "/sbin/init") && !strings.Contains(ps, "systemd") {
		t.Errorf("the service sees no init:\n%s", ps)
	}
	// A view of the mounts of its own would say ro for all of them.
	if got, want := m.run("sysops", "cat", host+"#/proc/mounts"), m.run("cat", "/proc/1/mounts"); got != want {
		t.Errorf("/proc/mounts as it was pushed:\n%s\nand as it is:\n%s", got, want)
	}
}

func lastColumn(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		out = append(out, fields[len(fields)-1])
	}
	return strings.Join(out, "\n")
}

// testRPM installs into the same machine while it is off: rpm runs the scriptlets there.
func testRPM(t *testing.T, root, packages string) {
	var files []string
	for _, name := range []string{"sysops", "sysops-agent"} {
		file := filepath.Join(packages, name+"-"+older+"-1."+strings.TrimSpace(must(t, "uname", "-m"))+".rpm")
		files = append(files, file)
		list := must(t, "rpm", "-qlp", file)
		for _, want := range []string{"/usr/bin/" + name, "/usr/share/man/man1/" + name + ".1.gz", "/usr/share/zsh/site-functions/_" + name, "/etc/sysops"} {
			if !slices.Contains(strings.Split(list, "\n"), want) {
				t.Errorf("%s lacks %s:\n%s", name, want, list)
			}
		}
		for _, script := range []string{"POSTIN", "PREUN", "POSTUN"} {
			text := must(t, "rpm", "-qp", "--qf", "%{"+script+"}", file)
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(text, "systemctl") {
				t.Errorf("%s of %s: %v %s\n%s", script, name, err, out, text)
			}
		}
	}
	rpm := func(args ...string) string {
		return must(t, "rpm", append([]string{"--root", root, "--dbpath", "/var/lib/rpm", "--nodeps"}, args...)...)
	}
	rpm(append([]string{"--force-debian", "-i"}, files...)...)
	if got := must(t, "chroot", root, "sysops", "--version"); !strings.Contains(got, older) {
		t.Errorf("sysops --version says %s", got)
	}
	must(t, "test", "-L", filepath.Join(root, "var/lib/sysops/outgoing/etc_passwd")) // chosen by the scriptlet
	rpm("-e", "sysops", "sysops-agent")
	must(t, "test", "!", "-e", filepath.Join(root, "usr/bin/sysops-agent"))
}

func deb(folder, name, version string) string {
	return filepath.Join(folder, name+"_"+version+"_"+runtime.GOARCH+".deb")
}

// must runs a program to its end and returns what it says on stdout and stderr.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
