package sysops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/codec"
)

// unpackedSize is how much memory an item's contents need when they are unpacked. A
// frame that does not declare that (bzip2) gets a guess.
func unpackedSize(it *item) (size int, declared bool) {
	if len(it.values) == 0 {
		return elementSize, true
	}
	if n, ok := codec.Len(it.values[0]); ok {
		return n, true
	}
	return 10 * len(it.values[0]), false
}

// searchedSize is how much memory an item needs when it is searched: what refers to a
// base is not unpacked.
func searchedSize(it *item) (size int, declared bool) {
	if len(it.values) > 0 {
		if _, refers := codec.BaseOf(it.values[0]); refers {
			return 4 * len(it.values[0]), true
		}
	}
	return unpackedSize(it)
}

// smallSize is for elements other than the contents.
func smallSize(*item) (size int, declared bool) { return elementSize, true }

// object unpacks what was read into an Object. The error is about the bytes.
func (c *Client) object(it *item, elements []int) (Object, error) {
	o := Object{Key: it.key(), Site: it.core.site, Core: it.core.core, Server: it.from.Name()}
	for i, e := range elements {
		if err := c.unpack(&o, Element(e), it.values[i], it.base); err != nil {
			return Object{}, fmt.Errorf("cannot read its %s: %w", Element(e), err)
		}
	}
	it.held = len(o.Contents)
	return o, nil
}

func (c *Client) unpack(o *Object, e Element, value []byte, base *codec.Base) error {
	if e == Contents {
		contents, err := c.decoder.Decode(value, base)
		o.Contents = contents
		if base != nil && err == nil && shares(contents, base) {
			o.Contents = bytes.Clone(contents) // the receiver may change them
		}
		return err
	}
	text, err := c.plain(value)
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

// shares reports whether contents are the base's own memory.
func shares(contents []byte, base *codec.Base) bool {
	own := base.Contents()
	return len(contents) > 0 && len(own) > 0 && &contents[0] == &own[0]
}

// plain returns an element other than the contents as text. The original packed
// these with bzip2 too; ours are plain, and none of them begins as bzip2 does.
func (c *Client) plain(value []byte) (string, error) {
	if codec.Bzip2.Begins(value) {
		text, err := c.decoder.Decode(value, nil)
		return strings.TrimSpace(string(text)), err
	}
	return string(value), nil
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
