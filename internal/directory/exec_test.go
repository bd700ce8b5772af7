package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/secure"
)

// inventoryOf says a world as Ansible's inventory.
func inventoryOf(t *testing.T, w world) string {
	t.Helper()
	groups := map[string]any{"_meta": map[string]any{"hostvars": map[string]any{}}}
	for site, cores := range w.sites {
		children := []string{}
		for core, servers := range cores {
			children = append(children, core)
			groups[core] = map[string]any{"hosts": servers, "vars": map[string]any{}}
		}
		groups[site] = map[string]any{"children": children}
	}
	text, err := json.Marshal(groups)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// script writes a program.
func script(t *testing.T, path, text string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "inventory")
	}
	redistest.WriteProgram(t, path, "#!/bin/sh\n"+text)
	return path
}

func execSubject() subject {
	return subject{name: "exec", serve: func(t *testing.T, w world) *backend {
		inventory := inventoryOf(t, w)
		print := func(text string) string { return "cat <<'END'\n" + text + "\nEND\n" }
		path := script(t, "", `[ "$*" = "--site all --list" ] || exit 9`+"\n"+print(inventory))
		garbled := func(name, text string) garble { return garble{name, func(int) { script(t, path, text) }} }
		return &backend{url: "exec://" + path + "?arg=--site&arg=all", garbles: []garble{
			garbled("exit status", print(inventory)+"exit 3\n"),
			garbled("killed", print(inventory)+"kill -9 $$\n"),
			garbled("cut off", print(inventory[:len(inventory)/2])),
			garbled("cut off before the last brace", print(inventory[:len(inventory)-1])),
			garbled("nothing", "exit 0\n"),
			garbled("null", print("null")),
			garbled("a list", print("[]")),
			garbled("twice", print(inventory)+print(inventory)),
			garbled("a group that is a word", print(`{"esv4": "x"}`)),
			garbled("hosts that are no list", print(`{"esv4": {"children": ["c"]}, "c": {"hosts": "redis://a"}}`)),
			garbled("a core without a site", print(`{"esv4": {"children": []}, "c": ["redis://a"]}`)),
			garbled("a child that there is not", print(`{"esv4": {"children": ["c"]}}`)),
			garbled("a site within a site", print(`{"esv4": {"children": ["c"]}, "c": {"children": []}}`)),
			garbled("a site with hosts", print(`{"esv4": {"children": [], "hosts": ["redis://a"]}}`)),
			garbled("a host without a core", print(`{"esv4": {"children": []}, "ungrouped": {"hosts": ["redis://a"]}}`)),
			garbled("a local core that there is not", print(`{"esv4": {"children": []}, "local": {"children": ["c"]}}`)),
			{"no program", func(int) {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}},
		}}
	}}
}

func TestAnInventoryMayHaveWhatAnsibleAdds(t *testing.T) {
	f, err := readInventory([]byte(`{
		"_meta": {"hostvars": {"redis://a": {"x": 1}}},
		"all": {"children": ["ungrouped", "esv4"], "hosts": ["redis://a"]},
		"ungrouped": {},
		"esv4": {"children": ["c1", "c2"], "vars": {"y": 2}},
		"c1": ["redis://a"],
		"c2": {},
		"local": {"children": ["c1"]}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if sites, _ := f.Sites(t.Context()); !slices.Equal(sites, []string{"esv4"}) {
		t.Errorf("%q", sites)
	}
	if cores, _ := f.Cores(t.Context(), "esv4"); !slices.Equal(cores, []string{"c1", "c2"}) {
		t.Errorf("%q", cores)
	}
	if site, core, _ := f.Local(t.Context()); site != "esv4" || core != "c1" {
		t.Errorf("%q, %q", site, core)
	}
}

func TestAProgramThatFailsIsQuotedInOneLine(t *testing.T) {
	path := script(t, "", `printf 'no\033[2J route\nto %s' "$(head -c 100000 /dev/zero | tr '\0' x)" >&2; exit 3`)
	dir, err := Open("exec://"+path, Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dir.Sites(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{path, "exit status 3", "no?[2J route to xxx"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1000 {
		t.Errorf("%q", err)
	}
}

// One query is up to twenty questions.
func TestAProgramIsNotToldThePasswordOfTheServers(t *testing.T) {
	t.Setenv(secure.PasswordVariable, "hunter2")
	t.Setenv(secure.SentinelPasswordVariable, "hunter22")
	t.Setenv("INVENTORY_TOKEN", "own")
	path := script(t, "", `case "$(cat /proc/self/environ | tr -d '\0')" in *hunter2*) exit 9; esac`+"\n"+
		`[ "$INVENTORY_TOKEN" = own ] && echo '{"s": {"children": []}}'`+"\n")
	d, err := Open("exec://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := d.Sites(t.Context()); err != nil || !slices.Equal(sites, []string{"s"}) {
		t.Errorf("got %q, %v", sites, err)
	}
}

func TestAProgramRunsOnceForTheQuestionsOfAQuery(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	path := script(t, "", fmt.Sprintf("echo >>%s\necho '{}'\n", runs))
	s, err := openExec(location{path: path}, Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	p := s.(*program)
	now := time.Now()
	p.cache.now = func() time.Time { return now }
	count := func() int {
		text, err := os.ReadFile(runs)
		if err != nil {
			t.Fatal(err)
		}
		return len(text)
	}
	for range 3 {
		for what, list := range questions(t.Context(), p) {
			if _, err := list(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if n := count(); n != 1 {
		t.Errorf("%d runs", n)
	}
	now = now.Add(freshFor)
	if _, err := p.Sites(t.Context()); err != nil || count() != 2 {
		t.Errorf("%d runs, %v: an old answer is no answer", count(), err)
	}
}

// Its children would stay otherwise, one more at each question.
func TestAProgramIsKilledWithItsChildrenAtTheDeadline(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	path := script(t, "", fmt.Sprintf("sleep 1000 &\necho $! >%s\nwait\n", child))
	dir, err := Open("exec://"+path, Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := dir.Sites(ctx)
		ended <- err
	}()
	pid := childPID(t, child)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	awaitEnd(t, pid)
}

// alive says that a process runs: a zombie, which nobody may wait for, does not.
func alive(t *testing.T, pid int) bool {
	t.Helper()
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestAProgramThatHangsEndsAtItsTimeout(t *testing.T) {
	dir, err := Open("exec://"+script(t, "", "sleep 1000\n")+"?timeout=100ms", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); !errors.Is(err, context.DeadlineExceeded) || sites != nil {
		t.Errorf("%q, %v", sites, err)
	}
}

func TestAProgramThatPrintsWithoutEndIsKilled(t *testing.T) {
	dir, err := Open("exec://"+script(t, "", "exec cat /dev/zero\n"), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("%q, %v", sites, err)
	}
}

func TestAProgramThatLeavesAProcessBehindHasNotAnswered(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	dir, err := Open("exec://"+script(t, "", fmt.Sprintf("sleep 1000 &\necho $! >%s\necho '{}'\n", child)), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil {
		t.Errorf("%q, %v", sites, err)
	}
	awaitEnd(t, childPID(t, child))
}

// childPID waits until a script has written a process's id, which it does at once.
func childPID(t *testing.T, path string) int {
	t.Helper()
	for {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if line, whole := strings.CutSuffix(string(text), "\n"); whole {
			pid, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it has ended, unless the test failed
			return pid
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitEnd waits for a process's end.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	redistest.WaitFor(t, fmt.Sprintf("the end of process %d", pid), func() bool { return !alive(t, pid) })
}
