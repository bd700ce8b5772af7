package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// DefaultMode is that of files unless TreeOptions or the like say otherwise: what a host
// lets only its root read, others must not read here.
const DefaultMode fs.FileMode = 0o600

// TreeOptions say how a tree is written.
type TreeOptions struct {
	Mode  fs.FileMode // of all files, whatever it was on the hosts; default DefaultMode. Folders may be entered by who may read.
	Link  bool        // identical contents of a name are one file with several links
	Purge bool        // remove the files of objects that the answer proves to be gone

	// DryRun writes nothing, and reads no contents: Changed is told what would be done.
	DryRun bool

	Changed  func(verb, path string) // called with "write" or "purge" before that is done; nil: not
	Progress func()                  // called after each object; nil: not
}

// A Tree is a folder with an export: the file of an object is at the path that PathOf
// returns. It may be updated as often as one likes, but not concurrently. While it is
// open, no other process can open it. Close it.
//
// A file is written under another name and renamed, so whoever reads the tree finds the
// old contents or the new ones, whole. That holds when the process is killed. It does not
// when the machine crashes, for nothing is synced: an export can be made again.
type Tree struct {
	dir  string
	o    TreeOptions
	root *os.Root // nil: a dry run of what is not there yet
	lock *os.File // nil: we do not hold it

	folders map[string]bool // whose mode has been seen to be right
}

const (
	temporaryFolder = ownFolder + "/tmp"
	lockFile        = ownFolder + "/lock"
)

// OpenTree opens the tree at dir, and makes it where there is none. It refuses a folder
// that holds anything but an export, and one that another process has open.
func OpenTree(dir string, o TreeOptions) (*Tree, error) {
	if o.Mode == 0 {
		o.Mode = DefaultMode
	}
	t := &Tree{dir: dir, o: o, folders: make(map[string]bool)}
	err := t.open()
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("cannot export to %s: %w", dir, err)
	}
	return t, nil
}

func (t *Tree) open() error {
	if !t.o.DryRun {
		if err := t.makeDir(); err != nil {
			return err
		}
	}
	var err error
	if t.root, err = os.OpenRoot(t.dir); err != nil {
		if t.o.DryRun && errors.Is(err, fs.ErrNotExist) {
			t.root = nil
			return nil
		}
		return err
	}
	if err := t.checkOwn(); err != nil || t.o.DryRun {
		return err
	}
	if err := wholefile.MkdirAll(t.root, ownFolder, 0o700); err != nil {
		return err
	}
	lock, err := wholefile.Open(t.root, lockFile, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return errors.New("another export is writing there")
		}
		return fmt.Errorf("cannot lock it: %w", err)
	}
	t.lock = lock // from now on, what is in our folder is ours to remove
	// What a kill has left there, nobody else is writing.
	if err := t.root.RemoveAll(temporaryFolder); err != nil {
		return err
	}
	return wholefile.MkdirAll(t.root, temporaryFolder, 0o700)
}

// makeDir makes the tree's own folder where there is none, with its mode whatever the
// umask. One that is there keeps the mode that somebody gave it.
func (t *Tree) makeDir() error {
	dir := filepath.Clean(t.dir)
	if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
		return nil
	}
	if err := wholefile.MkdirAll(nil, dir, t.folderMode()); err != nil {
		return err
	}
	return os.Chmod(dir, t.folderMode())
}

// checkOwn makes sure that the folder is empty, or an export.
func (t *Tree) checkOwn() error {
	fi, err := t.root.Lstat(ownFolder)
	switch {
	case err == nil && fi.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s in it is no folder", ownFolder)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	d, err := t.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if names, _ := d.Readdirnames(1); len(names) > 0 {
		return &sysops.HintedError{
			Err:  errors.New("there are files in it that no export has written"),
			Hint: "name a new folder or an empty one: an export has a folder to itself",
		}
	}
	return nil
}

// Close lets others open the tree.
func (t *Tree) Close() error {
	var errs []error
	if t.lock != nil {
		errs = append(errs, t.root.RemoveAll(temporaryFolder), t.lock.Close())
	}
	if t.root != nil {
		errs = append(errs, t.root.Close())
	}
	t.lock, t.root = nil, nil
	return errors.Join(errs...)
}

// folderMode lets those enter a folder who may read its files.
func (t *Tree) folderMode() fs.FileMode { return t.o.Mode | t.o.Mode&0o444>>2 }

