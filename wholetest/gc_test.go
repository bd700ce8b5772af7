package wholetest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestAForgottenHostIsGone(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2"), text("/etc/both", "x")))
	want := state(t, servers[0])
	publish(t, c, snapshotOf("web01", text("/etc/both", "x"), text("/etc/motd", "1")))
	if gone, n, err := c.Forget(t.Context(), hosts(t, "WEB01")); err != nil || n != 2 || !slices.Equal(gone, []string{"web01"}) {
		t.Errorf("%d objects of %q, %v", n, gone, err)
	}
	for i, s := range servers {
		if got := state(t, s); got != want {
			t.Errorf("server %d keeps something, or lost more:\n%s", i, diffOf(want, got))
		}
	}
	if _, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); complete.Expected != 1 || !complete.Whole() {
		t.Errorf("%s", complete)
	}
	for _, expr := range []string{"web01", "web02,web01", "web{01..02}", "web", "db*"} { // web is no part of a name
		if gone, _, err := c.Forget(t.Context(), hosts(t, expr)); !errors.Is(err, sysops.ErrUnknown) {
			t.Errorf("%q: %q, %v", expr, gone, err)
		}
	}
	publish(t, c, snapshotOf("web03", text("/etc/motd", "3")))
	if gone, _, err := c.Forget(t.Context(), hosts(t, "w*")); err == nil {
		t.Errorf("all hosts are forgotten: %q", gone)
	}
	if gone, _, err := c.Forget(t.Context(), sysops.Where{}); err == nil {
		t.Errorf("hosts are forgotten that nobody names: %q", gone)
	}
	if gone, n, err := c.Forget(t.Context(), hosts(t, "*3")); err != nil || n != 1 || !slices.Equal(gone, []string{"web03"}) {
		t.Errorf("%d objects of %q, %v", n, gone, err)
	}
	if got := state(t, servers[0]); got != want {
		t.Errorf("a refused request removed something:\n%s", diffOf(want, got))
	}
}

// hosts is a Where of the hosts of an expression.
func hosts(t testing.TB, expr string) sysops.Where {
	t.Helper()
	return sysops.Where{Hosts: hostSet(t, expr)}
}

func TestForgetTellsOfAServerThatItDidNotReach(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	servers[0].Kill()
	if _, _, err := c.Forget(t.Context(), hosts(t, "web01")); !strings.Contains(fmt.Sprint(err), servers[0].Addr()) {
		t.Errorf("%v", err)
	}
	if servers[1].Must("EXISTS", "web01#/etc/motd") != int64(0) {
		t.Error("the other server has not forgotten it")
	}
}

// expired has a host's snapshot have expired so long ago, and its objects with it.
func expired(t testing.TB, server *redistest.Server, host string, ago time.Duration) {
	t.Helper()
	aged(t, server, "$hosts", host, ago+6*time.Hour)
	aged(t, server, "$live", host, ago)
	server.Must("HSET", "$of:"+host, "$push", server.Must("ZSCORE", "$hosts", host).(string), "$expires", server.Must("ZSCORE", "$live", host).(string))
	for _, key := range server.Must("KEYS", host+"#*").([]any) {
		server.Must("DEL", key.(string))
	}
}

// tended is the state of a server that gc has been through.
func tended(t testing.TB, c *sysops.Client, server *redistest.Server) (string, []sysops.ServerChange) {
	t.Helper()
	changes, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if server.Must("GET", "$gc") == nil {
		t.Error("gc does not note that it was there")
	}
	server.Must("DEL", "$gc")
	return state(t, server), changes
}

func TestGCPrunesWhatLeadsNowhere(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/gone", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"))) // nobody holds /etc/gone now
	want, changes := tended(t, c, server)
	if len(changes) != 1 || changes[0] != (sysops.ServerChange{Server: server.Addr() + "/0", Entries: 1, Names: 1}) {
		t.Errorf("%+v", changes)
	}
	for _, h := range []string{"old", "recent"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", "1"), text("/etc/only-"+h, "x")))
	}
	server.Must("SADD", "$on:/etc/motd", "dangling") // a host that nobody knows
	server.Must("SADD", "$on:/etc/nothing", "web01") // an object that is not there
	server.Must("SADD", "$names", "/etc/nothing", "/etc/never")
	expired(t, server, "old", 49*time.Hour)
	expired(t, server, "recent", 47*time.Hour)
	_, changes = tended(t, c, server)
	if changes[0] != (sysops.ServerChange{Server: server.Addr() + "/0", Hosts: 1, Entries: 4, Names: 3}) {
		t.Errorf("%+v", changes)
	}
	if server.Must("EXISTS", "$of:recent", "$on:/etc/only-recent") != int64(2) || server.Must("ZSCORE", "$hosts", "recent") == nil {
		t.Error("a host that expired not long ago is gone")
	}
	if roster := fmt.Sprint(server.Must("SMISMEMBER", "$roster", "web01", "recent", "old", "dangling")); roster != "[1 1 0 0]" {
		t.Errorf("on the roster are %s", roster)
	}
	if _, _, err := c.Forget(t.Context(), hosts(t, "recent")); err != nil {
		t.Fatal(err)
	}
	if got, _ := tended(t, c, server); got != want {
		t.Errorf("more or less than that is gone:\n%s", diffOf(want, got))
	}
}

