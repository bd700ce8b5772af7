package collect

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What bounds the walk of one linked directory: a link that leads to / costs the host
// seconds, not hours, and says so. Directories are held open until what is in them has been
// read: whoever could make as many as a process may hold would keep all others from being read.
const (
	maxEntries = 10_000
	maxFolders = 1_000
)

// A lister builds a Snapshot. Names are folded: the first source of a name
// stays.
type lister struct {
	Snapshot
	options FileOptions
	limit   int // entries of one linked directory
	folders int // that are held open of it
	seen    map[string]bool
	private *privacy

	redaction *redaction
	secrecy   *secrecy
	json      fs.FileInfo // the JSON object, wherever it is met; nil: there is none
}

func newLister(o FileOptions) *lister {
	return &lister{
		Snapshot: Snapshot{Linked: make(map[string]string)},
		options:  o, limit: maxEntries, folders: maxFolders, seen: make(map[string]bool), private: newPrivacy(o), redaction: newRedaction(o.Redactor, o.Found), secrecy: newSecrecy(o.Secrets),
	}
}

// problem notes what is not in the snapshot. What nobody could look at is to be kept.
func (l *lister) problem(name string, err error) {
	unknown := hostfs.Unknown(err)
	if unknown {
		l.Keep = append(l.Keep, name)
	}
	l.Problems = append(l.Problems, Problem{Name: name, Err: cause(err), Unknown: unknown})
}

func (l *lister) warn(name string, err error) {
	l.Problems = append(l.Problems, Problem{Name: name, Err: err, Warning: true})
}

func (l *lister) add(s snapshot.Source) {
	if !l.seen[s.Name] {
		l.seen[s.Name] = true
		l.Sources = append(l.Sources, s)
	}
}

// An item is what was found under the name of an object, and how it is found again:
// from a folder that is open, by a path in it.
type item struct {
	name   string
	folder *hostfs.Folder
	path   string
	follow bool // the last component may be a link
	inside bool // it lies in the outgoing directory
	place  hostfs.Place
}

// below returns the item of a folder's entry that is no link.
func below(name string, folder *hostfs.Folder, entry hostfs.Entry) item {
	at := folder.Place()
	ways := make([]string, len(at.Ways))
	for i, way := range at.Ways {
		ways[i] = filepath.Join(way, entry.Name)
	}
	at = hostfs.Place{Info: entry.Info, Real: filepath.Join(at.Real, entry.Name), Ways: ways, Open: at.Open}
	return item{name: name, folder: folder, path: entry.Name, place: at}
}

// file adds a file.
func (l *lister) file(i item) {
	switch {
	case !i.place.Info.Mode().IsRegular():
		l.problem(i.name, hostfs.NotFile(i.place.Info.Mode()))
	case l.json != nil && (i.name == l.options.JSON || inodeOf(i.place.Info) == inodeOf(l.json)):
		// Its sections are objects already.
	case l.secrecy.file(i.name, i.place):
		l.problem(i.name, ErrSecrets)
	default:
		f := &file{item: i, max: l.options.MaxSize, redaction: l.redaction, secrecy: l.secrecy}
		l.add(snapshot.Source{Name: i.name, Private: l.private.file(i.name, i.place), Read: f.read})
	}
}

// entries lists one directory of the outgoing tree: the outgoing directory itself or,
// below it, one that is no link. An error says that it cannot be known what is chosen
// there, nor therefore what is to be kept.
func (l *lister) entries(dir string, folder *hostfs.Folder) error {
	entries, err := folder.Entries(0)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name)
		err := entry.Err
		switch {
		case err != nil:
		case entry.Info.Mode()&fs.ModeSymlink != 0:
			err = l.link(dir, folder, entry.Name)
		case entry.Info.IsDir():
			err = l.inside(path, folder, entry.Name)
		default:
			i := below(path, folder, entry)
			i.inside = true
			l.file(i)
		}
		if hostfs.Unknown(err) {
			return fmt.Errorf("%s: %w", path, cause(err))
		}
		if err != nil {
			l.problem(path, err)
		}
	}
	return nil
}

// inside lists a directory inside the outgoing directory, which has to be as
// trustworthy as the outgoing directory itself.
func (l *lister) inside(dir string, folder *hostfs.Folder, name string) error {
	at, err := folder.Find(name, false)
	if err != nil {
		return err
	}
	if at.Folder == nil {
		return errChanged
	}
	if err := trust.Entry(dir, at.Info); err != nil {
		return err
	}
	return l.entries(dir, at.Folder)
}

