package redistest

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what is going to happen: longer than anything takes, however busy the machine
// is. No test passes or fails by how quick it was; the limit is there so that one that hangs says what it waited for.
const Patience = 5 * time.Minute

// WaitFor polls until something happened. It fails the test when that takes longer than [Patience], or when the test's
// context ends first.
func WaitFor(t testing.TB, what string, happened func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain (%v): %s", ctx.Err(), what)
		}
	}
}

// Within fails the test when work has not ended after [Patience]: what must not hang is run through it.
func Within(t testing.TB, what string, work func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); work() }()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatalf("%s has not ended after %v", what, Patience)
	}
}

// LongEnough calls try with a time limit, and with ever longer ones until it returns true. It is for a test of what
// happens at a limit that something else has to precede: how long that takes on a busy machine nobody knows. It fails the
// test once a limit would be longer than [Patience].
func LongEnough(t testing.TB, first time.Duration, try func(limit time.Duration) bool) {
	t.Helper()
	for limit := first; limit <= Patience; limit *= 2 {
		if try(limit) {
			return
		}
	}
	t.Fatalf("not even %v was long enough", Patience)
}
