package wholetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A clockedFleet is an honestFleet of which each server has a clock of its own.
type clockedFleet struct {
	*honestFleet
	clocks []*redistest.Clock
}

func newClockedFleet(t *testing.T, servers int) *clockedFleet {
	t.Helper()
	f := &clockedFleet{}
	var started []*redistest.Server
	for range servers {
		clock := redistest.NewClock(t)
		f.clocks = append(f.clocks, clock)
		started = append(started, redistest.Start(t, clock.Option()))
	}
	f.honestFleet = honestFleetOf(t, started)
	return f
}

// set sets the clocks of the first servers.
func (f *clockedFleet) set(ahead time.Duration, wrong int) {
	f.Helper()
	for _, c := range f.clocks[:wrong] {
		c.Set(ahead)
	}
}

const year = 365 * 24 * time.Hour

// clockCells are how wrong the clocks of how many servers of a core are.
func clockCells(t *testing.T, of func(t *testing.T, f *clockedFleet, ahead time.Duration, wrong int)) {
	t.Helper()
	for _, ahead := range []time.Duration{time.Minute, 24 * time.Hour, year, -time.Minute, -24 * time.Hour, -year} {
		for _, cell := range []struct{ wrong, servers int }{{1, 1}, {1, 2}, {2, 2}} {
			t.Run(fmt.Sprintf("%v/%d of %d", ahead, cell.wrong, cell.servers), func(t *testing.T) {
				t.Parallel()
				of(t, newClockedFleet(t, cell.servers), ahead, cell.wrong)
			})
		}
	}
}

// is asks the questions of which the answers tell everything of hosts: what they have, who lacks
// it, and in which state they are.
func (f *clockedFleet) is(program, hosts string) {
	f.Helper()
	few := slices.DeleteFunc(honestQuestions(), func(q honestQuestion) bool {
		return !slices.Contains([]string{"grep red /etc/motd", "grep -L red /etc/motd", "hosts"}, strings.Join(q.args, " "))
	})
	f.checkAnswersTo(program, few, hosts, false)
}

// While a server's clock is wrong, and when it has been set right, the latest push is what is
// read, and nothing that the clock said before is taken for a fact.
func TestThePushAfterAWrongClockWins(t *testing.T) {
	t.Parallel()
	program := redistest.Build(t, "./cmd/sysops")
	clockCells(t, func(_ *testing.T, f *clockedFleet, ahead time.Duration, wrong int) {
		f.set(ahead, wrong)
		f.push("web01", "old", true)
		f.is(program, "web01 live old issue")
		f.push("web01", "red", true)
		f.is(program, "web01 live red issue")

		f.set(0, wrong)
		f.is(program, f.afterwards(ahead, wrong, "red issue"))
		f.push("web01", "blue", true)
		f.is(program, "web01 live blue issue")
	})
}

// afterwards is what is known of web01 when the clocks have been set right.
func (f *clockedFleet) afterwards(ahead time.Duration, wrong int, has string) string {
	switch {
	case wrong < len(f.servers): // a sibling knows
		return "web01 live " + has
	case ahead > 0:
		return "web01 undated " + has
	case ahead < -6*time.Hour:
		return "web01 missing"
	}
	return "web01 live " + has
}

// Gc takes down what a clock that was ahead has left, and says so: a host that pushes no more is
// missing when its objects should have expired, and one that has left is not missed.
func TestGCTakesDownStampsOfATimeToCome(t *testing.T) {
	t.Parallel()
	program := redistest.Build(t, "./cmd/sysops")
	clockCells(t, func(t *testing.T, f *clockedFleet, ahead time.Duration, wrong int) {
		f.set(ahead, wrong)
		f.push("web01", "red", true)
		f.push("web02", "red", true)
		f.demand(f.leave("web02", f.urls))
		f.set(0, wrong)
		f.is(program, f.afterwards(ahead, wrong, "red issue"))
		for _, want := range []bool{ahead > 0, false} {
			changes, err := f.all().GC(t.Context(), sysops.Where{}, 2*year)
			f.demand(err)
			took := 0
			for _, c := range changes {
				took += c.Ahead
			}
			if (took > 0) != want {
				t.Errorf("gc says that it took down %d stamps: %+v", took, changes)
			}
		}
		f.is(program, f.afterwards(ahead, wrong, "red issue"))
		f.set(7*time.Hour, len(f.servers))
		f.is(program, "web01 missing")
		f.push("web01", "blue", true)
		f.is(program, "web01 live blue issue")
	})
}
