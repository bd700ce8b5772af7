package hostfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// mostLinks is how many links may be followed in one walk, as in Linux itself.
	mostLinks = 40

	// mostSteps is how many components a walk may have, those of links included. Forty links
	// of two thousand components each cost the kernel milliseconds, and a walk seconds: a
	// folder full of them would be an hour's work.
	mostSteps = 256

	// mostWays is how many bytes the ways may have by which links led to one place. Who nests
	// links and folders would have each of a thousand folders know of all others.
	mostWays = 16 << 10
)

var (
	errMagic = errors.New("it is a link that the kernel makes up as it likes, and is not followed")
	errFar   = fmt.Errorf("it leads through more than %d folders", mostSteps)
	errWays  = errors.New("too many links lead there, one through another")
	errProc  = errors.New("others may change the way to it, which leads into /proc")
)

// A spot is where a walk has come to: an open file of any kind, which stays the same
// whatever happens to the path that led there.
type spot struct {
	f     *os.File // opened with O_PATH
	info  fs.FileInfo
	st    *syscall.Stat_t
	mount mount
	trail []level // from / on, itself included
	ways  []string
	as    who // whose rights are to be used for what lies behind it
}

// A level is one component of a path that holds no links.
type level struct {
	name string
	open bool // others may pass through it, or it is no folder
}

