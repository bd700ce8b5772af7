package hostfstest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Silent is a FUSE file system that does not answer: not the test, nor what it has
// started, unless that is killed, which a process that hangs in a FUSE could otherwise not
// be. Everybody else finds an empty folder, so that a df of somebody else's does not
// hang. It takes root.
type Silent struct {
	Dir string

	device  *os.File
	answers []uint32 // opcodes, to the test too

	hanging map[uint64]header // requests that are not answered, by Unique

	mu    sync.Mutex
	asked int           // how many those are, and were
	more  chan struct{} // is closed with the next one
}

// NewSilent mounts one at dir, and takes it away when the test ends.
func NewSilent(t testing.TB, dir string) *Silent {
	t.Helper()
	return mounted(t)(Mount(dir))
}

// NewDeaf mounts one where each name is a program of root's that can be looked at, and not read.
func NewDeaf(t testing.TB, dir string) *Silent {
	t.Helper()
	return NewDeafOf(t, 0, dir)
}

// NewDeafOf is NewDeaf, mounted by a user, as fusermount(1) does it.
func NewDeafOf(t testing.TB, uid int, dir string) *Silent {
	t.Helper()
	return mounted(t)(mount(uid, dir, opLookup, opGetattr))
}

func mounted(t testing.TB) func(*Silent, error) *Silent {
	return func(s *Silent, err error) *Silent {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

// Mount mounts one at dir.
func Mount(dir string) (*Silent, error) { return mount(0, dir) }

// mount mounts one for a user that answers requests with these opcodes of fuse(4).
func mount(uid int, dir string, answers ...uint32) (*Silent, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open /dev/fuse, which takes root and the module fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40755,user_id=%d,group_id=%d,allow_other,default_permissions", fd, uid, uid)
	if err := unix.Mount("silent", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot mount a FUSE file system: %w", err)
	}
	s := &Silent{
		Dir: dir, answers: answers, hanging: make(map[uint64]header), more: make(chan struct{}),
		device: os.NewFile(uintptr(fd), "/dev/fuse"), // before it was mounted, it could not have been waited for
	}
	go s.serve()
	return s, nil
}

// Close takes the file system away. What hangs comes back with an error.
func (s *Silent) Close() error {
	s.Die()
	if err := unix.Unmount(s.Dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot unmount %s: %w", s.Dir, err)
	}
	return nil
}

// Die ends what the file system is served by: calls that hang come back with an error, as
// do all from now on.
func (s *Silent) Die() { _ = s.device.Close() }

// Asked returns how many calls hang.
func (s *Silent) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Limit makes a time limit (see hostfs.Host) that is over once a call hangs that did not
// before, at one of several file systems.
func Limit(all ...*Silent) func() (look <-chan time.Time, stop func()) {
	return func() (<-chan time.Time, func()) {
		ticks, stopped := make(chan time.Time), make(chan struct{})
		for _, s := range all {
			s.mu.Lock()
			more := s.more
			s.mu.Unlock()
			go tick(more, ticks, stopped)
		}
		return ticks, func() { close(stopped) }
	}
}

// tick says again and again that a time is over.
func tick(begin <-chan struct{}, ticks chan<- time.Time, stopped <-chan struct{}) {
	select {
	case <-begin:
	case <-stopped:
		return
	}
	for {
		select {
		case ticks <- time.Time{}:
		case <-stopped:
			return
		}
	}
}

// Opcodes of fuse(4).
const (
	opLookup    = 1
	opGetattr   = 3
	opStatfs    = 17
	opInit      = 26
	opInterrupt = 36
)

// header begins each request.
type header struct {
	Len, Opcode    uint32
	Unique, Node   uint64
	UID, GID, PID  uint32
	ExtLen, Unused uint16
}

// attributes are those of a file, or of the uppermost folder.
type attributes struct {
	Ino, Size, Blocks, Atime, Mtime, Ctime       uint64
	Atimensec, Mtimensec, Ctimensec              uint32
	Mode, Nlink, UID, GID, Rdev, Blksize, Unused uint32
}

var (
	folder  = attributes{Ino: 1, Mode: unix.S_IFDIR | 0o755, Nlink: 2, Blksize: 4096}
	program = attributes{Ino: 2, Mode: unix.S_IFREG | 0o755, Nlink: 1, Size: 4096, Blksize: 4096}
)

func (s *Silent) serve() {
	buf := make([]byte, 1<<20)
	for {
		n, err := s.device.Read(buf)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) {
			continue // the caller of one has gone
		}
		if err != nil {
			return
		}
		var h header
		if err := binary.Read(bytes.NewReader(buf[:n]), binary.NativeEndian, &h); err != nil {
			return
		}
		if h.Opcode == opInterrupt {
			if other, ok := s.hanging[binary.NativeEndian.Uint64(buf[binary.Size(h):])]; ok && killed(int(other.PID)) {
				s.reply(&other, unix.EINTR)
			}
			continue
		}
		if h.Opcode != opInit && !slices.Contains(s.answers, h.Opcode) && ours(int(h.PID)) {
			s.hanging[h.Unique] = h
			s.mu.Lock()
			s.asked++
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			continue
		}
		s.answer(&h)
	}
}

// ours reports whether a thread is of this process, or of one that descends from it.
func ours(id int) bool {
	for id > 1 {
		if id == os.Getpid() {
			return true
		}
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "status"))
		if err != nil {
			return false
		}
		if group := field(string(status), "Tgid:"); group != id {
			id = group
		} else {
			id = field(string(status), "PPid:")
		}
	}
	return false
}

// killed reports whether a thread is about to end by SIGKILL, which the end of its process
// is, too.
func killed(id int) bool {
	status, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "status"))
	pending, _ := strconv.ParseUint(text(string(status), "SigPnd:"), 16, 64)
	return pending&(1<<(unix.SIGKILL-1)) != 0
}

func field(status, name string) int {
	n, _ := strconv.Atoi(text(status, name))
	return n
}

func text(status, name string) string {
	_, rest, _ := strings.Cut(status, name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

func (s *Silent) answer(h *header) {
	const hour = 3600
	switch {
	case h.Opcode == opInit:
		// Version 7.31, no more than the least that is allowed to be written at once.
		s.reply(h, 0, [4]uint32{7, 31, 0, 0}, [12]uint32{0, 4096})
	case h.Opcode == opGetattr && h.Node == 1:
		s.reply(h, 0, uint64(hour), uint64(0), folder)
	case h.Opcode == opGetattr:
		s.reply(h, 0, uint64(hour), uint64(0), program)
	case h.Opcode == opLookup && slices.Contains(s.answers, opLookup):
		s.reply(h, 0, uint64(2), uint64(0), uint64(hour), uint64(hour), uint64(0), program)
	case h.Opcode == opLookup:
		s.reply(h, unix.ENOENT)
	case h.Opcode == opStatfs:
		s.reply(h, 0, [20]uint32{})
	default:
		s.reply(h, unix.ENOSYS)
	}
}

func (s *Silent) reply(h *header, errno unix.Errno, parts ...any) {
	var body bytes.Buffer
	for _, p := range parts {
		_ = binary.Write(&body, binary.NativeEndian, p) // fixed sizes
	}
	var out bytes.Buffer
	_ = binary.Write(&out, binary.NativeEndian, struct {
		Len    uint32
		Errno  int32
		Unique uint64
	}{uint32(16 + body.Len()), -int32(errno), h.Unique})
	_, _ = s.device.Write(append(out.Bytes(), body.Bytes()...)) // one that has been interrupted wants no reply
}
