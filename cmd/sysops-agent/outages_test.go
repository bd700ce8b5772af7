package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A server that is away is told of when a push first meets it, and when it is back; pushes in
// between leave that to the record, for status. A server that refuses the password is told of
// each time.
func TestAnOutageIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	f := newFleet(t)
	f.must(os.WriteFile(filepath.Join(f.dir, "outgoing/own"), []byte("x\n"), 0o600))
	other := redistest.Start(t)
	push := func(args ...string) (said string, known bool) {
		var stderr bytes.Buffer
		root := newRoot()
		root.SetArgs(append([]string{
			"push", "--retry", "50ms", "--config", f.config, "--host", "web1.example.com", "--outgoing", filepath.Join(f.dir, "outgoing"),
			"--json", filepath.Join(f.dir, "hw.json"), "--state", filepath.Join(f.dir, "state"), "--server", f.server.URL(), "--server", other.URL(),
		}, args...))
		root.SetErr(&stderr)
		err := root.ExecuteContext(context.Background())
		return stderr.String(), errors.As(err, new(toldOutage))
	}
	name := other.Addr() + "/0"
	expect := func(when, said string, known, wantKnown bool, want string, times int) {
		t.Helper()
		if n := strings.Count(said, name); known != wantKnown || n != times || !strings.Contains(said, want) {
			t.Errorf("%s: nothing more need be said: %v, want %v; the server is named %d times, want %d, with %q in\n%s", when, known, wantKnown, n, times, want, said)
		}
	}

	said, known := push("--quiet")
	expect("before", said, known, false, "", 0)
	other.Kill()
	said, known = push()
	expect("when it goes away", said, known, true, "cannot be reached: ", 1)
	expect("when it goes away", said, known, true, "; it is tried again for 0 s\n", 1)
	for range 2 {
		said, known = push()
		expect("while it is away", said, known, true, "", 0)
	}
	said = f.status()
	expect("status", said, false, false, ", pushes missed: 3\n", 1)
	other.Restart()
	said, known = push("--quiet")
	expect("when it is back", said, known, false, "; pushes that it missed: 3\n", 1)
	said, known = push("--quiet")
	expect("afterwards", said, known, false, "", 0)

	other.Must("CONFIG", "SET", "requirepass", "secret")
	for range 2 {
		said, known = push()
		expect("a password", said, known, false, "refused the user or password", 1)
	}
}

// status returns what status says of web1.
func (f *fleet) status() string {
	var out bytes.Buffer
	run(f.t.Context(), []string{"sysops-agent", "status", "--config", f.config, "--state", filepath.Join(f.dir, "state")}, &out, &out)
	return out.String()
}

// The schedule has no room for retries that are longer than it.
func TestRetriesFitIntoTheSchedule(t *testing.T) {
	f := newFleet(t)
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"sysops-agent", "run", "--config", f.config, "--every", "10m", "--retry", "11m"}, &stderr, &stderr); code != exitError {
		t.Errorf("it runs: %s", stderr.String())
	}
	if !strings.Contains(stderr.String(), "cannot try for 11m0s what is due again after 10m0s: agent.retry may be as long as agent.every") {
		t.Error(stderr.String())
	}
}
