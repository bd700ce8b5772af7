package trust

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A place is something that a path leads to or through. It is held open, without the right
// to read it: what is asked of it is asked of that and no other, whatever others rename.
type place struct {
	path string // from / on, without links, . and ..
	f    *os.File
	info fs.FileInfo

	shortcut bool // a link of /proc leads there
	mounter  int  // the user who mounted what it is in, if that is a FUSE; 0: root, or it is none
}

func (p *place) Close() error { return p.f.Close() }

func (p *place) isLink() bool { return p.info.Mode()&fs.ModeSymlink != 0 }

func (p *place) stat() *syscall.Stat_t { return p.info.Sys().(*syscall.Stat_t) }

// owner is whose a place is. All of a FUSE that a user mounted is that user's, whatever
// owners it shows.
func (p *place) owner() int {
	if p.mounter != 0 {
		return p.mounter
	}
	return int(p.stat().Uid)
}

// foreign reports whether a place belongs to another user, who is not root.
func (p *place) foreign() bool { return p.owner() != 0 && p.owner() != os.Geteuid() }

// shared reports whether others can put something into a folder.
func (p *place) shared() bool { return p.foreign() || p.info.Mode()&0o022 != 0 }

// movable reports whether others can have put a link into a folder that is shared: one of
// theirs, or another name of one.
func (p *place) movable() bool { return p.foreign() || p.stat().Nlink > 1 }

// A rule judges an entry of a folder that a path leads through; asked is the path, and last
// is set where nothing follows. folder is nil for where the path begins.
type rule func(folder, entry *place, asked string, last bool) error

// mostLinks is how many links a path may lead through, as in the kernel.
const mostLinks = 40

// follow follows a path as the kernel does, but has a rule judge each step. What is missing
// is fs.ErrNotExist, and what does not answer ErrSilent. Errors do not name the path.
func follow(asked string, judge rule) (*place, error) {
	return within(func() (*place, error) { return followed(asked, judge) })
}

func followed(asked string, judge rule) (*place, error) {
	if asked == "" {
		return nil, syscall.ENOENT
	}
	if !path.IsAbs(asked) {
		folder, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		asked = folder + "/" + asked
	}
	w := &walk{asked: path.Clean(asked), judge: judge, todo: steps(asked), fuses: fuses()}
	err := w.start()
	for err == nil && len(w.todo) > 0 {
		next := w.todo[0]
		w.todo = w.todo[1:]
		err = w.step(next)
	}
	if err == nil {
		return w.at, nil
	}
	if w.at != nil {
		w.at.Close()
	}
	return nil, err
}

// A walk is a path that is being followed.
type walk struct {
	asked string
	judge rule
	at    *place
	todo  []string // what is left of the path
	links int
	fuses map[uint64]int // those who mounted FUSEs, by device
}

// steps takes a path apart.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// start goes to /.
func (w *walk) start() error {
	root, err := enter(unix.AT_FDCWD, "/", "/")
	if err != nil {
		return err
	}
	if w.at != nil {
		w.at.Close()
	}
	w.at = root
	return w.judge(nil, root, w.asked, len(w.todo) == 0)
}

func (w *walk) step(name string) error {
	if name == "." {
		return nil
	}
	next, err := enter(int(w.at.f.Fd()), name, path.Join(w.at.path, name))
	if err != nil {
		return err
	}
	next.mounter = w.fuses[next.stat().Dev]
	if err := w.judge(w.at, next, w.asked, len(w.todo) == 0); err != nil {
		next.Close()
		return err
	}
	if next.isLink() {
		defer next.Close()
		return w.follow(next, name)
	}
	w.at.Close()
	w.at = next
	return nil
}

// follow goes where a link of the folder leads.
func (w *walk) follow(link *place, name string) error {
	if w.links++; w.links > mostLinks {
		return syscall.ELOOP
	}
	if isProc(w.at) {
		return w.shortcut(link, name)
	}
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(link.f.Fd()), "", buffer)
	if err != nil {
		return err
	}
	target := string(buffer[:n])
	w.todo = append(steps(target), w.todo...)
	if path.IsAbs(target) {
		return w.start()
	}
	return nil
}

// isProc reports whether a folder is of /proc.
func isProc(p *place) bool {
	var at unix.Statfs_t
	return strings.HasPrefix(p.path+"/", "/proc/") && unix.Fstatfs(int(p.f.Fd()), &at) == nil && at.Type == unix.PROC_SUPER_MAGIC
}

// shortcut goes where a link of /proc leads, such as that of /dev/stdin: its text need be no
// path, and nobody can have made it but the kernel. It may lead to a pipe, a device or a
// file, which is judged, but not to a folder of which nobody knows what it lies in.
func (w *walk) shortcut(link *place, name string) error {
	end, err := hold(int(w.at.f.Fd()), name, link.path, 0)
	if err != nil {
		return err
	}
	end.shortcut, end.mounter = true, w.fuses[end.stat().Dev]
	if end.info.IsDir() && !isProc(end) {
		end.Close()
		return syscall.ELOOP
	}
	if err := w.judge(w.at, end, w.asked, len(w.todo) == 0); err != nil {
		end.Close()
		return err
	}
	w.at.Close()
	w.at = end
	return nil
}

// enter holds an entry of a folder: a folder, what is mounted there; a link, itself.
func enter(folder int, name, path string) (*place, error) {
	p, err := hold(folder, name, path, unix.O_NOFOLLOW|unix.O_DIRECTORY) // which mounts what waits for it
	if err == syscall.ENOTDIR {
		p, err = hold(folder, name, path, unix.O_NOFOLLOW)
	}
	return p, err
}

func hold(folder int, name, path string, flag int) (*place, error) {
	fd, err := unix.Openat(folder, name, unix.O_PATH|unix.O_CLOEXEC|flag, 0)
	for err == syscall.EINTR {
		fd, err = unix.Openat(folder, name, unix.O_PATH|unix.O_CLOEXEC|flag, 0)
	}
	if err != nil {
		return nil, err
	}
	p := &place{path: path, f: os.NewFile(uintptr(fd), path)}
	if p.info, err = p.f.Stat(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// open opens what is held, to read or write it.
func (p *place) open(flag int) (*os.File, error) {
	return withinUnlessPiped(p.info.Mode(), func() (*os.File, error) { return p.opened(flag) })
}

func (p *place) opened(flag int) (*os.File, error) {
	f, err := os.OpenFile(p.path, flag, 0)
	if err != nil {
		return nil, cause(err)
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, p.info) {
		err = errExchanged
	}
	if err != nil {
		f.Close()
		return nil, cause(err)
	}
	return f, nil
}
