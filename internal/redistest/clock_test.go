package redistest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A server goes by its clock, for what it says and for what expires.
func TestAClockIsSet(t *testing.T) {
	t.Parallel()
	clock := redistest.NewClock(t)
	s := redistest.Start(t, clock.Option())
	ahead := func() time.Duration {
		t.Helper()
		seconds, err := strconv.ParseInt(s.Must("TIME").([]any)[0].(string), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Until(time.Unix(seconds, 0)).Round(time.Minute)
	}
	for _, want := range []time.Duration{0, 365 * 24 * time.Hour, -time.Hour} {
		if clock.Set(want); ahead() != want {
			t.Errorf("its clock is %v ahead, want %v", ahead(), want)
		}
	}
	s.Must("SET", "lasts", "an hour", "EX", "3600")
	if clock.Set(time.Hour); s.Must("GET", "lasts") != nil {
		t.Error("what was to expire in an hour is there when the clock is two hours on")
	}
}
