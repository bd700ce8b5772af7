package trust_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/trust"
)

const bob = 12345 // another user

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// a tree is a folder of ours with etc/sysops/config.yaml in it.
type tree struct {
	t    *testing.T
	root string
	file string
}

func newTree(t *testing.T) *tree {
	t.Helper()
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755)) // whatever the umask
	f := &tree{t, root, filepath.Join(root, "etc", "sysops", "config.yaml")}
	must(t, os.MkdirAll(filepath.Dir(f.file), 0o755))
	for _, folder := range []string{"etc", "etc/sysops"} {
		must(t, os.Chmod(f.path(folder), 0o755))
	}
	must(t, os.WriteFile(f.file, []byte("text"), 0o600))
	return f
}

func (f *tree) path(name string) string { return filepath.Join(f.root, name) }

func (f *tree) chmod(name string, mode fs.FileMode) { must(f.t, os.Chmod(f.path(name), mode)) }

func (f *tree) give(name string) { must(f.t, os.Lchown(f.path(name), bob, bob)) }

// A flaw is a way in which somebody else could have changed what a path leads to.
type flaw struct {
	name     string
	path     string // below the tree; empty: etc/sysops/config.yaml
	spoil    func(f *tree)
	says     string
	needRoot bool // to make it: the file of another user
}

var flaws = []flaw{
	{"a file of another user", "", func(f *tree) { f.give("etc/sysops/config.yaml") }, "it belongs to user 12345, not to root or user", true},
	{"a file that its group may write to", "", func(f *tree) { f.chmod("etc/sysops/config.yaml", 0o660) }, "its group may write to it (mode 0660)", false},
	{"a file that everyone may write to", "", func(f *tree) { f.chmod("etc/sysops/config.yaml", 0o602) }, "everyone may write to it (mode 0602)", false},
	{"a folder of another user", "", func(f *tree) { f.give("etc/sysops") }, "/etc/sysops belongs to user 12345", true},
	{"a folder that its group may write to", "", func(f *tree) { f.chmod("etc/sysops", 0o770) }, "its group may write to {}/etc/sysops (mode 0770)", false},
	{"a folder further up that everyone may write to", "", func(f *tree) { f.chmod("etc", 0o777) }, "everyone may write to {}/etc (mode 0777)", false},
	{"a folder further up of another user", "", func(f *tree) { f.give("etc") }, "/etc belongs to user 12345", true},
	{"a sticky folder of another user", "", func(f *tree) { f.give("etc"); f.chmod("etc", 0o777|fs.ModeSticky) }, "/etc belongs to user 12345", true},
	{"a link to a file of another user", "link", func(f *tree) {
		f.give("etc/sysops/config.yaml")
		must(f.t, os.Symlink("etc/sysops/config.yaml", f.path("link")))
	}, "{}/etc/sysops/config.yaml belongs to user 12345", true},
	{"a link into a folder that everyone may write to", "link", func(f *tree) {
		f.chmod("etc/sysops", 0o777)
		must(f.t, os.Symlink(f.file, f.path("link")))
	}, "everyone may write to {}/etc/sysops", false},
	{"a link in a folder that everyone may write to", "open/link", func(f *tree) {
		must(f.t, os.Mkdir(f.path("open"), 0o700))
		must(f.t, os.Symlink(f.file, f.path("open/link")))
		f.chmod("open", 0o777)
	}, "everyone may write to {}/open (mode 0777)", false},
	{"a link that leads through such a folder", "link", func(f *tree) {
		must(f.t, os.Mkdir(f.path("open"), 0o700))
		must(f.t, os.Symlink(f.file, f.path("open/link")))
		must(f.t, os.Symlink("open/link", f.path("link")))
		f.chmod("open", 0o777)
	}, "everyone may write to {}/open (mode 0777)", false},
	{"a way up from such a folder", "open/../etc/sysops/config.yaml", func(f *tree) {
		must(f.t, os.Mkdir(f.path("open"), 0o700))
		f.chmod("open", 0o777)
	}, "everyone may write to {}/open", false},
	{"a link of another user in a sticky folder", "sticky/link", func(f *tree) {
		must(f.t, os.Mkdir(f.path("sticky"), 0o700))
		must(f.t, os.Symlink(f.file, f.path("sticky/link")))
		f.give("sticky/link")
		f.chmod("sticky", 0o777|fs.ModeSticky)
	}, "it leads through the link {}/sticky/link, which user 12345 may have put there", true},
	{"another name of a file in a sticky folder", "sticky/name", func(f *tree) {
		must(f.t, os.Mkdir(f.path("sticky"), 0o700))
		must(f.t, os.Link(f.file, f.path("sticky/name")))
		f.chmod("sticky", 0o777|fs.ModeSticky)
	}, "it has 2 names, and others may have given it this one", false},
}

