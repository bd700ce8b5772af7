package wholetest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Info tells when gc was last at a server, and whom it has verified there.
func TestInfoTellsWhenGCWasThere(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	server.Must("ZADD", "$hosts", "1", "ghost")
	info := func() sysops.ServerInfo {
		t.Helper()
		list, _, err := c.Info(t.Context(), sysops.Where{})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0]
	}
	if i := info(); !i.Tended || !i.Pruned.IsZero() || i.Roster != 0 || i.Listed != 2 {
		t.Errorf("before gc: %+v", i)
	}
	if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if i := info(); time.Since(i.Pruned).Abs() > time.Hour || i.Roster != 1 || i.Listed != 1 {
		t.Errorf("after gc: %+v", i)
	}
	server.Must("SET", "$gc", strconv.FormatInt(time.Now().Unix()-5*24*3600, 10))
	if i := info(); time.Since(i.Pruned) < 4*24*time.Hour {
		t.Errorf("five days later: %+v", i)
	}
}
