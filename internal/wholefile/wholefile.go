// Package wholefile writes files that a reader finds as they were or whole, never in
// between.
//
// The contents go to a temporary file in the same folder, .NAME.XXXXXXXX.part, which is
// forced to the disk and then renamed. So that holds when the process is killed and,
// unless a caller waives it, when the machine loses power. A link in place of the file is
// replaced and not followed, and a file with other names is not written to: that name becomes
// another file. No link that another user can have planted leads to the folder.
//
// The file has the mode that the caller asks for, whatever the umask. Where root writes
// into a folder that another user owns, the file belongs to that user, so that a command
// that was once run as root does not lock out its user for good.
//
// Temporary files are locked while they are written. What a killed process has left is
// locked by nobody, and the next one that writes the same file removes it: no number of
// kills leaves more than the last of them has.
//
// What a file holds, and what an error means to a user, are the callers' business.
package wholefile

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// Options say how a file is written. The zero value suits a file for its owner alone.
type Options struct {
	Mode    fs.FileMode // permissions, whatever the umask; default 0600
	ModTime time.Time   // default: when it is written

	// Exclusive makes it an error, ErrBusy, that another process is writing the same file.
	// Of two that begin in the same moment, both may get it. Otherwise the last to commit
	// wins.
	Exclusive bool

	// Unsynced forces nothing to the disk: it is for many files that can be made again.
	// After a loss of power one may be empty or cut short, and its reader has to notice.
	Unsynced bool

	// Unswept leaves alone what a killed process has left, which takes a reading of the
	// folder each time. It is for folders of many files, whose owner calls Sweep.
	Unswept bool

	// Root is what all paths are relative to, and no link leads out of; nil: they are the
	// process's own.
	Root *os.Root

	// Temporary is a folder for the temporary file, of the same file system. Only the
	// caller writes there, who empties it after a kill: nothing is locked or swept. It
	// needs a Root. Default: the file's own folder.
	Temporary string
}

// ErrBusy is the error of an Exclusive file that somebody else is writing, and of a lock that
// somebody else has.
var ErrBusy = errors.New("another process is writing it")

// Write makes data the contents of the file at name. An error leaves what was there.
// Errors of this package are of type *fs.PathError, and name the file.
func Write(name string, data []byte, o Options) error {
	f, err := Create(name, o)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// Fill is Write for contents that fill writes. Its writer is buffered. An error of fill
// is returned as it is, and leaves what was there.
func Fill(name string, o Options, fill func(io.Writer) error) error {
	f, err := Create(name, o)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := bufio.NewWriterSize(f, 256<<10)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// A File is one that is being written. It ends with Commit or Abort. It is not safe for
// concurrent use.
type File struct {
	o         Options
	name      string   // as the caller has it
	dir       *os.Root // what the following are relative to
	to        string
	temporary string
	f         *os.File // nil: it is closed, or a link
	locked    bool
	done      bool
	failed    error // the first error of Write
}

// Create begins to write the file at name, whose folder must be there.
func Create(name string, o Options) (*File, error) {
	f, err := begin(name, o)
	if err != nil {
		return nil, err
	}
	if err := f.create(); err != nil {
		f.Abort()
		return nil, f.error(err)
	}
	return f, nil
}

// Link begins to make the file at name another link to source, a file below o.Root.
// It takes no contents, and has the mode, owner and time of source.
func Link(source, name string, o Options) (*File, error) {
	f, err := begin(name, o)
	if err != nil {
		return nil, err
	}
	f.choose()
	if err := f.dir.Link(source, f.temporary); err != nil {
		f.temporary = ""
		f.Abort()
		return nil, f.error(err)
	}
	return f, nil
}

func begin(name string, o Options) (*File, error) {
	o.Mode = cmp.Or(o.Mode, 0o600)
	f := &File{o: o, name: name, dir: o.Root, to: name}
	if base := filepath.Base(name); strings.HasSuffix(name, "/") || base == "." || base == ".." {
		return nil, f.error(syscall.EISDIR)
	}
	if f.dir != nil {
		return f, nil
	}
	// Should the folder be renamed meanwhile, all happens in the one that it was.
	var err error
	if f.dir, err = trust.OpenFolder(filepath.Dir(name)); err != nil {
		return nil, f.error(err)
	}
	f.to = filepath.Base(name)
	return f, nil
}

// create makes the temporary file. That it is new means that it is no link to another.
func (f *File) create() error {
	for f.f == nil {
		f.choose()
		file, err := f.dir.OpenFile(f.temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			f.temporary = ""
			return err
		}
		f.f = file
		if f.o.Temporary == "" {
			f.lock()
		}
	}
	if f.o.Temporary == "" && (!f.o.Unswept || f.o.Exclusive) {
		busy := sweep(f.dir, path.Dir(f.to), func(name string) bool {
			return name != path.Base(f.temporary) && temporaryOf(name) == shortened(path.Base(f.to))
		})
		if busy && f.o.Exclusive {
			return ErrBusy
		}
	}
	return f.chmod()
}

// lock tells others that the temporary file is being written. One that a sweep has found
// in the moment before is given up: f.f is nil then.
func (f *File) lock() {
	err := lock(f.f)
	f.locked = err == nil // or else the file system has no locks, and nobody sweeps there
	info, statErr := f.f.Stat()
	if errors.Is(err, syscall.EWOULDBLOCK) || statErr == nil && stat(info).Nlink == 0 {
		f.f.Close()
		f.f, f.locked = nil, false
	}
}

// chmod gives the file its mode. Most have it from the beginning.
func (f *File) chmod() error {
	info, err := f.f.Stat()
	if err != nil || info.Mode() == f.o.Mode {
		return err
	}
	return f.f.Chmod(f.o.Mode)
}

// choose chooses a name for the temporary file.
func (f *File) choose() {
	folder := cmp.Or(f.o.Temporary, path.Dir(f.to))
	f.temporary = path.Join(folder, temporaryName(path.Base(f.to)))
}

// Write appends to the contents. After an error, Commit returns it too.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if err != nil {
		err = f.error(err)
		f.failed = cmp.Or(f.failed, err)
	}
	return n, err
}