// link lists what an entry of the outgoing tree points to. The name is the
// target as the administrator wrote it: /etc/resolv.conf stays that, also where
// it is itself a link to /run/…, so that the name is the same on all hosts.
func (l *lister) link(dir string, folder *hostfs.Folder, entry string) error {
	name, err := folder.Link(entry)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	name = filepath.Clean(name)
	at, err := folder.Find(entry, true)
	switch {
	case err != nil:
		l.problem(name, err)
	case at.Folder != nil:
		l.Linked[name] = filepath.Join(dir, entry)
		t := &tree{lister: l, name: name, left: l.limit, room: l.folders, visited: make(map[inode]bool)}
		t.walk(branch{name: name, folder: at.Folder})
	default:
		l.file(item{name: name, folder: folder, path: entry, follow: true, place: at})
	}
	return nil
}

// A tree is the walk below one linked directory. Each directory is visited
// once, which also ends cycles. Links to directories are put off until the real
// directories are done, so that a file is named by its real place where it has
// one in the tree.
type tree struct {
	*lister
	name    string // of the linked directory
	left    int    // entries that may still be looked at
	room    int    // folders that may still be held open
	visited map[inode]bool
	later   []branch
}

// A branch is one directory of the walk.
type branch struct {
	name   string
	folder *hostfs.Folder
}

func (t *tree) walk(root branch) {
	t.put(root)
	for len(t.later) > 0 && t.left >= 0 {
		next := t.later[0]
		t.later = t.later[1:]
		t.directory(next)
	}
	switch {
	case t.room < 0:
		t.problem(t.name, fmt.Errorf("it has more than %d directories; the rest is left out", t.folders))
	case t.left < 0:
		t.problem(t.name, fmt.Errorf("it has more than %d entries; the rest is left out", t.limit))
	}
}

// hold counts a folder that is open, and ends the walk where there are too many.
func (t *tree) hold() bool {
	if t.room--; t.room < 0 {
		t.left = -1
	}
	return t.room >= 0
}

// put puts a directory off until the real ones are done.
func (t *tree) put(b branch) {
	if t.hold() {
		t.later = append(t.later, b)
	}
}

func (t *tree) directory(b branch) {
	id := inodeOf(b.folder.Place().Info)
	if t.visited[id] {
		return
	}
	t.visited[id] = true
	entries, err := b.folder.Entries(t.left + 1)
	if err != nil {
		t.problem(b.name, err)
	}
	for _, entry := range entries {
		if t.left--; t.left < 0 {
			return
		}
		t.entry(b, entry)
	}
}

func (t *tree) entry(b branch, entry hostfs.Entry) {
	name := filepath.Join(b.name, entry.Name)
	switch {
	case entry.Err != nil:
		t.problem(name, entry.Err)
	case entry.Info.Mode()&fs.ModeSymlink != 0:
		t.symlink(item{name: name, folder: b.folder, path: entry.Name, follow: true})
	case !entry.Info.IsDir():
		t.file(below(name, b.folder, entry))
	default:
		at, err := b.folder.Find(entry.Name, false)
		if err == nil && at.Folder == nil {
			err = errChanged
		}
		if err != nil {
			t.problem(name, err)
			return
		}
		if t.hold() {
			t.directory(branch{name: name, folder: at.Folder})
		}
	}
}

// isNull reports whether it is /dev/null. A link to it in a folder such as sysctl.d
// hides the file of that name in others: what is read there is nothing, and that the link is
// there has to be known.
func isNull(fi fs.FileInfo) bool {
	const null = 1<<8 | 3 // its number, on each Linux
	return fi.Mode()&fs.ModeCharDevice != 0 && fi.Sys().(*syscall.Stat_t).Rdev == null
}

// symlink follows a link inside the tree.
func (t *tree) symlink(i item) {
	var err error
	i.place, err = i.folder.Find(i.path, true)
	switch {
	case err != nil:
		t.problem(i.name, err)
	case isNull(i.place.Info):
		nothing := func(context.Context) (snapshot.Content, error) { return snapshot.Content{}, nil }
		t.add(snapshot.Source{Name: i.name, Private: t.private.file(i.name, i.place), Read: nothing})
	case i.place.Folder != nil:
		t.put(branch{name: i.name, folder: i.place.Folder})
	default:
		t.file(i)
	}
}

// An inode tells a file from all others.
type inode struct{ dev, ino uint64 }

func inodeOf(fi fs.FileInfo) inode {
	st := fi.Sys().(*syscall.Stat_t)
	return inode{dev: st.Dev, ino: st.Ino}
}