// Barred returns the mode of the tree's own folder where that keeps out others who may
// read the files, and what it lacks. A folder that was there keeps its mode: somebody
// may have meant it so.
func (t *Tree) Barred() (mode, lacks fs.FileMode) {
	if t.root == nil {
		return 0, 0
	}
	fi, err := t.root.Stat(".")
	if err != nil {
		return 0, 0 // what reads or writes there tells it
	}
	mode = fi.Mode().Perm()
	return mode, t.folderMode() & 0o011 &^ mode
}

// Update brings the tree up to date with an answer. What has not changed since it was
// written, here or in the cache, is neither read nor written. The report is of what was
// done when an error ended it, too. Errors are those of Answer.Objects, and those of the
// file system.
func (t *Tree) Update(ctx context.Context, a *sysops.Answer) (*Report, error) {
	u := &update{Tree: t, answer: a, clashes: clashes(a.Names(), t.foldsCase())}
	err := u.run(ctx)
	if u.page != nil {
		err = errors.Join(err, u.page.close())
	}
	return &u.report, err
}

// foldsCase reports whether the file system takes A and a for the same name.
func (t *Tree) foldsCase() bool {
	if t.root == nil {
		return false
	}
	_, err := t.root.Lstat(strings.ToUpper(ownFolder))
	return err == nil
}

// clashes returns the names that would be the same path as another one, and which. The
// name that most hosts have gets the path, of two the first: no host should be able to
// push away what the others have.
func clashes(names []sysops.NameCount, foldsCase bool) map[string]string {
	slices.SortStableFunc(names, func(x, y sysops.NameCount) int { return y.Hosts - x.Hosts })
	owner := make(map[string]string, len(names))
	out := make(map[string]string)
	for _, n := range names {
		p := strings.TrimPrefix(n.Name, "/")
		if foldsCase {
			p = strings.ToLower(p)
		}
		if first, taken := owner[p]; taken {
			out[n.Name] = first
			continue
		}
		owner[p] = n.Name
	}
	return out
}

// An update is one round over an answer.
type update struct {
	*Tree
	answer  *sysops.Answer
	clashes map[string]string
	report  Report
	page    *page // of the name at hand
	failed  error // what wanted could not do
}

// A page is the part of an update that is about one name.
type page struct {
	*manifest
	seen    map[string]bool                 // by site/host, as below
	pending map[string]pending              // objects that are being read
	sources map[[sha256.Size]byte]*linkable // with Link: the first file with some contents
}

// pending is what is known of an object when it is about to be read.
type pending struct {
	path   string
	stat   uint64
	intact fs.FileInfo // of the file, where it still is what was written
}

type linkable struct {
	path string
	info fs.FileInfo
}

