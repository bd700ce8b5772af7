package export_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/export"
)

// A tree in which root exports once is still its user's: all of it, what export knows of
// its files too. Whoever is not root exports into folders of its own alone, here.
func TestATreeBelongsToTheOwnerOfItsFolder(t *testing.T) {
	c := newCache(t)
	dir := t.TempDir()
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 1234
		if err := os.Chown(dir, int(want), int(want)); err != nil {
			t.Fatal(err)
		}
	}
	c.push("web01", map[string]file{"/etc/a": text("one"), "/etc/b/c": text("two")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 2})
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		if uid := stat(t, path).Sys().(*syscall.Stat_t).Uid; uid != want {
			t.Errorf("%s belongs to %d, want %d", path, uid, want)
		}
		return nil
	})
	if err != nil || seen < 9 {
		t.Errorf("%d files and folders were seen, %v", seen, err)
	}
}
