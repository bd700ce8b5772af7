package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// give makes a new file, or folder, the property of whoever owns the folder that it is
// in. Only root can, and for what belongs to root anyway there is nothing to do. It goes
// by the file that is open: no link leads it astray.
func give(f *os.File, folder fs.FileInfo) error {
	owner := stat(folder)
	if os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// Open opens a file that is not written whole, such as a log or a lock, and makes it
// where there is none: like os.OpenFile with os.O_CREATE, or root.OpenFile unless that is
// nil, but that it belongs to the owner of its folder and has its mode whatever the umask.
func Open(root *os.Root, name string, flag int, mode fs.FileMode) (*os.File, error) {
	d := disk{root}
	for {
		f, err := d.open(name, flag&^os.O_CREATE, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		f, err = d.open(name, flag|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			if there, err := d.lstat(name); err == nil && there.Mode().Type() == fs.ModeSymlink {
				return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP} // to nowhere
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		folder, err := d.stat(path.Dir(name))
		if err == nil {
			err = give(f, folder)
		}
		if err = errors.Join(err, f.Chmod(mode)); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}

// MkdirAll makes a folder and those that it lies in: like os.MkdirAll, or root.MkdirAll
// unless that is nil, but that each belongs to the owner of the folder that it is in. As
// there, the umask counts.
func MkdirAll(root *os.Root, folder string, mode fs.FileMode) error {
	d := disk{root}
	folder = path.Clean(folder)
	if info, err := d.stat(folder); err == nil && info.IsDir() {
		return nil
	}
	err := d.mkdir(folder, mode)
	if parent := path.Dir(folder); errors.Is(err, fs.ErrNotExist) && parent != folder {
		if err := MkdirAll(root, parent, mode); err != nil {
			return err
		}
		err = d.mkdir(folder, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		if info, err := d.stat(folder); err == nil && info.IsDir() {
			return nil // somebody else has made it meanwhile
		}
		return &fs.PathError{Op: "mkdir", Path: folder, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return err
	}
	return d.giveFolder(folder)
}

// giveFolder is give for a folder that has just been made. Somebody may have put another
// in its place meanwhile, by renaming one of root's: it is given away only if it is empty.
func (d disk) giveFolder(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	parent, err := d.stat(path.Dir(folder))
	if err != nil {
		return err
	}
	f, err := d.open(folder, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); err != io.EOF {
		return err
	}
	return give(f, parent)
}

// A disk is what os.Root and the os package have in common.
type disk struct{ root *os.Root }

func (d disk) open(name string, flag int, mode fs.FileMode) (*os.File, error) {
	if d.root != nil {
		return d.root.OpenFile(name, flag, mode)
	}
	return os.OpenFile(name, flag, mode)
}

func (d disk) stat(name string) (fs.FileInfo, error) {
	if d.root != nil {
		return d.root.Stat(name)
	}
	return os.Stat(name)
}

func (d disk) lstat(name string) (fs.FileInfo, error) {
	if d.root != nil {
		return d.root.Lstat(name)
	}
	return os.Lstat(name)
}

func (d disk) mkdir(name string, mode fs.FileMode) error {
	if d.root != nil {
		return d.root.Mkdir(name, mode)
	}
	return os.Mkdir(name, mode)
}
