package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/snapshot"
)

// exceeded is the suffix of an object that stands in for one too large to send.
const exceeded = "@file_size_exceeded"

const (
	// readTries is how often a file that changes while it is read is read. A
	// file that never stands still (a busy log) is worth its last reading more
	// than its absence: that is what cat would have shown, too.
	readTries = 3

	// readTimeout ends the read of a pseudo file that blocks, such as
	// /proc/kmsg. Files on a disk know no deadline.
	readTimeout = 5 * time.Second
)

// A file is one that becomes an object.
type file struct {
	item
	max       int64 // bytes
	redaction *redaction
	secrecy   *secrecy

	// finished is called between reading and looking whether the file changed.
	// Tests change it at that moment.
	finished func()
}

// reading is what one attempt yielded.
type reading struct {
	data []byte
	size int64 // where data is over the limit: how large the file is, at least
	over bool
	fi   fs.FileInfo // after reading

	place hostfs.Place // where it was read

	stable bool // the file stood still meanwhile
}

// read is a snapshot.Source's Read.
func (f *file) read(ctx context.Context) (snapshot.Content, error) {
	r, err := f.load(ctx)
	if hostfs.Unknown(err) {
		return snapshot.Content{}, fmt.Errorf("cannot read %s: %w: %w", f.name, snapshot.ErrUnknown, cause(err))
	}
	if errors.Is(err, ErrSecrets) {
		return snapshot.Content{}, err
	}
	if err != nil {
		return snapshot.Content{}, fmt.Errorf("cannot read %s: %w", f.name, cause(err))
	}
	stat, _ := snapshot.StatOf(r.fi)
	if r.over {
		content := tooLarge(f.name, r.size, f.max)
		content.Stat = stat
		return content, nil
	}
	data := f.redaction.object(f.redaction.file(f.name, r.place, f.inside), f.name, r.data)
	if stat != nil && !bytes.Equal(data, r.data) {
		stat.Size = int64(len(data)) // how long the secret is, is for nobody to know
	}
	return snapshot.Content{Data: data, Stat: stat}, nil
}

// tooLarge is what is sent in place of an object of size bytes.
func tooLarge(name string, size, limit int64) snapshot.Content {
	return snapshot.Content{
		Name: name + exceeded,
		Data: fmt.Appendf(nil, "%s: %d bytes, the limit is %d\n", name, size, limit),
	}
}

// load reads the file until it did not change meanwhile, readTries times at
// most.
func (f *file) load(ctx context.Context) (reading, error) {
	var r reading
	for range readTries {
		if err := ctx.Err(); err != nil {
			return reading{}, err
		}
		buf := r.data[:0]
		var err error
		r, err = hostfs.Read(f.folder, f.path, f.follow, func(h *hostfs.File) (reading, error) { return f.once(ctx, h, buf) })
		if err != nil {
			return reading{}, err
		}
		if r.stable {
			break
		}
	}
	return r, nil
}

// once reads the file that is open, into buf where it is large enough. It changes nothing
// else: see [hostfs.Read].
func (f *file) once(ctx context.Context, h *hostfs.File, buf []byte) (reading, error) {
	place := h.Place()
	if f.secrecy.file(f.name, place) {
		return reading{}, ErrSecrets
	}
	before := place.Info
	if before.Size() > f.max {
		return reading{size: before.Size(), over: true, fi: before, place: place, stable: true}, nil
	}

	// Only what can be polled has deadlines, and only that can block.
	_ = h.SetReadDeadline(time.Now().Add(readTimeout))
	defer context.AfterFunc(ctx, func() { _ = h.SetReadDeadline(time.Unix(1, 0)) })()
	data, err := readAll(h, buf, before.Size(), f.max)
	if err != nil {
		return reading{}, err
	}
	if f.finished != nil {
		f.finished()
	}
	after, err := h.Stat()
	if err != nil {
		return reading{}, err
	}
	r := reading{data: data, fi: after, place: place}
	if n := int64(len(data)); n > f.max {
		r.over, r.size = true, max(n, after.Size())
	}
	r.stable = f.isPseudo() || before.Size() == 0 ||
		before.Size() == after.Size() && before.ModTime().Equal(after.ModTime())
	return r, nil
}

// isPseudo: the kernel makes up these files as they are read, with a size of 0
// or a page and the time of the day.
func (f *file) isPseudo() bool {
	return strings.HasPrefix(f.name, "/proc/") || strings.HasPrefix(f.name, "/sys/")
}

// smallest is the buffer for a file that does not say how large it is.
const smallest = 4 << 10

// readAll reads to the end, whatever the size says, but stops one byte over
// limit. The buffer has the size of the file and the one byte that it takes to
// see the end, so that a file costs its size in memory and not twice that.
func readAll(r io.Reader, buf []byte, size, limit int64) ([]byte, error) {
	if need := size + 1; int64(cap(buf)) < need {
		buf = make([]byte, 0, max(need, smallest))
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		room := buf[len(buf):min(int64(cap(buf)), limit+1)]
		n, err := r.Read(room)
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, err
		case int64(len(buf)) > limit:
			return buf, nil
		}
	}
}
