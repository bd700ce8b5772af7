package export

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// A linkable file is one that others with the same contents can be links to.
type linkable struct {
	path string
	info fs.FileInfo
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
	err := u.makeFolder(path.Dir(to))
	if err == nil {
		err = f.Commit()
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

// makeFolder makes a folder and those that it lies in, where they are missing.
func (u *update) makeFolder(folder string) error {
	if u.reached[folder] {
		return nil
	}
	_, missing := u.root.Stat(folder)
	if err := wholefile.MkdirAll(u.root, folder, u.folderMode()); err != nil {
		return err
	}
	u.reached[folder] = true
	if missing == nil {
		return nil
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
	planted, isPlanted := errors.AsType[*trust.Error](err)
	switch {
	case isPlanted:
		return errors.New(planted.Reason)
	case !ok:
		if _, about := errors.AsType[*os.LinkError](err); about {
			return errors.New("a link in its path leads out of the folder")
		}
		if _, about := errors.AsType[*fs.PathError](err); about {
			return errors.New("a link in its path leads out of the folder")
		}
		return nil
	case errno == syscall.ENOTDIR:
		return errors.New("a part of its path is the file of another object, or a stale one, which purging removes")
	case errno == syscall.EISDIR, errno == syscall.EEXIST, errno == syscall.ENOTEMPTY:
		return errors.New("a folder is in its place")
	case slices.Contains([]syscall.Errno{syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ, syscall.ELOOP}, errno):
		return errno
	}
	return nil
}
