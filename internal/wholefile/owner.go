package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/sysops-api/sysops-api/internal/trust"
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
// What is there must be a plain file and nothing else: neither a link nor one with a second
// name, for others can have put it there so that we write to what it leads to.
func Open(root *os.Root, name string, flag int, mode fs.FileMode) (*os.File, error) {
	f, err := within(root, name, func(root *os.Root, name string) (*os.File, error) {
		return open(root, name, flag, mode)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: cause(err)}
	}
	return f, nil
}

// within calls do with the folder of a file, and the file's name there.
func within(root *os.Root, name string, do func(*os.Root, string) (*os.File, error)) (*os.File, error) {
	if root != nil {
		return do(root, name)
	}
	folder, err := trust.OpenFolder(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return do(folder, filepath.Base(name))
}

func open(root *os.Root, name string, flag int, mode fs.FileMode) (*os.File, error) {
	for {
		f, err := root.OpenFile(name, flag&^os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err == nil {
			if err = checkPlain(f, root, name); err != nil {
				f.Close()
				return nil, err
			}
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		f, err = root.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			if there, err := root.Lstat(name); err == nil && there.Mode().Type() == fs.ModeSymlink {
				return nil, syscall.ELOOP // to nowhere
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		folder, err := root.Stat(path.Dir(name))
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

// checkPlain makes sure that what is open lies where it was opened, and nowhere else.
func checkPlain(f *os.File, root *os.Root, name string) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !isAt(f, root, name):
		return syscall.ELOOP
	case !info.Mode().IsRegular():
		return errors.New("it is no plain file")
	case stat(info).Nlink != 1:
		return errors.New("it has other names, which may be those of another file")
	}
	return nil
}

// Lock takes a lock, which is a file that nobody but its owner can open, and so lock. It is
// ErrBusy while somebody else has it. Closing the file gives it up.
func Lock(root *os.Root, name string) (*os.File, error) {
	f, err := Open(root, name, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = f.Chmod(0o600); err == nil { // somebody may have opened it to others
		err = lock(f)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrBusy
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: name, Err: cause(err)}
	}
	return f, nil
}

// MkdirAll makes a folder and those that it lies in: like os.MkdirAll, or root.MkdirAll
// unless that is nil, but that each belongs to the owner of the folder that it is in, and
// that it goes through no link which another user can have planted. As there, the umask
// counts.
func MkdirAll(root *os.Root, folder string, mode fs.FileMode) error {
	folder = filepath.Clean(folder)
	var err error
	if root == nil {
		err = makePath(folder, mode)
	} else {
		err = makeBelow(root, folder, mode)
	}
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: folder, Err: cause(err)}
	}
	return nil
}

func makePath(folder string, mode fs.FileMode) error {
	there, err := trust.OpenFolder(folder)
	if err == nil {
		return there.Close()
	}
	parent := filepath.Dir(folder)
	if !errors.Is(err, fs.ErrNotExist) || parent == folder {
		return err
	}
	if err := makePath(parent, mode); err != nil {
		return err
	}
	root, err := trust.OpenFolder(parent)
	if err != nil {
		return err
	}
	defer root.Close()
	return makeBelow(root, filepath.Base(folder), mode)
}

// makeBelow makes what is missing of a path below root.
func makeBelow(root *os.Root, folder string, mode fs.FileMode) error {
	in, err := root.Stat(".")
	for end := range len(folder) + 1 {
		if end < len(folder) && folder[end] != '/' {
			continue
		}
		if err != nil {
			return err
		}
		in, err = makeOne(root, folder[:end], in, mode)
	}
	return err
}

// makeOne makes one folder in another, in, unless it is there, and returns what is there.
func makeOne(root *os.Root, folder string, in fs.FileInfo, mode fs.FileMode) (fs.FileInfo, error) {
	err := root.Mkdir(folder, mode)
	if err == nil {
		return giveFolder(root, folder, in)
	}
	is, statErr := root.Lstat(folder)
	if statErr != nil {
		return nil, err
	}
	if is.Mode().Type() == fs.ModeSymlink {
		if err := trust.Link(is); err != nil {
			return nil, err
		}
		is, err = root.Stat(folder)
	}
	if is == nil || !is.IsDir() {
		if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			return nil, syscall.ENOTDIR
		}
		return nil, err
	}
	return is, nil
}

// giveFolder is give for a folder that has just been made. Somebody may have put another
// in its place meanwhile, by renaming one of root's: it is given away only if it is empty.
func giveFolder(root *os.Root, folder string, in fs.FileInfo) (fs.FileInfo, error) {
	if os.Geteuid() != 0 {
		return root.Stat(folder)
	}
	f, err := root.OpenFile(folder, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); err == io.EOF {
		if err := give(f, in); err != nil {
			return nil, err
		}
	}
	return f.Stat()
}
