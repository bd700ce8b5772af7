package wholetest_test

// For how long a base lives, and who gives its place back.

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestAnUnchangedPushRenewsItsBases(t *testing.T) {
	servers := redistest.Core(t, 2)
	hosts := map[string]string{"web01": settings(1, 1), "web02": settings(1, 2)}
	clients := map[string]*sysops.Client{}
	for _, h := range []string{"web01", "web02"} {
		clients[h] = connect(t, redistest.URLs(servers)...)
		publish(t, clients[h], snapshotOf(h, text(ctl, hosts[h])))
	}
	publish(t, clients["web01"], snapshotOf("web01", text(ctl, hosts["web01"]))) // records that its own base was offered
	key := baseKey(hosts["web01"])
	before := state(t, servers[0])
	for h, body := range hosts {
		for kind, c := range map[string]*sysops.Client{"running": clients[h], "started anew": connect(t, redistest.URLs(servers)...)} {
			for _, s := range servers {
				s.Must("PEXPIRE", key, "60000")
			}
			r := publish(t, c, snapshotOf(h, text(ctl, body)))
			for i, s := range servers {
				p := r.Servers[i]
				if p.Renewed != 1 || p.Replaced+p.Restated+p.Repaired+p.Deleted != 0 || p.Sent > 2000 {
					t.Errorf("%s, %s: an unchanged push sends something: %+v", h, kind, p)
				}
				if ttl := pttl(t, s, key); ttl < 12*time.Hour-time.Minute {
					t.Errorf("%s, %s: the base lives for another %v", h, kind, ttl)
				}
				if got := state(t, s); got != before {
					t.Errorf("%s, %s: the state is another:\n%s", h, kind, diffOf(before, got))
				}
			}
		}
	}
}

// A host with a short TTL must not bring forward the end of a base that others rely
// on for longer, whatever makes it write.
func TestAShortTTLDoesNotShortenABase(t *testing.T) {
	long, short := settings(1, 1), settings(1, 2)
	key := baseKey(long)
	for _, row := range []struct {
		name   string
		before func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot)
		packed frame.Kind // that the host of the short TTL has in the end
	}{
		{"with a new object", nil, frame.Delta},
		{"with an unchanged one", func(t *testing.T, _ *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
		}, frame.Delta},
		{"with one that is packed again", func(t *testing.T, s *redistest.Server, _ *sysops.Client, brief snapshot.Snapshot) {
			alone(t, []*redistest.Server{s}, brief)
		}, frame.Delta},
		{"with one that was lost", func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
			s.Must("DEL", brief.Host+"#"+ctl)
		}, frame.Delta},
		{"with one that was lost, and had a frame that a base would not halve", func(t *testing.T, s *redistest.Server, _ *sysops.Client, brief snapshot.Snapshot) {
			alone(t, []*redistest.Server{s}, brief)
			raw := []byte(recordOf(t, s, brief.Host, ctl).whole)
			binary.LittleEndian.PutUint32(raw[49:], 200)
			s.Must("HSET", "$of:"+brief.Host, ctl, string(raw))
			s.Must("DEL", brief.Host+"#"+ctl)
		}, frame.Delta},
		{"by repairing it", func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
			s.Must("SET", key, "junk", "KEEPTTL")
		}, frame.Delta},
		{"by giving it", func(t *testing.T, s *redistest.Server, _ *sysops.Client, _ snapshot.Snapshot) {
			s.Must("DEL", "$bases:"+ctl)
		}, frame.Same},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := redistest.Start(t)
			publish(t, connect(t, s.URL()), snapshotOf("web01", text(ctl, long)))
			brief := snapshotOf("web02", text(ctl, short))
			brief.TTL = 10 * time.Second
			c := connect(t, s.URL())
			if row.before != nil {
				row.before(t, s, c, brief)
			}
			for range 2 {
				publish(t, c, brief)
				if ttl := pttl(t, s, key); ttl < 12*time.Hour-time.Minute {
					t.Errorf("the base that lived for 12 h lives for %v", ttl)
				}
			}
			if _, kind, _ := frameOf(t, s, "web02#"+ctl); kind != row.packed {
				t.Errorf("its frame is %q, want %q: the row tests nothing", kind, row.packed)
			}
			readFromEach(t, []*redistest.Server{s}, "web01#"+ctl+": "+long, "web02#"+ctl+": "+short)
		})
	}
}

