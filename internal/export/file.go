package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// WriteFile has write fill the file at path, which whoever reads it finds as it was or
// whole. What a kill leaves beside it, the next export to path removes. It is an error
// that another export is writing the file. A device or a pipe is written to as it is, if it
// belongs to root or the running user.
// mode is that of the file, whatever the umask.
func WriteFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	err := writeFile(path, mode, write)
	if err != nil {
		return fmt.Errorf("cannot export to %s: %w", path, err)
	}
	return nil
}

func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	stream, err := trust.OpenStream(path)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return errors.New("it is a folder")
	case err != nil:
		return err
	case stream != nil:
		return errors.Join(fill(stream, write), stream.Close())
	}
	err = wholefile.Fill(path, wholefile.Options{Mode: mode, Exclusive: true}, write)
	if errors.Is(err, wholefile.ErrBusy) {
		return errors.New("another export is writing it")
	}
	return err
}

// fill writes to what is no file.
func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 256<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
