package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Numbers within text count by their value, and the order is one: whatever the rows,
// sorting them must not depend on how they came.
func TestNaturalOrder(t *testing.T) {
	want := []string{
		"", "-", "0", "00", "01", "1", "2", "10", "10a", "100000000000000000000", "100000000000000000001",
		"a", "a 2", "a 10", "a0", "a01", "a1", "a1b", "a2", "aa", "web1.example.com", "web2.example.com", "web10.example.com",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		got := slices.Clone(want)
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, compareNatural)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

func FuzzNaturalOrder(f *testing.F) {
	f.Add("web9", "web10", "web010")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if compareNatural(a, b) != -compareNatural(b, a) || (compareNatural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q have no order", a, b)
		}
		if compareNatural(a, b) < 0 && compareNatural(b, c) < 0 && compareNatural(a, c) >= 0 {
			t.Errorf("%q < %q < %q, and not %q < %q", a, b, c, a, c)
		}
	})
}

func TestValuesOfAllTypesHaveAnOrder(t *testing.T) {
	now := time.Now()
	ordered := []any{
		nil, false, true, -1.5, 0, int64(1), uint32(2), json.RawMessage("3"), json.RawMessage("1e3"),
		now, now.Add(time.Millisecond), "", []byte("a9"), json.RawMessage(`"a10"`), "b",
		[]string{"a"},
		map[string]int{"a": 1},
	}
	for i, v := range ordered[1:] {
		if newSortKey(ordered[i]).compare(newSortKey(v)) >= 0 {
			t.Errorf("%v does not come before %v", ordered[i], v)
		}
	}
}

// With --limit, rows that cannot be among the first are let go of on the way: the
// result is that of sorting all of them.
func TestSortedLimitHoldsFewRows(t *testing.T) {
	var printed bytes.Buffer
	u := &ui{stdout: bufio.NewWriter(&printed), raw: bufio.NewWriter(&printed)}
	q := &queryFlags{sort: "-n", limit: 3, columns: func() []field { return []field{{"n", 0}, {"id", 0}} }}
	out, err := q.output(u)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 100_000
	most := 0
	for i := range rows {
		n := i * 7919 % 1000 // each value 100 times: the first of them count
		if err := out.row(fmt.Appendf(nil, "%d %d\n", n, i), field{"n", n}, field{"id", i}); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(out.held))
	}
	end := &tail{}
	if err := out.end(end); err != nil {
		t.Fatal(err)
	}
	if err := u.flush(); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i, found := 0, 0; found < 3; i++ {
		if i*7919%1000 == 999 {
			fmt.Fprintf(&want, "999 %d\n", i)
			found++
		}
	}
	if printed.String() != want.String() || end.Cut != rows-3 {
		t.Errorf("printed %q and cut %d rows, want %q and %d", printed.String(), end.Cut, want.String(), rows-3)
	}
	if most > 2*heldAtLeast {
		t.Errorf("%d rows were held", most)
	}
}

// Whatever a host calls its objects, a row of text is one line, also of names that no
// agent has pushed; programs get the name as it is.
func TestNamesDoNotSplitRows(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	const plain, hostile = "/etc/motd", "/etc/x\n      9 web9#/etc/forged\r+++ web9#/etc/forged"
	const all = "*#/etc/x*"
	for host, text := range map[string]string{"web1": "one\n", "web2": "two\n", "web3": "three\x00\n"} {
		publishHost(t, server.URL(), host, 0, map[string]string{plain: text})
		record, _ := server.Must("HGET", "$of:"+host, plain).(string)
		server.Must("HSET", "$of:"+host, hostile, record)
		server.Must("COPY", host+"#"+plain, host+"#"+hostile)
		server.Must("SADD", "$on:"+hostile, host)
	}
	server.Must("SADD", "$names", hostile)
	ask := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"sysops", "--server", server.URL()}, args...), strings.NewReader(""), &stdout, &stderr)
		if code == exitError {
			t.Errorf("%q: exit status %d, %s", args, code, stderr.String())
		}
		return stdout.String()
	}
	for _, tt := range []struct {
		lines int
		args  []string
	}{
		{2, []string{"ls"}},
		{6, []string{"find", "web"}},
		{3, []string{"stat", all}},
		{3, []string{"md5sum", all}},
		{3, []string{"wc", all}},
		{3, []string{"time", all}},
		{3, []string{"grep", ".", all}},
		{3, []string{"grep", "--color", "always", ".", all}},
		{3, []string{"grep", "-l", ".", all}},
		{1, []string{"grep", "-l", "--fold", ".", all}},
		{3, []string{"grep", "-c", ".", all}},
		{3, []string{"cat", "-H", all}},
		{3, []string{"cat", "--uniq", all}},
		{4, []string{"info", "--memory", "--limit", "3"}},
		{5, []string{"diff", "web1#" + hostile, "web2#" + hostile}},
		{4, []string{"diff", "--word", "web1#" + hostile, "web2#" + hostile}},
		{1, []string{"diff", "web1#" + hostile, "web3#" + hostile}},
		{1, []string{"diff", "--brief", "web1#" + hostile, "web2#" + hostile}},
		{2, []string{"diff", "--brief", "web1", "web2"}},
		{4, []string{"diff", "--all", "--brief", all}},
		{3, []string{"extract", "--search", all, "--prefix-hostnames", "--contents"}},
		{2, []string{"extract", "--list-files"}},
		{5, []string{"diff", "web1#" + hostile, "web2#" + hostile}},
		{1, []string{"queries", "-n", "1"}}, // who asked that
	} {
		out := ask(tt.args...)
		if n := strings.Count(out, "\n"); n != tt.lines || strings.Contains(out, "\r") || !strings.Contains(out, `/etc/x\n`) {
			t.Errorf("%q: %d lines, want %d:\n%s", tt.args, n, tt.lines, out)
		}
	}
	for _, format := range []string{"json", "jsonl"} {
		want, err := json.Marshal(hostile)
		if err != nil {
			t.Fatal(err)
		}
		if out := ask("ls", "--format", format); !strings.Contains(out, string(want)) {
			t.Errorf("%s has the name otherwise:\n%s", format, out)
		}
	}
	if out := ask("ls", "--format", "csv"); !strings.Contains(out, `"`+hostile+`",3`) {
		t.Errorf("csv has the name otherwise:\n%q", out)
	}
}
