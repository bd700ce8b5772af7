package collect

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/naming"
)

const rawID = "0123456789abcdef0123456789abcdef"

func TestMachineIDIsNotTheRawOne(t *testing.T) {
	h := newHost(t)
	id := machineID(h.write("machine-id", rawID+"\n"))
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || id == rawID {
		t.Errorf("the id is %q", id)
	}
	// printf sysops-api | openssl dgst -sha256 -hmac $rawID | cut -b 1-32
	if id != "b837621b48c4044ff6cc2e47eb143569" {
		t.Errorf("the id is %q: every host would seem to be another machine after an upgrade", id)
	}
}

func TestMachineIDOfThisMachineIsNotTheRawOne(t *testing.T) {
	raw, err := os.ReadFile("/etc/machine-id")
	id := MachineID()
	if err == nil && (id == "" || id == strings.TrimSpace(string(raw))) {
		t.Errorf("the id is %q", id)
	}
	if again := MachineID(); again != id {
		t.Errorf("the id is %q, then %q", id, again)
	}
}

func TestMachineIDFallsBackToTheNextSource(t *testing.T) {
	h := newHost(t)
	want := machineID(h.write("good", rawID))
	for _, text := range []string{"", "\n", "uninitialized\n"} {
		if got := machineID(h.path("missing"), h.write("bad", text), h.path("good")); got != want {
			t.Errorf("after %q the id is %q, want %q", text, got, want)
		}
	}
}

func TestMachineIDOfAMachineWithoutIdentityIsEmpty(t *testing.T) {
	if id := machineID(filepath.Join(t.TempDir(), "missing")); id != "" {
		t.Errorf("the id is %q", id)
	}
}

func TestAHostNameIsQualifiedAndLowerCased(t *testing.T) {
	for _, c := range []struct{ name, domain, want string }{
		{"Web01", "Example.com", "web01.example.com"},
		{"web01", ".example.com.", "web01.example.com"},
		{"web01.corp.net", "example.com", "web01.corp.net"},
		{"web01", "", "web01"},
	} {
		if got, err := qualify(c.name, c.domain); got != c.want || err != nil {
			t.Errorf("%q in %q is %q, %v; want %q", c.name, c.domain, got, err, c.want)
		}
	}
}

func TestABadHostNameIsAnError(t *testing.T) {
	if _, err := qualify("web 01", ""); !errors.Is(err, naming.ErrBadHost) {
		t.Errorf("error is %v", err)
	}
}

func TestHostNameIsThisMachines(t *testing.T) {
	name, err := HostName("example.com")
	kernel, _ := os.Hostname()
	if err != nil || !strings.HasPrefix(name, strings.ToLower(kernel)) || !strings.Contains(name, ".") {
		t.Errorf("got %q, %v; the kernel says %q", name, err, kernel)
	}
}
