package wholetest_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// siblings is a core of two servers that can be pushed to one by one.
type siblings struct {
	servers []*redistest.Server
	only    []*sysops.Client // that push to one server
	both    *sysops.Client
}

func newSiblings(t *testing.T) *siblings {
	t.Helper()
	s := &siblings{servers: redistest.Core(t, 2)}
	s.both = connect(t, redistest.URLs(s.servers)...)
	for _, server := range s.servers {
		s.only = append(s.only, connect(t, server.URL()))
	}
	return s
}

// answers asks with and without a host in the pattern, which is asked of
// different parts of the index, several times, since the server is drawn.
func (s *siblings) answers(t *testing.T, what string, want []string) *sysops.Completeness {
	t.Helper()
	var complete *sysops.Completeness
	for range 6 {
		for _, ask := range []string{"*#*", "web0?#/etc/*", "etc"} {
			var got []string
			complete = unhurried(t, func() *sysops.Completeness {
				all, c, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, ask)})
				if err != nil && strings.Contains(err.Error(), "is empty") {
					return late // the whole server was; TestASlowWholeServerBesideAQuickColdOne is about that
				} else if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				got = all
				return c
			})
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %q selects\n %q, want\n %q", what, ask, got, want)
			}
			if complete.Partial() || len(complete.Missing) > 0 {
				t.Fatalf("%s: %s", what, complete)
			}
		}
	}
	return complete
}

// late is the completeness of an answer without a server that was late.
var late = &sysops.Completeness{Cores: []sysops.CoreReport{{Servers: []sysops.ServerReport{{Error: "did not answer in time"}}}}}

// A server that restarted and has little answers quickly; its sibling that has
// everything takes a fifth of a second. That must not make a short answer that
// passes for a whole one.
func TestASlowWholeServerBesideAQuickColdOne(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	var want []string
	for n := range 20 {
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", n), text("/etc/motd", "x")))
		want = append(want, fmt.Sprintf("web%02d#/etc/motd: x", n))
	}
	servers[0].Restart()
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web07", text("/etc/motd", "x")))
	proxy := redistest.NewProxy(t, servers[1].Addr())
	proxy.Delay(100 * time.Millisecond)
	c = connect(t, servers[0].URL(), proxy.URL())
	for range 3 { // with new connections, and with open ones
		got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
		if err == nil && !slices.Equal(got, want) && !complete.Partial() {
			t.Errorf("%d of %d hosts, and the answer passes for whole: %s", len(got), len(want), complete)
		}
	}
}

func TestARestartedSiblingChangesNoAnswer(t *testing.T) {
	s := newSiblings(t)
	var want []string
	push := func(c *sysops.Client, n int) {
		publish(t, c, snapshotOf(fmt.Sprintf("web0%d", n), text("/etc/motd", fmt.Sprint(n)), text("/etc/only-"+fmt.Sprint(n), "x")))
	}
	for n := range 8 {
		push(s.both, n)
		want = append(want, fmt.Sprintf("web0%d#/etc/motd: %d", n, n), fmt.Sprintf("web0%d#/etc/only-%d: x", n, n))
	}
	complete := s.answers(t, "both whole", want)
	for _, server := range s.servers {
		if r := reportOf(complete, server); r.Cold || r.Lacks != 0 {
			t.Errorf("a whole server is reported as %+v", r)
		}
	}
	s.servers[0].Restart()
	s.both = connect(t, redistest.URLs(s.servers)...)
	s.only[0] = connect(t, s.servers[0].URL())
	complete = s.answers(t, "one restarted empty", want)
	if r := reportOf(complete, s.servers[0]); !r.Cold || r.Lacks != 8 {
		t.Errorf("the empty server is reported as %+v", r)
	}
	if r := reportOf(complete, s.servers[1]); r.Cold || r.Lacks != 0 {
		t.Errorf("the whole server is reported as %+v", r)
	}
	if !complete.Whole() || !strings.Contains(complete.String(), "cold") {
		t.Errorf("%s", complete)
	}
	for _, n := range []int{1, 4, 6} {
		push(s.both, n)
	}
	complete = s.answers(t, "half refilled", want)
	if r := reportOf(complete, s.servers[0]); !r.Cold || r.Lacks != 5 {
		t.Errorf("the half-filled server is reported as %+v", r)
	}
	for n := range 8 {
		push(s.both, n)
	}
	complete = s.answers(t, "refilled", want)
	if r := reportOf(complete, s.servers[0]); r.Cold || r.Lacks != 0 {
		t.Errorf("the refilled server is reported as %+v", r)
	}
}

// Two siblings that each missed a push of the same host: what counts is the
// later one, whole: its contents, its new objects, and that others are gone.
func TestSiblingsThatMissedDifferentPushes(t *testing.T) {
	t.Parallel()
	first := func(h string) snapshot.Snapshot {
		return snapshotOf(h, text("/etc/motd", "first"), text("/etc/gone", "x"), text("/etc/same", "s"))
	}
	second := func(h string) snapshot.Snapshot {
		return snapshotOf(h, text("/etc/motd", "second"), text("/etc/new", "y"), text("/etc/same", "s"))
	}
	want := []string{
		"web01#/etc/motd: second", "web01#/etc/new: y", "web01#/etc/same: s",
		"web02#/etc/motd: second", "web02#/etc/new: y", "web02#/etc/same: s",
	}
	for _, seconds := range []bool{false, true} {
		name := "milliseconds apart"
		if seconds {
			name = "seconds apart"
		}
		t.Run(name, func(t *testing.T) {
			for order := range 2 {
				s := newSiblings(t)
				old, young := s.only[order], s.only[1-order]
				// Each server has the latest push of one host and the earlier of the other.
				publish(t, old, first("web01"))
				publish(t, young, first("web02"))
				if seconds {
					tick(t, s.servers[0], serverTime(t, s.servers[0])+1)
				}
				publish(t, young, second("web01"))
				publish(t, old, second("web02"))
				complete := s.answers(t, name, want)
				for _, server := range s.servers {
					if r := reportOf(complete, server); r.Lacks != 1 {
						t.Errorf("%+v", r)
					}
				}
				publish(t, s.both, second("web01"))
				publish(t, s.both, second("web02"))
				if a, b := state(t, s.servers[0]), state(t, s.servers[1]); strings.ReplaceAll(a, "  \"/etc/gone\"\n", "") != strings.ReplaceAll(b, "  \"/etc/gone\"\n", "") {
					t.Errorf("the next push did not make them equal:\n%s", diffOf(a, b))
				}
			}
		})
	}
}

