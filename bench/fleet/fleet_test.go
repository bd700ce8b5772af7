package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/bench/session"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// Everything is measured once, at a small scale: every answer is compared with that
// of the others, and the report has whatever is demanded. What it took says nothing.
func TestQuickScale(t *testing.T) {
	b := newBench(t, quick)
	for _, p := range parts() {
		p.run(b)
	}
	if got, want := len(b.report.contests), len(questions()); got != want {
		t.Errorf("%d questions were asked of %d", got, want)
	}
	for _, q := range questions() {
		for _, l := range q.limits {
			want := l(b.report.contests[0]).limit
			found := false
			for _, v := range b.report.verdicts {
				found = found || strings.HasPrefix(v.what, q.name) && v.limit == want
			}
			if !found {
				t.Errorf("nothing says whether %s keeps the limit %s", q.name, want)
			}
		}
	}
	text := b.report.String()
	for _, title := range []string{"What must be shown", "Questions", "The commands", "Redis memory", "Pushes", "Growth", "Ways of calling ripgrep"} {
		if !strings.Contains(text, "\n## "+title+"\n") {
			t.Errorf("the report has no section %q", title)
		}
	}
	wellFormed(t, plot(b.report.growth))
	if t.Failed() {
		t.Log(text)
	}
}

// What answers otherwise than the others ends the run.
func TestAWrongAnswerIsAnError(t *testing.T) {
	for name, wrong := range map[string]string{
		"another line":          `printf '2 a\n1 c\n'`,
		"a line more often":     `printf '2 a\n1 b\n1 b\n'`,
		"a line too few":        `printf '2 a\n'`,
		"lines in one":          `printf '2 a1 b\n'`,
		"said on stderr":        `printf '2 a\n1 b\n'; echo no >&2`,
		"neither match nor not": `printf '2 a\n1 b\n'; exit 2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var said bytes.Buffer
			ok := session.Run(t.Context(), "fleet", &said, func(t testing.TB) {
				b := &bench{TB: t, scale: scale{rounds: 1}, dir: t.TempDir()}
				b.contest("question", []*entry{
					{who: "right", line: `printf '   1 b\n   2 a\n' | cat`, read: counted},
					{who: "wrong", line: "true | cat; " + wrong, read: counted},
				}, false)
			})
			if ok || !strings.HasPrefix(said.String(), "fleet: error: ") {
				t.Errorf("succeeded: %v, stderr: %s", ok, said.String())
			}
		})
	}
}

// Ctrl-C ends the command that runs, with its children, and the servers, and leaves
// no file.
func TestNothingOutlivesAnInterruptedRun(t *testing.T) {
	tmp, begun := t.TempDir(), filepath.Join(t.TempDir(), "begun")
	if err := syscall.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var addr string
	var said bytes.Buffer
	ok := session.Run(ctx, "fleet", &said, func(t testing.TB) {
		addr = redistest.Start(t).Addr()
		b := &bench{TB: t, dir: t.TempDir()}
		go func() {
			f, err := os.Open(begun) // returns when the command holds the other end
			if err == nil {
				f.Close()
			}
			interrupt()
		}()
		b.run("sleep 3600 3>"+begun+" | cat", os.DevNull, "answer")
		t.Error("the command outlived the interruption")
	})
	if ok || said.String() != "fleet: error: interrupted\n" {
		t.Errorf("succeeded: %v, stderr: %s", ok, said.String())
	}
	if nc, err := net.Dial("tcp", addr); err == nil {
		nc.Close()
		t.Errorf("the server at %s still runs", addr)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v (%v)", left, err)
	}
}

func TestReadingsMakeLinesComparable(t *testing.T) {
	for _, c := range []struct {
		read       reading
		line, want string
	}{
		{counted, "     17 net.core.netdev_budget = 600", "17 net.core.netdev_budget = 600"},
		{countedSum, "      1 7d96  app1.site1.example.com#/etc/fstab", "1 7d96"},
		{countedSum, "      1 7d96", "1 7d96"},
		{lackingHost, "app1.site1.example.com                   no line", "app1.site1.example.com"},
		{lackingHost, "app2.site1.example.com                   missing", ""},
		{fileHost, "tree/app1.site1.example.com/etc/facts.json@ps", "app1.site1.example.com"},
		{fileKey, "7d96  tree/app1.site1.example.com/etc/facts.json@ps", "7d96  app1.site1.example.com#/etc/facts.json@ps"},
	} {
		got, ok := c.read(c.line)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q is read as %q, %v; want %q", c.line, got, ok, c.want)
		}
	}
}

// The steepest step counts, not the whole way.
func TestLinearIsJudgedStepByStep(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   bool
	}{
		{[]float64{1, 10, 100}, true},
		{[]float64{5, 10, 105}, true},
		{[]float64{5, 8, 90}, false},
		{[]float64{0.5, 10, 20}, false},
	} {
		s := series{name: "time", hosts: []int{10, 100, 1000}, values: c.values}
		if v := s.linear(); v.ok != c.want {
			t.Errorf("%v: %+v", c.values, v)
		}
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
	}
}