// real returns the path without links.
func (s *spot) real() string {
	var b strings.Builder
	for _, l := range s.trail[1:] {
		b.WriteString("/" + l.name)
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// open reports whether others may pass through all folders down to here.
func (s *spot) open() bool {
	return !slices.ContainsFunc(s.trail, func(l level) bool { return !l.open })
}

func (s *spot) isDir() bool  { return s.info.IsDir() }
func (s *spot) isLink() bool { return s.info.Mode()&fs.ModeSymlink != 0 }

// root opens / with no more rights than w has.
func (t *task) root(w who) (*spot, error) {
	f, err := t.h.openPath(unix.AT_FDCWD, "/", unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	s := &spot{f: f}
	if s.mount, err = t.mountOf(f); err == nil {
		if err = t.asking(s.mount); err == nil {
			err = s.look()
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s.as = w.and(t.h.owner(s.st.Uid)).and(t.h.owner(uint32(s.mount.user)))
	s.trail = []level{{open: s.st.Mode&maySearch != 0}}
	return s, nil
}

// look asks what kind of file it is.
func (s *spot) look() (err error) {
	if s.info, err = s.f.Stat(); err != nil {
		return err
	}
	s.st = s.info.Sys().(*syscall.Stat_t)
	return nil
}

// again returns another descriptor of the same spot.
func (s *spot) again() (*spot, error) {
	fd, err := unix.FcntlInt(s.f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	other := *s
	other.f = os.NewFile(uintptr(fd), s.f.Name())
	return &other, nil
}

// find walks a path from a folder on. The last component is followed if it is a link
// and follow says so. What was opened on the way is closed again.
func (t *task) find(from *spot, name string, follow bool) (*spot, error) {
	at, err := from.again()
	if err != nil {
		return nil, err
	}
	todo := strings.Split(name, "/")
	if name == "" {
		at.f.Close()
		return nil, syscall.ENOENT
	}
	ways := from.waysTo(name)
	if todo[0] == "" {
		if at, err = t.fromRoot(at); err != nil {
			return nil, err
		}
	}
	for links, steps := 0, 0; len(todo) > 0; {
		component := todo[0]
		todo = todo[1:]
		if steps++; steps > mostSteps {
			at.f.Close()
			return nil, errFar
		}
		next, err := t.step(at, component)
		if err != nil || !next.isLink() || len(todo) == 0 && !follow {
			at.f.Close()
			if err != nil {
				return nil, err
			}
			at = next
			continue
		}
		links++
		text, err := t.target(at, next)
		if err == nil && links > mostLinks {
			err = syscall.ELOOP
		}
		at.as = next.as
		next.f.Close()
		if err != nil {
			at.f.Close()
			return nil, err
		}
		todo = append(strings.Split(text, "/"), todo...)
		ways = append([]string{way(at, todo)}, ways...)
		if text[0] == '/' {
			if at, err = t.fromRoot(at); err != nil {
				return nil, err
			}
		}
	}
	if length(ways) > mostWays {
		at.f.Close()
		return nil, errWays
	}
	at.ways = ways
	return at, nil
}

// way returns the path that a link says, whose components are the first of todo. Where it
// leads through folders that are links, it is one of several.
func way(at *spot, todo []string) string {
	if todo[0] == "" {
		return path.Join("/", path.Join(todo...))
	}
	return path.Join(at.real(), path.Join(todo...))
}

// waysTo returns the ways to what lies at a path in the folder.
func (s *spot) waysTo(name string) []string {
	if path.IsAbs(name) {
		return nil
	}
	ways := make([]string, len(s.ways))
	for i, w := range s.ways {
		ways[i] = path.Join(w, name)
	}
	return ways
}

func length(texts []string) (n int) {
	for _, text := range texts {
		n += len(text)
	}
	return n
}

// fromRoot goes on at /, with the rights that were left.
func (t *task) fromRoot(at *spot) (*spot, error) {
	at.f.Close()
	return t.root(at.as)
}

// target reads a link that was found in a folder.
func (t *task) target(folder, link *spot) (string, error) {
	// Of /proc's links only those of its uppermost folder, such as self, lead where they
	// say.
	if link.mount.kind == "proc" && folder.st.Ino != procRoot {
		return "", errMagic
	}
	if err := t.asking(link.mount); err != nil {
		return "", err
	}
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(link.f.Fd()), "", text)
	switch {
	case err != nil:
		return "", link.as.denied(err)
	case n == 0:
		return "", syscall.ENOENT
	case n == len(text):
		return "", syscall.ENAMETOOLONG
	}
	return string(text[:n]), nil
}

const procRoot = 1 // the inode of /proc, in each that is mounted

// step opens one component of a path, and follows no link.
func (t *task) step(at *spot, name string) (*spot, error) {
	if !at.isDir() {
		return nil, syscall.ENOTDIR
	}
	if name == "" || name == "." {
		return at.again()
	}
	t.h.at("step", at, name)
	if err := t.enter(at); err != nil {
		return nil, err
	}
	next, err := t.open(at, name, 0)
	if err == nil && next.mount.kind == "autofs" && next.isDir() {
		// What an automounter has not mounted yet is mounted for who means a folder.
		next.f.Close()
		next, err = t.open(at, name, unix.O_DIRECTORY)
	}
	if err != nil {
		return nil, at.as.denied(err)
	}
	if next.as = at.as.and(t.h.arrangedBy(at, next, name)); next.as != self && next.mount.kind == "proc" {
		// What a file says there depends on who asks, and not only on who may open it.
		next.f.Close()
		return nil, errProc
	}
	next.trail = append(slices.Clip(at.trail), level{name: name, open: !next.isDir() || next.st.Mode&maySearch != 0})
	if name == ".." {
		next.trail = at.trail[:max(1, len(at.trail)-1)]
	}
	return next, nil
}

// arrangedBy returns who could have arranged that the next spot is where it is, and what
// lies behind it.
func (h *Host) arrangedBy(at, next *spot, name string) who {
	if next.mount.kind == "proc" {
		return self // nobody can put anything there
	}
	w := h.owner(uint32(next.mount.user))
	if name != ".." { // which only who moves the folder can change
		w = w.and(h.arranger(at.st, next.st))
	}
	if next.isDir() || next.isLink() {
		w = w.and(h.owner(next.st.Uid))
	}
	return w
}

// enter makes sure that what lies in a folder is opened with the rights that it has to be
// opened with, and that these suffice.
func (t *task) enter(at *spot) error {
	if err := t.become(at.as); err != nil {
		return err
	}
	return t.h.allow(at, maySearch)
}

// open opens one component, and finds out what it is and where it is mounted.
func (t *task) open(at *spot, name string, flags uint64) (*spot, error) {
	of, err := t.expected(at, name)
	if err != nil {
		return nil, err
	}
	if err := t.asking(of); err != nil {
		return nil, err
	}
	f, err := t.h.openPath(int(at.f.Fd()), name, flags)
	if err != nil {
		return nil, err
	}
	next := &spot{f: f, mount: at.mount}
	if of.id != at.mount.id || name == ".." {
		if next.mount, err = t.mountOf(f); err == nil {
			err = t.asking(next.mount)
		}
	}
	if err == nil {
		err = next.look()
	}
	if err == nil && next.st.Dev != at.st.Dev {
		next.mount, err = t.mountOf(f) // one that was not there a moment ago
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return next, nil
}

// expected returns the mount that a component will be asked of, so far as can be known
// before.
func (t *task) expected(at *spot, name string) (mount, error) {
	table, err := t.h.table.now()
	if err != nil {
		return mount{}, err
	}
	if table.names[name] {
		if id, ok := table.at[path.Join(at.real(), name)]; ok {
			return table.byID[id], nil
		}
	}
	return at.mount, nil
}

// openPath opens a component without reading, writing or following it.
func (h *Host) openPath(folder int, name string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := retry(func() (int, error) { return h.openat2(folder, name, &how) })
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		// The kernel is older than 5.6, or a filter of system calls is older than that. Of a
		// single component this says the same.
		fd, err = openComponent(folder, name, flags)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// openComponent does without openat2(2). O_NOFOLLOW is of the last component alone, so name
// must be a single one.
func openComponent(folder int, name string, flags uint64) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC|int(flags), 0)
	})
}

// retry repeats a call that a signal has interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
