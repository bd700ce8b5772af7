package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// A simulateRun is a simulation under way.
type simulateRun struct {
	stdout, stderr lockedBuffer
	status         chan int
}

func startSimulate(ctx context.Context, t *testing.T, args ...string) *simulateRun {
	t.Helper()
	isolateConfig(t)
	r := &simulateRun{status: make(chan int, 1)}
	go func() {
		r.status <- run(ctx, append([]string{"sysops", "simulate", "--builtin"}, args...), strings.NewReader(""), &r.stdout, &r.stderr)
	}()
	return r
}

// ends demands that it ends, with this exit status.
func (r *simulateRun) ends(t *testing.T, want int) {
	t.Helper()
	select {
	case got := <-r.status:
		if got != want {
			t.Fatalf("exit status %d, want %d; stderr:\n%s", got, want, r.stderr.String())
		}
	case <-time.After(redistest.Patience):
		t.Fatalf("it has not ended within %v; stderr:\n%s", redistest.Patience, r.stderr.String())
	}
}

// The files are what a query over the cache answers, no more and no less, so that
// another tool's counts can be compared.
func TestTheTreeHoldsWhatTheCacheAnswers(t *testing.T) {
	servers := redistest.Core(t, 2)
	dir := filepath.Join(t.TempDir(), "tree")
	args := append([]string{"--hosts", "30", "--cores", "2", "--sites", "2", "--tree", dir}, serverFlags(servers)...)
	startSimulate(t.Context(), t, args...).ends(t, exitMatch)

	answered := make(map[string]bool)
	for _, s := range servers {
		client, err := sysops.New(sysops.ServerList(s.URL()), sysops.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		everything, err := sysops.ParsePattern("*#*")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Ask(t.Context(), sysops.Query{Pattern: everything})
		if err != nil {
			t.Fatal(err)
		}
		for o, err := range answer.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, o.Host, o.Name)
			answered[file] = true
			if text, err := os.ReadFile(file); err != nil || !bytes.Equal(text, o.Contents) {
				t.Errorf("%s is not what the cache has (%v)", file, err)
			}
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if files++; !answered[path] {
				t.Errorf("the cache does not have %s", path)
			}
		}
		return err
	})
	if err != nil || files != len(answered) || files < 29*25 {
		t.Errorf("%d files, %d objects in the cache (%v)", files, len(answered), err)
	}
}

func serverFlags(servers []*redistest.Server) []string {
	var flags []string
	for _, url := range redistest.URLs(servers) {
		flags = append(flags, "--server", url)
	}
	return flags
}

// Ctrl-C does not wait for a server that hangs.
func TestSimulateEndsAtOnceWhenInterrupted(t *testing.T) {
	server := redistest.Start(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, []byte("redis: {timeout: 24h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startSimulate(ctx, t, "--config", config, "--hosts", "100000", "--objects", "1", "--server", server.URL())
	redistest.WaitFor(t, "the first hosts", func() bool { return server.Must("DBSIZE").(int64) >= 50 })
	server.Stop()
	interrupt()
	r.ends(t, exitSignal)
	if !regexp.MustCompile(`^stopped at \d+ of 100000 hosts\nsysops: interrupted\n$`).MatchString(r.stderr.String()) {
		t.Errorf("stderr:\n%s", r.stderr.String())
	}
}

// One error stands for the thousands that a server which takes no more would give.
func TestSimulateStopsAtAServerThatTakesNoMore(t *testing.T) {
	server := redistest.Start(t, redistest.Config("maxmemory 3mb"))
	r := startSimulate(t.Context(), t, "--hosts", "5000", "--objects", "1", "--server", server.URL())
	r.ends(t, exitError)
	said := r.stderr.String()
	if !regexp.MustCompile(`^sysops: error: cannot make the fleet: \d+ of 5000 hosts are done, 3 failed: cannot push .*\nhint: raise its maxmemory`).MatchString(said) || strings.Count(said, "\n") > 3 {
		t.Errorf("stderr:\n%s", said)
	}
}

func TestSimulateShowsHowFarItIsOnATerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	network := redistest.NewProxy(t, server.Addr())
	network.Delay(20 * time.Millisecond) // eight hosts at a time, three waits of 40 ms each
	screen := terminaltest.Open(t, 100)
	var stdout bytes.Buffer
	args := []string{"sysops", "simulate", "--builtin", "--hosts", "100", "--objects", "1", "--server", "redis://" + network.Addr()}
	if status := run(t.Context(), args, strings.NewReader(""), &stdout, screen.File); status != exitMatch {
		t.Fatalf("exit status %d", status)
	}
	shown := screen.Sent()
	if !regexp.MustCompile(`\r\[=+ +\] \d+ of 100 hosts · \d+ a second · \d+ s left +\r`).MatchString(shown) {
		t.Errorf("the terminal shows %q", shown)
	}
	if !regexp.MustCompile(`\r {60,}\rpushed 100 hosts`).MatchString(shown) {
		t.Errorf("the bar is not wiped: %q", shown)
	}
}

func TestSimulatesFlagsCanBeLinesOfTheConfig(t *testing.T) {
	newSimulate(newUI(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})).Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "force" && f.Name != "no-bases" && !slices.Contains(cli.ConfigFlags(), f.Name) {
			t.Errorf("--%s is not among the config's flags", f.Name)
		}
	})
}
