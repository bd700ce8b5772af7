package trust

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errExchanged = errors.New("somebody has exchanged it for another meanwhile")

// OpenFolder opens a folder to be written in. It may be anybody's: it was named. But no link
// leads there that another user can have planted, in a folder that others may write to: what
// is meant for /srv/exports/new would land in /etc.
func OpenFolder(path string) (*os.Root, error) {
	root, err := openFolder(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return root, nil
}

func openFolder(path string) (*os.Root, error) {
	end, err := follow(path, unplanted)
	if err != nil {
		return nil, err
	}
	defer end.Close()
	if !end.info.IsDir() {
		return nil, syscall.ENOTDIR
	}
	return within(end.openRoot)
}

func (p *place) openRoot() (*os.Root, error) {
	root, err := os.OpenRoot(p.path)
	if err != nil {
		return nil, cause(err)
	}
	info, err := root.Stat(".")
	if err == nil && !os.SameFile(info, p.info) {
		err = errExchanged
	}
	if err != nil {
		root.Close()
		return nil, cause(err)
	}
	return root, nil
}

// OpenStream opens a device, a pipe, or what /dev/stdout leads to, in order to write to it,
// if that belongs to root or the running user and no planted link leads there. It is nil
// where there is a plain file, or nothing.
func OpenStream(path string) (*os.File, error) {
	end, err := follow(path, unplanted)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer end.Close()
	if end.info.Mode().IsRegular() && !end.shortcut {
		return nil, nil
	}
	f, err := end.openStream(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, nil
}

func (p *place) openStream(asked string) (*os.File, error) {
	if p.info.IsDir() {
		return nil, syscall.EISDIR
	}
	if err := p.judgeOwner(asked); err != nil {
		return nil, err
	}
	return p.open(os.O_WRONLY | os.O_APPEND)
}

// unplanted refuses links that others can have made, wherever they may write.
func unplanted(folder, entry *place, _ string, _ bool) error {
	if entry.isLink() && folder.shared() && entry.movable() {
		return entry.planted()
	}
	return nil
}

// Link judges a link inside a folder of which it is not known who could write to it before.
func Link(link fs.FileInfo) error {
	if entry := (&place{path: link.Name(), info: link}); entry.movable() {
		return entry.planted()
	}
	return nil
}

// cause returns what an error of the file system has to say but for the path.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
