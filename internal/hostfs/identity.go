package hostfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// who is whose rights something is opened with: those of whoever could have arranged it.
type who int64

const (
	self who = -1 // the running user, and root: nobody else could have

	// several is nobody's rights: what everyone may read. That is less than what user nobody
	// may, whom daemons run as.
	several who = 1 << 32

	nobody = 65534 // that user and that group
)

// and returns whose rights are used where both could have arranged what is found: no
// more than either has.
func (w who) and(other who) who {
	switch {
	case other == self, other == w:
		return w
	case w == self:
		return other
	}
	return several
}

// uid returns the user whose identity is taken on.
func (w who) uid() int {
	if w == several {
		return nobody
	}
	return int(w)
}

func (w who) String() string {
	if w == several {
		return "nobody"
	}
	return fmt.Sprintf("user %d", int64(w))
}

// denied explains a refusal to an administrator whose own rights would do.
func (w who) denied(err error) error {
	if w == self || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if w == several {
		return fmt.Errorf("it is read as nobody, because others may change the way to it: %w", err)
	}
	return fmt.Errorf("it is read as %v, who may change the way to it: %w", w, err)
}

// owner returns whose doing something is that belongs to a user.
func (h *Host) owner(uid uint32) who {
	if uid == 0 || int(uid) == h.euid {
		return self
	}
	return who(uid)
}

const writableByOthers = 0o022

// arranger returns who could have put the entry into the folder. In a sticky folder,
// which is what /tmp and Debian's crontabs are, an entry stays where its owner put it. One
// with two links may have been put there by whoever may link to it; a folder has as many
// links as folders in it.
func (h *Host) arranger(folder, entry *syscall.Stat_t) who {
	switch {
	case folder.Mode&writableByOthers == 0:
		return h.owner(folder.Uid)
	case folder.Mode&syscall.S_ISVTX == 0, h.owner(folder.Uid) != self:
		return several
	case entry.Mode&syscall.S_IFMT != syscall.S_IFDIR && entry.Nlink > 1:
		return several
	}
	return h.owner(entry.Uid)
}

// isOwn reports whether all that leads to a spot, and what is in it, is root's and the running
// user's alone to change. A file with other names is: they are names of the same file.
func (h *Host) isOwn(s *spot) bool {
	return s.as == self && h.owner(s.st.Uid) == self && s.st.Mode&writableByOthers == 0
}

// Bits of a mode, as they are for others.
const (
	mayRead   = 0o4
	maySearch = 0o1
)

// allow says what the kernel would not: it stands in for the kernel where the thread cannot
// become another user, and refuses what some of those may not read who could have arranged
// it. The mode has to let all of them do what bit says. Where it lets others and not the
// group, nobody knows whether that user is in the group.
func (h *Host) allow(s *spot, bit uint32) error {
	mode := s.st.Mode
	switch {
	case s.as == self:
		return nil
	case s.as != several && uint32(s.as) == s.st.Uid:
		if h.euid == 0 || mode&(bit<<6) != 0 {
			return nil
		}
	case mode&bit == 0:
		if h.euid == 0 && s.as != several && (s.st.Gid != nobody || s.as.isIn(nobody)) {
			return nil // by the group, or an ACL: the kernel knows
		}
	case mode&(bit<<3) != 0:
		return nil
	}
	return s.as.denied(syscall.EACCES)
}

// primaryGroup returns the group that a user logs in with, and whether there is one: a user
// of whom /etc/passwd knows nothing is in no group that counts.
func primaryGroup(w who) (gid int, ok bool) {
	if w != several {
		contents, _ := os.ReadFile("/etc/passwd")
		for _, a := range accounts.ParsePasswd(contents) {
			if who(a.UID) == w {
				return int(a.GID), true
			}
		}
	}
	return nobody, false
}

// isIn reports whether a group is the one that a user logs in with.
func (w who) isIn(group int) bool {
	gid, ok := primaryGroup(w)
	return ok && gid == group
}

// become gives the thread of the calling goroutine, for the rest of its life, the rights
// of w and no others. The goroutine is locked to it and must end without unlocking, so
// that the thread ends too; also after an error.
func (h *Host) become(w who) error {
	var group int
	if h.euid == 0 {
		group, _ = primaryGroup(w)
	}
	runtime.LockOSThread()
	caps, err := capabilities()
	if err == nil && h.euid == 0 {
		if err = caps.use(true); err == nil { // it may be somebody else's already
			err = takeOn(w.uid(), group)
		}
	}
	if err == nil {
		err = caps.use(false)
	}
	if err != nil {
		return fmt.Errorf("cannot become %v: %w", w, err)
	}
	return nil
}

// takeOn changes the identity of the thread. The functions of package syscall would
// change that of all threads.
func takeOn(uid, gid int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return errno
	}
	// Neither says whether it worked; asked for what is no id, each says what is.
	_, _ = unix.SetfsgidRetGid(gid)
	_, _ = unix.SetfsuidRetUid(uid)
	g, err := unix.SetfsgidRetGid(-1)
	if err != nil {
		return err
	}
	u, err := unix.SetfsuidRetUid(-1)
	if err != nil {
		return err
	}
	if g != gid || u != uid {
		return syscall.EPERM
	}
	return nil
}

// threadCaps are the capabilities of the calling thread.
type threadCaps [2]unix.CapUserData

func capabilities() (*threadCaps, error) {
	c := new(threadCaps)
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &c[0]); err != nil {
		return nil, err
	}
	return c, nil
}

// use makes all that the thread may have effective, or none.
func (c *threadCaps) use(all bool) error {
	for i := range c {
		c[i].Effective = 0
		if all {
			c[i].Effective = c[i].Permitted
		}
	}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &c[0])
}
