package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sysops-api/sysops-api/snapshot"
)

// maxEntries bounds the walk of one linked directory: a link that leads to /
// costs the host seconds, not hours, and says so.
const maxEntries = 10_000

// A lister builds a Snapshot. Names are folded: the first source of a name
// stays.
type lister struct {
	Snapshot
	options FileOptions
	euid    int
	limit   int // entries of one linked directory
	seen    map[string]bool
	hangs   hangs
	private *privacy
	json    fs.FileInfo // the JSON object, wherever it is met; nil: there is none
}

func newLister(o FileOptions) *lister {
	l := &lister{options: o, euid: os.Geteuid(), limit: maxEntries, seen: make(map[string]bool)}
	l.private = newPrivacy(o, &l.hangs)
	return l
}

func (l *lister) problem(name string, err error) {
	l.Problems = append(l.Problems, Problem{Name: name, Err: cause(err)})
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

// file adds the file at path under name. fi is of what would be read.
func (l *lister) file(name, path string, links followRule, fi fs.FileInfo) {
	switch {
	case !fi.Mode().IsRegular():
		l.problem(name, notFile(fi.Mode()))
	case l.json != nil && (name == l.options.JSON || os.SameFile(fi, l.json)):
		// Its sections are objects already.
	default:
		f := &file{name: name, path: path, links: links, euid: l.euid, max: l.options.MaxSize, redactor: l.options.Redactor, hangs: &l.hangs}
		l.add(snapshot.Source{Name: name, Private: l.private.file(name, path, links), Read: f.read})
	}
}

// entries lists one directory of the outgoing tree: dir itself or, below it, a
// directory that is no link.
func (l *lister) entries(dir string, entries []fs.DirEntry) {
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.Type()&fs.ModeSymlink != 0 {
			l.link(path)
			continue
		}
		fi, err := entry.Info()
		switch {
		case err != nil:
			l.problem(path, err)
		case fi.IsDir():
			l.below(path, fi)
		default:
			l.file(path, path, followNone, fi)
		}
	}
}

// below lists a directory inside the outgoing directory, which has to be as
// trustworthy as the outgoing directory itself.
func (l *lister) below(dir string, fi fs.FileInfo) {
	if err := distrust(fi, l.euid, sharedByAll); err != nil {
		l.problem(dir, err)
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.problem(dir, err)
	}
	l.entries(dir, entries)
}

// link lists what an entry of the outgoing tree points to. The name is the
// target as the administrator wrote it: /etc/resolv.conf stays that, also where
// it is itself a link to /run/…, so that the name is the same on all hosts.
func (l *lister) link(path string) {
	name, err := os.Readlink(path)
	if err != nil {
		l.problem(path, err)
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(path), name)
	}
	name = filepath.Clean(name)
	fi, err := inTime(&l.hangs, name, func() (fs.FileInfo, error) { return os.Stat(path) })
	switch {
	case err != nil:
		l.problem(name, err)
	case fi.IsDir():
		t := &tree{lister: l, name: name, left: l.limit, visited: make(map[inode]bool)}
		t.walk(branch{name: name, path: path, fi: fi})
	default:
		l.file(name, path, followAny, fi)
	}
}

// A tree is the walk below one linked directory. Each directory is visited
// once, which also ends cycles. Links to directories are put off until the real
// directories are done, so that a file is named by its real place where it has
// one in the tree.
type tree struct {
	*lister
	name    string // of the linked directory
	left    int    // entries that may still be looked at
	visited map[inode]bool
	later   []branch
}

type inode struct{ dev, ino uint64 }

// A branch is one directory of the walk.
type branch struct {
	name, path string
	fi         fs.FileInfo
}

func (t *tree) walk(root branch) {
	t.later = []branch{root}
	for len(t.later) > 0 && t.left >= 0 {
		next := t.later[0]
		t.later = t.later[1:]
		t.directory(next)
	}
	if t.left < 0 {
		t.problem(t.name, fmt.Errorf("it has more than %d entries; the rest is left out", t.limit))
	}
}

func (t *tree) directory(b branch) {
	if st, ok := b.fi.Sys().(*syscall.Stat_t); ok {
		id := inode{dev: st.Dev, ino: st.Ino}
		if t.visited[id] {
			return
		}
		t.visited[id] = true
	}
	entries, err := inTime(&t.hangs, b.name, func() ([]fs.DirEntry, error) { return readDir(b.path, t.left+1) })
	if err != nil {
		t.problem(b.name, err)
	}
	for _, entry := range entries {
		if t.left--; t.left < 0 {
			return
		}
		t.entry(branch{name: filepath.Join(b.name, entry.Name()), path: filepath.Join(b.path, entry.Name())}, entry)
	}
}

// readDir returns at most n entries, sorted: a spool of millions must not be held
// to find out that it is too many.
func readDir(path string, n int) ([]fs.DirEntry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (t *tree) entry(b branch, entry fs.DirEntry) {
	fi, err := entry.Info()
	if err != nil {
		t.problem(b.name, err)
		return
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		t.symlink(b, fi)
		return
	}
	b.fi = fi
	if fi.IsDir() {
		t.directory(b)
		return
	}
	t.file(b.name, b.path, followNone, fi)
}

// isNull reports whether it is /dev/null. A link to it in a folder such as sysctl.d
// hides the file of that name in others: what is read there is nothing, and that the link is
// there has to be known.
func isNull(fi fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(fi, null)
}

// symlink follows a link inside the tree.
func (t *tree) symlink(b branch, link fs.FileInfo) {
	target, err := inTime(&t.hangs, b.name, func() (fs.FileInfo, error) { return os.Stat(b.path) })
	if err == nil {
		err = mayFollow(link, target, t.euid)
	}
	switch {
	case err != nil:
		t.problem(b.name, err)
	case isNull(target):
		nothing := func(context.Context) (snapshot.Content, error) { return snapshot.Content{}, nil }
		t.add(snapshot.Source{Name: b.name, Private: t.private.file(b.name, b.path, followOwned), Read: nothing})
	case target.IsDir():
		b.fi = target
		t.later = append(t.later, b)
	default:
		t.file(b.name, b.path, followOwned, target)
	}
}

var errForeignLink = errors.New("it is a symbolic link of a user who does not own what it points to")

// mayFollow protects a caller with more rights than the owner of a directory
// that is walked: a user could otherwise link to /etc/shadow from there and have
// root publish it. A link is followed when root or the caller made it, or when
// its owner also owns the target (Apache's SymLinksIfOwnerMatch).
func mayFollow(link, target fs.FileInfo, euid int) error {
	made, ok1 := link.Sys().(*syscall.Stat_t)
	owned, ok2 := target.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && !trustedLink(made.Uid, owned.Uid, euid) {
		return errForeignLink
	}
	return nil
}

func trustedLink(madeBy, targetOf uint32, euid int) bool {
	return madeBy == 0 || int(madeBy) == euid || madeBy == targetOf
}
