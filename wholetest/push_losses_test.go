package wholetest_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestAVanishedObjectIsDeletedEverywhere(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web02", text("/etc/motd", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x"), text("/etc/issue", "y")))
	gone := snapshot.Source{Name: "/etc/issue", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{}, &fs.PathError{Op: "open", Path: "/etc/issue", Err: fs.ErrNotExist}
	}}
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	for _, s := range servers {
		if n := s.Must("EXISTS", "web01#/etc/issue"); n != int64(0) {
			t.Error("the object is still there")
		}
		if n := s.Must("HEXISTS", "$of:web01", "/etc/issue"); n != int64(0) {
			t.Error("$of still records it")
		}
		if n := s.Must("SISMEMBER", "$on:/etc/motd", "web02"); n != int64(1) {
			t.Error("another host's entry is gone")
		}
	}
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x"), text("/etc/issue", "y")))
	r := publish(t, c, snapshotOf("web01", text("/etc/motd", "x"), gone))
	if len(r.Problems) != 1 || r.Problems[0].Name != "/etc/issue" || !errors.Is(r.Problems[0].Err, fs.ErrNotExist) || r.Objects != 1 {
		t.Errorf("the report says %+v", r)
	}
	if got := keys(t, c, sysops.Query{Pattern: pattern(t, "web01#*")}); !slices.Equal(got, []string{"web01#/etc/motd"}) {
		t.Errorf("%q are left", got)
	}
}

// What a server loses between two pushes, the next one restores, though
// nothing has changed on the host.
func TestThePushAfterALossRestoresTheState(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	snap := func() snapshot.Snapshot {
		return snapshotOf("web01", text("/etc/motd", "m\n"), text("/etc/issue", "i\n"), text("/etc/big", noise(5000, 3)), withStat("/etc/x@y", "x", snapshot.Stat{Mode: 0o100600}))
	}
	publish(t, c, snap())
	victim, other := servers[0], servers[1]
	want := state(t, victim)
	for _, row := range []struct {
		name string
		do   []string
	}{
		{"FLUSHALL", []string{"FLUSHALL"}},
		{"an object", []string{"DEL", "web01#/etc/motd"}},
		{"an index entry", []string{"SREM", "$on:/etc/motd", "web01"}},
		{"a whole line of the index", []string{"DEL", "$on:/etc/issue"}},
		{"a record", []string{"HDEL", "$of:web01", "/etc/motd"}},
		{"all records", []string{"DEL", "$of:web01"}},
		{"a record of another version", []string{"HSET", "$of:web01", "/etc/motd", "\x07junk"}},
		{"an empty record", []string{"HSET", "$of:web01", "/etc/motd", ""}},
		{"$hosts", []string{"DEL", "$hosts"}},
		{"$live", []string{"DEL", "$live"}},
		{"$names", []string{"DEL", "$names"}},
		{"a name", []string{"SREM", "$names", "/etc/x@y"}},
		{"the machine's id", []string{"HDEL", "$of:web01", "$machine"}},
		{"the TTL of an object", []string{"PERSIST", "web01#/etc/motd"}},
		{"an object that became a string", []string{"SET", "web01#/etc/motd", "x"}},
		{"an object that became a hash", []string{"EVAL", "redis.call('DEL', KEYS[1]) return redis.call('HSET', KEYS[1], 'a', 'b')", "1", "web01#/etc/big"}},
		{"an object with another md5sum", []string{"LSET", "web01#/etc/issue", "1", "d41d8cd98f00b204e9800998ecf8427e"}},
		{"an object of one element", []string{"LTRIM", "web01#/etc/issue", "0", "0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			victim.Must(row.do...)
			if row.name != "the TTL of an object" && state(t, victim) == want {
				t.Fatal("it lost nothing: the row tests nothing")
			}
			r := publish(t, c, snap())
			if got := state(t, victim); got != want {
				t.Errorf("the state is another:\n%s", diffOf(want, got))
			}
			if got := state(t, other); got != want {
				t.Errorf("the sibling's state is another:\n%s", diffOf(want, got))
			}
			if s := serverPush(t, r, other); s.Replaced+s.Repaired != 0 {
				t.Errorf("the sibling got contents: %+v", s)
			}
			if r := publish(t, c, snap()); r.Servers[0].Replaced+r.Servers[0].Repaired != 0 {
				t.Error("it is not healed for the following push")
			}
		})
	}
}

