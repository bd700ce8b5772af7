package sysops

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Element is one of the five parts of an object, numbered as in the Redis list
// that holds it (the order of the original sysops-api).
type Element int

// The elements of an object.
const (
	Contents Element = iota // the bytes of the file, or of the command's output
	MD5Sum                  // 32 hex digits
	StatOf                  // what stat(2) said of the file; see Stat
	CountsOf                // lines, words and bytes; see Wordcount
	TimeOf                  // when these contents were first seen
)

func (e Element) String() string {
	switch e {
	case Contents:
		return "contents"
	case MD5Sum:
		return "md5sum"
	case StatOf:
		return "stat"
	case CountsOf:
		return "wordcount"
	case TimeOf:
		return "time"
	}
	return fmt.Sprintf("Element(%d)", int(e))
}

// Object is one object of an answer. Which of the fields after Key are set
// depends on the elements that the query asked for; the zero value of the
// others says nothing.
type Object struct {
	Key
	Site     string          // of the core that answered
	Core     string          // the core that answered
	Server   string          // the server that answered, host:port/db
	Contents []byte          // owned by the receiver
	MD5Sum   string          // 32 hex digits
	Stat     *snapshot.Stat  // nil: a command's output has no stat
	Words    snapshot.Counts // lines, words, bytes
	Time     time.Time       // when these contents were first seen, by the server's clock
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
	case CountsOf:
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
func parseStat(text string) (*snapshot.Stat, error) {
	if strings.HasPrefix(text, "{") {
		var s snapshot.Stat
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
	return &snapshot.Stat{
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
func parseWordcount(text string) (snapshot.Counts, error) {
	var wc snapshot.Counts
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &wc) == nil {
		return wc, nil
	}
	switch n := numbers(text); len(n) {
	case 3:
		return snapshot.Counts{Lines: n[0], Words: n[1], Bytes: n[2]}, nil
	case 1:
		return snapshot.Counts{Words: n[0]}, nil
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