// slowReplies forwards to target at once, and what it answers after d: a network
// that is not as quick in both directions, by which a client cannot tell the
// server's clock exactly.
func slowReplies(t testing.TB, target string, d time.Duration) (addr string) {
	return impostor(t, func(client net.Conn) {
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(server, client) // either end may go
			server.Close()
		}()
		type piece struct {
			data []byte
			due  time.Time
		}
		pieces := make(chan piece, 1000)
		go func() {
			defer close(pieces)
			for {
				b := make([]byte, 64<<10)
				n, err := server.Read(b)
				if err != nil {
					return
				}
				pieces <- piece{b[:n], time.Now().Add(d)}
			}
		}()
		for p := range pieces {
			time.Sleep(time.Until(p.due)) // this is the network
			if _, err := client.Write(p.data); err != nil {
				return
			}
		}
	})
}

// The order of two pushes of one host does not depend on how well a reader can
// tell the clocks of two servers.
func TestAnUnevenNetworkDoesNotTurnPushesAround(t *testing.T) {
	servers := redistest.Core(t, 2)
	old, young := connect(t, servers[0].URL()), connect(t, servers[1].URL())
	c := connect(t, "redis://"+slowReplies(t, servers[0].Addr(), 60*time.Millisecond), servers[1].URL())
	publish(t, old, snapshotOf("web01", text("/etc/motd", "first"), text("/etc/gone", "x")))
	publish(t, young, snapshotOf("web01", text("/etc/motd", "second")))
	var got []string
	unhurried(t, func() *sysops.Completeness {
		var complete *sysops.Completeness
		got, complete = contents(t, c, sysops.Query{Pattern: pattern(t, "web01#*")})
		return complete
	})
	if want := []string{"web01#/etc/motd: second"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAHostThatMovedIsThereOnce(t *testing.T) {
	servers := redistest.Core(t, 2)
	dir := &fleet{
		sites: map[string][]string{"s": {"a", "b"}}, localSite: "s", localCore: "a",
		cores: map[string][]string{"a": {servers[0].URL()}, "b": {servers[1].URL()}},
	}
	c := connectTo(t, dir, sysops.Options{})
	for _, move := range []struct{ core, contents string }{{"a", "in a"}, {"b", "in b"}, {"a", "back in a"}} {
		if _, err := c.Publish(t.Context(), move.core, snapshotOf("web01", text("/etc/motd", move.contents))); err != nil {
			t.Fatal(err)
		}
		if move.contents == "in a" { // else core b would be empty, which is a gap
			if _, err := c.Publish(t.Context(), "b", snapshotOf("db1", text("/etc/issue", "x"))); err != nil {
				t.Fatal(err)
			}
		}
		got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Scope: sysops.Global}})
		if want := []string{"web01#/etc/motd: " + move.contents}; !slices.Equal(got, want) || complete.Answered != 1 {
			t.Errorf("%q, want %q; %s", got, want, complete)
		}
	}
}

// When a snapshot expires is what its host says, whichever server is asked first and
// whatever $live says; what a server with an older push says does not count. Of a host
// that does not say it, as no agent before record version 03 did, $live counts, where any
// server that has its latest push says so.
func TestAnyServerWithTheLatestPushTellsThatAHostIsLive(t *testing.T) {
	t.Parallel()
	s := newSiblings(t)
	for _, h := range []string{"web01", "web02", "web03", "web04", "web05", "new06", "new07"} {
		publish(t, s.both, snapshotOf(h, text("/etc/motd", h)))
		for _, server := range s.servers {
			if h < "new99" {
				break
			}
			server.Must("HDEL", "$of:"+h, "$push", "$expires")
		}
	}
	s.servers[0].Must("ZREM", "$live", "web01")
	s.servers[1].Must("ZREM", "$live", "web02")
	for _, server := range s.servers {
		server.Must("ZREM", "$live", "web03", "new06")
		server.Must("ZADD", "$live", "1000000000", "web04", "1000000000", "new07")
	}
	short := snapshotOf("web05", text("/etc/motd", "web05"))
	short.TTL = time.Second
	publish(t, s.only[1], short)
	time.Sleep(2 * short.TTL)
	want := []string{"new06#/etc/motd: new06", "new07#/etc/motd: new07", "web01#/etc/motd: web01", "web02#/etc/motd: web02"}
	missing := []string{"web03", "web04", "web05"}
	for range 12 {
		got, complete := contents(t, s.both, sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Patient: true}})
		if !slices.Equal(got, want) || !slices.Equal(complete.Missing, missing) || complete.Expected != 7 || complete.Partial() {
			t.Fatalf("%q, want %q; missing %q, want %q; %s", got, want, complete.Missing, missing, complete)
		}
	}
}
