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
func TestGCTakesDownStampsOfTheFuture(t *testing.T) {
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

// Which of two pushes is the later one does not depend on what servers' clocks said: a push that
// one of them has missed is the latest, whether the stamp of an earlier one lies beyond the
// present, or the present has caught up with it.
func TestAPushThatAWrongClockMissedWins(t *testing.T) {
	t.Parallel()
	program := redistest.Build(t, "./cmd/sysops")
	for _, ahead := range []time.Duration{20 * time.Second, time.Minute, 24 * time.Hour, year} {
		for _, later := range []time.Duration{0, 30 * time.Second, time.Hour} {
			t.Run(fmt.Sprintf("%v, and %v later", ahead, later), func(t *testing.T) {
				t.Parallel()
				f := newClockedFleet(t, 2)
				f.clocks[0].Set(ahead)
				f.push("web01", "old", true)
				f.clocks[0].Set(0)
				f.pushTo(connect(t, f.servers[1].URL()), "web01", "red", true)
				f.is(program, "web01 live red issue")
				f.clocks[0].Set(min(ahead, later)) // its stamp is so much nearer
				f.is(program, "web01 live red issue")
			})
		}
	}
	t.Run("the other has missed it", func(t *testing.T) {
		t.Parallel()
		f := newClockedFleet(t, 2)
		f.push("web01", "old", true)
		f.clocks[0].Set(year)
		f.pushTo(connect(t, f.servers[0].URL()), "web01", "red", true)
		f.clocks[0].Set(0)
		f.is(program, "web01 undated red issue")
		f.gc()
		f.is(program, "web01 undated red issue")
		f.push("web01", "blue", true)
		f.is(program, "web01 live blue issue")
	})
}

// When contents were first seen is one value, the same at all servers, which clocks that are wrong
// neither set nor move.
func TestFirstSeenIsOneValue(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Second, time.Minute, year, -time.Minute, -year} {
		for _, servers := range []int{2, 3} {
			t.Run(fmt.Sprintf("%v, %d servers", ahead, servers), func(t *testing.T) {
				t.Parallel()
				f := newClockedFleet(t, servers)
				f.clocks[0].Set(ahead)
				began := time.Now().Unix()
				f.push("web01", "red", true)
				seen := f.firstSeen("web01#/etc/motd")
				if seen < began || seen > time.Now().Unix() {
					t.Errorf("it was first seen at %d, %d s after it was pushed", seen, seen-began)
				}
				same := func(when string) {
					t.Helper()
					if got := f.firstSeen("web01#/etc/motd"); got != seen {
						t.Errorf("%s it was first seen at %d, and at %d before", when, got, seen)
					}
				}
				tick(t, f.servers[1], seen)
				f.push("web01", "red", true)
				same("after another push")
				f.servers[1].Restart()
				f.push("web01", "red", true)
				same("after a server has lost it")
				f.clocks[0].Set(0)
				f.push("web01", "red", false)
				same("when the clock is right")
			})
		}
	}
}

// Where siblings differ, as pushes of older agents have left them, the next push has them agree on
// the earliest, but for what is of the future.
func TestSiblingsComeToAgreeOnWhatWasFirstSeen(t *testing.T) {
	t.Parallel()
	for _, odd := range []time.Duration{-time.Second, -time.Hour, time.Hour, year} {
		t.Run(odd.String(), func(t *testing.T) {
			t.Parallel()
			f := newClockedFleet(t, 2)
			f.clocks[0].Set(odd)
			f.pushTo(connect(t, f.servers[0].URL()), "web01", "red", true)
			f.clocks[0].Set(0)
			f.pushTo(connect(t, f.servers[1].URL()), "web01", "red", true)
			want := min(serverFirstSeen(t, f.servers[0], "web01#/etc/motd"), serverFirstSeen(t, f.servers[1], "web01#/etc/motd"))
			for range 2 {
				f.push("web01", "red", true)
				if got := f.firstSeen("web01#/etc/motd"); got != want {
					t.Errorf("it was first seen at %d, want %d", got, want)
				}
			}
		})
	}
}

// firstSeen is when an object's contents were first seen, as all servers say, and their records.
func (f *clockedFleet) firstSeen(key string) int64 {
	f.Helper()
	seen := serverFirstSeen(f, f.servers[0], key)
	for _, s := range f.servers[1:] {
		if got := serverFirstSeen(f, s, key); got != seen {
			f.Errorf("%s was first seen at %d by one server, and at %d by another", key, seen, got)
		}
	}
	return seen
}
