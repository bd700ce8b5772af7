package trust_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// What is written for one place must not land in another that somebody chose: a link is
// followed only if it is ours, or lies where nobody else can put one.
func TestAPlantedLinkIsNotFollowed(t *testing.T) {
	f := newTree(t)
	must(t, os.Mkdir(f.path("open"), 0o700))
	must(t, os.Symlink(f.path("etc"), f.path("open/ours")))
	must(t, os.Symlink(f.path("etc"), f.path("link")))
	f.chmod("open", 0o777)
	for name, says := range map[string]string{"open": "", "open/ours/sysops": "", "link/sysops": "", "open/bobs/sysops": "which user 12345 may have put there"} {
		if says != "" {
			if os.Geteuid() != 0 {
				continue // only root can make one of another user
			}
			must(t, os.Symlink(f.path("etc"), f.path("open/bobs")))
			f.give("open/bobs")
		}
		root, err := trust.OpenFolder(f.path(name))
		if says != "" {
			if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), f.path(name)) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		is, err := root.Stat(".")
		must(t, err)
		if want, err := os.Stat(f.path(name)); err != nil || !os.SameFile(is, want) {
			t.Errorf("%s: another folder is open: %v", name, err)
		}
		root.Close()
	}
	if os.Geteuid() == 0 {
		must(t, os.Lchown(f.path("link"), bob, bob)) // where only we can put one
		if root, err := trust.OpenFolder(f.path("link")); err != nil {
			t.Errorf("%v", err)
		} else {
			root.Close()
		}
	}
}

func TestWhatIsNoFolderIsNotOpened(t *testing.T) {
	f := newTree(t)
	if _, err := trust.OpenFolder(f.file); err == nil || err.Error() != "open "+f.file+": not a directory" {
		t.Errorf("%v", err)
	}
	if _, err := trust.OpenFolder(f.path("none")); err == nil || err.Error() != "open "+f.path("none")+": no such file or directory" {
		t.Errorf("%v", err)
	}
}

func TestAStreamIsWrittenToUnlessItIsAnotherUsers(t *testing.T) {
	f := newTree(t)
	for _, name := range []string{"none", "etc/sysops/config.yaml"} {
		if s, err := trust.OpenStream(f.path(name)); s != nil || err != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	s, err := trust.OpenStream(fmt.Sprintf("/dev/fd/%d", w.Fd()))
	must(t, err)
	_, err = io.WriteString(s, "x")
	must(t, err)
	must(t, s.Close())
	must(t, w.Close())
	if text, err := io.ReadAll(r); err != nil || string(text) != "x" {
		t.Errorf("the pipe has %q, %v", text, err)
	}
	if os.Geteuid() != 0 {
		return // what follows is of another user
	}
	must(t, syscall.Mkfifo(f.path("pipe"), 0o600))
	f.give("pipe")
	if s, err := trust.OpenStream(f.path("pipe")); err == nil || !strings.Contains(err.Error(), "it belongs to user 12345") {
		t.Errorf("another user's pipe: %v, %v", s, err)
	}
	must(t, os.Mkdir(f.path("sticky"), 0o700))
	must(t, os.Symlink(os.DevNull, filepath.Join(f.path("sticky"), "link")))
	f.give("sticky/link")
	f.chmod("sticky", 0o777|fs.ModeSticky)
	if s, err := trust.OpenStream(f.path("sticky/link")); err == nil || !strings.Contains(err.Error(), "which user 12345 may have put there") {
		t.Errorf("a planted link to a device: %v, %v", s, err)
	}
}
