package collect

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// script writes a shell script and returns a command that runs it.
func script(t *testing.T, section, text string) Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), section)
	redistest.WriteProgram(t, path, "#!/bin/sh\n"+text+"\n")
	return Command{Section: section, Argv: []string{path}}
}

// runOne runs one command and returns its result.
func runOne(t *testing.T, c Command) Result {
	t.Helper()
	report := Run(t.Context(), Options{Commands: []Command{c}})
	if len(report.Results) != 1 || len(report.Missing) != 0 {
		t.Fatalf("one command gave %d results, %q missing", len(report.Results), report.Missing)
	}
	return report.Results[0]
}

// witness is a pipe that tells when the last process that holds it has ended.
type witness struct {
	path string
	end  *os.File
}

func newWitness(t *testing.T) witness {
	t.Helper()
	path := filepath.Join(t.TempDir(), "witness")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close() })
	return witness{path: path, end: end}
}

// said waits until all writers are gone and returns what they wrote.
func (w witness) said(t *testing.T) string {
	t.Helper()
	if err := w.end.SetReadDeadline(time.Now().Add(redistest.Patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(w.end)
	if err != nil {
		t.Fatalf("a process still lives: %v", err)
	}
	return string(text)
}

func TestRunKeepsOutputByteForByte(t *testing.T) {
	r := runOne(t, script(t, "bytes", `printf 'a\000b\377\n\n'`))
	if string(r.Output) != "a\x00b\xff\n\n" || r.Exit != 0 || r.Error != "" {
		t.Errorf("got %q, exit %d, error %q", r.Output, r.Exit, r.Error)
	}
}

func TestRunKeepsWhatAFailingCommandPrinted(t *testing.T) {
	r := runOne(t, script(t, "fails", "echo partly; echo 'disk is gone' >&2; echo more >&2; exit 3"))
	if string(r.Output) != "partly\n" || r.Exit != 3 || r.Stderr != "disk is gone" || r.Error != "" {
		t.Errorf("got %+v", r)
	}
}

func TestRunGivesCommandsAFixedEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_CALLER", "x")
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	r := runOne(t, script(t, "env", "env; pwd; cat"))
	out := string(r.Output)
	if !strings.Contains(out, "LC_ALL=C\n") || !strings.Contains(out, "PATH=/usr/sbin:") || strings.Contains(out, "SECRET_OF") {
		t.Errorf("the environment is %q", out)
	}
}

func TestRunListsCommandsThatAreNotInstalledAsMissing(t *testing.T) {
	report := Run(t.Context(), Options{Commands: []Command{
		{Section: "z", Argv: []string{"no-such-program"}},
		{Section: "a", Argv: []string{filepath.Join(t.TempDir(), "no-such-file")}},
		script(t, "here", "echo here"),
	}})
	if !slices.Equal(report.Missing, []string{"a", "z"}) || len(report.Results) != 1 {
		t.Errorf("missing %q, results %+v", report.Missing, report.Results)
	}
}

func TestRunTakesTheFirstAlternativeThatWorks(t *testing.T) {
	commands := []Command{
		{Section: "s", Argv: []string{"no-such-program"}},
		script(t, "s", "echo usage >&2; exit 2"),
		script(t, "s", "echo third"),
		script(t, "s", "echo fourth"),
	}
	report := Run(t.Context(), Options{Commands: commands})
	if len(report.Results) != 1 || string(report.Results[0].Output) != "third\n" {
		t.Errorf("got %+v", report.Results)
	}
}

func TestRunTellsWhyTheFirstAlternativeFailedWhenAllDo(t *testing.T) {
	commands := []Command{script(t, "s", "echo first >&2; exit 2"), script(t, "s", "echo second >&2; exit 3")}
	report := Run(t.Context(), Options{Commands: commands})
	if len(report.Results) != 1 || report.Results[0].Stderr != "first" || report.Results[0].Exit != 2 {
		t.Errorf("got %+v", report.Results)
	}
}

func TestRunSortsResultsBySection(t *testing.T) {
	report := Run(t.Context(), Options{Parallel: 3, Commands: []Command{
		script(t, "c", "echo"), script(t, "a", "echo"), script(t, "b", "echo"),
	}})
	var sections []string
	for _, r := range report.Results {
		sections = append(sections, r.Section)
	}
	if !slices.Equal(sections, []string{"a", "b", "c"}) {
		t.Errorf("sections are %q", sections)
	}
}

func TestRunRefusesTheReservedSection(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	r := runOne(t, script(t, "collection", "touch "+marker))
	if !strings.Contains(r.Error, "reserved") {
		t.Errorf("error is %q", r.Error)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command ran")
	}
}

func TestTimeLimitKillsTheWholeProcessGroup(t *testing.T) {
	t.Parallel()
	redistest.LongEnough(t, 100*time.Millisecond, func(limit time.Duration) bool {
		w := newWitness(t)
		c := script(t, "slow", "exec 3>"+w.path+"; echo held >&3; sleep 3600 & echo begun; sleep 3600")
		c.Timeout = limit
		r := runOne(t, c)
		if !r.TimedOut || r.Truncated || r.Exit != -1 || !strings.Contains(r.Error, limit.String()) {
			t.Errorf("got %+v", r)
		}
		if r.Unknown != (len(r.Output) == 0) {
			t.Errorf("unknown: %v, and it had printed %q", r.Unknown, r.Output)
		}
		if len(r.Output) == 0 {
			return false
		}
		if string(r.Output) != "begun\n" {
			t.Errorf("what it had printed is %q", r.Output)
		}
		if said := w.said(t); said != "held\n" {
			t.Errorf("the children said %q", said)
		}
		return true
	})
}

func TestOutputLimitCutsTheOutputAndKillsTheCommand(t *testing.T) {
	w := newWitness(t)
	c := script(t, "chatty", "exec 3>"+w.path+"; echo held >&3; while :; do echo 0123456789; done")
	c.Limit = 100_000
	r := runOne(t, c)
	if !r.Truncated || r.TimedOut || int64(len(r.Output)) != c.Limit || !bytes.HasPrefix(r.Output, []byte("0123456789\n0")) {
		t.Errorf("truncated %v, timed out %v, %d bytes", r.Truncated, r.TimedOut, len(r.Output))
	}
	if said := w.said(t); said != "held\n" {
		t.Errorf("the command said %q", said)
	}
}

func TestOutputOfExactlyTheLimitIsNotTruncated(t *testing.T) {
	c := script(t, "exact", "printf 12345")
	c.Limit = 5
	if r := runOne(t, c); r.Truncated || r.Error != "" || string(r.Output) != "12345" {
		t.Errorf("got %+v", r)
	}
}

func TestAChildThatKeepsTheOutputOpenDoesNotHangTheRun(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	r := runOne(t, script(t, "parent", "exec 3>"+w.path+"; echo held >&3; echo done; sleep 3600 &"))
	if string(r.Output) != "done\n" || r.Exit != 0 || r.TimedOut || !strings.Contains(r.Error, "child") {
		t.Errorf("got %+v", r)
	}
	if said := w.said(t); said != "held\n" {
		t.Errorf("the child said %q", said)
	}
}

func TestAChildThatLeftTheGroupDoesNotHangTheRun(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	hold := filepath.Join(t.TempDir(), "hold")
	if err := syscall.Mkfifo(hold, 0o600); err != nil {
		t.Fatal(err)
	}
	redistest.LongEnough(t, 100*time.Millisecond, func(limit time.Duration) bool {
		c := script(t, "escapes", "setsid sh -c 'exec 3>"+w.path+"; echo held >&3; echo left; read x <"+hold+"' & sleep 3600")
		c.Timeout = limit
		r := runOne(t, c)
		if !r.TimedOut || len(r.Output) > 0 && string(r.Output) != "left\n" {
			t.Errorf("got %+v", r)
		}
		return len(r.Output) > 0
	})

	release, err := os.OpenFile(hold, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer release.Close()
	if _, err := release.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if said := w.said(t); said != "held\n" {
		t.Errorf("the child said %q", said)
	}
}

func TestCancellingKillsWhatRunsAndStartsNothingMore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := newWitness(t)
	path := filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	started, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer started.Close()
	go func() {
		_, _ = started.Read(make([]byte, 1)) // blocks until the command runs
		cancel()
	}()
	report := Run(ctx, Options{Parallel: 1, Commands: []Command{
		script(t, "first", "exec 3>"+w.path+"; echo held >&3; echo >"+path+"; sleep 3600"),
		script(t, "second", "echo never"),
	}})
	for _, r := range report.Results {
		if r.Error != context.Canceled.Error() || len(r.Output) > 0 || r.TimedOut {
			t.Errorf("got %+v", r)
		}
	}
	if len(report.Results) != 2 {
		t.Errorf("%d results", len(report.Results))
	}
	if said := w.said(t); said != "held\n" {
		t.Errorf("the command said %q", said)
	}
}

func TestCatalogueHasSysctlOnEveryMachine(t *testing.T) {
	i := slices.IndexFunc(Catalogue(), func(c Command) bool { return c.Section == "sysctl-a" })
	if i < 0 {
		t.Fatal("no section sysctl-a")
	}
	if got := Catalogue()[i].Argv; !slices.Equal(got, []string{"sysctl", "-a"}) {
		t.Errorf("it runs %q", got)
	}
}

func TestCatalogueRunsEachAlternativeOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Catalogue() {
		line := c.Section + ": " + strings.Join(c.Argv, " ")
		if seen[line] || c.refusal() != "" {
			t.Errorf("%q: listed twice, or %q", line, c.refusal())
		}
		seen[line] = true
	}
}
