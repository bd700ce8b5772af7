package terminal

import (
	"bytes"
	"io"
	"strings"
	"testing"

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
