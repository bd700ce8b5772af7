package trust

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
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