func (u *update) run(ctx context.Context) error {
	if u.o.Purge {
		if err := u.purge(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := func(v sysops.Version) bool {
		if u.failed != nil {
			return false
		}
		var want bool
		if want, u.failed = u.wants(v); u.failed != nil {
			cancel()
		}
		if !want {
			u.step()
		}
		return want
	}
	for o, err := range u.answer.ObjectsByName(ctx, wanted, sysops.Contents, sysops.StatOf, sysops.TimeOf) {
		if u.failed != nil {
			return u.failed
		}
		if err != nil {
			return err
		}
		if err := u.take(&o); err != nil {
			return fmt.Errorf("cannot export %s: %w", o.Key, err)
		}
		u.step()
	}
	return u.failed
}

func (u *update) step() {
	if u.o.Progress != nil {
		u.o.Progress()
	}
}

// turn makes name the one at hand.
func (u *update) turn(name string) error {
	if u.page != nil {
		if u.page.name == name {
			return nil
		}
		if err := u.page.close(); err != nil {
			return err
		}
	}
	u.page = &page{
		manifest: &manifest{name: name}, seen: make(map[string]bool),
		pending: make(map[string]pending), sources: make(map[[sha256.Size]byte]*linkable),
	}
	if u.root == nil {
		return nil
	}
	m, err := readManifest(u.root, name)
	u.page.manifest = m
	return err
}

// place returns where an object goes, and why it cannot.
func (u *update) place(v *sysops.Version) (host, path string, refused error) {
	path, refused = PathOf(v.Site, v.Key)
	host = v.Site + "/" + v.Host
	switch {
	case refused != nil:
	case u.page.seen[host]:
		refused = errors.New("another core of the site has it too")
	case u.clashes[v.Name] != "":
		refused = fmt.Errorf("it would have the path of %q", u.clashes[v.Name])
	case strings.ContainsFunc(v.Core, func(r rune) bool { return r < ' ' }):
		refused = fmt.Errorf("its core has the name %q", v.Core)
	}
	return host, path, refused
}

// wants decides whether an object has to be read.
func (u *update) wants(v sysops.Version) (bool, error) {
	if err := u.turn(v.Name); err != nil {
		return false, err
	}
	host, path, refused := u.place(&v)
	if refused != nil {
		u.report.Refused.add(v.Key, refused)
		return false, nil
	}
	u.page.seen[host] = true
	p := pending{path: path, stat: v.Stat}
	rec, known := u.page.files[host]
	if known {
		if fi, err := u.root.Lstat(path); err == nil && rec.matches(fi) {
			p.intact = fi
		}
	}
	if p.intact != nil && v.Known && v.Sum == rec.sum && v.Stat == rec.stat {
		return false, u.leave(host, &p, rec, v.Core)
	}
	if u.o.DryRun {
		u.changed("write", path)
		u.report.Written++
		return false, nil
	}
	u.page.pending[host] = p
	return true, nil
}

func (u *update) changed(verb, path string) {
	if u.o.Changed != nil {
		u.o.Changed(verb, path)
	}
}

// leave lets a file be as it is, but for its mode and, with Link, for being a file of
// its own.
func (u *update) leave(host string, p *pending, rec record, core string) error {
	if u.o.DryRun {
		u.report.Unchanged++
		return nil
	}
	if rec.core != core {
		rec.core = core
		if err := u.page.set(host, rec); err != nil {
			return err
		}
	}
	if source := u.page.sources[rec.sum]; source != nil && !os.SameFile(source.info, p.intact) {
		linked, err := u.link(host, p.path, rec)
		if linked {
			u.report.Linked++
		}
		if linked || err != nil {
			return err
		}
	}
	if u.o.Link {
		u.page.sources[rec.sum] = &linkable{p.path, p.intact}
	}
	touched, err := u.fixMode(p.path, p.intact)
	if touched {
		u.report.Touched++
	} else {
		u.report.Unchanged++
	}
	return err
}

// take writes an object that has been read, unless what it holds turns out to be there.
func (u *update) take(o *sysops.Object) error {
	host := o.Site + "/" + o.Host
	p, ok := u.page.pending[host]
	if !ok {
		return nil
	}
	delete(u.page.pending, host)
	sum := sha256.Sum256(o.Contents)
	if rec := u.page.files[host]; p.intact != nil && sum == rec.sum {
		return u.touch(host, &p, rec, o)
	}
	rec := record{core: o.Core, sum: sum, stat: p.stat}
	u.changed("write", p.path)
	linked, err := u.link(host, p.path, rec)
	if err == nil && !linked {
		err = u.write(host, p.path, rec, o.Contents, mtimeOf(o))
	}
	if refused := cannotBe(err); refused != nil {
		u.report.Refused.add(o.Key, refused)
		return nil
	}
	switch {
	case err != nil:
		return err
	case linked:
		u.report.Linked++
	default:
		u.report.Written++
		u.report.Bytes += int64(len(o.Contents))
	}
	return nil
}

// touch gives a file with the right contents the right mtime. One that is a link keeps
// that of the others with Link, and else becomes a file of its own.
func (u *update) touch(host string, p *pending, rec record, o *sysops.Object) error {
	mtime := mtimeOf(o)
	same := o.Stat == nil || mtime.Equal(rec.mtime)
	rec.core, rec.stat = o.Core, p.stat
	links := uint64(1)
	if st, ok := sysops.NewStat(p.intact); ok {
		links = st.Nlink
	}
	switch {
	case same || u.o.Link && (links > 1 || u.page.sources[rec.sum] != nil):
		if rec != u.page.files[host] {
			if err := u.page.set(host, rec); err != nil {
				return err
			}
		}
		return u.leave(host, p, rec, o.Core)
	case links > 1:
		if err := u.write(host, p.path, rec, o.Contents, mtime); err != nil {
			return err
		}
		u.report.Written++
		u.report.Bytes += int64(len(o.Contents))
		return nil
	}
	u.changed("write", p.path)
	if err := u.page.set(host, record{core: o.Core, claimed: true}); err != nil {
		return err
	}
	if err := u.root.Chtimes(p.path, mtime, mtime); err != nil {
		return err
	}
	if _, err := u.fixMode(p.path, p.intact); err != nil {
		return err
	}
	u.report.Touched++
	return u.note(host, p.path, rec)
}

// own is how what we keep for ourselves is written.
func own(root *os.Root) wholefile.Options {
	return wholefile.Options{Root: root, Temporary: temporaryFolder, Unsynced: true}
}

// write writes a file beside the tree, and moves it to its place.
func (u *update) write(host, to string, rec record, contents []byte, mtime time.Time) error {
	o := own(u.root)
	o.Mode, o.ModTime = u.o.Mode, mtime
	f, err := wholefile.Create(to, o)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(contents); err != nil {
		return err
	}
	return u.install(host, f, to, rec)
}

// link makes a file a link to one with the same contents, where there is one and the file
// system takes one more.
func (u *update) link(host, to string, rec record) (bool, error) {
	source := u.page.sources[rec.sum]
	if source == nil {
		return false, nil
	}
	f, err := wholefile.Link(source.path, to, own(u.root))
	if err != nil {
		return false, nil // that one has as many as it can have, or there are no links here
	}
	defer f.Abort()
	return true, u.install(host, f, to, rec)
}

// install puts a file in its place, and notes it.
func (u *update) install(host string, f *wholefile.File, to string, rec record) error {
	before, had := u.page.files[host]
	if err := u.page.set(host, record{core: rec.core, claimed: true}); err != nil {
		return err
	}
	err := f.Commit()
	if errors.Is(err, fs.ErrNotExist) {
		if err = u.makeFolder(path.Dir(to)); err == nil {
			err = f.Commit()
		}
	}
	if err != nil { // what was there is there
		if had {
			return errors.Join(err, u.page.set(host, before))
		}
		return errors.Join(err, u.page.drop(host))
	}
	return u.note(host, to, rec)
}

// note notes what the file at a path has become.
func (u *update) note(host, at string, rec record) error {
	info, err := u.root.Lstat(at)
	if err != nil {
		return err
	}
	rec.size, rec.mtime = info.Size(), info.ModTime()
	if u.o.Link && u.page.sources[rec.sum] == nil {
		u.page.sources[rec.sum] = &linkable{at, info}
	}
	return u.page.set(host, rec)
}

// makeFolder makes a folder and those that it lies in.
func (u *update) makeFolder(folder string) error {
	if err := wholefile.MkdirAll(u.root, folder, u.folderMode()); err != nil {
		return err
	}
	return u.fixFolders(folder)
}

// fixMode gives a file, and the folders that it lies in, their mode, where an earlier
// export had another.
func (u *update) fixMode(file string, info fs.FileInfo) (bool, error) {
	if info.Mode() == u.o.Mode {
		return false, nil
	}
	if err := u.root.Chmod(file, u.o.Mode); err != nil {
		return false, err
	}
	return true, u.fixFolders(path.Dir(file))
}

func (u *update) fixFolders(folder string) error {
	for ; folder != "." && !u.folders[folder]; folder = path.Dir(folder) {
		if err := u.root.Chmod(folder, u.folderMode()); err != nil {
			return err
		}
		u.folders[folder] = true
	}
	return nil
}

// cannotBe tells, of an error of the file system, whether it is about this path alone:
// something that is no file of ours is in the way, or the file system cannot have the
// name. It returns nil for an error that the next object would meet too, and for none.
func cannotBe(err error) error {
	if err == nil {
		return nil
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok:
		if _, about := errors.AsType[*os.LinkError](err); about {
			return errors.New("a link in its path leads out of the folder")
		}
		if _, about := errors.AsType[*fs.PathError](err); about {
			return errors.New("a link in its path leads out of the folder")
		}
		return nil
	case errno == syscall.ENOTDIR:
		return errors.New("a part of its path is the file of another object, or a stale one (see --purge)")
	case errno == syscall.EISDIR, errno == syscall.EEXIST, errno == syscall.ENOTEMPTY:
		return errors.New("a folder is in its place")
	case slices.Contains([]syscall.Errno{syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ, syscall.ELOOP}, errno):
		return errno
	}
	return nil
}