// possible are the flaws that this user can make.
func possible() []flaw {
	var out []flaw
	for _, f := range flaws {
		if os.Geteuid() == 0 || !f.needRoot {
			out = append(out, f)
		}
	}
	return out
}

// Whoever can change any part of a path decides what is read. The error says who can, and
// how to end that: its command does.
func TestWhatOthersCanChangeIsRefused(t *testing.T) {
	for _, row := range possible() {
		t.Run(row.name, func(t *testing.T) {
			f := newTree(t)
			path := f.file
			if row.path != "" {
				path = f.root + "/" + row.path // not cleaned
			}
			row.spoil(f)
			want := strings.ReplaceAll(row.says, "{}", f.root)
			_, err := trust.Read(path, 100)
			_, secret := trust.ReadSecret(path, 100)
			for _, err := range []error{err, secret, trust.Check(path)} {
				if why := new(*trust.Error); !errors.As(err, why) || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %s", err, want)
				}
			}
			if !strings.HasPrefix(err.Error(), "open "+path+": ") {
				t.Errorf("the error is %v", err)
			}
			why, _ := errors.AsType[*trust.Error](err)
			if strings.Contains(why.Reason, "through the link") {
				return // there is another path to be named, and no command
			}
			if out, err := exec.Command("sh", "-c", why.Mend).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", why.Mend, err, out)
			}
			for range 3 { // the owner first, and then the mode
				if _, err := trust.Read(path, 100); err != nil {
					why, _ := errors.AsType[*trust.Error](err)
					exec.Command("sh", "-c", why.Mend).Run() //nolint:errcheck // what follows finds out
				}
			}
			if text, err := trust.Read(path, 100); err != nil || string(text) != "text" {
				t.Errorf("after %s: %q, %v", why.Mend, text, err)
			}
		})
	}
}

