package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openHost is a host whose files others can reach.
func openHost(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	for _, dir := range []string{filepath.Dir(h.root), h.root} {
		h.must(os.Chmod(dir, 0o755))
	}
	h.must(os.Mkdir(h.path("etc"), 0o755))
	return h
}

// private returns which objects of the snapshot are, by the names that names returns.
func (h *host) private() map[string]bool {
	h.t.Helper()
	s := h.list()
	out := make(map[string]bool)
	for i, name := range h.names(s) {
		out[name] = s.Sources[i].Private
	}
	return out
}

func (h *host) expectPrivate(want map[string]bool) {
	h.t.Helper()
	got := h.private()
	for name, private := range want {
		if is, listed := got[name]; !listed || is != private {
			h.t.Errorf("%s: listed %v, private %v; want %v", name, listed, is, private)
		}
	}
}

// Whoever adds a command to the catalogue decides whether all hosts may read what it
// says.
func TestEverySectionOfTheCatalogueIsPrivateOrIsNot(t *testing.T) {
	private := map[string]bool{"collection": true}
	for _, section := range strings.Fields("ps who last crontab-l ss-anp lldp-xml lshw-json dmidecode") {
		private[section] = true
	}
	for _, section := range strings.Fields(`sysctl-a uname-a uptime getenforce lsmod netstat-s ip-addr ip-route ip-6-route ip-rule
		mount df-Pk df-Pi lsblk-J lscpu lspci dpkg-l rpm-qa systemctl-list-units systemctl-list-unit-files`) {
		private[section] = false
	}
	p := newPrivacy(FileOptions{})
	for _, c := range Catalogue() {
		want, decided := private[c.Section]
		if _, card := strings.CutPrefix(c.Section, "ethtool-"); !decided && !card {
			t.Errorf("nobody has decided on %s", c.Section)
		}
		if got := p.section(DefaultPath, c.Section); got != want {
			t.Errorf("%s: private %v, want %v", c.Section, got, want)
		}
	}
	for section, want := range private {
		if got := p.section(DefaultPath, section); got != want {
			t.Errorf("%s: private %v, want %v", section, got, want)
		}
	}
}

func TestSectionsThatNobodyKnowsArePrivate(t *testing.T) {
	h := newHost(t)
	h.write("hardware.json", `{"nginx-T": "x", "lsof": "x", "netstat-anp": "x", "iptables-save": "x", "": "x", "sysctl-a": "x", "sysctl-all": "x"}`)
	h.expectPrivate(map[string]bool{
		"hardware.json@nginx-T": true, "hardware.json@lsof": true, "hardware.json@netstat-anp": true, "hardware.json@iptables-save": true,
		"hardware.json@": true, "hardware.json@sysctl-all": true, "hardware.json@sysctl-a": false,
	})
}

func TestNamesOfFilesThatArePrivate(t *testing.T) {
	for _, name := range strings.Fields(`
		/etc/sudoers /etc/sudoers.d/90-admins /usr/local/etc/sudoers /etc/crontab /etc/anacrontab /etc/cron.d/backup /etc/cron.daily/logrotate
		/etc/cron.daily/sub/x /var/spool/cron/root /var/spool/cron/crontabs/alice /etc/crontabs/root
		/root/.bashrc /home/alice/notes /home/alice/.ssh/authorized_keys /etc/ssh/authorized_keys/alice
		/var/log/auth.log /run/utmp /var/run/utmp /etc/nftables.conf /etc/iptables/rules.v4 /etc/sysconfig/iptables /etc/sysconfig/ip6tables-config
		/proc/net/tcp /proc/net/udp6 /proc/net/unix /proc/net/nf_conntrack /proc/1/cmdline /proc/self/environ /proc/modules`) {
		if !newGlobs(privateFiles).match(name) {
			t.Errorf("%s is not private", name)
		}
	}
	for _, name := range strings.Fields(`
		/etc/passwd /etc/group /etc/hosts /etc/resolv.conf /etc/fstab /etc/ssh/sshd_config /etc/sysctl.d/90-local.conf /etc/sysconfig/network
		/etc/systemd/system/logrotate.timer /etc/mail/sendmail.cf /etc/rsyslog.conf /proc/meminfo /proc/cpuinfo /proc/mounts /proc/net/bonding/bond0
		/proc/net/vlan/config /proc/net/dev /etc/security/limits.conf /etc/default/cron /usr/lib/os-release`) {
		if newGlobs(privateFiles).match(name) {
			t.Errorf("%s is private", name)
		}
	}
}