func TestGCOfAHealthyServerChangesNothing(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for h := range 5 {
		publish(t, c, snapshotOf(fmt.Sprintf("web0%d", h), text("/etc/motd", "1"), text(fmt.Sprintf("/etc/%d", h), "x")))
	}
	tended(t, c, server)
	before := redistest.Dump(t, server)
	if _, changes := tended(t, c, server); changes[0] != (sysops.ServerChange{Server: server.Addr() + "/0"}) {
		t.Errorf("%+v", changes)
	}
	if got := redistest.Dump(t, server); got != before {
		t.Errorf("%s", diffOf(before, got))
	}
}

// Any server of a core vouches for a host, so that one that restarted empty knows that it
// is not whole. Nobody is taken off a roster while a server that may know better is down.
func TestTheServersOfACoreHaveTheSameRoster(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	for _, h := range []string{"web01", "web02", "web03"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", h)))
	}
	roster := func(want string) {
		t.Helper()
		for i, s := range servers {
			if _, err := s.Do("PING"); err == nil {
				if got := fmt.Sprint(s.Must("SMISMEMBER", "$roster", "web01", "web02", "web03", "web04")); got != want {
					t.Errorf("server %d: on the roster are %s, want %s", i, got, want)
				}
			}
		}
	}
	gc := func(fails bool) {
		t.Helper()
		if _, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour); (err != nil) != fails {
			t.Error(err)
		}
	}
	servers[0].Restart()
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	gc(false)
	roster("[1 1 1 0]")
	servers[1].Kill()
	expired(t, servers[0], "web01", 49*time.Hour)
	servers[0].Must("SADD", "$roster", "web04")
	gc(true)
	roster("[1 1 1 1]")
	servers[1].Restart()
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	gc(false)
	roster("[0 1 0 0]")
}

// Whoever leaves is off the roster, though a server that was down still has his push.
func TestGCTakesThoseWhoLeftOffTheRoster(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	for _, h := range []string{"web01", "web02"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", h)))
		for _, s := range servers {
			s.Must("HSET", "$of:"+h, "$push", s.Must("ZSCORE", "$hosts", h).(string))
		}
	}
	aged(t, servers[1], "$hosts", "web01", time.Hour)
	servers[1].Must("HSET", "$of:web01", "$push", servers[1].Must("ZSCORE", "$hosts", "web01").(string))
	servers[0].Must("HSET", "$of:web01", "$left", fmt.Sprint(time.Now().Unix()+1))
	if _, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	for i, s := range servers {
		if got := fmt.Sprint(s.Must("SMISMEMBER", "$roster", "web01", "web02")); got != "[0 1]" {
			t.Errorf("server %d: on the roster are %s", i, got)
		}
	}
}

// A lost object must be told as unreadable until its host pushes it again; pruning its
// entry would make it an object that the host never had.
func TestGCKeepsTheEntryOfALostObject(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	server.Must("DEL", "web01#/etc/motd")
	if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); err != nil || len(got) != 0 || len(complete.Unreadable) != 1 {
		t.Errorf("%q, %v, %s", got, err, complete)
	}
}

// GC runs beside pushes that make names, entries and hosts appear and vanish.
func TestGCBesidePushesLosesNothing(t *testing.T) {
	server := redistest.Start(t)
	done := make(chan struct{})
	stopped := make(chan error, 1)
	go func() {
		c := connect(t, server.URL())
		for {
			if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
				stopped <- err
				return
			}
			select {
			case <-done:
				stopped <- nil
				return
			default:
			}
		}
	}()
	c := connect(t, server.URL())
	for i := range 150 {
		host := fmt.Sprintf("web%d", i%3)
		name := fmt.Sprintf("/etc/round-%d", i)
		publish(t, c, snapshotOf(host, text("/etc/motd", "1"), text(name, "x")))
		if got := keys(t, c, sysops.Query{Pattern: pattern(t, name)}); !slices.Equal(got, []string{host + "#" + name}) {
			t.Fatalf("round %d: %q is found of %s#%s", i, got, host, name)
		}
	}
	close(done)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A host comes back after a long time just when GC has decided to remove it.
func TestGCDoesNotRemoveAHostThatIsBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	snap := snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", "2"))
	publish(t, c, snap)
	expired(t, server, "web01", 94*time.Hour)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Delay(100 * time.Millisecond)
	collector := connect(t, proxy.URL())
	server.Must("CONFIG", "RESETSTAT")
	done := make(chan error)
	go func() {
		_, err := collector.GC(t.Context(), sysops.Where{}, 48*time.Hour)
		done <- err
	}()
	redistest.WaitFor(t, "GC looks closer at who is expired", func() bool {
		return strings.Contains(server.Must("INFO", "commandstats").(string), "cmdstat_watch:")
	})
	publish(t, c, snap) // its answer is still on the way
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "web01#*"), Where: sysops.Where{Partial: true}})
	if len(got) != 2 || !complete.Whole() {
		t.Errorf("a whole push was made, and then %q is found: %s", got, complete)
	}
}