func TestWhatNobodyElseCanChangeIsRead(t *testing.T) {
	f := newTree(t)
	must(t, os.Symlink("../etc/./sysops/config.yaml", f.path("relative")))
	must(t, os.Mkdir(f.path("sticky"), 0o700))
	must(t, os.WriteFile(f.path("sticky/file"), []byte("text"), 0o640))
	must(t, os.Symlink(f.file, f.path("sticky/link")))
	must(t, os.Symlink(f.path("sticky/link"), f.path("chain")))
	must(t, os.Link(f.file, f.path("etc/name"))) // where nobody else can make one
	f.chmod("sticky", 0o777|fs.ModeSticky)
	if os.Geteuid() == 0 {
		must(t, os.Symlink(f.file, f.path("given"))) // as tar leaves them: only root can exchange it
		f.give("given")
	} else {
		must(t, os.Symlink(f.file, f.path("given")))
	}
	for _, name := range []string{"etc/sysops/config.yaml", "sticky/file", "sticky/link", "chain", "etc/name", "given", "sticky/../etc//sysops/./config.yaml"} {
		path := f.root + "/" + name
		if text, err := trust.ReadSecret(path, 4); err != nil || string(text) != "text" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if err := trust.Check(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := trust.Read("/etc/passwd", 16<<20); err != nil || len(text) == 0 {
		t.Errorf("root's file: %v", err)
	}
}

func TestARelativePathIsJudgedFromTheRootOn(t *testing.T) {
	f := newTree(t)
	t.Chdir(f.path("etc/sysops"))
	if text, err := trust.Read("config.yaml", 100); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	f.chmod("etc", 0o777)
	_, err := trust.Read("config.yaml", 100)
	if err == nil || !strings.Contains(err.Error(), "open config.yaml: everyone may write to "+f.path("etc")) {
		t.Errorf("%v", err)
	}
}

// What a folder holds is chosen by who may write there, sticky or not; but what is on the
// way to more is not.
func TestAFolderAtTheEndOfAPath(t *testing.T) {
	f := newTree(t)
	f.chmod("etc/sysops", 0o777|fs.ModeSticky)
	if err := trust.Check(f.path("etc/sysops/missing/state")); err != nil {
		t.Errorf("what is missing: %v", err)
	}
	if err := trust.Check(f.path("etc/sysops")); err == nil || !strings.Contains(err.Error(), "everyone may write to it (mode 0777): chmod go-w") {
		t.Errorf("itself: %v", err)
	}
	f.chmod("etc/sysops", 0o755)
	if _, err := trust.Read(f.path("etc/sysops"), 100); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("as a file: %v", err)
	}
}

// The owner and the group of a secret may read it.
func TestASecretThatEveryoneMayReadIsRefused(t *testing.T) {
	f := newTree(t)
	for mode, mend := range map[fs.FileMode]string{0o400: "", 0o600: "", 0o640: "", 0o440: "", 0o644: "chmod o=", 0o604: "chmod o=", 0o601: "chmod o=", 0o444: "chmod o="} {
		f.chmod("etc/sysops/config.yaml", mode)
		if text, err := trust.Read(f.file, 100); err != nil || string(text) != "text" {
			t.Errorf("%o: as no secret: %q, %v", mode, text, err)
		}
		_, err := trust.ReadSecret(f.file, 100)
		if mend == "" && err != nil || mend != "" && (err == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf("everyone may read it (mode %04o): chmod o= %s", mode, f.file))) {
			t.Errorf("%o: %v", mode, err)
		}
	}
}

func TestAFileThatIsTooLongIsRefused(t *testing.T) {
	f := newTree(t)
	if _, err := trust.Read(f.file, 3); err == nil || !strings.Contains(err.Error(), f.file+": it has over 3 bytes") {
		t.Errorf("%v", err)
	}
	if _, err := trust.Read("/dev/zero", 1<<20); err == nil {
		t.Error("what has no end is read")
	}
}

func TestWhatIsMissingSaysSo(t *testing.T) {
	f := newTree(t)
	must(t, os.Symlink("nowhere", f.path("dangling")))
	for _, name := range []string{"none", "none/none", "dangling"} {
		_, err := trust.Open(f.path(name))
		if !errors.Is(err, fs.ErrNotExist) || err.Error() != "open "+f.path(name)+": no such file or directory" {
			t.Errorf("%v", err)
		}
		if err := trust.Check(f.path(name)); err != nil {
			t.Errorf("%v", err)
		}
	}
	must(t, os.Symlink("circle", f.path("circle")))
	if _, err := trust.Open(f.path("circle")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("%v", err)
	}
	if _, err := trust.Open(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// --config /dev/null, and what a shell writes as <(decrypt config.yaml).
func TestDevicesAndPipesAreRead(t *testing.T) {
	if text, err := trust.Read("/dev/null", 100); err != nil || len(text) > 0 {
		t.Errorf("%q, %v", text, err)
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	_, err = io.WriteString(w, "from a pipe")
	must(t, errors.Join(err, w.Close()))
	if text, err := trust.Read(fmt.Sprintf("/dev/fd/%d", r.Fd()), 100); err != nil || string(text) != "from a pipe" {
		t.Errorf("%q, %v", text, err)
	}
	f := newTree(t)
	open, err := os.Open(f.file)
	must(t, err)
	defer open.Close()
	f.chmod("etc/sysops/config.yaml", 0o666)
	if _, err := trust.Read(fmt.Sprintf("/proc/self/fd/%d", open.Fd()), 100); err == nil || !strings.Contains(err.Error(), "everyone may write to") {
		t.Errorf("a file that everyone may write to: %v", err)
	}
	t.Chdir(f.root)
	if _, err := trust.Read("/proc/self/cwd/etc/sysops/config.yaml", 100); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("through a folder of which nobody knows where it is: %v", err)
	}
}
