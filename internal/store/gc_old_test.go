package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// behindRedis6 has the store ask the world's server as if it were an old one.
func (w *world) behindRedis6() {
	w.t.Helper()
	old, err := Open(redistest.AsRedis6(w.t, w.Server), Options{Timeout: redistest.Patience})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { old.Close() })
	w.store = old
}

// An object that would never expire is bounded also where the server cannot be told to do so
// only if it has no expiry.
func TestPruneBoundsObjectsOfOldServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.behindRedis6()
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("/etc/eternal-%d", i))
	}
	w.pushed("web01", 3600, append(names, "/etc/motd")...)
	w.Must("EXPIRE", "web01#/etc/motd", "100")
	for _, name := range names {
		w.Must("PERSIST", "web01#"+name)
	}
	p, err := w.store.Prune(t.Context(), Pruning{Keep: 24 * time.Hour, Page: 7, Settle: time.Millisecond})
	if err != nil || p.Repaired != len(names) {
		t.Errorf("%+v, %v; want %d objects repaired", p, err, len(names))
	}
	for _, name := range names {
		if left := w.Must("TTL", "web01#"+name).(int64); left < ttl-3700 || left > ttl-3600 {
			t.Errorf("%s lives for %d s, and its snapshot for %d", name, left, ttl-3600)
		}
	}
	if left := w.Must("TTL", "web01#/etc/motd").(int64); left > 100 {
		t.Errorf("what expires in 100 s now expires in %d", left)
	}
}

// On an old server, too, gc is through all that is to go with its first run.
func TestPruneOfOldServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.behindRedis6()
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	w.Must("DEL", keySize)
	want := redistest.Dump(t, w.Server)
	w.deadNames("web01", 50)
	w.pushed("gone01", 2*day, "/etc/motd", "/etc/gone")
	w.Must("ZADD", keyHosts, "4000000000", "ghost")
	w.Must("ZADD", keyLive, "1", "web01")
	w.object("web01", "/etc/unrecorded")
	p, verified := w.prune(Pruning{})
	if p != (Pruned{Hosts: 2, Entries: 52, Names: 51, Objects: 1, Repaired: 1}) || len(verified) != 1 {
		t.Errorf("%+v; verified are %q", p, verified)
	}
	if got := redistest.Dump(t, w.Server); got != want {
		t.Errorf("there remains\n%s\nwant\n%s", got, want)
	}
}
