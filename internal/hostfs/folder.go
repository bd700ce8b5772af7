package hostfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Folder is an open one. What is found and read below it is below this very folder,
// wherever its path leads by now. It is closed when nothing refers to it any more. It is
// safe for concurrent use.
type Folder struct {
	h *Host
	s *spot
}

// A Place is what a path leads to.
type Place struct {
	Info   fs.FileInfo // its Sys is a *syscall.Stat_t
	Real   string      // the path to it that has no links, as it was walked
	Ways   []string    // the paths that the links on the way said, with what followed; the last ones first
	Open   bool        // other users can get there: each folder, itself included, lets them pass
	Own    bool        // nobody but root and the running user could have arranged it, nor can change what is in it
	Folder *Folder     // nil: it is none
}

// Root returns the folder /.
//
// Errors of this package do not say what was asked for; the caller knows.
func (h *Host) Root() (*Folder, error) {
	s, err := within(h, func(t *task) (*spot, error) { return t.root(self) })
	if err != nil {
		return nil, err
	}
	return &Folder{h: h, s: s}, nil
}

// Place returns where the folder is.
func (f *Folder) Place() Place { return place(f.h, f.s) }

func place(h *Host, s *spot) Place {
	p := Place{Info: s.info, Real: s.real(), Ways: s.ways, Open: s.open(), Own: h.isOwn(s)}
	if s.isDir() {
		p.Folder = &Folder{h: h, s: s}
	}
	return p
}

// Find returns what lies at a path: one that begins with /, or one below the folder. If
// the last component is a link, follow says whether what it leads to is meant.
func (f *Folder) Find(name string, follow bool) (Place, error) {
	return within(f.h, func(t *task) (Place, error) {
		s, err := t.find(f.s, name, follow)
		if err != nil {
			return Place{}, err
		}
		p := place(f.h, s)
		if p.Folder == nil {
			s.f.Close()
		}
		return p, nil
	})
}

// Link returns what a link in the folder says.
func (f *Folder) Link(name string) (string, error) {
	return within(f.h, func(t *task) (string, error) {
		s, err := t.find(f.s, name, false)
		if err != nil {
			return "", err
		}
		defer s.f.Close()
		if !s.isLink() {
			return "", syscall.EINVAL
		}
		return t.target(f.s, s)
	})
}

// An Entry is one of a folder. Info is of the entry itself, also where it is a link; Err
// is why there is none.
type Entry struct {
	Name string
	Info fs.FileInfo
	Err  error
}

// Entries lists the folder, sorted by name: at most limit entries, if that is above 0.
// One that vanished in between is no entry.
func (f *Folder) Entries(limit int) ([]Entry, error) {
	return within(f.h, func(t *task) ([]Entry, error) {
		names, err := t.names(f.s, limit)
		if err != nil {
			return nil, err
		}
		f.h.at("listed", f.s, "")
		entries := make([]Entry, 0, len(names))
		for _, name := range names {
			s, err := t.step(f.s, name)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				entries = append(entries, Entry{Name: name, Err: err})
			default:
				s.f.Close()
				entries = append(entries, Entry{Name: name, Info: s.info})
			}
		}
		return entries, nil
	})
}

// names lists what is in a folder.
func (t *task) names(s *spot, limit int) ([]string, error) {
	if err := t.enter(s); err != nil {
		return nil, err
	}
	if err := t.h.allow(s, mayRead); err != nil {
		return nil, err
	}
	if err := t.asking(s.mount); err != nil {
		return nil, err
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(int(s.f.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, s.as.denied(err)
	}
	d := os.NewFile(uintptr(fd), s.f.Name())
	defer d.Close()
	names, err := d.Readdirnames(max(limit, 0))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

// A File is one that is being read.
type File struct {
	f *os.File
	t *task
	s *spot
}

// Read is of [io.Reader].
func (f *File) Read(p []byte) (int, error) {
	if err := f.t.asking(f.s.mount); err != nil {
		return 0, err
	}
	return f.f.Read(p)
}

// Stat says what the file is like now.
func (f *File) Stat() (fs.FileInfo, error) {
	if err := f.t.asking(f.s.mount); err != nil {
		return nil, err
	}
	return f.f.Stat()
}

// SetReadDeadline ends a read of what can block, such as /proc/kmsg. Files on a disk know
// no deadline.
func (f *File) SetReadDeadline(at time.Time) error { return f.f.SetReadDeadline(at) }

// Place is where the file was when it was opened, whatever its path leads to by now.
func (f *File) Place() Place { return place(f.t.h, f.s) }

// Read finds what Find would, opens it, and returns what read makes of it. Only regular
// files are opened: opening a pipe may block, and opening a device may act.
//
// read runs with the rights that the file has to be read with. It may be left behind when
// the file system does not answer, and must change nothing but what it returns.
func Read[T any](folder *Folder, name string, follow bool, read func(*File) (T, error)) (T, error) {
	return within(folder.h, func(t *task) (T, error) {
		var none T
		s, err := t.find(folder.s, name, follow)
		if err != nil {
			return none, err
		}
		defer s.f.Close()
		if !s.info.Mode().IsRegular() {
			return none, NotFile(s.info.Mode())
		}
		folder.h.at("found", s, "")
		f, err := t.reopen(s)
		if err != nil {
			return none, err
		}
		defer f.Close()
		return read(&File{f: f, t: t, s: s})
	})
}

// reopen opens for reading what has been found, and nothing else.
func (t *task) reopen(s *spot) (*os.File, error) {
	if err := t.become(s.as); err != nil {
		return nil, err
	}
	if err := t.h.allow(s, mayRead); err != nil {
		return nil, err
	}
	if err := t.asking(s.mount); err != nil {
		return nil, err
	}
	descriptors, err := asSelf(t, func() (*os.File, error) {
		return os.OpenFile("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY, 0)
	})
	if err != nil {
		return nil, err
	}
	defer descriptors.Close()
	fd, err := retry(func() (int, error) {
		return unix.Openat(int(descriptors.Fd()), strconv.Itoa(int(s.f.Fd())), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, s.as.denied(err)
	}
	return os.NewFile(uintptr(fd), s.f.Name()), nil
}

// NotFile is the error for what must not be opened.
func NotFile(mode fs.FileMode) error {
	return fmt.Errorf("it is %s, not a file", Describe(mode))
}

// Describe names a type of file for an error message: "a pipe".
func Describe(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
