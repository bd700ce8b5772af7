package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// lockedBuffer may be read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// demoRun is a demonstration under way.
type demoRun struct {
	stdout, stderr lockedBuffer
	status         chan int
	folder         string // TMPDIR
}

func startDemo(ctx context.Context, t *testing.T, args ...string) *demoRun {
	t.Helper()
	r := &demoRun{status: make(chan int, 1), folder: t.TempDir()}
	t.Setenv("TMPDIR", r.folder)
	go func() {
		r.status <- run(ctx, append([]string{"sysops", "demo"}, args...), strings.NewReader(""), &r.stdout, &r.stderr)
	}()
	return r
}

// wait returns the exit status.
func (r *demoRun) wait(t *testing.T) int {
	t.Helper()
	select {
	case s := <-r.status:
		return s
	case <-time.After(redistest.Patience):
		t.Fatalf("the demonstration does not end; stderr:\n%s", r.stderr.String())
		return 0
	}
}

// until waits for the demonstration to print text on stderr.
func (r *demoRun) until(t *testing.T, text string) {
	t.Helper()
	redistest.WaitFor(t, fmt.Sprintf("the demonstration to say %q", text), func() bool {
		select {
		case s := <-r.status:
			t.Fatalf("it ended with status %d before it said %q; stderr:\n%s", s, text, r.stderr.String())
		default:
		}
		return strings.Contains(r.stderr.String(), text)
	})
}

// tidy fails the test where something is left of the demonstration.
func (r *demoRun) tidy(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(r.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left in the temporary folder", e.Name())
	}
}

func TestDemoAnswersItsQuestionsAndEnds(t *testing.T) {
	r := startDemo(t.Context(), t, "--once", "--hosts", "30")
	if status := r.wait(t); status != exitMatch {
		t.Fatalf("exit status %d; stderr:\n%s", status, r.stderr.String())
	}
	for _, want := range []string{
		`(?m)^\$ sysops grep --uniq '\^net\.core\.netdev_budget =' sysctl-a --scope global\n +\d+ net\.core\.netdev_budget = \d+$`,
		`(?m)^\$ sysops cat 'web0001\.esv4\.example\.com#/etc/resolv\.conf' --scope global\nsearch esv4\.example\.com example\.com$`,
		`(?m)^\$ sysops grep -L '\^net\.core\.netdev_budget = 300\$' sysctl-a --scope global\n`,
	} {
		if !regexp.MustCompile(want).MatchString(r.stdout.String()) {
			t.Errorf("stdout does not match %s:\n%s", want, r.stdout.String())
		}
	}
	for _, want := range []string{" of 31 hosts answered · ", "3 cores, "} {
		if n := strings.Count(r.stderr.String(), want); n < 2 {
			t.Errorf("stderr has %q %d times, want it for both global questions:\n%s", want, n, r.stderr.String())
		}
	}
	if strings.Contains(r.stderr.String(), "is cold") {
		t.Errorf("a server lacks pushes, though every push was whole:\n%s", r.stderr.String())
	}
	r.tidy(t)
}

func TestDemoShowsHostsThatStoppedReporting(t *testing.T) {
	r := startDemo(t.Context(), t, "--once", "--hosts", "60")
	if status := r.wait(t); status != exitMatch {
		t.Fatalf("exit status %d; stderr:\n%s", status, r.stderr.String())
	}
	// With the default seed, neighbour 9 is silent.
	if !regexp.MustCompile(`(?m)^\S+\.example\.com +missing$`).MatchString(r.stdout.String()) {
		t.Errorf("no host is missing:\n%s", r.stdout.String())
	}
}

func TestDemoRunsUntilItIsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	t.Setenv("SYSOPS_SERVER", "redis://203.0.113.1:6379") // nobody's; must not be asked
	r := startDemo(ctx, t, "--hosts", "10")
	r.until(t, "Ctrl-C ends")
	said := r.stderr.String()
	if !strings.Contains(said, "unset SYSOPS_SERVER") {
		t.Errorf("it does not say that SYSOPS_SERVER is in the way:\n%s", said)
	}
	configs, err := filepath.Glob(filepath.Join(r.folder, "*", "config.yaml"))
	if err != nil || len(configs) != 1 {
		t.Fatalf("configs: %q, %v", configs, err)
	}
	if !strings.Contains(said, "export SYSOPS_CONFIG="+configs[0]+"\n") {
		t.Errorf("it does not name its config %s:\n%s", configs[0], said)
	}
	addresses := serversIn(t, configs[0])
	if len(addresses) != 6 {
		t.Fatalf("the config names servers %q, want 6", addresses)
	}
	interrupt()
	if status := r.wait(t); status != exitMatch {
		t.Errorf("exit status %d; stderr:\n%s", status, r.stderr.String())
	}
	for _, a := range addresses {
		if conn, err := net.Dial("tcp", a); err == nil {
			conn.Close()
			t.Errorf("server %s still listens", a)
		}
	}
	if os.Getenv("SYSOPS_SERVER") == "" {
		t.Error("SYSOPS_SERVER is gone from the environment")
	}
	r.tidy(t)
}

func TestDemoThatIsInterruptedEarlyLeavesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r := startDemo(ctx, t, "--hosts", "500")
	r.until(t, "pushing")
	interrupt()
	if status := r.wait(t); status != exitSignal {
		t.Errorf("exit status %d, want %d; stderr:\n%s", status, exitSignal, r.stderr.String())
	}
	r.tidy(t)
}

func TestDemoRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{{"--hosts", "0"}, {"--hosts", "1000000"}, {"--server", "redis://x"}, {"--config", "x.yaml"}} {
		r := startDemo(t.Context(), t, args...)
		if status := r.wait(t); status != exitError {
			t.Errorf("%q: exit status %d", args, status)
		}
		if !strings.Contains(r.stderr.String(), "error: cannot ") {
			t.Errorf("%q: stderr is %q", args, r.stderr.String())
		}
		r.tidy(t)
	}
}

// serversIn returns the addresses of the servers that a demonstration's config names.
func serversIn(t *testing.T, config string) []string {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range regexp.MustCompile(`redis://[^,\]]+`).FindAllString(string(text), -1) {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, u.Host)
	}
	return out
}
