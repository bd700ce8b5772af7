package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sysops-api/sysops-api"
)

// WriteFile has write fill the file at path, which whoever reads it finds as it was or
// whole: the contents go to a file beside it, .NAME.part, that is then renamed. What a
// kill leaves there is written over by the next. A device or a pipe is written to as it
// is. mode is that of the file, whatever the umask.
func WriteFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	err := writeFile(path, mode, write)
	if err != nil {
		return fmt.Errorf("cannot export to %s: %w", path, err)
	}
	return nil
}

func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	switch fi, err := os.Stat(path); {
	case err == nil && fi.IsDir():
		return errors.New("it is a folder")
	case err == nil && !fi.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f, write), f.Close())
	}
	dir, base := filepath.Split(path)
	part := filepath.Join(dir, "."+base+".part")
	f, err := openPart(part)
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = fill(f, write)
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return errors.Join(err, f.Close()) // which unlocks it, and where the disk is another machine's, tells that it is full
}

// openPart opens a file that nobody else writes. It refuses what is there and no kill has
// left: in a folder like /tmp, somebody may have put a pipe there, which would not open,
// or a link to a file that is not to be written over.
func openPart(part string) (*os.File, error) {
	for {
		f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errors.New("another export is writing it")
			}
			return nil, fmt.Errorf("cannot lock %s: %w", part, err)
		}
		ours, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Lstat(part); err == nil && os.SameFile(ours, there) {
			if !isPart(there) {
				f.Close()
				return nil, &sysops.HintedError{Err: fmt.Errorf("%s is no file that an export has left", part), Hint: "see whose it is, and remove it"}
			}
			return f, nil
		}
		f.Close() // whoever had locked it has renamed it since
	}
}

// isPart reports whether a file can be what openPart has made.
func isPart(fi os.FileInfo) bool {
	st, ok := sysops.NewStat(fi)
	return ok && fi.Mode().IsRegular() && st.Nlink == 1 && int(st.UID) == os.Geteuid()
}

func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 256<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
