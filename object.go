package sysops

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
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

// readingOf is a reading of elements, the contents where none is given, that makes
// something of each object.
func readingOf[T any](elements []Element, work func(*Object) T) extract.Reading[T] {
	return objectReading(elements, func(_ *extract.Item, o *Object) (T, bool, error) { return work(o), true, nil })
}

// objectReading is readingOf for work that needs the item, may leave an object out, or may
// fail.
func objectReading[T any](elements []Element, work func(*extract.Item, *Object) (T, bool, error)) extract.Reading[T] {
	wire := wireElements(elements)
	return extract.Reading[T]{Elements: wire, Work: func(it *extract.Item) (v T, keep bool, err error) {
		o, err := objectOf(it, wire)
		if err != nil {
			return v, false, err
		}
		return work(it, &o)
	}}
}

// wireElements are elements as the engine takes them: each once, the contents first.
func wireElements(elements []Element) []extract.Element {
	if len(elements) == 0 {
		return []extract.Element{extract.Contents}
	}
	out := make([]extract.Element, len(elements))
	for i, e := range elements {
		out[i] = extract.Element(e)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unread is an object of which nothing has been read.
func unread(it *extract.Item) Object {
	o := Object{Key: Key(it.Key()), Server: it.Server()}
	o.Site, o.Core = it.Place()
	return o
}

// objectOf makes an Object of what was read. The error is about the bytes.
func objectOf(it *extract.Item, elements []extract.Element) (Object, error) {
	o := unread(it)
	if elements[0] != extract.Contents {
		it.Unpacked(0)
	}
	for place, e := range elements {
		if err := o.read(it, place, Element(e)); err != nil {
			return Object{}, fmt.Errorf("cannot read its %s: %w", Element(e), err)
		}
	}
	return o, nil
}

// read takes over the element that was read at this place.
func (o *Object) read(it *extract.Item, place int, e Element) (err error) {
	if e == Contents {
		o.Contents, err = it.Contents()
		return err
	}
	text, err := it.Text(place)
	if err != nil {
		return err
	}
	switch e {
	case MD5Sum:
		o.MD5Sum = text
	case StatOf:
		o.Stat, err = parseStat(text)
	case WordCount:
		o.Words, err = parseWordcount(text)
	case TimeOf:
		o.Time, err = parseTime(text)
	}
	return err
}

// parseStat reads our JSON, or the text of Python's os.stat as the original
// stored it: "posix.stat_result(st_mode=33188, st_ino=…L, …)", or the bare tuple
// of older Pythons. Anything else, such as the original's "no stat available",
// is no stat.
func parseStat(text string) (*Stat, error) {
	if strings.HasPrefix(text, "{") {
		var s Stat
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, fmt.Errorf("it is no stat: %w", err)
		}
		return &s, nil
	}
	named := make(map[string]int64)
	for _, m := range pythonField.FindAllStringSubmatch(text, -1) {
		named[m[1]], _ = strconv.ParseInt(m[2], 10, 64)
	}
	if len(named) == 0 {
		// (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)
		values := numbers(text)
		if len(values) < 10 {
			return nil, nil
		}
		for i, field := range []string{"mode", "ino", "dev", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime"} {
			named[field] = values[i]
		}
	}
	return &Stat{
		Mode: uint32(named["mode"]), Ino: uint64(named["ino"]), Dev: uint64(named["dev"]), Nlink: uint64(named["nlink"]),
		UID: uint32(named["uid"]), GID: uint32(named["gid"]), Size: named["size"], Mtime: named["mtime"], Ctime: named["ctime"],
	}, nil
}

var (
	pythonField = regexp.MustCompile(`st_(\w+)=(-?\d+)`)
	integer     = regexp.MustCompile(`-?\d+`)
)

func numbers(text string) []int64 {
	var out []int64
	for _, d := range integer.FindAllString(text, -1) {
		n, err := strconv.ParseInt(d, 10, 64)
		if err == nil {
			out = append(out, n)
		}
	}
	return out
}

// parseWordcount reads our JSON, or any Python text that holds the three
// numbers in wc's order. Of a lone number it makes the words.
func parseWordcount(text string) (Wordcount, error) {
	var wc Wordcount
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &wc) == nil {
		return wc, nil
	}
	switch n := numbers(text); len(n) {
	case 3:
		return Wordcount{Lines: n[0], Words: n[1], Bytes: n[2]}, nil
	case 1:
		return Wordcount{Words: n[0]}, nil
	}
	return wc, fmt.Errorf("%q is no word count", text[:min(len(text), 60)])
}

// parseTime reads unix seconds, with a fraction where Python wrote it.
func parseTime(text string) (time.Time, error) {
	s, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || s < 0 || s > 1<<40 {
		return time.Time{}, fmt.Errorf("%q is no time", text[:min(len(text), 60)])
	}
	return time.UnixMicro(int64(s * 1e6)), nil
}
