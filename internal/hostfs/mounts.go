package hostfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// A mount is one of the tree of mounts. The kernel tells of them without asking the
// file systems.
type mount struct {
	id    int
	kind  string // "ext4"
	point string // where it is mounted
	user  int    // who mounted it, if it is a FUSE; root otherwise
}

// key tells a mount from the others that may fall silent without it. All FUSEs of a user are
// one: else that user could have as many of them silent as calls may be left behind, and with
// them all the host.
func (m mount) key() int {
	if m.user != 0 {
		return -m.user
	}
	return m.id
}

// mounts are those of /proc/self/mountinfo.
type mounts struct {
	byID  map[int]mount
	at    map[string]int  // ids by mount point, of several the uppermost
	names map[string]bool // the last components of mount points
}

// A mountTable is what /proc/self/mountinfo says, read again when that has changed.
type mountTable struct {
	mu   sync.Mutex
	f    *os.File
	last *mounts
}

// now returns the mounts that there are.
func (t *mountTable) now() (*mounts, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.f == nil {
		// Not os.Open, with which the runtime would hear of changes in place of Poll.
		fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return withoutProc, nil
		}
		if err != nil {
			return nil, err
		}
		t.f = os.NewFile(uintptr(fd), "mountinfo")
	}
	// The kernel tells each open file once of each change.
	changed, err := unix.Poll([]unix.PollFd{{Fd: int32(t.f.Fd()), Events: unix.POLLPRI}}, 0)
	if t.last != nil && err == nil && changed == 0 {
		return t.last, nil
	}
	if _, err := t.f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(t.f)
	if err != nil {
		return nil, err
	}
	t.last = parseMounts(text)
	return t.last, nil
}

// withoutProc is what is known of mounts in a folder that is to become the root of a machine
// or an image, where packages are installed before there is a /proc: that there is one.
// Nothing can be read there, but what there is can be chosen.
var withoutProc = &mounts{byID: map[int]mount{0: {}}}

func parseMounts(text []byte) *mounts {
	m := &mounts{byID: make(map[int]mount), at: make(map[string]int), names: make(map[string]bool)}
	for line := range bytes.Lines(text) {
		if one, ok := parseMount(string(line)); ok {
			m.byID[one.id] = one
			m.at[one.point] = one.id
			m.names[path.Base(one.point)] = true
		}
	}
	return m
}

// parseMount reads a line of mountinfo, as proc_pid_mountinfo(5) describes it: id, parent,
// device, root, mount point, options, any number of fields, -, type, source, options.
func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 6 || len(right) < 1 {
		return mount{}, false
	}
	id, err := strconv.Atoi(left[0])
	if err != nil {
		return mount{}, false
	}
	m := mount{id: id, kind: right[0], point: unescape.Replace(left[4])}
	m.user = trust.Mounter(m.kind, right[len(right)-1])
	return m, true
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountOf returns the id of the mount that an open file is in.
func mountOf(f *os.File) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.Fd()))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // see withoutProc
	}
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if id, ok := bytes.CutPrefix(line, []byte("mnt_id:")); ok {
			return strconv.Atoi(string(bytes.TrimSpace(id)))
		}
	}
	return 0, fmt.Errorf("cannot tell which file system it is in: %w", syscall.ENOSYS)
}
