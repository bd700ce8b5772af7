package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

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
