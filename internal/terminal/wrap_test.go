package terminal

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

const footer = "297 of 301 hosts answered · 4 missing · 3 cores, 6 servers · pushed 12 s to 17 s ago · 0.09 s"

// What people are told is wrapped between words, which are never broken, and is one line
// in a pipe.
func TestLinesForPeopleAreWrapped(t *testing.T) {
	for width, want := range map[int]string{
		20:  "297 of 301 hosts\n  answered · 4\n  missing · 3 cores,\n  6 servers · pushed\n  12 s to 17 s ago ·\n  0.09 s",
		40:  "297 of 301 hosts answered · 4 missing ·\n  3 cores, 6 servers · pushed 12 s to 17\n  s ago · 0.09 s",
		80:  "297 of 301 hosts answered · 4 missing · 3 cores, 6 servers · pushed 12 s to 17 s\n  ago · 0.09 s",
		200: footer,
	} {
		screen := terminaltest.Open(t, width)
		Say(screen.File, "%s", footer)
		if got := strings.TrimSuffix(strings.ReplaceAll(screen.Sent(), "\r\n", "\n"), "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	var pipe strings.Builder
	Say(&pipe, "%s", footer)
	if pipe.String() != footer+"\n" {
		t.Errorf("a pipe has %q", pipe.String())
	}
}

// Whatever hosts call themselves, each line after the first is set apart, and nothing of
// them is obeyed; only a word that is wider than the screen goes beyond it.
func TestNobodyElseWritesLinesForPeople(t *testing.T) {
	for _, width := range widths {
		for _, name := range append(hostile, "a\nwarning: b", strings.Repeat("a ", width/2-1)+"warning: all is well") {
			screen := terminaltest.Open(t, width)
			Warn(screen.File, "cannot read %s: it is not there", name)
			lines := strings.Split(strings.TrimSuffix(screen.Sent(), "\r\n"), "\r\n")
			for i, line := range lines {
				if i > 0 && !strings.HasPrefix(line, indent) || strings.ContainsAny(line, "\x1b\x07\u202e") {
					t.Errorf("%d columns, %q: %q", width, name, line)
				}
				if n := Columns(line); n > width && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%d of %d columns: %q", n, width, line)
				}
			}
			told := strings.Fields(strings.Join(lines, " "))
			if want := strings.Fields("warning: cannot read " + SafeText(name) + ": it is not there"); strings.Join(told, " ") != strings.Join(want, " ") {
				t.Errorf("%d columns: words are broken or lost:\n%q\nwant\n%q", width, told, want)
			}
		}
	}
}

func TestFailuresAndHintsAreWrapped(t *testing.T) {
	screen := terminaltest.Open(t, 40)
	Fail(screen.File, "sysops", hint.To(fmt.Errorf("cannot ask: %w", errors.New("nothing answers at 127.0.0.1:6379")), "start a server, or name another one with --server"))
	want := "sysops: error: cannot ask: nothing\n  answers at 127.0.0.1:6379\nhint: start a server, or name another\n  one with --server\n"
	if got := strings.ReplaceAll(screen.Sent(), "\r\n", "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A line that is begun before its end is known is wrapped as any other, and a comment is
// one on each of its lines.
func TestLinesThatAreBegun(t *testing.T) {
	for width, want := range map[int]string{
		0:   "Taking a snapshot of this machine … 113 files, 0.6 s\n  # Which values has netdev_budget, and where?\n",
		200: "Taking a snapshot of this machine … 113 files, 0.6 s\n  # Which values has netdev_budget, and where?\n",
		40:  "Taking a snapshot of this machine … 113\n  files, 0.6 s\n  # Which values has netdev_budget, and\n  # where?\n",
		20:  "Taking a snapshot of\n  this machine … 113\n  files, 0.6 s\n  # Which values has\n  # netdev_budget,\n  # and where?\n",
	} {
		var pipe strings.Builder
		var w io.Writer = &pipe
		var screen *terminaltest.Terminal
		if width > 0 {
			screen = terminaltest.Open(t, width)
			w = screen.File
		}
		Begin(w, "Taking a snapshot of this machine … ")("113 files, 0.6 s")
		SayBehind(w, "  # ", "Which values has netdev_budget, and where?")
		got := pipe.String()
		if screen != nil {
			got = strings.ReplaceAll(screen.Sent(), "\r\n", "\n")
		}
		if got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}

// A stage says at once what it is, and at the end what came of it: a pipe has one line,
// and a terminal a bar in between.
func TestStages(t *testing.T) {
	var pipe strings.Builder
	s := BeginStage(&pipe, "pushing 12 objects … ", "hosts", 3)
	if pipe.String() != "pushing 12 objects … " {
		t.Errorf("it begins with %q", pipe.String())
	}
	s.Step()
	s.End("1.0 s")
	if want := "pushing 12 objects … 1.0 s\n"; pipe.String() != want {
		t.Errorf("got %q, want %q", pipe.String(), want)
	}
	screen := terminaltest.Open(t, 40)
	s = BeginStage(screen.File, "pushing 12 objects … ", "hosts", 3)
	s.bar.began = s.bar.began.Add(-progressAfter)
	s.Step()
	s.End("1.0 s")
	const bar = "[=======                ] 1 of 3 hosts "
	if got, want := screen.Sent(), "\r"+bar+"\r"+strings.Repeat(" ", len(bar))+"\rpushing 12 objects … 1.0 s\r\n"; got != want {
		t.Errorf("the terminal is sent %q, want %q", got, want)
	}
}
