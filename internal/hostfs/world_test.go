package hostfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Users of the tests, of whom /etc/passwd knows nothing, and a group.
const (
	bob   = 4001
	carol = 4002
	staff = 4003
)

const (
	honest   = "honest bytes\n"
	rootOnly = "root-only bytes\n"
)

// A world is a host in a temporary folder. /secrets is root's alone, and so are the files
// that say so; /home/bob is bob's.
type world struct {
	testing.TB
	root string
	h    *Host
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, root: t.TempDir(), h: New()}
	for _, dir := range []string{filepath.Dir(w.root), w.root} {
		w.must(os.Chmod(dir, 0o755))
	}
	w.dir("etc", 0, 0o755)
	w.dir("home", 0, 0o755)
	w.dir("home/bob", bob, 0o755)
	w.dir("secrets", 0, 0o700)
	w.dir("secrets/below", 0, 0o755)
	w.file("secrets/app.conf", 0, 0o644, rootOnly)
	w.file("secrets/root-only-name", 0, 0o644, rootOnly)
	w.file("secrets/below/app.conf", 0, 0o644, rootOnly)
	w.file("etc/secret", 0, 0o600, rootOnly)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// path returns the absolute path of a place in the world.
func (w *world) path(name string) string { return filepath.Join(w.root, name) }

// own gives what lies at a place to a user and a group of the same number.
func (w *world) own(name string, uid int) {
	w.Helper()
	w.must(os.Lchown(w.path(name), uid, uid))
}

func (w *world) dir(name string, uid int, mode os.FileMode) {
	w.Helper()
	w.must(os.Mkdir(w.path(name), 0o700))
	w.own(name, uid)
	w.must(os.Chmod(w.path(name), mode))
}

func (w *world) file(name string, uid int, mode os.FileMode, text string) {
	w.Helper()
	w.must(os.WriteFile(w.path(name), []byte(text), 0o600))
	w.own(name, uid)
	w.must(os.Chmod(w.path(name), mode))
}

// link makes a link. A target that begins with / is one of the world.
func (w *world) link(name string, uid int, target string) {
	w.Helper()
	if strings.HasPrefix(target, "/") {
		target = w.root + target // with its .., if there are any
	}
	w.must(os.Symlink(target, w.path(name)))
	w.own(name, uid)
}

// outside makes a link that leads out of the world.
func (w *world) outside(name string, uid int, target string) {
	w.Helper()
	w.must(os.Symlink(target, w.path(name)))
	w.own(name, uid)
}

func (w *world) hardLink(name, target string) {
	w.Helper()
	w.must(os.Link(w.path(target), w.path(name)))
}

func (w *world) node(name string, mode uint32, dev int) {
	w.Helper()
	w.must(unix.Mknod(w.path(name), mode|0o666, dev))
	w.own(name, bob)
}

func (w *world) socket(name string) {
	w.Helper()
	l, err := net.Listen("unix", w.path(name))
	w.must(err)
	w.Cleanup(func() { l.Close() })
}

// exchange swaps two places, as bob could by renameat2(2).
func (w *world) exchange(a, b string) {
	if err := unix.Renameat2(unix.AT_FDCWD, w.path(a), unix.AT_FDCWD, w.path(b), unix.RENAME_EXCHANGE); err != nil {
		w.Error(err)
	}
}

func (w *world) rootFolder() *Folder {
	w.Helper()
	root, err := w.h.Root()
	w.must(err)
	return root
}

// read reads the file at a place.
func (w *world) read(name string) (string, error) {
	w.Helper()
	return Read(w.rootFolder(), w.path(name), true, whole)
}

func whole(f *File) (string, error) {
	data, err := io.ReadAll(f)
	return string(data), err
}