// Commit puts the file in its place. After an error what was there is still there, and
// it may be called again once the cause is mended, such as a folder that is missing; but
// for an error in forcing the name to the disk, with which the file is in its place.
func (f *File) Commit() error {
	if f.failed != nil {
		return f.failed
	}
	if err := f.giveAway(); err != nil {
		return f.error(err)
	}
	if err := f.finish(); err != nil {
		f.failed = f.error(err)
		return f.failed
	}
	if err := f.dir.Rename(f.temporary, f.to); err != nil {
		return f.error(err)
	}
	f.done = true
	err := f.close()
	if !f.o.Unsynced {
		err = errors.Join(err, syncFolder(f.dir, path.Dir(f.to)))
	}
	f.release()
	if err != nil {
		return f.error(err)
	}
	return nil
}

// giveAway makes the file belong to the owner of its folder.
func (f *File) giveAway() error {
	if f.f == nil || os.Geteuid() != 0 {
		return nil
	}
	folder, err := f.dir.Stat(path.Dir(f.to))
	if err != nil {
		return err
	}
	return give(f.f, folder)
}

// finish makes the temporary file what the whole one will be. It stays open if it is
// locked: nobody may take it for one that a kill has left.
func (f *File) finish() error {
	if f.f == nil {
		return nil
	}
	if !f.o.Unsynced {
		if err := f.f.Sync(); err != nil {
			return err
		}
	}
	if !f.locked {
		if err := f.close(); err != nil {
			return err
		}
	}
	if !f.o.ModTime.IsZero() {
		return f.dir.Chtimes(f.temporary, f.o.ModTime, f.o.ModTime)
	}
	return nil
}

func (f *File) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

func (f *File) release() {
	if f.o.Root == nil {
		f.dir.Close()
	}
}

// Abort leaves the file as it was. After a Commit that worked it does nothing.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if f.temporary != "" {
		f.dir.Remove(f.temporary)
	}
	f.close()
	f.release()
}

// error names the file, where the file system names the temporary one.
func (f *File) error(err error) error {
	return &fs.PathError{Op: "write", Path: f.name, Err: cause(err)}
}

// cause returns what an error of the file system has to say but for the path.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}

const (
	part = ".part" // what the names of temporary files end with
	// longest is how much of a file's name is in that of its temporary one: file systems
	// take 255 bytes.
	longest = 255 - len("..XXXXXXXX"+part)
	random  = 8 // characters
)

func shortened(base string) string { return base[:min(len(base), longest)] }

func temporaryName(base string) string {
	return "." + shortened(base) + "." + rand.Text()[:random] + part
}

// temporaryOf returns whose temporary file has a name, "" if it is none of ours.
func temporaryOf(name string) string {
	middle, ok := strings.CutSuffix(name, part)
	at := len(middle) - random - 1
	if !ok || at < 2 || middle[0] != '.' || middle[at] != '.' ||
		strings.Trim(middle[at+1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ""
	}
	return middle[1:at]
}

// Sweep removes from a folder what killed processes have left of whole files that they
// were writing there. What it cannot remove, or cannot be sure of, it leaves.
func Sweep(folder string) {
	dir, err := os.OpenRoot(folder)
	if err != nil {
		return
	}
	defer dir.Close()
	sweep(dir, ".", func(name string) bool { return temporaryOf(name) != "" })
}

// sweep removes the temporary files of a folder that nobody writes, and reports whether
// somebody writes one.
func sweep(dir *os.Root, folder string, ours func(name string) bool) (busy bool) {
	d, err := dir.Open(folder)
	if err != nil {
		return false
	}
	defer d.Close()
	info, err := d.Stat()
	if err != nil {
		return false
	}
	names, _ := d.Readdirnames(-1)
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return !ours(name) }) {
		busy = remove(dir, path.Join(folder, name), info) || busy
	}
	return busy
}

// remove removes a temporary file unless somebody writes it, which it reports. It leaves
// what Create would not have made: in a folder like /tmp, anybody may have put there a
// link, or a pipe, which would not open.
func remove(dir *os.Root, name string, folder fs.FileInfo) (busy bool) {
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	st, of := stat(info), stat(folder)
	if st.Nlink != 1 || int(st.Uid) != os.Geteuid() && (os.Geteuid() != 0 || st.Uid != of.Uid) {
		return false
	}
	f, err := dir.OpenFile(name, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	if isAt(f, dir, name) { // or else it has been renamed meanwhile
		dir.Remove(name)
	}
	return false
}

func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// isAt reports whether the file that is open is still the one of that name.
func isAt(f *os.File, dir *os.Root, name string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := dir.Lstat(name)
	return err == nil && os.SameFile(ours, there)
}

func stat(info fs.FileInfo) *syscall.Stat_t { return info.Sys().(*syscall.Stat_t) }

// syncFolder makes a renaming survive a loss of power. A folder that cannot be read, or a
// file system that cannot do it, is no error.
func syncFolder(dir *os.Root, folder string) error {
	d, err := dir.Open(folder)
	if err != nil {
		return nil
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
