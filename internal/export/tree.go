package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/trust"
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
	reached map[string]bool // folders that are there, and that no planted link leads to
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
	t := &Tree{dir: dir, o: o, folders: make(map[string]bool), reached: make(map[string]bool)}
	err := t.open()
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("cannot export to %s: %w", dir, err)
	}
	return t, nil
}

func (t *Tree) open() error {
	made, err := t.makeDir()
	if err != nil {
		return err
	}
	if t.root, err = trust.OpenFolder(t.dir); err != nil {
		if t.o.DryRun && errors.Is(err, fs.ErrNotExist) {
			t.root = nil
			return nil
		}
		return err
	}
	if made {
		if err := t.root.Chmod(".", t.folderMode()); err != nil {
			return err
		}
	}
	if err := t.checkOwn(); err != nil || t.o.DryRun {
		return err
	}
	if err := wholefile.MkdirAll(t.root, ownFolder, 0o700); err != nil {
		return err
	}
	lock, err := wholefile.Lock(t.root, lockFile)
	if errors.Is(err, wholefile.ErrBusy) {
		return errors.New("another export is writing there")
	}
	if err != nil {
		return err
	}
	t.lock = lock // from now on, what is in our folder is ours to remove
	// What a kill has left there, nobody else is writing.
	if err := t.root.RemoveAll(temporaryFolder); err != nil {
		return err
	}
	return wholefile.MkdirAll(t.root, temporaryFolder, 0o700)
}

// makeDir makes the tree's own folder where there is none, which is to have its mode
// whatever the umask. One that is there keeps the mode that somebody gave it.
func (t *Tree) makeDir() (made bool, err error) {
	if fi, err := os.Stat(t.dir); t.o.DryRun || err == nil && fi.IsDir() {
		return false, nil
	}
	return true, wholefile.MkdirAll(nil, t.dir, t.folderMode())
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
		return hint.To(errors.New("there are files in it that no export has written"), "name a new folder or an empty one: an export has a folder to itself")
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

// foldsCase reports whether the file system takes A and a for the same name.
func (t *Tree) foldsCase() bool {
	if t.root == nil {
		return false
	}
	_, err := t.root.Lstat(strings.ToUpper(ownFolder))
	return err == nil
}
