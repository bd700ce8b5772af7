package hostfs

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// silent mounts a file system that does not answer at /mnt/nfs.
func (w *world) silent() *hostfstest.Silent {
	w.Helper()
	w.dir("mnt", 0, 0o755)
	w.dir("mnt/nfs", 0, 0o755)
	s := hostfstest.NewSilent(w, w.path("mnt/nfs"))
	w.h.Limit = hostfstest.Limit(s)
	return s
}

func TestAFileSystemThatDoesNotAnswerKeepsNothingElseWaiting(t *testing.T) {
	w := newWorld(t)
	dead := w.silent()
	w.link("etc/app.conf", 0, "/mnt/nfs/app.conf")
	w.link("etc/other.conf", 0, "../mnt/nfs/below/other.conf")
	w.file("etc/passwd", 0, 0o644, "root")
	w.file("mnt/readme", 0, 0o644, "about mounts")

	for _, name := range []string{"etc/app.conf", "etc/app.conf", "etc/other.conf", "mnt/nfs"} {
		if _, err := w.rootFolder().Find(w.path(name), true); !errors.Is(err, ErrSilent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := dead.Asked(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	for name, want := range map[string]string{"etc/passwd": "root", "mnt/readme": "about mounts"} {
		if got, err := w.read(name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

func TestAFolderIsListedWithoutWhatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	dead := w.silent()
	w.dir("mnt/also", 0, 0o755)
	also := hostfstest.NewSilent(t, w.path("mnt/also"))
	w.file("mnt/readme", 0, 0o644, "")
	w.h.Limit = hostfstest.Limit(dead, also)
	entries, err := w.rootFolder().find(t, w.path("mnt")).Entries(0)
	if err != nil || len(entries) != 3 {
		t.Fatalf("got %v, %v", entries, err)
	}
	for _, e := range entries {
		if silent := e.Name != "readme"; silent != errors.Is(e.Err, ErrSilent) {
			t.Errorf("%s: %v", e.Name, e.Err)
		}
	}
	if dead.Asked() != 1 || also.Asked() != 1 {
		t.Errorf("they were asked %d and %d times", dead.Asked(), also.Asked())
	}
}

// A file server has as many exports as it likes, which all go with it.
func TestAFolderOfManyThatDoNotAnswerIsListedWithoutThem(t *testing.T) {
	w := newWorld(t)
	dead := []*hostfstest.Silent{w.silent()}
	for i := range 9 {
		name := fmt.Sprintf("mnt/%d", i)
		w.dir(name, 0, 0o755)
		dead = append(dead, hostfstest.NewSilent(t, w.path(name)))
	}
	w.file("mnt/readme", 0, 0o644, "about mounts")
	w.h.Limit = hostfstest.Limit(dead...)
	entries, err := w.rootFolder().find(t, w.path("mnt")).Entries(0)
	if err != nil || len(entries) != len(dead)+1 {
		t.Fatalf("got %v, %v", entries, err)
	}
	for _, e := range entries {
		if silent := e.Name != "readme"; silent != errors.Is(e.Err, ErrSilent) {
			t.Errorf("%s: %v", e.Name, e.Err)
		}
	}
	if got, err := w.read("mnt/readme"); got != "about mounts" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAFileSystemThatAnswersAgainIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	dead := w.silent()
	if _, err := w.read("mnt/nfs/x"); !errors.Is(err, ErrSilent) {
		t.Fatal(err)
	}
	dead.Die()
	redistest.WaitFor(t, "the call that hung comes back", func() bool {
		_, err := w.read("mnt/nfs/x")
		return !errors.Is(err, ErrSilent)
	})
	if _, err := w.read("mnt/nfs/x"); !Unknown(err) {
		t.Errorf("error is %v", err)
	}
	if w.h.count != 0 {
		t.Errorf("%d calls are left behind", w.h.count)
	}
}

func TestTheNumberOfCallsThatAreLeftBehindIsBounded(t *testing.T) {
	w := newWorld(t)
	root := w.rootFolder()
	w.h.count = mostStuck
	if _, err := root.Find("etc", true); !errors.Is(err, ErrSilent) {
		t.Errorf("error is %v", err)
	}
}

// Bob may mount a thousand FUSEs that do not answer: they are one, so that what may be left
// behind is left for others.
func TestAllFUSEsOfAUserAreOneThatDoesNotAnswer(t *testing.T) {
	h := New()
	hanging := &task{h: h}
	if err := hanging.asking(mount{id: 40, user: bob}); err != nil || !hanging.giveUp(hanging.made()) {
		t.Fatalf("it is not left behind: %v", err)
	}
	for _, row := range []struct {
		mount  mount
		silent bool
	}{{mount{id: 40, user: bob}, true}, {mount{id: 41, user: bob}, true}, {mount{id: 42, user: carol}, false}, {mount{id: 43}, false}} {
		if err := (&task{h: h}).asking(row.mount); errors.Is(err, ErrSilent) != row.silent {
			t.Errorf("%+v: %v", row.mount, err)
		}
	}
	hanging.finish()
	if err := (&task{h: h}).asking(mount{id: 41, user: bob}); err != nil || h.count != 0 {
		t.Errorf("when it has come back: %v", err)
	}
}
