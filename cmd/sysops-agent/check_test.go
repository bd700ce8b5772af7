package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// What was found stands beside its result, also on a narrow terminal; a pipe has a line
// for each.
func TestChecksFitTheTerminal(t *testing.T) {
	found := func(c *checklist) {
		c.ok("config /etc/sysops/config.yaml")
		c.warning("not running as root: what this user cannot read is left out")
		c.error(hint.To(errors.New("cannot reach \x1b[31mredis://127.0.0.1:1/0"), "is redis-server running there?"))
	}
	for width, want := range map[int]string{
		80: "ok       config /etc/sysops/config.yaml\n" +
			"warning  not running as root: what this user cannot read is left out\n" +
			"error    cannot reach ^[[31mredis://127.0.0.1:1/0\n" +
			"         is redis-server running there?\n",
		40: "ok       config /etc/sysops/config.yaml\n" +
			"warning  not running as root: what this\n" +
			"         user cannot read is left out\n" +
			"error    cannot reach\n" +
			"         ^[[31mredis://127.0.0.1:1/0\n" +
			"         is redis-server running there?\n",
	} {
		screen := terminaltest.Open(t, width)
		found(newChecklist(screen.File))
		if got := strings.ReplaceAll(screen.Sent(), "\r\n", "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	screen := terminaltest.Open(t, 20)
	found(newChecklist(screen.File))
	for line := range strings.SplitSeq(screen.Sent(), "\r\n") {
		if terminal.Columns(line) > 20 {
			t.Errorf("20 columns: %q", line)
		}
	}
	var pipe strings.Builder
	found(newChecklist(&pipe))
	if want := "ok       config /etc/sysops/config.yaml\nwarning  not running as root: what this user cannot read is left out\n" +
		"error    cannot reach ^[[31mredis://127.0.0.1:1/0\n         is redis-server running there?\n"; pipe.String() != want {
		t.Errorf("a pipe has\n%s", pipe.String())
	}
}
