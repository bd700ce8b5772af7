package hostfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/trust"
	"golang.org/x/sys/unix"
)

const (
	// patience is how long a file system may take for one call, at least. How often is
	// looked in that time says by how much it may be longer.
	patience = 10 * time.Second
	looks    = 4

	// mostStuck is how many calls may be left behind. Each is a thread.
	mostStuck = 64
)

// ErrSilent is the error of what lies on a file system that does not answer: that of a
// file server which is gone, most often.
var ErrSilent = trust.ErrSilent

// Unknown reports whether an error leaves open what is there: the file system does not
// answer, or says that it cannot be asked, or there is no room to ask it. What is known
// not to exist, or not to be for the caller to read, is no such error.
func Unknown(err error) bool {
	for _, e := range []error{
		ErrSilent, syscall.EIO, syscall.EREMOTEIO, syscall.ETIMEDOUT, syscall.ESTALE, syscall.ENODEV,
		syscall.ENOTCONN, syscall.ECONNABORTED, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ENETDOWN, syscall.ENETUNREACH,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ESHUTDOWN, syscall.ENOLINK, syscall.EKEYEXPIRED, syscall.ENOKEY,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.EINTR,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// A Host is what is known of this host's file systems. One should live as long as the
// process does: it remembers which of them do not answer. It is safe for concurrent use.
type Host struct {
	// Limit returns a channel that says when it is time to look whether a call hangs: one
	// that does at a few looks in a row is given up. It is for tests; what New sets makes
	// that 10 s.
	Limit func() (look <-chan time.Time, stop func())

	euid    int
	openat2 func(folder int, name string, how *unix.OpenHow) (int, error) // of the kernel

	mu    sync.Mutex
	stuck map[int]int // calls that have not come back, by the key of a mount
	count int         // of all mounts

	table mountTable

	// hook is called at a moment of a walk, with the path that has been reached. Tests
	// change what lies there at that moment.
	hook func(moment, path string)
}

// New returns a host of which nothing is known yet.
func New() *Host {
	return &Host{Limit: looking, euid: os.Geteuid(), openat2: unix.Openat2, stuck: make(map[int]int)}
}

func looking() (look <-chan time.Time, stop func()) {
	t := time.NewTicker(patience / looks)
	return t.C, t.Stop
}

func (h *Host) at(moment string, s *spot, name string) {
	if h.hook != nil {
		h.hook(moment, path.Join(s.real(), name))
	}
}

// A task is one call of this package. It has a goroutine of its own, which is left
// behind when it hangs.
type task struct {
	h  *Host
	as who   // whose rights its thread has, if it could be given them
	no error // why it could not

	// Guarded by h.mu.
	calls    int  // so far; each may take as long as patience says
	mount    int  // the key of the one that is being asked
	stuck    bool // at mount, and left behind
	finished bool
}

// asking says that the task is about to ask the file system of a mount.
func (t *task) asking(m mount) error {
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	if t.stuck || t.h.stuck[m.key()] > 0 {
		return ErrSilent
	}
	t.calls++
	t.mount = m.key()
	return nil
}

// become goes on with no more than the rights of w.
func (t *task) become(w who) error {
	if t.as == w {
		return t.no
	}
	if t.as.and(w) != w {
		return fmt.Errorf("cannot become %v again: %w", w, syscall.EPERM) // a mistake of ours
	}
	t.as = w
	if t.no == nil { // half of what another was will not do
		t.no = t.h.become(w)
	}
	return t.no
}

// finish ends the task, and with it the silence of the file system that it was stuck at.
func (t *task) finish() {
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	t.finished = true
	if t.stuck {
		t.h.stuck[t.mount]--
		t.h.count--
	}
}

// made returns how many calls the task has made.
func (t *task) made() int {
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	return t.calls
}

// giveUp leaves the task behind if it has made no call since there were calls of them,
// and reports whether it did.
func (t *task) giveUp(calls int) bool {
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	if t.finished || t.calls > calls {
		return false
	}
	t.stuck = true
	t.h.stuck[t.mount]++
	t.h.count++
	return true
}

// within runs op as a task, and gives up on it once a single call takes too long. Since
// op may be left behind then, and is begun again, what it returns is all that it may
// change. Begun again, it finds the file system that hung to be silent, and goes on
// with what lies elsewhere, until the calls that may be left behind are used up.
func within[T any](h *Host, op func(*task) (T, error)) (T, error) {
	for {
		v, err, hung := attempt(h, op)
		if !hung {
			return v, err
		}
	}
}

func attempt[T any](h *Host, op func(*task) (T, error)) (v T, err error, hung bool) {
	h.mu.Lock()
	full := h.count >= mostStuck
	h.mu.Unlock()
	if full {
		return v, fmt.Errorf("%w, as %d calls do not come back", ErrSilent, mostStuck), false
	}
	type result struct {
		v   T
		err error
	}
	t := &task{h: h, as: self}
	look, stop := h.Limit()
	defer stop()
	done := make(chan result, 1)
	go func() {
		var r result
		r.v, r.err = op(t)
		t.finish()
		done <- r
		// A thread that became somebody else's ends here, as it is locked.
	}()
	for calls, since := -1, 0; ; {
		select {
		case r := <-done:
			return r.v, r.err, false
		case <-look:
			if n := t.made(); n != calls {
				calls, since = n, 0
			} else if since++; since >= looks && t.giveUp(calls) {
				return v, ErrSilent, true
			}
		}
	}
}

// Call runs a call that is none of this package's, within the same limit. It may be left
// behind, and must change nothing but what it returns.
func Call[T any](h *Host, call func() (T, error)) (T, error) {
	v, err, _ := attempt(h, func(*task) (T, error) { return call() })
	return v, err
}

// Do is Call for what returns nothing but an error.
func (h *Host) Do(call func() error) error {
	_, err := Call(h, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// asSelf runs what the thread's rights may not suffice for, and asks no file system but
// /proc, on a thread that has kept its own.
func asSelf[T any](t *task, call func() (T, error)) (v T, err error) {
	if t.as == self {
		return call()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v, err = call()
	}()
	<-done
	return v, err
}

// mountOf returns the mount that an open file is in.
func (t *task) mountOf(f *os.File) (mount, error) {
	return asSelf(t, func() (mount, error) {
		id, err := mountOf(f)
		if err != nil {
			return mount{}, err
		}
		table, err := t.h.table.now()
		if err != nil {
			return mount{}, err
		}
		if m, ok := table.byID[id]; ok {
			return m, nil
		}
		return mount{id: id, user: nobody}, nil // it has been taken out of the tree meanwhile
	})
}
