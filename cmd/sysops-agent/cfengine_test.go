package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A server that hangs is told apart from one that is down, and one that does not take
// objects from both.
func TestCFEngineTellsFaultsApart(t *testing.T) {
	f := newFleet(t)
	servers := redistest.Core(t, 3, redistest.Config("databases 1"))
	hung, down, full := servers[0], servers[1], servers[2]
	hung.Stop()
	down.Kill()
	full.Must("CONFIG", "SET", "maxmemory", "1")
	f.must(os.WriteFile(f.config, []byte("redis: {timeout: 200ms}\n"), 0o600))
	f.must(os.WriteFile(filepath.Join(f.dir, "outgoing", "motd"), []byte("Welcome\n"), 0o600))
	var stdout, stderr bytes.Buffer
	args := []string{
		"sysops-agent", "push", "--cfengine", "--config", f.config, "--host", "web1.example.com", "--outgoing", filepath.Join(f.dir, "outgoing"),
		"--json", filepath.Join(f.dir, "hw.json"), "--state", filepath.Join(f.dir, "state"),
	}
	for _, s := range append(servers, f.server) {
		args = append(args, "--server", s.URL())
	}
	if code := run(t.Context(), args, &stdout, &stderr); code != exitError || stderr.Len() > 0 {
		t.Errorf("exit status %d, stderr %q", code, stderr.String())
	}
	for _, want := range []string{
		fmt.Sprintf("@timeout_exception_redis_servers= { \"%s/0\" }", hung.Addr()),
		fmt.Sprintf("@connection_error_redis_servers= { \"%s/0\" }", down.Addr()),
		fmt.Sprintf("@refusing_redis_servers= { \"%s/0\" }", full.Addr()),
		fmt.Sprintf("@successful_redis_servers= { \"%s/0\" }", f.server.Addr()),
		"+redis_server_timeout_exception", "+redis_server_connection_failure", "+redis_server_refused_objects",
		"+successful_redis_server_connection", "+sysops_push_partial", "-sysops_push_complete", "-sysops_push_failed",
		"=timeout_exception_redis_server=127.0.0.1",
	} {
		if !slices.Contains(strings.Split(stdout.String(), "\n"), want) {
			t.Errorf("no line %s in\n%s", want, stdout.String())
		}
	}
}

// A command line that is wrong is told to CFEngine if it is for CFEngine: the flag takes
// what pflag takes for a boolean, and the last one counts.
func TestWhichCommandLinesAreForCFEngine(t *testing.T) {
	for line, want := range map[string]bool{
		"push": false, "push --cfengine": true, "push --cfengine=true": true, "push --cfengine=1": true, "push --cfengine=T": true, "push --cfengine=yes": true,
		"push --cfengine=false": false, "push --cfengine=0": false, "push --cfengine=F": false,
		"push --cfengine --cfengine=0": false, "push --cfengine=0 --cfengine": true, "push --cfengines": false,
	} {
		if got := forCFEngine(strings.Fields("sysops-agent " + line)); got != want {
			t.Errorf("%s: %v", line, got)
		}
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields("sysops-agent "+line+" --no-such-flag"), &stdout, &stderr)
		if told := stdout.Len() > 0; code != exitError || told != want || told == (stderr.Len() > 0) {
			t.Errorf("%s: exit status %d, stdout %q, stderr %q", line, code, stdout.String(), stderr.String())
		}
	}
}

// Another machine with this host's name is no fault of a server.
func TestCFEngineBlamesNoServerForAnotherMachine(t *testing.T) {
	var out bytes.Buffer
	report := &snapshot.Report{Host: "web1", Servers: []snapshot.ServerReport{{Server: "mps01:6379/1", Err: sysops.ErrOtherMachine}}}
	err := tellCFEngine(&out, report, sysops.ErrOtherMachine, nil)
	if !errors.Is(err, sysops.ErrOtherMachine) && !errors.As(err, new(toldError)) {
		t.Errorf("the error is %v", err)
	}
	if got := out.String(); strings.Contains(got, "mps01") || !strings.Contains(got, "+sysops_push_failed\n") {
		t.Errorf("told:\n%s", got)
	}
}

func TestCFEngineTellsTheOriginalsHostNames(t *testing.T) {
	for server, want := range map[string]string{
		"mps01.example.com:6379/1": "mps01.example.com", "[2001:db8::1]:6379/0": "2001:db8::1", "127.0.0.1:7000/0": "127.0.0.1", "odd": "odd",
	} {
		if got := hostOf(server); got != want {
			t.Errorf("the host of %s is %q, want %q", server, got, want)
		}
	}
}

// Whatever names and errors hold: each line is one that tellCFEngine meant, within
// CFEngine's bounds, and nothing in it is expanded.
func FuzzCFEngineLines(f *testing.F) {
	for _, seed := range []string{
		"mps01:6379/1", "a\n+injected", "a\r\n=x=y", `" } @x= { "`, `\"`, "$(sys.fqhost) ${a} @(b) @{c}", "\xff\x00\x1b[2J", "", " }", strings.Repeat("ü", 3000), "\u2028+x",
	} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, hostile string, n int) {
		n = 1 + (n&0x3f)%40
		report := &snapshot.Report{Host: hostile, Objects: n}
		for range n {
			report.Servers = append(report.Servers, snapshot.ServerReport{Server: hostile, Err: errors.New(hostile)}, snapshot.ServerReport{Server: hostile})
		}
		var out bytes.Buffer
		err := hint.To(errors.New(hostile), hostile)
		tellCFEngine(&out, report, err, slices.Repeat([]string{hostile}, n)) //nolint:errcheck // a buffer takes everything
		var heads []string
		for line := range strings.Lines(out.String()) {
			heads = append(heads, line[:strings.IndexAny(line[1:]+"=", "=\n")+1])
			checkLine(t, line)
		}
		want := []string{
			"+successful_redis_server_connection", "=successful_redis_server", "@successful_redis_servers",
			"-redis_server_timeout_exception", "-redis_server_connection_failure",
			"+redis_server_refused_objects", "=refusing_redis_server", "@refusing_redis_servers",
			"-sysops_push_complete", "+sysops_push_partial", "-sysops_push_failed",
			"=sysops_push_host", "=sysops_push_objects", "@sysops_push_warnings", "=sysops_push_error",
		}
		if hostile != "" { // no advice is none
			want = append(want, "=sysops_push_hint")
		}
		if !slices.Equal(heads, want) {
			t.Errorf("of %q came\n%s", hostile, out.String())
		}
	})
}

func checkLine(t *testing.T, line string) {
	t.Helper()
	if len(line) > 4095 || !utf8.ValidString(line) {
		t.Errorf("a line of %d bytes, UTF-8 %v", len(line), utf8.ValidString(line))
	}
	for _, expanded := range []string{"$(", "${", "@(", "@{", `\`} {
		if strings.Contains(line, expanded) {
			t.Errorf("%q stands in %q", expanded, line)
		}
	}
	_, list, isList := strings.Cut(line, "= {")
	if !isList || line[0] != '@' {
		return
	}
	elements, closed := strings.CutSuffix(list, " }\n")
	if !closed || strings.Count(elements, `"`)%2 != 0 {
		t.Errorf("the list does not end: %q", line)
	}
	for i, part := range strings.Split(elements, `"`) {
		if i%2 == 0 && strings.Trim(part, " ,") != "" {
			t.Errorf("%q stands outside of quotes in %q", part, line)
		}
	}
}
