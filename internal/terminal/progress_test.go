package terminal

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// A bar beside rows that are being printed would be among them on a terminal; one that
// is wiped before the first row would not.
func TestWhereBarsAreShown(t *testing.T) {
	screen := terminaltest.Open(t, 80)
	for _, row := range []struct{ out, err, beside, before bool }{
		{out: true, err: true, before: true},
		{err: true, beside: true, before: true},
		{out: true},
		{},
	} {
		var stdout, stderr io.Writer = new(bytes.Buffer), new(bytes.Buffer)
		if row.out {
			stdout = screen.File
		}
		if row.err {
			stderr = screen.File
		}
		out := NewWriter(stdout)
		for _, bar := range []struct {
			p     *Progress
			shown bool
		}{{BesideRows(out, stderr, "objects", 100), row.beside}, {BeforeRows(stderr, "objects", 100), row.before}} {
			bar.p.began = bar.p.began.Add(-progressAfter)
			bar.p.Stride = 1
			bar.p.Step()
			bar.p.Done()
			sent := screen.Sent()
			if shown := strings.Contains(sent, "] 1 of 100 objects"); shown != bar.shown {
				t.Errorf("%+v: %q", row, sent)
			}
			if bar.shown && !strings.HasSuffix(sent, " \r") {
				t.Errorf("%+v: the bar is not wiped: %q", row, sent)
			}
		}
	}
}

// paintedBar is what a bar sends, painted once on each of these widths of one terminal.
func paintedBar(t *testing.T, what string, columns ...int) []string {
	t.Helper()
	screen := terminaltest.Open(t, columns[0])
	bar := BeforeRows(screen.File, what, 36000)
	bar.Rate, bar.Stride, bar.at = true, 1, 11999
	var sent []string
	for _, n := range columns {
		screen.Resize(n)
		bar.began, bar.painted = time.Now().Add(-10*time.Second), time.Time{}
		bar.Step()
		sent = append(sent, screen.Sent())
	}
	bar.Done()
	return append(sent, screen.Sent())
}

// A bar that fills its line, or is wider, leaves a line a step behind. It shrinks, then
// the rate goes, then what is left to wait for, then the bar, then what is counted.
func TestBarsAreNarrowerThanTheScreen(t *testing.T) {
	bar := BeforeRows(io.Discard, "hosts", 36000)
	bar.Rate, bar.at = true, 12000
	for columns, want := range map[int]string{
		200: "[==========                    ] 12000 of 36000 hosts · 1200 a second · 20 s left ",
		80:  "[=========                  ] 12000 of 36000 hosts · 1200 a second · 20 s left ",
		60:  "[=======                ] 12000 of 36000 hosts · 20 s left ",
		40:  "[=====          ] 12000 of 36000 hosts ",
		30:  "12000 of 36000 hosts ",
		20:  "12000 of 36000 ",
		10:  "33%",
		3:   "",
	} {
		if got := bar.line(bar.began.Add(10*time.Second), columns-1); got != want || Columns(got) >= columns {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
	for _, columns := range widths {
		for _, sent := range paintedBar(t, "对象", columns) {
			for part := range strings.SplitSeq(sent, "\r") {
				if Columns(part) >= columns {
					t.Errorf("%d columns: %q", columns, part)
				}
			}
		}
	}
}

// A window that somebody drags is heeded with the next step.
func TestBarsHeedAResize(t *testing.T) {
	columns := []int{80, 40, 20, 200}
	sent := paintedBar(t, "hosts", append(columns, 30)...)
	for i, n := range columns {
		if painted := strings.TrimPrefix(sent[i], "\r"); Columns(painted) >= n || strings.Contains(painted, "\r") {
			t.Errorf("%d columns: %q", n, painted)
		}
	}
	if !strings.HasPrefix(sent[3], "\r[==") {
		t.Errorf("with more room, it is %q", sent[3])
	}
	if wiped := strings.Trim(sent[5], "\r"); Columns(wiped) >= 30 || strings.TrimLeft(wiped, " ") != "" {
		t.Errorf("it is wiped with %q", sent[5])
	}
}

// Who wants no escapes gets none, of anything.
func TestNoEscapesWhereNobodyWantsThem(t *testing.T) {
	for _, variable := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}} {
		t.Run(variable[0], func(t *testing.T) {
			t.Setenv("NO_COLOR", "")
			t.Setenv("TERM", "xterm")
			t.Setenv(variable[0], variable[1])
			sent := strings.Join(paintedBar(t, "hosts", 80, 20, 200), "")
			color, err := Colored("auto", true)
			if err != nil {
				t.Fatal(err)
			}
			var line output.Painter
			line.Add(output.Match, "one")
			line.Add(output.Plain, "\n")
			table := &output.Table{Columns: []output.Column{{Title: "NAME", Width: 30}, {Width: 30}}}
			cells := output.Cells("\x1b[1mname", "\x1b[31mred")
			cells[0].Role = output.Title
			sent += strings.Join(onScreen(t, 40, color, line.Row(), output.Row{Table: table, Cells: cells}), "")
			screen := terminaltest.Open(t, 40)
			Warn(screen.File, "%s", "\x1b[31mred")
			if sent += screen.Sent(); strings.Contains(sent, "\x1b") {
				t.Errorf("the terminal is sent %q", sent)
			}
			if always, err := Colored("always", true); err != nil || !always {
				t.Errorf("--color always does not win: %v", err)
			}
		})
	}
}
