package wholefile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/wholefile"
)

func owner(t *testing.T, path string) string {
	t.Helper()
	fi, err := os.Lstat(path)
	must(t, err)
	st := fi.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
}

// What root writes for another user belongs to that user, who could not replace or even
// read it otherwise. Whoever is not root writes into folders of its own alone, here.
func TestWhatIsWrittenBelongsToTheOwnerOfItsFolder(t *testing.T) {
	folder := t.TempDir()
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 1234, 2345
		must(t, os.Chown(folder, uid, gid))
	}
	want := fmt.Sprintf("%d:%d", uid, gid)
	root, err := os.OpenRoot(folder)
	must(t, err)
	defer root.Close()

	must(t, wholefile.MkdirAll(nil, filepath.Join(folder, "a", "b"), 0o700))
	must(t, wholefile.MkdirAll(root, "c/d", 0o700))
	must(t, wholefile.MkdirAll(root, "c/d", 0o700)) // it is there
	must(t, write(filepath.Join(folder, "a", "b", "file"), "x", wholefile.Options{}))
	must(t, write("c/d/file", "x", wholefile.Options{Root: root, Temporary: "a"}))
	log, err := wholefile.Open(root, "c/log", os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	must(t, log.Close())
	for _, path := range []string{"a", "a/b", "a/b/file", "c", "c/d", "c/d/file", "c/log"} {
		if got := owner(t, filepath.Join(folder, path)); got != want {
			t.Errorf("%s belongs to %s, want %s", path, got, want)
		}
	}
}

// A kill of root's command leaves a file of the folder's owner, which root removes.
func TestWhatAKillLeavesOfAnotherUsersFileIsRemoved(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, ".state.ABCDEFGH.part")
	must(t, os.WriteFile(left, nil, 0o600))
	if os.Geteuid() == 0 {
		must(t, os.Chown(folder, 1234, 1234))
		must(t, os.Chown(left, 1234, 1234))
	}
	must(t, write(filepath.Join(folder, "state"), "x", wholefile.Options{}))
	if got := lies(t, folder); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
}

func TestOpenTakesWhatIsThere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "log")
	must(t, os.WriteFile(path, []byte("one\n"), 0o644))
	f, err := wholefile.Open(nil, path, os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	_, err = f.WriteString("two\n")
	must(t, errors.Join(err, f.Close()))
	if fi, err := os.Stat(path); err != nil || fi.Mode() != 0o644 || lies(t, folder)["log"] != "one\ntwo\n" {
		t.Errorf("there is %q with %v, %v", lies(t, folder), fi.Mode(), err)
	}
	must(t, os.Symlink("nowhere", filepath.Join(folder, "link")))
	if _, err := wholefile.Open(nil, filepath.Join(folder, "link"), os.O_WRONLY, 0o600); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to nowhere: %v", err)
	}
	if _, err := wholefile.Open(nil, filepath.Join(folder, "missing", "log"), os.O_WRONLY, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is missing: %v", err)
	}
}

func TestMkdirAllTellsWhatIsInItsWay(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	for _, name := range []string{"file", "file/a", "file/a/b"} {
		if err := wholefile.MkdirAll(nil, filepath.Join(folder, name), 0o700); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