// And the other way round: who claims a base that a host with a short TTL has made
// already relies on it for longer.
func TestAClaimPutsOffTheExpiryOfABaseThatIsThere(t *testing.T) {
	s := redistest.Start(t)
	body := settings(1, 1)
	brief := snapshotOf("web01", text(ctl, body))
	brief.TTL = 10 * time.Second
	publish(t, connect(t, s.URL()), brief)
	s.Must("DEL", "$bases:"+ctl)
	publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, body)))
	if _, kind, _ := frameOf(t, s, "web02#"+ctl); kind != frame.Same {
		t.Errorf("its frame is %q", kind)
	}
	if ttl := pttl(t, s, baseKey(body)); ttl < 12*time.Hour-time.Minute {
		t.Errorf("its base lives for %v", ttl)
	}
}

// A base is gone when nobody refers to it any more. Its place in the list is given
// back by the next agent that looks for it, or by GC, unless it was claimed only now.
func TestABaseEndsWithItsUsers(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	body := settings(1, 1)
	id := baseID(body)
	brief := snapshotOf("web01", text(ctl, body))
	brief.TTL = time.Second
	publish(t, connect(t, s.URL()), brief)
	redistest.WaitFor(t, "the base has expired", func() bool { return s.Must("EXISTS", "$base:"+id) == int64(0) })

	t.Run("recent claims are left alone", func(t *testing.T) {
		if _, err := connect(t, s.URL()).GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
			t.Fatal(err)
		}
		publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, "x\n")))
		if got := claims(t, s, ctl); !slices.Equal(got, []string{id}) {
			t.Errorf("%q are offered", got)
		}
	})
	old := func(at string) { s.Must("ZADD", "$bases:"+ctl, "XX", at, id) }
	for _, at := range []string{"1700000000", "99999999999", "-inf", "inf"} { // a hostile host may write what it likes
		t.Run("an agent gives it back, claimed at "+at, func(t *testing.T) {
			s.Must("ZADD", "$bases:"+ctl, "1", id)
			old(at)
			other := settings(2, 1)
			publish(t, connect(t, s.URL()), snapshotOf("web03", text(ctl, other)))
			if got := claims(t, s, ctl); slices.Contains(got, id) {
				t.Errorf("it is still offered: %q", got)
			}
			readFromEach(t, []*redistest.Server{s}, "web02#"+ctl+": x\n", "web03#"+ctl+": "+other)
			s.Must("FLUSHALL")
			publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, "x\n")))
		})
		t.Run("GC gives it back, claimed at "+at, func(t *testing.T) {
			s.Must("ZADD", "$bases:"+ctl, "1", id, "1", "junk")
			old(at)
			if _, err := connect(t, s.URL()).GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
				t.Fatal(err)
			}
			if got := claims(t, s, ctl); len(got) != 0 {
				t.Errorf("offered are %q", got)
			}
		})
	}
}

// GC leaves bases that live in their places, also of a name that no host holds any
// more; and nothing is left of such a name once its bases have expired.
func TestGCKeepsBasesThatLive(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	body := settings(1, 1)
	publish(t, c, snapshotOf("web01", text(ctl, body), text("/etc/motd", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	s.Must("ZADD", "$bases:"+ctl, "XX", "1700000000", baseID(body))
	gc := func() {
		t.Helper()
		if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	gc()
	if got := claims(t, s, ctl); !slices.Equal(got, []string{baseID(body)}) {
		t.Errorf("offered are %q", got)
	}
	s.Must("DEL", baseKey(body))
	gc()
	if s.Must("EXISTS", "$bases:"+ctl) != int64(0) || s.Must("SISMEMBER", "$names", ctl) != int64(0) {
		t.Error("something is left of a name that nobody holds")
	}
}
