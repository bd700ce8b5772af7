package collect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
)

const (
	marked   = "password=[redacted:"
	unmarked = "password=[redacted]"
)

// contents returns what would be sent of each object, by name.
func (h *host) contents() map[string]string {
	h.t.Helper()
	out := make(map[string]string)
	for _, source := range h.list().Sources {
		content, err := source.Read(h.t.Context())
		h.must(err)
		out[strings.TrimPrefix(source.Name, h.root+"/")] = string(content.Data)
	}
	return out
}

// A user who sees the fingerprint of what they have chosen can try guesses until it is that
// of a secret that they may not see.
func TestWhatOthersCanChooseHasNoFingerprint(t *testing.T) {
	h := openHost(t)
	h.options.Redactor = redact.New([]byte("sixteen bytes or more"))
	const text, bob = "password=hunter22\n", 4001
	given := func(name string, mode os.FileMode, uid int) {
		h.write(name, text)
		h.must(os.Chmod(h.path(name), mode))
		h.must(os.Lchown(h.path(name), uid, uid))
	}
	given("etc/own", 0o600, 0)
	given("etc/all-read", 0o644, 0)
	given("etc/bobs", 0o644, bob)
	given("etc/of-a-group", 0o664, 0)
	given("etc/of-everyone", 0o646, 0)
	given("home/bob/roots-own", 0o644, 0) // bob can put another in its place
	h.must(os.Chmod(h.path("home"), 0o755))
	h.must(os.Chmod(h.path("home/bob"), 0o755))
	h.must(os.Lchown(h.path("home/bob"), bob, bob))
	given("linked", 0o644, 0)
	h.link("home/bob/link", h.path("linked")) // and lead elsewhere
	given("outgoing/inside", 0o600, 0)
	h.link("outgoing/1", h.path("etc"))
	h.link("outgoing/2", h.path("home/bob"))

	for name, got := range h.contents() {
		want := unmarked
		switch name {
		case "etc/own", "etc/all-read", "outgoing/inside":
			want = marked
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Nobody can say in a test what lies in /var or /proc: the names are looked at by
// themselves.
func TestFilesOfRootsThatHoldWhatOthersHaveChosen(t *testing.T) {
	r := newRedaction(redact.New([]byte("sixteen bytes or more")), nil)
	decide := func(name string) bool {
		return strings.Contains(r.file(name, hostfs.Place{Real: name, Own: true}, false).Text("password=hunter22"), marked)
	}
	for _, name := range strings.Fields(`
		/etc/passwd /etc/passwd- /etc/passwd.bak /etc/resolv.conf /etc/cups/printers.conf /var/log/auth.log /var/log/sudo.log /run/utmp /run/systemd/sessions/1
		/var/lib/AccountsService/users/alice /var/spool/cron/crontabs/alice /var/mail/alice /proc/1/cmdline /proc/self/mounts /proc/net/unix
		/proc/cgroups /proc/crypto /proc/swaps /proc/slabinfo /proc/mounts /proc/locks /sys/bus/usb/devices/1-1/serial`) {
		if decide(name) {
			t.Errorf("a secret of %s leaves a fingerprint", name)
		}
	}
	for _, name := range strings.Fields(`
		/etc/sysctl.conf /etc/group /etc/app/app.conf /root/.bashrc /opt/app/conf /usr/local/etc/x /proc/cmdline /proc/sys/net/ipv4/tcp_fastopen_key`) {
		if !decide(name) {
			t.Errorf("a secret of %s leaves no fingerprint", name)
		}
	}
	if place := (hostfs.Place{Real: "/var/log/x", Own: true}); r.file("/etc/x", place, false) != r.plain {
		t.Error("a link to a log leaves fingerprints")
	}
}

func TestSectionsThatUsersHaveASayInHaveNoFingerprint(t *testing.T) {
	h := newHost(t)
	h.options.Redactor = redact.New([]byte("sixteen bytes or more"))
	own := map[string]bool{"sysctl-a": true, "crontab-l": true}
	const token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6" // which is one wherever it stands
	var members []string
	for _, c := range append(Catalogue(), Command{Section: "nginx-T"}, Command{Section: reserved}, Command{Section: ""}) {
		members = append(members, `"`+c.Section+`": "`+token+`\n"`)
	}
	h.write("hardware.json", "{"+strings.Join(members, ",")+"}")
	contents := h.contents()
	if len(contents) < 30 {
		t.Fatalf("%d sections", len(contents))
	}
	for name, got := range contents {
		want := "[redacted]"
		if _, section, _ := strings.Cut(name, "@"); own[section] {
			want = "[redacted:"
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// The JSON object that could not be read by its sections holds what any command has printed.
func TestAJSONObjectThatIsSentWholeHasNoFingerprint(t *testing.T) {
	h := openHost(t)
	h.options.Redactor = redact.New([]byte("sixteen bytes or more"))
	h.write("hardware.json", "password=hunter22\n")
	if got := h.contents()["hardware.json"]; got != unmarked+"\n" {
		t.Errorf("%q", got)
	}
}

// All that tells of a secret's text would let guesses be tested: the length and the sums are
// those of what is sent.
func TestElementsOfARedactedObjectTellOfWhatIsSent(t *testing.T) {
	h := newHost(t)
	h.options.Redactor = redact.New(nil)
	h.link("outgoing/1", h.path("etc"))
	stats := make(map[string]int64)
	for _, secret := range []string{"hunter22", "a-much-longer-secret-than-that"} {
		h.write("etc/app.conf", "user=a\npassword="+secret+"\n")
		h.write("etc/plain.conf", "user=a\n")
		for _, source := range h.list().Sources {
			content, err := source.Read(t.Context())
			h.must(err)
			if content.Stat.Size != int64(len(content.Data)) || strings.Contains(string(content.Data), secret) {
				t.Errorf("%s: size %d of %q", source.Name, content.Stat.Size, content.Data)
			}
			name := filepath.Base(source.Name)
			if before, seen := stats[name]; seen && before != content.Stat.Size {
				t.Errorf("%s: size %d, and %d with another secret", name, before, content.Stat.Size)
			}
			stats[name] = content.Stat.Size
		}
	}
}
