package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/bench/session"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// A short day of few hosts goes through all its parts, without an error while servers are up,
// and all hosts come back. What it took is not looked at.
func TestADayOfFewHosts(t *testing.T) {
	t.Parallel()
	p := plan{
		hosts: 12, operators: 3, clients: 200, rate: 4, think: 100 * time.Millisecond,
		alone: time.Second, asked: 2 * time.Second, outage: 1,
	}
	var said bytes.Buffer
	var text string
	if !session.Run(t.Context(), "day", &said, func(s testing.TB) { text = live(s, p) }) {
		t.Fatalf("%s", said.String())
	}
	for _, want := range []string{
		"first push of all hosts: 12 whole, 0 failed", "12 of 12 hosts whole on both", "  hosts  ", "Redis memory: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("a figure is none:\n%s", text)
	}
}

// What must not happen is told, and by which share of a list a limit is met.
func TestWhatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	good := report{plan: plan{hosts: 5}, back: 5}
	if list := good.wrong(); len(list) > 0 {
		t.Errorf("nothing is wrong, and this is told: %q", list)
	}
	bad := report{plan: plan{hosts: 5}, back: 4, outage: tally{failed: 7}}
	bad.day.failed, bad.after.failed = 2, 1
	want := "1 of 5 hosts are not back|after the outage, 1 questions failed, one of them: <nil>|in the day, 2 pushes failed, one of them: <nil>"
	if got := strings.Join(bad.wrong(), "|"); got != want {
		t.Errorf("this is told:\n%s\nwant\n%s", got, want)
	}
	list := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if part(list, 0.5) != 6 || part(list, 0.99) != 10 || part(list, 1) != 10 || part(nil, 1) != 0 {
		t.Error("the parts of a list are others")
	}
}