// Also where the stat changed at the same time, which is a write of its own.
func TestALostObjectWhoseStatChangedIsRestored(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for _, loss := range [][]string{{"DEL", "web01#/etc/motd"}, {"SET", "web01#/etc/motd", "x"}, {"LSET", "web01#/etc/motd", "1", "0"}} {
		server.Must("FLUSHALL")
		publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100644})))
		server.Must(loss...)
		r := publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100600})))
		if s := r.Servers[0]; s.Repaired != 1 {
			t.Errorf("%v: %+v", loss, s)
		}
		if got := element(t, server, "web01#/etc/motd", 2); !strings.Contains(got, `"mode":33152`) {
			t.Errorf("%v: its stat is %s", loss, got)
		}
	}
}

// tick waits until the server's clock shows a later second than that of since.
func tick(t testing.TB, s *redistest.Server, since int64) {
	t.Helper()
	redistest.WaitFor(t, "the clock goes on", func() bool { return serverTime(t, s) > since })
}

func TestFirstSeenSurvives(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "m"), text("/etc/issue", "old")))
	first := serverFirstSeen(t, servers[1], "web01#/etc/motd")
	tick(t, servers[1], first)

	t.Run("an unchanged push", func(t *testing.T) {
		publish(t, c, snapshotOf("web01", text("/etc/motd", "m"), text("/etc/issue", "old")))
		for _, s := range servers {
			if got := serverFirstSeen(t, s, "web01#/etc/motd"); got != first {
				t.Errorf("%d, want %d", got, first)
			}
		}
	})
	t.Run("a changed stat", func(t *testing.T) {
		publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100600}), text("/etc/issue", "old")))
		if got := serverFirstSeen(t, servers[0], "web01#/etc/motd"); got != first {
			t.Errorf("%d, want %d", got, first)
		}
	})
	t.Run("a restart of one server", func(t *testing.T) {
		servers[0].Restart()
		publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100600}), text("/etc/issue", "old")))
		for _, s := range servers {
			if got := serverFirstSeen(t, s, "web01#/etc/motd"); got != first {
				t.Errorf("%d, want %d", got, first)
			}
		}
	})
	t.Run("the loss of one object", func(t *testing.T) {
		was := serverFirstSeen(t, servers[1], "web01#/etc/motd")
		servers[1].Must("DEL", "web01#/etc/motd")
		publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100600}), text("/etc/issue", "old")))
		if got := serverFirstSeen(t, servers[1], "web01#/etc/motd"); got != was {
			t.Errorf("%d, want %d", got, was)
		}
	})
	t.Run("but not a change", func(t *testing.T) {
		publish(t, c, snapshotOf("web01", withStat("/etc/motd", "m", snapshot.Stat{Mode: 0o100600}), text("/etc/issue", "new")))
		if got := serverFirstSeen(t, servers[1], "web01#/etc/issue"); got <= first {
			t.Errorf("%d: new contents were seen with the old ones, at %d", got, first)
		}
	})
}

// An agent that runs for weeks, and "sysops serve", keep their connections.
func TestAClientOutlivesARestartOfItsServer(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	server.Restart()
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	server.Restart()
	publish(t, connect(t, server.URL()), snapshotOf("web01", text("/etc/motd", "y")))
	if got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); !slices.Equal(got, []string{"web01#/etc/motd: y"}) {
		t.Errorf("%q", got)
	}
}