// The mode of the file itself is looked at when it is read: a source does not know it.
func TestAFileThatOthersCannotReachIsPrivate(t *testing.T) {
	h := openHost(t)
	h.write("etc/open", "x")
	h.write("etc/closed/file", "x")
	h.write("etc/closed/below/file", "x")
	h.must(os.Chmod(h.path("etc/closed/below"), 0o755))
	h.must(os.Chmod(h.path("etc/closed"), 0o750))
	h.write("outgoing/own", "x") // for the owner of the outgoing directory alone
	h.link("outgoing/1", h.path("etc"))
	h.link("outgoing/2", h.path("shortcut"))
	h.link("shortcut", h.path("etc/closed/below/file"))
	h.options.NotPrivate = []string{"*"}
	h.expectPrivate(map[string]bool{
		"etc/open": false, "etc/closed/file": true, "etc/closed/below/file": true, "shortcut": true, "outgoing/own": true,
	})
}

// What a link is called says nothing of what it leads to.
func TestAPrivateFileUnderAnotherNameIsPrivate(t *testing.T) {
	h := openHost(t)
	h.must(os.MkdirAll(h.path("etc/cron.d"), 0o755))
	h.write("etc/cron.d/backup", "x")
	h.write("etc/other", "x")
	h.link("jobs", h.path("etc/cron.d"))
	h.link("job", h.path("etc/cron.d/backup"))
	h.link("some", h.path("etc/other"))
	for _, name := range []string{"jobs", "job", "some"} {
		h.link("outgoing/"+name, h.path(name))
	}
	h.expectPrivate(map[string]bool{"jobs/backup": true, "job": true, "some": false})
}

func TestAnAdministratorAddsPrivateNamesAndTakesSomeOffTheDefaults(t *testing.T) {
	h := openHost(t)
	h.must(os.MkdirAll(h.path("etc/cron.d"), 0o755))
	h.write("etc/cron.d/fleet", "x")
	h.write("etc/cron.d/own", "x")
	h.write("etc/app.conf", "x")
	h.write("etc/app2.conf", "x")
	h.link("outgoing/1", h.path("etc"))
	h.write("hardware.json", `{"nginx-T": "x", "lsof": "x", "sysctl-a": "x", "uname-a": "x", "dmidecode": "x"}`)
	h.options.Private = []string{h.path("etc/cron.d/own"), "*/app[12].conf", "uname-a", "*.json@sysctl-?"}
	h.options.NotPrivate = []string{"*/cron.d/*", "nginx-*", "*@dmidecode"}
	h.expectPrivate(map[string]bool{
		"etc/cron.d/fleet": false, "etc/cron.d/own": true, "etc/app.conf": false, "etc/app2.conf": true,
		"hardware.json@nginx-T": false, "hardware.json@lsof": true, "hardware.json@dmidecode": false,
		"hardware.json@uname-a": true, "hardware.json@sysctl-a": true,
	})
}

func TestAJSONObjectThatIsSentWholeIsPrivate(t *testing.T) {
	h := openHost(t)
	h.write("hardware.json", `{"ps": "x`)
	h.expectPrivate(map[string]bool{"hardware.json": true})
}

// What a pattern means here is what it means in sysops find.
func TestPatternsAreRedisGlobs(t *testing.T) {
	for glob, want := range map[string][]string{
		"*/app*":        {"etc/app", "etc/app1", "etc/app[1", "etc/app/x"},
		"*/app?":        {"etc/app1"},
		"*/app[!a]*":    nil, // ! is a character of the class, as others are
		"*/app[0-9]":    {"etc/app1"},
		"*/app[9-0]":    {"etc/app1"},
		"*/app[^a]*":    {"etc/app1", "etc/app[1", "etc/app/x"},
		`*/app\[1`:      {"etc/app[1"},
		`*/a\pp1`:       {"etc/app1"},
		"*/app?x":       {"etc/app/x"},
		"*/app[^/]1":    {"etc/app[1"},
		"*etc?app[1/]*": {"etc/app1", "etc/app/x"},
	} {
		for _, name := range []string{"etc/app", "etc/app1", "etc/app[1", "etc/app/x"} {
			if got := newGlobs([]string{glob}).match("/" + name); got != slices.Contains(want, name) {
				t.Errorf("%s and %s: %v", glob, name, got)
			}
		}
	}
}

func TestAPatternThatIsNoneIsRefused(t *testing.T) {
	for _, glob := range []string{"/etc/[a", `/etc/\`, ""} {
		h := newHost(t)
		h.options.Private = []string{glob}
		if s, err := Outgoing(h.outgoing, h.options); err == nil {
			t.Errorf("%q is accepted: %v", glob, s)
		}
	}
}
