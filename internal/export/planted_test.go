package export_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/export"
)

// Whoever may write into the folder of an export could have one host's files written over
// another's: a link that is not ours is no folder of ours.
func TestALinkPlantedInsideTheTreeIsNotFollowed(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/etc/motd": text("one")})
	c.push("web2", map[string]file{"/etc/motd": text("two")})
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "default"), 0o700), os.Symlink("web1", filepath.Join(dir, "default/web2"))); err != nil {
		t.Fatal(err)
	}
	plant(t, filepath.Join(dir, "default/web2"))
	if err := os.Chmod(filepath.Join(dir, "default"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".sysops-export"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.export(dir, export.TreeOptions{}, export.Report{Written: 1, Refused: export.Refusals{Count: 1}})
	if got, err := os.ReadFile(filepath.Join(dir, "default/web1/etc/motd")); err != nil || string(got) != "one" {
		t.Errorf("web1's file holds %q, %v", got, err)
	}
}

// plant makes a link one that another user can have put where it lies: by its owner or,
// where we cannot give it away, by its second name.
func plant(t *testing.T, link string) {
	t.Helper()
	err := os.Link(link, filepath.Join(t.TempDir(), "name"))
	if os.Geteuid() == 0 {
		err = os.Lchown(link, 1234, 1234)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A pipe or a device is written to where it was named, not where another user has put it, or
// a link to it, to read what an export holds or to have a disk written over.
func TestAPlantedPipeOrDeviceIsNotWrittenTo(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "out.json")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	plant(t, link)
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	never := func(io.Writer) error { t.Error("it is written to"); return nil }
	if err := export.WriteFile(link, 0o600, never); err == nil || !strings.Contains(err.Error(), "may have put there") {
		t.Errorf("a link to a device: %v", err)
	}
	if os.Geteuid() != 0 {
		return // there is no pipe of another user
	}
	pipe := filepath.Join(dir, "pipe")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o666), os.Chown(pipe, 1234, 1234)); err != nil {
		t.Fatal(err)
	}
	if err := export.WriteFile(pipe, 0o600, never); err == nil || !strings.Contains(err.Error(), "it belongs to user 1234") {
		t.Errorf("a pipe: %v", err)
	}
}
