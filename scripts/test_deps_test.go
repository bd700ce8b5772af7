// Package scripts holds the tests of the scripts beside it.
package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A debian is a root without redis-server, and the programs by which test-deps.sh
// installs it there: along with it come its units and a package that it depends on.
type debian struct {
	t          *testing.T
	root, path string
	env        []string
}

// before is what is installed already, and enabled. Its files are those of the others.
const before = "web-server"

// brings are the files of each package.
var brings = map[string][]string{
	before:         {"/lib/systemd/system/web-server.service", "/etc/init.d/web-server"},
	"redis-server": {"/lib/systemd/system/fake-redis.service", "/lib/systemd/system/fake-redis@.service", "/etc/init.d/fake-redis", "/usr/share/doc/fake-redis/a file.service"},
	"libfake":      {"/usr/lib/systemd/system/fake-agent.socket", "/usr/lib/systemd/system/fake-agent.timer", "/lib/systemd/system/web-server.service.d/agent.conf"},
}

// enabled are the links that the packages' installation makes.
var enabled = map[string][]string{
	before: {"/etc/systemd/system/multi-user.target.wants/web-server.service", "/etc/rc2.d/S01web-server"},
	"redis-server": {
		"/etc/systemd/system/multi-user.target.wants/fake-redis.service", "/etc/systemd/system/other.service.requires/fake-redis.service",
		"/etc/systemd/system/multi-user.target.wants/fake-redis@main.service", "/etc/rc2.d/S01fake-redis", "/etc/rc5.d/S20fake-redis",
	},
	"libfake": {"/etc/systemd/system/sockets.target.wants/fake-agent.socket", "/etc/systemd/system/timers.target.wants/fake-agent.timer"},
}

func newDebian(t *testing.T) *debian {
	t.Helper()
	d := &debian{t: t, root: t.TempDir(), path: t.TempDir()}
	d.env = []string{"PATH=" + d.path, "DPKG_ROOT=" + d.root}
	for _, tool := range []string{"sh", "awk", "sed", "grep", "tr", "cat", "rm", "tee", "chmod", "env", "mkdir", "ln"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(d.path, tool)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(d.root, "usr/sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.write("installed", "installed "+before+"\nconfig-files gone\n")
	install := "echo \"$@\" >>$DPKG_ROOT/asked\n[ \"$1\" = install ] || exit 0\n"
	for _, pkg := range []string{"redis-server", "libfake"} {
		install += "echo installed " + pkg + " >>$DPKG_ROOT/installed\n" + enable(pkg)
	}
	list := "case $2 in\n"
	for pkg, files := range brings {
		list += pkg + ") echo '" + strings.Join(files, "'; echo '") + "' ;;\n"
	}
	d.program("id", "echo 0\n")
	d.program("apt-get", install+"if [ -e $DPKG_ROOT/usr/sbin/policy-rc.d ]; then sh $DPKG_ROOT/usr/sbin/policy-rc.d; echo $? >$DPKG_ROOT/policy; fi\n")
	d.program("dpkg-query", "cat $DPKG_ROOT/installed\n")
	d.program("dpkg", list+"*) exit 1 ;;\nesac\n")
	d.program("systemctl", "echo systemctl \"$@\" >>$DPKG_ROOT/said\n")
	d.program("update-rc.d", "echo update-rc.d \"$@\" >>$DPKG_ROOT/said\n")
	d.sh(enable(before))
	return d
}

// enable is the part of an installation that has a package start with the machine.
func enable(pkg string) (script string) {
	for _, link := range enabled[pkg] {
		script += fmt.Sprintf("mkdir -p $DPKG_ROOT%s && ln -s /somewhere $DPKG_ROOT%s\n", filepath.Dir(link), link)
	}
	return script
}

func (d *debian) program(name, script string) {
	redistest.WriteProgram(d.t, filepath.Join(d.path, name), "#!/bin/sh\n"+script)
}

func (d *debian) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.root, name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// read returns a file's text, empty where there is none.
func (d *debian) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(d.root, name))
	return string(text)
}

