package trust

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// nobody stands for a user of whom nothing is known.
const nobody = 65534

// Mounter returns the user who mounted a FUSE, which shows the owners that its user likes; 0
// where root did, or it is none. kind and options are those of the file system, as
// proc_pid_mountinfo(5) describes them.
func Mounter(kind, options string) int {
	if kind, _, _ = strings.Cut(kind, "."); kind != "fuse" && kind != "fuseblk" {
		return 0
	}
	user := nobody
	for option := range strings.SplitSeq(options, ",") {
		if text, ok := strings.CutPrefix(option, "user_id="); ok {
			if uid, err := strconv.ParseUint(text, 10, 32); err == nil {
				user = int(uid)
			}
		}
	}
	return user
}

// fuses returns who mounted each FUSE that is not root's, by the device of what is in it. It
// is asked of the kernel, and not of the file systems.
func fuses() map[uint64]int {
	out := make(map[uint64]int)
	text, _ := os.ReadFile("/proc/self/mountinfo") // where there is no /proc yet, there are no users
	for line := range bytes.Lines(text) {
		mounted, of, _ := strings.Cut(string(line), " - ")
		left, right := strings.Fields(mounted), strings.Fields(of)
		if len(left) < 3 || len(right) == 0 {
			continue
		}
		user := Mounter(right[0], right[len(right)-1])
		first, second, _ := strings.Cut(left[2], ":")
		major, err := strconv.ParseUint(first, 10, 32)
		minor, err2 := strconv.ParseUint(second, 10, 32)
		if user != 0 && err == nil && err2 == nil {
			out[unix.Mkdev(uint32(major), uint32(minor))] = user
		}
	}
	return out
}