// everything returns the contents of the file at a place or of all below it, and the names of the latter.
func everything(folder *Folder, name string) []string {
	at, err := folder.Find(name, true)
	if err != nil {
		return nil
	}
	if at.Folder == nil {
		return content(folder, name, true)
	}
	return append(below(at.Folder, true), below(at.Folder, false)...)
}

// below takes files by where they were listed, or by a path if they are links.
func below(folder *Folder, follow bool) []string {
	entries, err := folder.Entries(0)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name)
		if e.Err != nil {
			continue
		}
		switch {
		case e.Info.IsDir():
			if at, err := folder.Find(e.Name, follow); err == nil && at.Folder != nil {
				out = append(out, below(at.Folder, follow)...)
			}
		default:
			out = append(out, content(folder, e.Name, follow)...)
		}
	}
	return out
}

func content(folder *Folder, name string, follow bool) []string {
	text, err := Read(folder, name, follow, whole)
	if err != nil {
		return nil
	}
	return []string{text}
}

// naive returns what a program would that opens paths.
func naive(name string) string {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err.Error()
	case info.Mode().IsRegular():
		data, _ := os.ReadFile(name)
		return string(data)
	case !info.IsDir():
		return info.Mode().String()
	}
	var out []string
	entries, _ := os.ReadDir(name)
	for _, e := range entries {
		out = append(out, e.Name(), naive(filepath.Join(name, e.Name())))
	}
	return strings.Join(out, "")
}

func TestWhatRootAloneCanChangeIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.dir("tmp", 0, 0o777|os.ModeSticky)
	w.dir("tmp/own", 0, 0o755)
	w.link("tmp/own/back", 0, "../../etc/secret")
	w.link("tmp/link", 0, "own/back")
	w.link("etc/1", 0, "/tmp/link")
	w.link("etc/2", 0, "../etc/./1")
	w.link("etc/3", 0, "/etc/2")
	w.link("dir", 0, "secrets/below/..")
	for _, name := range []string{"etc/secret", "etc/1", "etc/2", "etc/3", "tmp/link", "dir/app.conf", "dir/../etc/3"} {
		if got, err := w.read(name); got != rootOnly || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

// Debian's /var/spool/cron/crontabs belongs to root and a group that may write to it.
func TestEachOwnsWhatLiesInASharedStickyFolder(t *testing.T) {
	w := newWorld(t)
	w.dir("crontabs", 0, 0o700)
	w.must(os.Chown(w.path("crontabs"), 0, staff))
	w.must(os.Chmod(w.path("crontabs"), 0o730|os.ModeSticky))
	w.file("crontabs/root", 0, 0o600, "root's")
	w.file("crontabs/bob", bob, 0o600, "bob's")
	w.link("etc/crontabs", 0, "/crontabs")
	for name, want := range map[string]string{"root": "root's", "bob": "bob's"} {
		if got, err := w.read("etc/crontabs/" + name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if names := below(w.rootFolder().find(t, w.path("crontabs")), false); strings.Join(names, " ") != "bob bob's root root's" {
		t.Errorf("listed are %q", names)
	}
}

func (f *Folder) find(t testing.TB, name string) *Folder {
	t.Helper()
	at, err := f.Find(name, true)
	if err != nil || at.Folder == nil {
		t.Fatalf("no folder at %s: %v", name, err)
	}
	return at.Folder
}

func TestWhatAUserHasIsReadWithThatUsersRights(t *testing.T) {
	w := newWorld(t)
	w.dir("home/bob/releases", bob, 0o700)
	w.file("home/bob/releases/app.conf", bob, 0o600, "bob's own")
	w.link("home/bob/current", bob, "releases")
	w.link("home/bob/world", bob, "/etc/readable")
	w.file("etc/readable", 0, 0o644, "everyone's")
	w.file("home/bob/shadow", 0, 0o640, rootOnly) // root's group is not bob's
	w.link("etc/app.conf", 0, "/home/bob/current/app.conf")
	for name, want := range map[string]string{"etc/app.conf": "bob's own", "home/bob/world": "everyone's"} {
		if got, err := w.read(name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	_, err := w.read("home/bob/shadow")
	const want = "it is read as user 4001, who may change the way to it: permission denied"
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
}

func TestAUsersPrimaryGroupCounts(t *testing.T) {
	w := newWorld(t)
	const daemon = 1 // in each /etc/passwd, with a group of the same number
	w.dir("srv", daemon, 0o700)
	w.file("srv/conf", 0, 0o640, "daemon's")
	group, _ := primaryGroup(daemon)
	w.must(os.Chown(w.path("srv/conf"), 0, group))
	if got, err := w.read("srv/conf"); got != "daemon's" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// Of a user whose group is not known, the group is none: not even that of nobody.
func TestAUserOfNoKnownGroupIsInNone(t *testing.T) {
	w := newWorld(t)
	for _, group := range []int{nobody, bob, staff} {
		w.file("home/bob/conf", 0, 0o640, rootOnly)
		w.must(os.Chown(w.path("home/bob/conf"), 0, group))
		if got, err := w.read("home/bob/conf"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("what is for group %d is %q, %v", group, got, err)
		}
		w.must(os.Remove(w.path("home/bob/conf")))
	}
}

func TestWhatSeveralCouldHaveArrangedIsReadAsNobody(t *testing.T) {
	w := newWorld(t)
	w.dir("home/bob/carol", carol, 0o755)
	w.file("home/bob/carol/hers", carol, 0o600, "carol's")
	w.file("home/bob/carol/open", carol, 0o644, "everyone's")
	if got, err := w.read("home/bob/carol/open"); got != "everyone's" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := w.read("home/bob/carol/hers")
	if err == nil || err.Error() != "it is read as nobody, because others may change the way to it: permission denied" {
		t.Errorf("error is %v", err)
	}
}

// Daemons run as nobody, whom bob is not.
func TestWhatIsNobodysAloneIsReadForNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.dir("shared", 0, 0o777)
	w.dir("daemon", nobody, 0o711)
	w.dir("daemon/closed", nobody, 0o700)
	w.file("daemon/key", nobody, 0o600, "nobody's")
	w.file("daemon/closed/key", nobody, 0o600, "nobody's")
	w.file("daemon/group", nobody, 0o640, "nobody's")
	w.must(os.Chown(w.path("daemon/group"), 0, nobody))
	w.file("daemon/open", nobody, 0o644, "everyone's")
	w.file("daemon/closed/open", nobody, 0o644, "nobody's")
	for _, name := range []string{"key", "group", "open", "closed/key", "closed/open"} {
		w.link("shared/"+strings.ReplaceAll(name, "/", "-"), bob, "/daemon/"+name)
		w.link("etc/"+strings.ReplaceAll(name, "/", "-"), 0, "/daemon/"+name)
	}
	for name, want := range map[string]string{"key": "", "group": "", "open": "everyone's", "closed-key": "", "closed-open": ""} {
		if got, err := w.read("shared/" + name); got != want || (err == nil) != (want != "") {
			t.Errorf("where others may write, %s is %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"key": "nobody's", "group": "nobody's", "open": "everyone's", "closed-key": "nobody's", "closed-open": "nobody's"} {
		if got, err := w.read("etc/" + name); got != want || err != nil {
			t.Errorf("by root's link, %s is %q, %v", name, got, err)
		}
	}
	closed := w.rootFolder()
	if at, err := closed.Find(w.path("shared/none"), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v", at, err)
	}
	w.link("shared/folder", bob, "/daemon/closed")
	if at, err := closed.Find(w.path("shared/folder"), true); err != nil {
		t.Error(err)
	} else if entries, err := at.Folder.Entries(0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("listed are %v, %v", entries, err)
	}
}

// A mode may let everyone but a group, and nobody knows of which groups bob is.
func TestWhatIsKeptFromAGroupIsReadForNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.dir("home/carol", carol, 0o701)
	w.file("home/carol/file", carol, 0o604, "carol's")
	w.file("etc/not-for-staff", 0, 0o604, "not for staff")
	w.dir("kept", 0, 0o705)
	w.file("kept/file", 0, 0o644, "not for staff")
	w.dir("shared", 0, 0o777)
	for _, folder := range []string{"home/bob", "shared"} {
		w.link(folder+"/1", bob, "/etc/not-for-staff")
		w.link(folder+"/2", bob, "/kept/file")
		for _, name := range []string{"1", "2"} {
			if got, err := w.read(folder + "/" + name); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s/%s is %q, %v", folder, name, got, err)
			}
		}
	}
	w.link("etc/hers", 0, "/home/carol/file")
	for name, want := range map[string]string{"etc/hers": "carol's", "etc/not-for-staff": "not for staff", "kept/file": "not for staff"} {
		if got, err := w.read(name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

func TestAPathThatGoesOnAndOnIsLeft(t *testing.T) {
	w := newWorld(t)
	w.dir("home/bob/d", bob, 0o755)
	w.file("home/bob/file", bob, 0o644, "bob's")
	w.outside("home/bob/long", bob, strings.Repeat("d/../", 800)+"file")
	for i := range mostLinks / 2 {
		w.outside(fmt.Sprintf("home/bob/%d", i), bob, strings.Repeat("../bob/", 8)+fmt.Sprint(i+1))
	}
	w.outside(fmt.Sprintf("home/bob/%d", mostLinks/2), bob, "file")
	w.outside("home/bob/short", bob, "./"+strings.Repeat("d/../", 50)+"file")
	for _, name := range []string{"long", "0"} {
		if got, err := w.read("home/bob/" + name); err == nil || err.Error() != "it leads through more than 256 folders" {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if got, err := w.read("home/bob/short"); got != "bob's" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// What could not become bob's is nobody's: it goes no further as what it was.
func TestAThreadThatCouldNotBecomeAnotherIsOfNoUse(t *testing.T) {
	w := newWorld(t)
	root := w.rootFolder()
	_, err := within(w.h, func(task *task) (struct{}, error) {
		task.as, task.no = bob, syscall.EPERM
		for _, as := range []who{bob, several} {
			if err := task.become(as); !errors.Is(err, syscall.EPERM) {
				t.Errorf("it becomes %v: %v", as, err)
			}
		}
		_, err := task.find(&spot{f: root.s.f, info: root.s.info, st: root.s.st, mount: root.s.mount, trail: root.s.trail, as: bob}, "etc", true)
		return struct{}{}, err
	})
	if !errors.Is(err, syscall.EPERM) {
		t.Errorf("error is %v", err)
	}
}

func TestOtherThreadsKeepTheirRights(t *testing.T) {
	w := newWorld(t)
	w.file("home/bob/file", bob, 0o600, "bob's")
	for range 50 {
		if _, err := w.read("home/bob/file"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.read("etc/secret"); err != nil {
			t.Fatal(err)
		}
		w.must(os.Chown(w.path("etc/secret"), 0, 0))
	}
	if uid, _ := unix.SetfsuidRetUid(-1); uid != 0 {
		t.Errorf("this thread is user %d's", uid)
	}
}

// An agent that is not root's cannot become bob. It reads what bob could have by the mode.
func TestAnotherUserThanRootGoesByTheMode(t *testing.T) {
	w := newWorld(t)
	w.h.euid = carol
	w.file("etc/hers", carol, 0o600, "carol's")
	w.file("etc/open", carol, 0o644, "everyone's")
	w.dir("etc/closed", carol, 0o700)
	w.file("etc/closed/open", carol, 0o644, "carol's")
	for link, target := range map[string]string{"1": "hers", "2": "open", "3": "closed/open"} {
		w.link("home/bob/"+link, bob, "/etc/"+target)
	}
	if got, err := w.read("home/bob/2"); got != "everyone's" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, link := range []string{"1", "3"} {
		if got, err := w.read("home/bob/" + link); !errors.Is(err, syscall.EACCES) {
			t.Errorf("%s is %q, %v", link, got, err)
		}
	}
}

// Bob cannot change a link of his in a folder of root's, and yet it is his doing.
func TestALinkOfAUsersInAFolderOfRootsIsFollowedWithThatUsersRights(t *testing.T) {
	w := newWorld(t)
	w.link("etc/foreign", bob, "secret")
	if got, err := w.read("etc/foreign"); !errors.Is(err, syscall.EACCES) {
		t.Errorf("got %q, %v", got, err)
	}
}

// What /proc/self/fd/3 leads to is not where it says, and nobody knows who has put it there.
func TestLinksThatTheKernelMakesUpAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	f, err := os.Open(w.path("etc/secret"))
	w.must(err)
	defer f.Close()
	for _, name := range []string{"/proc/self/exe", "/proc/self/root/etc/passwd", "/proc/self/cwd/doc.go", fmt.Sprintf("/proc/self/fd/%d", f.Fd())} {
		if got, err := Read(w.rootFolder(), name, true, whole); !errors.Is(err, errMagic) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	want, err := os.ReadFile("/proc/self/mounts")
	w.must(err)
	if got, err := Read(w.rootFolder(), "/proc/mounts", true, whole); got != string(want) || err != nil {
		t.Errorf("/proc/mounts is %q, %v", got, err)
	}
}

// Some of /proc goes by other rights than those of the file system.
func TestNothingOfProcIsReadForAnotherUser(t *testing.T) {
	w := newWorld(t)
	w.outside("home/bob/link", bob, "/proc/version")
	if got, err := w.read("home/bob/link"); !errors.Is(err, errProc) {
		t.Errorf("got %q, %v", got, err)
	}
}

// old is what an old kernel, or an old filter of system calls, makes of openat2(2).
func old(errno syscall.Errno) func(int, string, *unix.OpenHow) (int, error) {
	return func(int, string, *unix.OpenHow) (int, error) { return -1, errno }
}

func TestAWalkWithoutOpenat2IsTheSame(t *testing.T) {
	for _, errno := range []syscall.Errno{unix.ENOSYS, unix.EPERM} {
		w := newWorld(t)
		w.h.openat2 = old(errno)
		w.link("etc/link", 0, "../etc/secret")
		w.link("home/bob/steal", bob, "/etc/secret")
		w.link("home/bob/folder", bob, "/secrets")
		w.node("home/bob/pipe", unix.S_IFIFO, 0)
		if got, err := w.read("etc/link"); got != rootOnly || err != nil {
			t.Errorf("root's link leads to %q, %v", got, err)
		}
		for _, name := range []string{"steal", "folder/app.conf", "folder/below/app.conf"} {
			if got, err := w.read("home/bob/" + name); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("bob's %s leads to %q, %v", name, got, err)
			}
		}
		if got, err := w.read("home/bob/pipe"); err == nil || err.Error() != "it is a pipe, not a file" {
			t.Errorf("a pipe is %q, %v", got, err)
		}
		if got, err := Read(w.rootFolder(), "/proc/self/root/etc/passwd", true, whole); !errors.Is(err, errMagic) {
			t.Errorf("a link of the kernel's leads to %q, %v", got, err)
		}
		if _, err := w.rootFolder().Find("etc/none", true); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is not there: %v", err)
		}
	}
}

func (w *world) info(name string) fs.FileInfo {
	w.Helper()
	info, err := os.Lstat(w.path(name))
	w.must(err)
	return info
}

func (w *world) stat(name string) *syscall.Stat_t {
	w.Helper()
	return w.info(name).Sys().(*syscall.Stat_t)
}