func (d *debian) sh(args ...string) error {
	d.t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c"}, args...)...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Logf("%s", out)
	}
	return err
}

func (d *debian) install() error { return d.sh("exec sh ./test-deps.sh") }

// starts returns what starts with the machine.
func (d *debian) starts() (links []string) {
	d.t.Helper()
	for _, glob := range []string{"/etc/systemd/system/*/*", "/etc/rc?.d/S*"} {
		found, err := filepath.Glob(d.root + glob)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, path := range found {
			links = append(links, strings.TrimPrefix(path, d.root))
		}
	}
	return links
}

func (d *debian) onlyWhatWasStarts() {
	d.t.Helper()
	if got := d.starts(); !slices.Equal(got, enabled[before]) {
		d.t.Errorf("with the machine start %q, want %q", got, enabled[before])
	}
}

func TestNothingOfWhatIsInstalledStartsWithTheMachine(t *testing.T) {
	d := newDebian(t)
	if err := d.install(); err != nil {
		t.Fatal(err)
	}
	if asked := d.read("asked"); !strings.Contains(asked, "install -y --no-install-recommends redis-server ") {
		t.Errorf("asked for %q", asked)
	}
	d.onlyWhatWasStarts()
	want := "systemctl disable fake-redis.service\nsystemctl disable fake-redis@.service\nupdate-rc.d fake-redis disable\n" +
		"systemctl disable fake-agent.socket\nsystemctl disable fake-agent.timer\n"
	if said := d.read("said"); said != want {
		t.Errorf("it said\n%swant\n%s", said, want)
	}
	if d.read("policy") != "101\n" || d.read("usr/sbin/policy-rc.d") != "" {
		t.Errorf("policy-rc.d said %q meanwhile, and %q is left of it", d.read("policy"), d.read("usr/sbin/policy-rc.d"))
	}
}

func TestNorWhereThereIsNoSystemctl(t *testing.T) {
	d := newDebian(t)
	for _, name := range []string{"systemctl", "update-rc.d"} {
		d.program(name, "exit 127\n")
	}
	if err := d.install(); err != nil {
		t.Fatal(err)
	}
	d.onlyWhatWasStarts()
}

func TestNorWhenTheInstallationFails(t *testing.T) {
	d := newDebian(t)
	d.program("apt-get", "[ \"$1\" = install ] || exit 0\necho installed redis-server >>$DPKG_ROOT/installed\n"+enable("redis-server")+"exit 100\n")
	if err := d.install(); err == nil {
		t.Error("it succeeded")
	}
	d.onlyWhatWasStarts()
}

// Where the administrator lets servers start, they are ended.
func TestAPolicyThatIsThereStays(t *testing.T) {
	d := newDebian(t)
	d.write("usr/sbin/policy-rc.d", "exit 0\n")
	if err := os.MkdirAll(filepath.Join(d.root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.install(); err != nil {
		t.Fatal(err)
	}
	if d.read("policy") != "0\n" || d.read("usr/sbin/policy-rc.d") != "exit 0\n" {
		t.Errorf("policy-rc.d said %q meanwhile, and is %q", d.read("policy"), d.read("usr/sbin/policy-rc.d"))
	}
	if said := d.read("said"); !strings.Contains(said, "systemctl disable --now fake-redis.service\n") {
		t.Errorf("it said\n%s", said)
	}
	d.onlyWhatWasStarts()
}

// What make test installs on a machine, README says.
func TestREADMENamesWhatIsInstalled(t *testing.T) {
	script, err := os.ReadFile("test-deps.sh")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(string(readme), "$ make test\n")
	said, _, _ = strings.Cut(said, "\n![")
	named := 0
	for line := range strings.Lines(string(script)) {
		row := strings.Fields(line)
		if len(row) != 5 || row[0] != "test" {
			continue
		}
		named++
		if !strings.Contains(said, "`"+row[2]+"`") {
			t.Errorf("README.md does not say that make test installs %s, for %s", row[2], row[1])
		}
	}
	if named < 10 {
		t.Errorf("test-deps.sh has a table of %d rows for make test", named)
	}
}
