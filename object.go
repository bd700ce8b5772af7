package sysops

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Element is one of the five parts of an object, numbered as in the Redis list
// that holds it (the order of the original sysops-api).
type Element int

// The elements of an object.
const (
	Contents  Element = iota // the bytes of the file, or of the command's output
	MD5Sum                   // 32 hex digits
	StatOf                   // what stat(2) said of the file; see Stat
	WordCount                // lines, words and bytes; see Wordcount
	TimeOf                   // when these contents were first seen
)

func (e Element) String() string {
	switch e {
	case Contents:
		return "contents"
	case MD5Sum:
		return "md5sum"
	case StatOf:
		return "stat"
	case WordCount:
		return "wordcount"
	case TimeOf:
		return "time"
	}
	return fmt.Sprintf("Element(%d)", int(e))
}

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

// NewStat takes a Stat from what [os.Stat] returned. It reports false on a
// system whose FileInfo holds no stat(2) structure.
func NewStat(fi os.FileInfo) (*Stat, bool) {
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

// Wordcount holds the three numbers of wc(1) in the C locale.
type Wordcount struct {
	Lines int64 `json:"lines"`
	Words int64 `json:"words"`
	Bytes int64 `json:"bytes"`
}

// CountWords counts data as GNU "LC_ALL=C wc" does: a line is a newline, a word
// is a run of bytes without white space in which at least one is printable ASCII.
func CountWords(data []byte) Wordcount {
	wc := Wordcount{Bytes: int64(len(data))}
	inWord := false
	for _, c := range data {
		switch {
		case c > ' ' && c < 0x7f:
			inWord = true
		case c == ' ' || '\t' <= c && c <= '\r':
			if c == '\n' {
				wc.Lines++
			}
			if inWord {
				wc.Words++
				inWord = false
			}
		}
	}
	if inWord {
		wc.Words++
	}
	return wc
}

// Object is one object of an answer. Which of the fields after Key are set
// depends on the elements that the query asked for; the zero value of the
// others says nothing.
type Object struct {
	Key
	Site     string    // of the core that answered
	Core     string    // the core that answered
	Server   string    // the server that answered, host:port/db
	Contents []byte    // owned by the receiver
	MD5Sum   string    // 32 hex digits
	Stat     *Stat     // nil: a command's output has no stat
	Words    Wordcount // lines, words, bytes
	Time     time.Time // when these contents were first seen, by the server's clock
}

// Source is one object that a host has to publish.
type Source struct {
	Name string

	// Private: the contents must never become a base, which every host may read.
	// What others cannot read on its own host (by its Stat) is private in any case.
	Private bool

	// Read returns the object as it is now. It is called at most a few times a
	// push, by one goroutine at a time; its Content is not kept longer than it
	// takes to pack it. An error that is [fs.ErrNotExist] says that the object
	// has vanished; any error leaves the object out of the snapshot and is
	// reported.
	Read func(ctx context.Context) (Content, error)
}

// Content is what a Source read.
type Content struct {
	Name string // if not empty, the object's name in place of Source.Name
	Data []byte
	Stat *Stat // nil where there is no file behind the object
}

// statText returns element 2 as it is stored: JSON, "null" where there is none.
func statText(s *Stat) string {
	if s == nil {
		return "null"
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of integers always marshals
	}
	return string(b)
}
