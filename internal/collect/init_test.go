package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInitMakesADirectoryOfMode0700AndItsParents0755(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "lib")
	dir := filepath.Join(parent, "outgoing")
	if _, err := Init(nil, dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, parent: 0o755} {
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, fi.Mode(), err)
		}
	}
}

func TestInitLinksWhatThisMachineHas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outgoing")
	made, err := Init(nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(made, "/etc/passwd") || !slices.Contains(made, "/proc/version") {
		t.Errorf("it linked %q", made)
	}
	if target, err := os.Readlink(filepath.Join(dir, "etc_passwd")); target != "/etc/passwd" {
		t.Errorf("etc_passwd points to %q, %v", target, err)
	}
}

func TestInitASecondTimeMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outgoing")
	if _, err := Init(nil, dir); err != nil {
		t.Fatal(err)
	}
	before := entries(t, dir)
	made, err := Init(nil, dir)
	if err != nil || len(made) != 0 {
		t.Errorf("it linked %q, %v", made, err)
	}
	if after := entries(t, dir); !slices.Equal(before, after) {
		t.Errorf("the directory holds %q, then %q", before, after)
	}
}

func TestInitLeavesWhatTheAdministratorPutThere(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/etc_passwd", "/etc/group")
	h.write("outgoing/etc_fstab", "mine")
	made, err := initialize(nil, h.outgoing, []string{"/etc/passwd", "/etc/group"})
	if err != nil || !slices.Equal(made, []string{"/etc/passwd"}) {
		t.Errorf("it linked %q, %v", made, err)
	}
	if target, _ := os.Readlink(h.path("outgoing/etc_passwd")); target != "/etc/group" {
		t.Errorf("etc_passwd points to %q", target)
	}
	if target, _ := os.Readlink(h.path("outgoing/etc_passwd.2")); target != "/etc/passwd" {
		t.Errorf("etc_passwd.2 points to %q", target)
	}
	if text, _ := os.ReadFile(h.path("outgoing/etc_fstab")); string(text) != "mine" {
		t.Errorf("etc_fstab is %q", text)
	}
}

func TestInitTakesFilesOfAGlobAndDirectoriesByName(t *testing.T) {
	h := newHost(t)
	h.write("sysconfig/network", "")
	h.write("sysconfig/scripts/keys-eth0", "")
	h.write("sysconfig/vpn-secrets", "") // a push would leave it out
	h.write("cron.d/job", "")
	made, err := initialize(nil, h.outgoing, []string{h.path("sysconfig/*"), h.path("cron.d"), h.path("missing")})
	if err != nil || !slices.Equal(made, []string{h.path("cron.d"), h.path("sysconfig/network")}) {
		t.Errorf("it linked %q, %v", made, err)
	}
}

// Where /lib is /usr/lib, its folders are the same.
func TestInitTakesAFolderOfTwoNamesOnce(t *testing.T) {
	h := newHost(t)
	h.write("usr/lib/sysctl.d/a.conf", "")
	h.link("lib", "usr/lib")
	h.write("lib2/sysctl.d/a.conf", "")
	policy := []string{h.path("usr/lib/sysctl.d"), h.path("lib/sysctl.d"), h.path("lib2/sysctl.d")}
	made, err := initialize(nil, h.outgoing, policy)
	if err != nil || !slices.Equal(made, []string{h.path("lib2/sysctl.d"), h.path("usr/lib/sysctl.d")}) {
		t.Errorf("it linked %q, %v", made, err)
	}
}

// What the audits read is collected without an administrator having to know.
func TestPolicyHasWhatAuditsRead(t *testing.T) {
	for _, path := range strings.Fields(`/etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d
		/etc/passwd /etc/group /etc/nsswitch.conf /etc/sudoers /etc/sudoers.d`) {
		if !slices.Contains(Policy(), path) {
			t.Errorf("%s is not in it", path)
		}
	}
}

func TestInitRefusesADirectoryThatEveryoneMayWriteTo(t *testing.T) {
	h := newHost(t)
	h.must(os.Chmod(h.outgoing, 0o777))
	made, err := Init(nil, h.outgoing)
	if err == nil || len(made) != 0 || len(entries(t, h.outgoing)) != 0 {
		t.Errorf("it linked %q, %v", made, err)
	}
}

func TestPolicyHasNoSecretFiles(t *testing.T) {
	secret := []string{
		"/etc/shadow", "/etc/gshadow", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssl/private/x.pem",
		"/etc/NetworkManager/system-connections/wifi", "/etc/sysconfig/network-scripts/keys-wlan0", "/proc/kcore",
	}
	for _, pattern := range Policy() {
		if !filepath.IsAbs(pattern) {
			t.Errorf("%s is not absolute", pattern)
		}
		for _, path := range secret {
			matched, err := filepath.Match(pattern, path)
			if err != nil || matched || strings.HasPrefix(path, pattern+"/") {
				t.Errorf("%s chooses %s (%v)", pattern, path, err)
			}
		}
	}
}
