// Package elements reads the elements of an object beside its contents, in the forms that our
// publisher and the original's inserter write.
//
// Any host may have written them. It promises that what is not what it should be is an error,
// "damaged: …", and never a value.
package elements

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/snapshot"
)

func damaged(text, what string) error { return fmt.Errorf("damaged: %.60q is no %s", text, what) }

var md5Sum = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// MD5Sum reads 32 hex digits.
func MD5Sum(text string) (string, error) {
	if !md5Sum.MatchString(text) {
		return "", damaged(text, "md5sum")
	}
	return text, nil
}

// members reads a JSON object that has these members, all of which are numbers, and may
// have others.
func members(text string, into any, names ...string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return err
	}
	for _, n := range names {
		if v := all[n]; len(v) == 0 || v[0] != '-' && (v[0] < '0' || v[0] > '9') {
			return fmt.Errorf("it has no number %s", n)
		}
	}
	return json.Unmarshal([]byte(text), into)
}

// Stat reads our JSON, or what the original stored: the text of Python's os.stat
// ("posix.stat_result(st_mode=33188, st_ino=…L, …)", or the bare tuple of older Pythons), or
// a sentence that says that there is none.
func Stat(text string) (*snapshot.Stat, error) {
	s := &snapshot.Stat{}
	switch {
	case text == "null", noStat.MatchString(text):
		return nil, nil
	case strings.HasPrefix(text, "{"):
		if members(text, s, "mode", "ino", "dev", "nlink", "uid", "gid", "size", "mtime", "ctime") != nil {
			return nil, damaged(text, "stat")
		}
	default:
		if s = pythonStat(text); s == nil {
			return nil, damaged(text, "stat")
		}
	}
	if s.Size < 0 || !plausible(s.Mtime) || !plausible(s.Ctime) {
		return nil, damaged(text, "stat")
	}
	return s, nil
}

var (
	noStat      = regexp.MustCompile(`^(?i:no (os\.)?stat\b)[ -~]*$`)
	statResult  = regexp.MustCompile(`^[a-z.]*stat_result\((?:st_\w+=-?\d+L?(?:, )?)+\)$`)
	pythonField = regexp.MustCompile(`st_(\w+)=(-?\d+)`)
	statTuple   = regexp.MustCompile(`^\((?:-?\d+L?(?:, )?){10,}\)$`)
	integer     = regexp.MustCompile(`-?\d+`)
)

// pythonStat reads what Python writes of os.stat; nil: it is something else.
func pythonStat(text string) *snapshot.Stat {
	values := make(map[string]int64)
	switch {
	case statResult.MatchString(text):
		for _, m := range pythonField.FindAllStringSubmatch(text, -1) {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				return nil
			}
			values[m[1]] = n
		}
	case statTuple.MatchString(text):
		all := numbers(text)
		for i, field := range []string{"mode", "ino", "dev", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime"} {
			if i < len(all) {
				values[field] = all[i]
			}
		}
	}
	for field, most := range map[string]int64{"mode": 1<<32 - 1, "ino": 0, "dev": 0, "nlink": 0, "uid": 1<<32 - 1, "gid": 1<<32 - 1, "size": 0, "mtime": 0, "ctime": 0} {
		n, is := values[field]
		if !is || most > 0 && (n < 0 || n > most) {
			return nil
		}
	}
	return &snapshot.Stat{
		Mode: uint32(values["mode"]), Ino: uint64(values["ino"]), Dev: uint64(values["dev"]), Nlink: uint64(values["nlink"]),
		UID: uint32(values["uid"]), GID: uint32(values["gid"]), Size: values["size"], Mtime: values["mtime"], Ctime: values["ctime"],
	}
}

// plausible reports whether so many seconds of Unix are a time of the years 1 to 9999: what
// no calendar has is not told as a date.
func plausible(seconds int64) bool {
	year := time.Unix(seconds, 0).UTC().Year()
	return seconds > -1<<40 && seconds < 1<<40 && year > 0 && year < 10000
}

// numbers returns the numbers in a text; nil where one is too large for one.
func numbers(text string) []int64 {
	var out []int64
	for _, d := range integer.FindAllString(text, -1) {
		n, err := strconv.ParseInt(d, 10, 64)
		if err != nil {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// mostBytes is more than any object has.
const mostBytes = 1 << 40

// The forms of the original's word count: "('Number of characters: 155', 'Number of lines:
// 9', 'Number of words: 18')", where a last line without a newline counts, and others that
// hold the three numbers in wc's order, or that of the words alone.
var (
	pythonCounts = regexp.MustCompile(`^\('Number of characters: (\d+)', 'Number of lines: (\d+)', 'Number of words: (\d+)'\)$`)
	threeCounts  = regexp.MustCompile(`^[ -~\s]{1,200}$`)
)

// WordCount reads our JSON, or what the original stored.
func WordCount(text string) (snapshot.Counts, error) {
	var wc snapshot.Counts
	switch n := numbers(text); {
	case strings.HasPrefix(text, "{"):
		if members(text, &wc, "lines", "words", "bytes") != nil {
			return snapshot.Counts{}, damaged(text, "word count")
		}
	case pythonCounts.MatchString(text) && len(n) == 3:
		wc = snapshot.Counts{Lines: max(n[1]-1, 0), Words: n[2], Bytes: n[0]}
	case threeCounts.MatchString(text) && len(n) == 3:
		wc = snapshot.Counts{Lines: n[0], Words: n[1], Bytes: n[2]}
	case threeCounts.MatchString(text) && len(n) == 1 && n[0] >= 0 && n[0] < mostBytes:
		return snapshot.Counts{Words: n[0]}, nil
	default:
		return wc, damaged(text, "word count")
	}
	if wc.Lines < 0 || wc.Words < 0 || wc.Lines > wc.Bytes || wc.Words > wc.Bytes || wc.Bytes > mostBytes {
		return snapshot.Counts{}, damaged(text, "word count")
	}
	return wc, nil
}

var unixTime = regexp.MustCompile(`^\s*\d{1,10}(?:\.\d{1,20})?\s*$`)

// Time reads unix seconds, with a fraction where Python wrote it. A server's clock is
// not beyond the year 2242.
func Time(text string) (time.Time, error) {
	if s, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && unixTime.MatchString(text) && s < 1<<33 {
		return time.UnixMicro(int64(s * 1e6)), nil
	}
	return time.Time{}, damaged(text, "time")
}
