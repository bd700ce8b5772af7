package wholefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// plant makes a folder that everyone may write to, with a link to a folder in which nothing
// is to appear. It is another user's link where we can make one, and else one of ours with
// two names, as others can give it.
func plant(t *testing.T) (shared, link, victim string) {
	t.Helper()
	base := t.TempDir()
	shared, victim = filepath.Join(base, "shared"), filepath.Join(base, "victim")
	link = filepath.Join(shared, "link")
	must(t, errors.Join(os.Mkdir(shared, 0o700), os.Mkdir(victim, 0o700), os.Symlink(victim, link)))
	if os.Geteuid() == 0 {
		must(t, os.Lchown(link, 1234, 1234))
	} else {
		must(t, os.Link(link, filepath.Join(shared, "name")))
	}
	must(t, os.Chmod(shared, 0o777|fs.ModeSticky))
	return shared, link, victim
}

func TestNothingIsWrittenThroughAPlantedLinkToAFolder(t *testing.T) {
	_, link, victim := plant(t)
	root, err := os.OpenRoot(filepath.Dir(filepath.Dir(link)))
	must(t, err)
	defer root.Close()
	for how, do := range map[string]func(folder string, in *os.Root) error{
		"Write":    func(f string, _ *os.Root) error { return write(f+"/file", "x", wholefile.Options{}) },
		"MkdirAll": func(f string, in *os.Root) error { return wholefile.MkdirAll(in, f+"/a/b", 0o755) },
		"Open": func(f string, _ *os.Root) error {
			file, err := wholefile.Open(nil, f+"/log", os.O_WRONLY, 0o600)
			file.Close() //nolint:errcheck // nil says so
			return err
		},
		"Lock": func(f string, _ *os.Root) error {
			file, err := wholefile.Lock(nil, f+"/lock")
			file.Close() //nolint:errcheck // nil says so
			return err
		},
	} {
		if err := do(link, nil); !errors.As(err, new(*trust.Error)) || !strings.Contains(err.Error(), link) {
			t.Errorf("%s: %v", how, err)
		}
	}
	if err := wholefile.MkdirAll(root, "shared/link/a", 0o755); !errors.As(err, new(*trust.Error)) {
		t.Errorf("MkdirAll below a root: %v", err)
	}
	if got := lies(t, victim); len(got) > 0 {
		t.Errorf("there are %q", got)
	}
}

// A link, or another name of a file, that lies where one is to be written is replaced: what
// it leads to stays as it is.
func TestAFilePlantedInPlaceIsReplaced(t *testing.T) {
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o600))
	for name, planted := range map[string]func(string) error{
		"link": func(at string) error { return os.Symlink(victim, at) },
		"name": func(at string) error { return os.Link(victim, at) },
	} {
		at := filepath.Join(folder, name)
		must(t, planted(at))
		must(t, write(at, "new", wholefile.Options{}))
		if got := lies(t, folder); got["victim"] != "precious" || got[name] != "new" {
			t.Errorf("%s: there are %q", name, got)
		}
		if is, err := os.Lstat(at); err != nil || !is.Mode().IsRegular() {
			t.Errorf("%s: %v, %v", name, is, err)
		}
	}
}

// What is opened to be appended to, or to be locked, is not replaced: it is refused.
func TestAFilePlantedInPlaceOfALogIsRefused(t *testing.T) {
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o644))
	root, err := os.OpenRoot(folder)
	must(t, err)
	defer root.Close()
	for name, planted := range map[string]func(string) error{
		"link": func(at string) error { return os.Symlink("victim", at) },
		"name": func(at string) error { return os.Link(victim, at) },
		"pipe": func(at string) error { return syscall.Mkfifo(at, 0o600) },
	} {
		at := filepath.Join(folder, name)
		must(t, planted(at))
		for _, flag := range []int{os.O_WRONLY | os.O_APPEND, os.O_RDWR} {
			for in, path := range map[*os.Root]string{nil: at, root: name} {
				if f, err := wholefile.Open(in, path, flag, 0o600); err == nil {
					t.Errorf("%s is opened: %v", name, f)
				}
			}
		}
		if f, err := wholefile.Lock(root, name); err == nil {
			t.Errorf("%s is locked: %v", name, f)
		}
		must(t, os.Remove(at))
	}
	if is, err := os.Stat(victim); err != nil || is.Mode() != 0o644 || is.Size() != 8 {
		t.Errorf("the file has become %v, %v", is, err)
	}
}

// Whoever can open a file can lock it, for ever: nobody else can open this one.
func TestALockIsNobodyElsesToTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	must(t, os.WriteFile(path, nil, 0o644))
	first, err := wholefile.Lock(nil, path)
	must(t, err)
	if is, err := os.Stat(path); err != nil || is.Mode() != 0o600 {
		t.Errorf("it has the mode %v, %v", is.Mode(), err)
	}
	if _, err := wholefile.Lock(nil, path); !errors.Is(err, wholefile.ErrBusy) {
		t.Errorf("while it is taken: %v", err)
	}
	must(t, first.Close())
	second, err := wholefile.Lock(nil, path)
	must(t, err)
	must(t, second.Close())
}
