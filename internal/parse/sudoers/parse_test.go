package sudoers

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// entriesOf are what a user of the test host may do by these sudoers.
func entriesOf(sudoers, user string) ([]string, []string, *Policy) {
	p := Assemble(Files{"/etc/sudoers": Parse([]byte(sudoers))}, "/etc/sudoers", "web01")
	entries, undecided := p.Entries(testHost(nil), user)
	var out []string
	for i := range entries {
		out = append(out, entries[i].String())
	}
	return out, undecided, p
}

// What aliases can do to the time and the memory that it takes to follow them.
func TestAliasesThatDouble(t *testing.T) {
	var b strings.Builder
	for i := range 64 {
		for _, kind := range []string{"User", "Host", "Cmnd", "Runas"} {
			fmt.Fprintf(&b, "%s_Alias A%d = A%d, !A%d\n", kind, i, i+1, i+1)
		}
	}
	b.WriteString("A0 ALL = ALL\nbob A0 = ALL\nbob ALL = (A0) A0\n")
	entries, undecided, _ := entriesOf(b.String(), "bob")
	if len(entries) != 1 || len(entries[0]) > 2*maxEntryText+100 || !strings.HasSuffix(entries[0], "…") {
		t.Errorf("%d entries: %d bytes", len(entries), len(strings.Join(entries, "")))
	}
	if want := []string{"the aliases, which are too many to follow"}; !slices.Equal(undecided, want) {
		t.Errorf("undecided: %q, want %q", undecided, want)
	}
}

func TestIncludesThatDouble(t *testing.T) {
	files := Files{"/etc/sudoers": Parse([]byte("@include sudoers\n@include sudoers\nbob ALL = ALL\n"))}
	p := Assemble(files, "/etc/sudoers", "web01")
	if len(p.specs) > maxIncludes || len(p.Missing) != 1 {
		t.Errorf("%d rules, missing %v", len(p.specs), p.Missing)
	}
	deep := Assemble(Files{"/etc/sudoers": Parse([]byte("@include sudoers\nbob ALL = ALL\n"))}, "/etc/sudoers", "web01")
	if len(deep.specs) != maxIncludeDepth+1 || len(deep.Problems) != 1 {
		t.Errorf("%d rules, problems %v", len(deep.specs), deep.Problems)
	}
}

// noise is how many times as much is allocated under the race detector, where sync.Pool
// throws away at random what regexp would use again.
var noise uint64 = 1

// A hostile file costs time and memory in proportion to its size.
func TestLargeFiles(t *testing.T) {
	const size = 64 << 10
	for name, unit := range map[string]string{
		"arguments": "x ", "colons": ":", "hex": "a:", "words": "a,", "nots": "! ", "backslashes": `\`, "quotes": `"`, "regex": `^\$`,
		"digests": "sha224:0", "tags": "NOPASSWD ", "blanks": " ", "numbers": "1.", "sharps": "#1", "continued": "\\\n", "aliases": "A=ALL:",
	} {
		for _, start := range []string{"", "bob ALL = /bin/x ", "Defaults ", "Defaults:", "Cmnd_Alias ", "@include ", `"`, "bob ALL = /bin/x ^", "bob ALL = CWD="} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			Parse([]byte(start + strings.Repeat(unit, size/len(unit))))
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > noise*(200*size+1<<20) {
				t.Errorf("%s after %q: %d bytes were allocated for %d", name, start, grown, size)
			}
		}
	}
}

func TestRedactedPartsAreText(t *testing.T) {
	const sudoers = "bob ALL = /bin/db --password=[redacted:0123456789ab] -u x, /bin/ls\n" +
		"Cmnd_Alias PASSWD = [redacted]\nann ALL = /bin/cat \\\n [redacted:0123456789ab]\nann ALL = /bin/id\n"
	entries, _, p := entriesOf(sudoers, "bob")
	if want := []string{`(root) /bin/db --password\=\[redacted\:0123456789ab\] -u x, /bin/ls`}; !slices.Equal(entries, want) {
		t.Errorf("got %q, want %q", entries, want)
	}
	var lines []int
	for _, m := range p.Missing {
		lines = append(lines, m.Line)
	}
	if !slices.Equal(lines, []int{1, 2, 3}) {
		t.Errorf("missing: %v", p.Missing)
	}
}

func TestEscapesStayOnTheirLine(t *testing.T) {
	entries, _, _ := entriesOf("bob ALL = (a\\x0ab\\x1b[31m) /bin/ls\n", "bob")
	if want := []string{`(a\x0ab\x1b[31m) /bin/ls`}; !slices.Equal(entries, want) {
		t.Errorf("got %q, want %q", entries, want)
	}
}

func TestTimeouts(t *testing.T) {
	for text, want := range map[string]int{"5": 5, "7d8h30m10s": 635410, "1D2H": 93600, "0": -1, "90": 90} {
		if got, err := parseTimeout(text); got != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "5x", "1s2m", "1d1d", "-1", "99999999999", "99999d", "1d2"} {
		if got, err := parseTimeout(text); err == nil && text != "1d2" {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2017021408": "2017-02-14T08:00:00Z", "201702140830Z": "2017-02-14T08:30:00Z", "20160315220000-0500": "2016-03-16T03:00:00Z",
		"20151201235900.5+0100": "2015-12-01T22:59:00Z", "20170232000000Z": "2017-03-04T00:00:00Z",
	} {
		if got, err := parseTime(text); got.Format(time.RFC3339) != want || err != nil {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2017", "20170214083", "20170214083000X", "20170214083000+1", "Z"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzSudoers holds whatever is read: it ends, nothing panics, and reading what is
// printed as a rule gives it again.
func FuzzSudoers(f *testing.F) {
	for _, c := range realCases {
		f.Add(c.sudoers)
	}
	host := testHost(nil)
	f.Fuzz(func(t *testing.T, text string) {
		p := Assemble(Files{"/etc/sudoers": Parse([]byte(text)), "/etc/sudoers.d/a": Parse([]byte(text))}, "/etc/sudoers", "web01")
		entries, _ := p.Entries(host, "bob")
		p.Decide(host, "bob", "/usr/bin/id -g x", "op:dba", time.Unix(1e9, 0))
		for i := range entries {
			if strings.ContainsAny(entries[i].String(), "\n\r\x00\x1b") {
				t.Errorf("%q prints %q", text, entries[i].String())
			}
		}
	})
}
