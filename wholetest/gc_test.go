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
	if n, err := c.Forget(t.Context(), sysops.Where{}, []string{"WEB01"}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for i, s := range servers {
		if got := state(t, s); got != want {
			t.Errorf("server %d keeps something, or lost more:\n%s", i, diffOf(want, got))
		}
	}
	if _, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); complete.Expected != 1 || !complete.Whole() {
		t.Errorf("%s", complete)
	}
	for _, row := range []struct {
		hosts []string
		want  error
	}{
		{[]string{"web01"}, sysops.ErrUnknown},
		{[]string{"web02", "web01"}, sysops.ErrUnknown},
		{[]string{"web"}, sysops.ErrUnknown}, // no part of a name
		{[]string{"web 02"}, sysops.ErrBadHost},
		{[]string{"web*"}, nil},
	} {
		if _, err := c.Forget(t.Context(), sysops.Where{}, row.hosts); err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%q: %v; want %v", row.hosts, err, row.want)
		}
	}
	if got := state(t, servers[0]); got != want {
		t.Errorf("a refused request removed something:\n%s", diffOf(want, got))
	}
}

func TestForgetTellsOfAServerThatItDidNotReach(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	servers[0].Kill()
	if _, err := c.Forget(t.Context(), sysops.Where{}, []string{"web01"}); !strings.Contains(fmt.Sprint(err), servers[0].Addr()) {
		t.Errorf("%v", err)
	}
	if servers[1].Must("EXISTS", "web01#/etc/motd") != int64(0) {
		t.Error("the other server has not forgotten it")
	}
}

func TestGCPrunesWhatLeadsNowhere(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/gone", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"))) // nobody holds /etc/gone now
	server.Must("SREM", "$names", "/etc/gone")
	server.Must("SREM", "$on:/etc/gone", "web01")
	want := state(t, server)
	server.Must("SADD", "$names", "/etc/gone")
	server.Must("SADD", "$on:/etc/gone", "web01")
	for _, h := range []string{"old", "recent"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", "1"), text("/etc/only-"+h, "x")))
	}
	server.Must("SADD", "$on:/etc/motd", "dangling") // a host that nobody knows
	server.Must("SADD", "$on:/etc/nothing", "web01") // an object that is not there
	server.Must("SADD", "$names", "/etc/nothing", "/etc/never")
	aged(t, server, "$live", "old", 49*time.Hour)
	aged(t, server, "$live", "recent", 47*time.Hour)
	changes, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour)
	if err != nil || len(changes) != 1 || changes[0].Hosts != 1 || changes[0].Entries != 3 || changes[0].Names != 4 {
		t.Errorf("%+v, %v", changes, err)
	}
	if server.Must("EXISTS", "recent#/etc/motd", "$of:recent", "$on:/etc/only-recent") != int64(3) || server.Must("ZSCORE", "$hosts", "recent") == nil {
		t.Error("a host that expired not long ago is gone")
	}
	if server.Must("EXISTS", "old#/etc/motd", "$of:old", "$on:/etc/only-old") != int64(0) || server.Must("ZSCORE", "$hosts", "old") != nil {
		t.Error("a host that expired long ago is still there")
	}
	if _, err := c.Forget(t.Context(), sysops.Where{}, []string{"recent"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := state(t, server); got != want {
		t.Errorf("more or less than that is gone:\n%s", diffOf(want, got))
	}
}

func TestGCOfAHealthyServerChangesNothing(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for h := range 5 {
		publish(t, c, snapshotOf(fmt.Sprintf("web0%d", h), text("/etc/motd", "1"), text(fmt.Sprintf("/etc/%d", h), "x")))
	}
	before := redistest.Dump(t, server)
	if changes, err := c.GC(t.Context(), sysops.Where{}, 0); err != nil || changes[0] != (sysops.ServerChange{Server: server.Addr() + "/0"}) {
		t.Errorf("%+v, %v", changes, err)
	}
	if got := redistest.Dump(t, server); got != before {
		t.Errorf("%s", diffOf(before, got))
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
	aged(t, server, "$hosts", "web01", 100*time.Hour)
	aged(t, server, "$live", "web01", 94*time.Hour)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Delay(100 * time.Millisecond)
	collector := connect(t, proxy.URL())
	server.Must("CONFIG", "RESETSTAT")
	done := make(chan error)
	go func() {
		_, err := collector.GC(t.Context(), sysops.Where{}, 48*time.Hour)
		done <- err
	}()
	redistest.WaitFor(t, "GC has read who is expired", func() bool {
		return strings.Contains(server.Must("INFO", "commandstats").(string), "cmdstat_zrange:")
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
