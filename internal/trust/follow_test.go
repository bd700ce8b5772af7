package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sysops-api/sysops-api/internal/hostfstest"
)

// exchange has a folder be a link to another as soon as it has been judged: the moment that
// an attacker waits for.
func exchange(t *testing.T, root string) rule {
	return func(_, entry *place, _ string, _ bool) error {
		if entry.path != filepath.Join(root, "folder") {
			return nil
		}
		return errors.Join(os.Rename(entry.path, filepath.Join(root, "moved")), os.Symlink("secret", entry.path))
	}
}

func TestAFolderThatIsExchangedOnTheWayIsLeftForNoOther(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"folder", "secret"} {
		err := errors.Join(os.Mkdir(filepath.Join(root, folder), 0o700), os.WriteFile(filepath.Join(root, folder, "file"), []byte(folder), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	end, err := follow(filepath.Join(root, "folder", "file"), exchange(t, root))
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if is, err := os.Stat(filepath.Join(root, "moved", "file")); err != nil || !os.SameFile(is, end.info) {
		t.Errorf("it leads to %v, %v", end.info, err)
	}
	if f, err := end.open(os.O_RDONLY); !errors.Is(err, errExchanged) {
		t.Errorf("it is opened: %v, %v", f, err)
	}
}

// A FUSE that a user mounted shows root as the owner of all that is in it.
func TestAUsersFUSEIsNobodyElses(t *testing.T) {
	for uid, says := range map[int]string{
		0: "", 4001: "{} belongs to user 4001, not to root or user 0: chown root {}",
	} {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			dir := t.TempDir()
			hostfstest.NewDeafOf(t, uid, dir)
			err := Check(filepath.Join(dir, "config.yaml"))
			if want := strings.ReplaceAll(says, "{}", dir); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// Another user exchanges a folder for a link to a place of ours, over and over: neither what
// is read nor where is written is ever there.
func TestBlindExchangesNeverLeadAstray(t *testing.T) {
	root := t.TempDir()
	path := func(name string) string { return filepath.Join(root, name) }
	err := errors.Join(
		os.Mkdir(path("victim"), 0o700), os.WriteFile(path("victim/file"), []byte("secret"), 0o600),
		os.Mkdir(path("shared"), 0o700), os.Mkdir(path("shared/folder"), 0o777), os.WriteFile(path("shared/folder/file"), nil, 0o644),
		os.Symlink(path("victim"), path("shared/link")), os.Link(path("shared/link"), path("name")), os.Chmod(path("shared"), 0o777),
	)
	if os.Geteuid() == 0 {
		for _, name := range []string{"link", "folder", "folder/file"} {
			err = errors.Join(err, os.Lchown(path("shared/"+name), 12345, 12345))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	victim, err := os.Stat(path("victim"))
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), sync.WaitGroup{}
	ended.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, path("shared/folder"), unix.AT_FDCWD, path("shared/link"), unix.RENAME_EXCHANGE) //nolint:errcheck // the next one
			}
		}
	})
	defer ended.Wait()
	defer close(stop)
	for range 10_000 {
		if text, err := Read(path("shared/folder/file"), 100); err == nil {
			t.Fatalf("%q is read", text)
		}
		folder, err := OpenFolder(path("shared/folder"))
		if err != nil {
			continue // it was the link
		}
		is, err := folder.Stat(".")
		folder.Close()
		if err != nil || os.SameFile(is, victim) {
			t.Fatalf("the victim is open: %v", err)
		}
	}
}
