package elements

import (
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/snapshot"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

const (
	goodStat    = `{"mode":33188,"ino":1,"dev":2,"nlink":1,"uid":0,"gid":4,"size":5,"mtime":1389225601,"ctime":1389225602}`
	pythonStat1 = "posix.stat_result(st_mode=33188, st_ino=1, st_dev=2L, st_nlink=1, st_uid=0, st_gid=4, st_size=5L, st_atime=7, st_mtime=1389225601, st_ctime=1389225602)"
	pythonStat2 = "(33188, 1L, 2L, 1, 0, 4, 5L, 7, 1389225601, 1389225602)"
)

func TestElementsInAllTheirForms(t *testing.T) {
	want := snapshot.Stat{Mode: 33188, Ino: 1, Dev: 2, Nlink: 1, GID: 4, Size: 5, Mtime: 1389225601, Ctime: 1389225602}
	for _, text := range []string{goodStat, pythonStat1, pythonStat2} {
		if s, err := Stat(text); err != nil || s == nil || *s != want {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	for _, text := range []string{"null", "no stat available", "No os.stat() is available.  hardware_identification is comprised of executed commands."} {
		if s, err := Stat(text); err != nil || s != nil {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	for text, want := range map[string]snapshot.Counts{
		`{"lines":9,"words":18,"bytes":155}`: {Lines: 9, Words: 18, Bytes: 155},
		"(9, 18, 155)":                       {Lines: 9, Words: 18, Bytes: 155},
		"('Number of characters: 155', 'Number of lines: 10', 'Number of words: 18')": {Lines: 9, Words: 18, Bytes: 155},
		"18": {Words: 18},
	} {
		if c, err := WordCount(text); err != nil || c != want {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
	for text, want := range map[string]time.Time{"1389225700": time.Unix(1389225700, 0), "1389225700.25": time.UnixMilli(1389225700250), "0": time.Unix(0, 0)} {
		if got, err := Time(text); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// What a host may have written in place of an element is no value: above all, it is no zero.
func TestElementsThatAreNone(t *testing.T) {
	bad := map[string][]string{
		"md5sum": {"", "d41d8cd98f00b204e9800998ecf8427", "d41d8cd98f00b204e9800998ecf8427e\n", "\x1b[2Jd8cd98f00b204e9800998ecf8427e1", "../../etc/passwd"},
		"stat": {
			"", "{}", "{", "[]", "nul", "x", `{"mode":33188}`, strings.Replace(goodStat, "33188", "-1", 1), strings.Replace(goodStat, "33188", "4294967296", 1),
			strings.Replace(goodStat, "33188", `"33188"`, 1), strings.Replace(goodStat, "33188", "null", 1), strings.Replace(goodStat, `"size":5`, `"size":-5`, 1),
			strings.Replace(goodStat, "1389225601", "9223372036854775807", 1), strings.Replace(goodStat, "1389225602", "-99999999999999", 1), goodStat + "x", goodStat + goodStat,
			strings.Replace(pythonStat1, "st_size=5L, ", "", 1), strings.Replace(pythonStat1, "33188", "99999999999999999999", 1), pythonStat2[:len(pythonStat2)-14] + ")", "no stat\x1b[2J",
		},
		"wordcount": {
			"", "{}", "x", "-1", "1 2", "(-9, 18, 155)", "(156, 18, 155)", "(9, 156, 155)", `{"lines":-9,"words":18,"bytes":155}`, `{"lines":9,"words":18}`, `{"lines":9e99,"words":18,"bytes":155}`,
			"99999999999999999999", "(9, 18, 9223372036854775807)", "9\x1b[2J18 155",
		},
		"time": {"", "x", "-1", "NaN", "Inf", "1e9", "0x1p10", "99999999999", "9999999999", "1_000", "1389225700 1"},
	}
	for kind, texts := range bad {
		for _, text := range texts {
			if err := parsers[kind](text); err == nil || !strings.HasPrefix(err.Error(), "damaged: ") || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%q as %s: %v", text, kind, err)
			}
		}
	}
}

// parsers read one element each.
var parsers = map[string]func(string) error{
	"md5sum":    func(s string) error { _, err := MD5Sum(s); return err },
	"stat":      func(s string) error { _, err := Stat(s); return err },
	"wordcount": func(s string) error { _, err := WordCount(s); return err },
	"time":      func(s string) error { _, err := Time(s); return err },
}

func FuzzElements(f *testing.F) {
	for _, text := range []string{goodStat, pythonStat1, pythonStat2, "null", "(9, 18, 155)", `{"lines":9,"words":18,"bytes":155}`, "1389225700.25", "d41d8cd98f00b204e9800998ecf8427e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		took := redistest.Allocated(func() {
			for _, parse := range parsers {
				parse(text)
			}
		})
		if took > 1<<20 {
			t.Errorf("%d bytes took %d", len(text), took)
		}
		if s, err := MD5Sum(text); err == nil && (len(s) != 32 || strings.Trim(s, "0123456789abcdefABCDEF") != "") {
			t.Errorf("%q is taken for an md5sum", text)
		}
		if s, err := Stat(text); err == nil && s != nil && (s.Size < 0 || time.Unix(s.Mtime, 0).UTC().Year() > 9999) {
			t.Errorf("%q is taken for %+v", text, s)
		}
		if c, err := WordCount(text); err == nil && (c.Lines < 0 || c.Words < 0 || c.Bytes < 0) {
			t.Errorf("%q is taken for %+v", text, c)
		}
		if at, err := Time(text); err == nil && (at.Unix() < 0 || at.Unix() > 1<<33) {
			t.Errorf("%q is taken for %v", text, at)
		}
	})
}
