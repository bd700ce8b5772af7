package extract

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Who can write down how many hosts a core had chooses what passes for all of it.
func TestSizesThatOthersCanHaveWrittenAreNotBelieved(t *testing.T) {
	core := &coreState{}
	for name, forge := range map[string]func(file string) error{
		"nobody else can write it":       func(string) error { return nil },
		"others may write to it":         func(file string) error { return os.Chmod(file, 0o666) },
		"others may write to its folder": func(file string) error { return os.Chmod(filepath.Dir(file), 0o777) },
		"it is another user's":           func(file string) error { return os.Chown(file, 12345, 12345) },
		"its folder is another user's":   func(file string) error { return os.Chown(filepath.Dir(file), 12345, 12345) },
		"a pipe takes its place":         func(file string) error { return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)) },
		"it is longer than ours are":     func(file string) error { return os.Truncate(file, sizesLimit+1) },
	} {
		folder := filepath.Join(t.TempDir(), "cache")
		z := newCoreSizes(folder)
		z.note(core, coreSize{Hosts: 1_000})
		z.save()
		if err := forge(filepath.Join(folder, sizesFile)); err != nil {
			t.Fatal(err)
		}
		want := 0
		if name == "nobody else can write it" {
			want = 1_000
		}
		if got := newCoreSizes(folder).get(core); got.Hosts != want {
			t.Errorf("where %s, the core had %d hosts, want %d", name, got.Hosts, want)
		}
	}
}
