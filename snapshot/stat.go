package snapshot

import (
	"io/fs"
	"os"
	"syscall"
)

// Stat is what stat(2) says of a file, in the terms of the original: mode holds
// the type bits too (0100644 for a plain file), times are Unix seconds.
type Stat struct {
	Mode  uint32 `json:"mode"`
	Ino   uint64 `json:"ino"`
	Dev   uint64 `json:"dev"`
	Nlink uint64 `json:"nlink"`
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"`
	Ctime int64  `json:"ctime"`
}

// StatOf takes a Stat from what [os.Stat] returned. It reports false on a
// system whose FileInfo holds no stat(2) structure.
func StatOf(fi os.FileInfo) (*Stat, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, false
	}
	return &Stat{
		Mode: st.Mode, Ino: st.Ino, Dev: st.Dev, Nlink: uint64(st.Nlink), //nolint:unconvert // 32 bits on some architectures
		UID: st.Uid, GID: st.Gid, Size: st.Size, Mtime: st.Mtim.Sec, Ctime: st.Ctim.Sec,
	}, true
}

// FileMode returns the mode as Go knows it, for printing ("-rw-r--r--").
func (s *Stat) FileMode() fs.FileMode {
	mode := fs.FileMode(s.Mode & 0o777)
	switch s.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		mode |= fs.ModeDir
	case syscall.S_IFLNK:
		mode |= fs.ModeSymlink
	case syscall.S_IFBLK:
		mode |= fs.ModeDevice
	case syscall.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case syscall.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case syscall.S_IFSOCK:
		mode |= fs.ModeSocket
	}
	if s.Mode&syscall.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if s.Mode&syscall.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if s.Mode&syscall.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}
