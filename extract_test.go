package sysops_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// threeCores is a fleet of two sites, three cores and six servers. Its hosts
// are spread over the cores so that each part of an answer needs all of them,
// and its objects are so large and so differently named that most of an answer
// is still to be fetched when its first objects are handed on.
type threeCores struct {
	t       *testing.T
	dir     *fleet
	servers map[string][]*redistest.Server // by core
	want    []string                       // what a query for everything returns
}

const (
	bigHosts   = 24
	bigObjects = 25
	bigSize    = 150 << 10
)

var bigCores = []string{"east-1", "east-2", "west-1"}

func newThreeCores(t *testing.T) *threeCores {
	t.Helper()
	f := &threeCores{t: t, servers: make(map[string][]*redistest.Server), dir: &fleet{
		sites: map[string][]string{"east": {"east-1", "east-2"}, "west": {"west-1"}}, cores: make(map[string][]string),
		localSite: "east", localCore: "east-1",
	}}
	all := redistest.Core(t, 6)
	for i, core := range bigCores {
		f.servers[core] = all[2*i : 2*i+2]
		f.dir.cores[core] = redistest.URLs(f.servers[core])
		f.fill(core)
	}
	got, complete, err := f.read(sysops.Query{}, nil)
	if err != nil || len(got) != bigHosts*bigObjects || !complete.Whole() || !slices.IsSorted(got) {
		t.Fatalf("%d objects, %v, %v", len(got), complete, err)
	}
	f.want = got
	return f
}

func (f *threeCores) client() *sysops.Client { return connectTo(f.t, f.dir, sysops.Options{}) }

// fill pushes the hosts of a core.
func (f *threeCores) fill(core string) {
	f.t.Helper()
	c := f.client()
	defer c.Close()
	for i := range bigHosts {
		if bigCores[i%3] != core {
			continue
		}
		host := fmt.Sprintf("host%02d.example.com", i)
		var sources []sysops.Source
		for j := range bigObjects {
			name := fmt.Sprintf("/srv/%d/%d", i, j)
			line := fmt.Sprintf("%s of %s\n", name, host)
			sources = append(sources, text(name, strings.Repeat(line, bigSize/len(line)+1)))
		}
		if _, err := c.Publish(f.t.Context(), core, snapshot(host, sources...)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// read returns each object's key and a checksum of its contents. meanwhile is
// called with the number of objects so far and the object.
func (f *threeCores) read(q sysops.Query, meanwhile func(int, sysops.Object)) ([]string, *sysops.Completeness, error) {
	f.t.Helper()
	c := f.client()
	defer c.Close()
	if q.Pattern == (sysops.Pattern{}) {
		q.Pattern = pattern(f.t, "*#/srv/*")
	}
	if q.Scope == "" {
		q.Scope = sysops.Global
	}
	var a *sysops.Answer
	var err error
	ask := func() *sysops.Completeness {
		if a, err = c.Ask(f.t.Context(), q); err != nil {
			return &sysops.Completeness{}
		}
		return a.Completeness()
	}
	if meanwhile != nil {
		unhurried(f.t, ask) // a server that was late for the question is no sibling to turn to later
	} else {
		ask()
	}
	if err != nil {
		return nil, nil, err
	}
	var out []string
	for o, err := range a.Objects(f.t.Context()) {
		if err != nil {
			return out, a.Completeness(), err
		}
		out = append(out, fmt.Sprintf("%s %08x %d", o.Key, crc32.ChecksumIEEE(o.Contents), len(o.Contents)))
		if meanwhile != nil {
			meanwhile(len(out), o)
		}
	}
	return out, a.Completeness(), nil
}

// same fails the test unless a query for everything returns what it did when
// all servers were well.
func (f *threeCores) same(what string, got []string, complete *sysops.Completeness, err error) {
	f.t.Helper()
	switch {
	case err != nil:
		f.t.Errorf("%s: %v", what, err)
	case !slices.Equal(got, f.want):
		f.t.Errorf("%s: another answer, of %d objects in place of %d:\n%s", what, len(got), len(f.want), diff(strings.Join(f.want, "\n"), strings.Join(got, "\n")))
	case complete.Partial() || complete.Answered != bigHosts || complete.Expected != bigHosts || len(complete.Missing)+len(complete.Lacking)+len(complete.Unreadable) > 0:
		f.t.Errorf("%s: %s", what, complete)
	}
}

func reportOf(c *sysops.Completeness, server *redistest.Server) sysops.ServerReport {
	for _, k := range c.Cores {
		for _, s := range k.Servers {
			if s.Server == server.Addr()+"/0" {
				return s
			}
		}
	}
	return sysops.ServerReport{}
}

// Whichever server of a core is dead or hung when the question is asked, the
// answer is the same, and it says which server was left out. A hung server is
// not waited for: it never answers, and the query ends.
func TestAnswersDoNotDependOnAnyOneServer(t *testing.T) {
	f := newThreeCores(t)
	for _, core := range bigCores {
		for i, s := range f.servers[core] {
			for _, fault := range []string{"hung", "dead"} {
				what := fmt.Sprintf("server %d of core %s is %s", i, core, fault)
				if fault == "hung" {
					s.Stop()
				} else {
					s.Kill()
				}
				within(t, patient, what, func() {
					got, complete, err := f.read(sysops.Query{}, nil)
					f.same(what, got, complete, err)
					if complete != nil && reportOf(complete, s).Error == "" {
						t.Errorf("%s: the answer does not say so: %s", what, complete)
					}
				})
				if fault == "hung" {
					s.Cont()
				}
			}
			s.Restart()
			f.fill(core)
		}
	}
	t.Run("one of each core at once", func(t *testing.T) {
		for i, core := range bigCores {
			f.servers[core][i%2].Kill()
		}
		got, complete, err := f.read(sysops.Query{}, nil)
		f.same("one dead server in each core", got, complete, err)
	})
}

// The same for a server that fails while its objects are being read: the one
// that answers for a core is killed or stopped after the k-th object.
func TestAnswersDoNotDependOnAnyOneServerLasting(t *testing.T) {
	f := newThreeCores(t)
	noticed := 0 // how often a killed server was still needed
	for _, core := range bigCores {
		for _, k := range []int{1, 130, 300} {
			for _, fault := range []string{"stopped", "killed"} {
				what := fmt.Sprintf("the server that answers for core %s is %s after object %d", core, fault, k)
				var victim *redistest.Server
				within(t, patient, what, func() {
					got, complete, err := f.read(sysops.Query{}, func(n int, o sysops.Object) {
						if n < k || victim != nil || o.Core != core {
							return
						}
						for _, s := range f.servers[core] {
							if s.Addr()+"/0" == o.Server {
								victim = s
							}
						}
						if fault == "stopped" {
							victim.Stop()
						} else {
							victim.Kill()
						}
					})
					f.same(what, got, complete, err)
					if fault == "killed" && complete != nil && reportOf(complete, victim).Error != "" {
						noticed++
					}
				})
				if victim == nil {
					t.Fatalf("%s: that never was", what)
				}
				if fault == "stopped" {
					victim.Cont()
				} else {
					victim.Restart()
					f.fill(core)
				}
			}
		}
	}
	if noticed < 5 {
		t.Errorf("only %d of 9 killed servers were missed: the kills come too late", noticed)
	}
}

func TestACoreThatIsDownIsAGapAndNotAnEmptyAnswer(t *testing.T) {
	f := newThreeCores(t)
	gap := func(what string, q sysops.Query) {
		t.Helper()
		within(t, patient, what, func() {
			_, _, err := f.read(q, nil)
			if !errors.Is(err, sysops.ErrIncomplete) || !strings.Contains(err.Error(), "west-1") {
				t.Errorf("%s: %v; want ErrIncomplete that names core west-1", what, err)
			}
			q.Partial = true
			got, complete, err := f.read(q, nil)
			if err != nil {
				t.Errorf("%s, with Partial: %v", what, err)
				return
			}
			var rest []string
			for i, line := range f.want {
				if bigCores[i/bigObjects%3] != "west-1" {
					rest = append(rest, line)
				}
			}
			if !slices.Equal(got, rest) {
				t.Errorf("%s, with Partial: %d objects, want those of the other cores, %d", what, len(got), len(rest))
			}
			said := false
			for _, k := range complete.Cores {
				said = said || k.Core == "west-1" && k.Error != ""
				if k.Core != "west-1" && k.Error != "" {
					t.Errorf("%s: core %s is said to be left out too: %s", what, k.Core, k.Error)
				}
			}
			if !said || !complete.Partial() || complete.Whole() {
				t.Errorf("%s: the answer does not say so: %s", what, complete)
			}
		})
	}
	west := f.servers["west-1"]
	west[0].Stop()
	west[1].Stop()
	gap("both hung", sysops.Query{})
	west[0].Cont()
	west[0].Kill()
	gap("one dead, one hung", sysops.Query{})
	west[1].Kill()
	gap("both dead", sysops.Query{})
	west[0].Restart()
	gap("one dead, one empty", sysops.Query{})
	west[1].Restart()
	gap("both empty", sysops.Query{})

	t.Run("and does not concern the other scopes", func(t *testing.T) {
		for _, row := range []struct {
			q     sysops.Query
			cores []int
		}{
			{sysops.Query{Scope: sysops.Local}, []int{0}},
			{sysops.Query{Scope: sysops.SiteWide}, []int{0, 1}},
			{sysops.Query{Site: "east"}, []int{0, 1}},
			{sysops.Query{Core: "east-2"}, []int{1}},
		} {
			var want []string
			for i, line := range f.want {
				if slices.Contains(row.cores, i/bigObjects%3) {
					want = append(want, line)
				}
			}
			q := row.q
			if q.Scope == "" {
				q.Scope = sysops.Local
			}
			got, complete, err := f.read(q, nil)
			if err != nil || !slices.Equal(got, want) || !complete.Whole() {
				t.Errorf("%+v: %d objects, want %d; %v, %v", row.q, len(got), len(want), complete, err)
			}
		}
	})
	t.Run("an unknown site or core is an error", func(t *testing.T) {
		for _, q := range []sysops.Query{{Site: "north"}, {Core: "north-1"}, {Site: "east", Core: "west-1"}} {
			if _, _, err := f.read(q, nil); !errors.Is(err, sysops.ErrUnknown) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}

// All servers of a core die while the answer is being read: that is a core
// gone, not objects that are damaged.
func TestACoreThatGoesDownDuringAQueryIsAGap(t *testing.T) {
	f := newThreeCores(t)
	core := "east-2"
	kill := func(n int, _ sysops.Object) {
		if n == 100 {
			for _, s := range f.servers[core] {
				s.Kill()
			}
		}
	}
	got, _, err := f.read(sysops.Query{}, kill)
	if !errors.Is(err, sysops.ErrIncomplete) || !strings.Contains(err.Error(), core) || errors.Is(err, sysops.ErrUnreadable) {
		t.Errorf("%v; want ErrIncomplete that names core %s, and no word of unreadable objects", err, core)
	}
	if !slices.Equal(got, f.want[:min(len(got), len(f.want))]) {
		t.Error("what was read before is another answer")
	}
	for _, s := range f.servers[core] {
		s.Restart()
	}
	f.fill(core)
	got, complete, err := f.read(sysops.Query{Partial: true}, kill)
	if err != nil {
		t.Fatal(err)
	}
	if len(complete.Unreadable) > 0 {
		t.Errorf("%d objects are said to be unreadable: %+v", len(complete.Unreadable), complete.Unreadable[0])
	}
	said := slices.ContainsFunc(complete.Cores, func(k sysops.CoreReport) bool { return k.Core == core && k.Error != "" })
	if !said || !complete.Partial() {
		t.Errorf("the answer does not say that core %s is gone: %s", core, complete)
	}
	for i, line := range f.want {
		if bigCores[i/bigObjects%3] != core && !slices.Contains(got, line) {
			t.Fatalf("%s of another core is missing", line)
		}
	}
}

// A core that loses all its data while the answer is being read: the objects
// were not deleted by their hosts, so to leave them out silently is wrong.
func TestACoreThatIsEmptiedDuringAQueryIsNoShorterAnswer(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshot("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
	publish(t, c, snapshot("web02", text("/etc/motd", "2")))
	for _, partial := range []bool{false, true} {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*"), Partial: partial})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range servers {
			s.Must("FLUSHALL")
		}
		n := 0
		err = nil
		for _, e := range a.Objects(t.Context()) {
			if err = e; err == nil {
				n++
			}
		}
		if !partial && !errors.Is(err, sysops.ErrIncomplete) {
			t.Errorf("%d of 3 objects and %v; want ErrIncomplete", n, err)
		}
		if partial && !a.Completeness().Partial() {
			t.Errorf("%d of 3 objects, and nobody says that the answer is partial: %s", n, a.Completeness())
		}
		publish(t, c, snapshot("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
		publish(t, c, snapshot("web02", text("/etc/motd", "2")))
	}
}

// An object that its host deletes while the answer is being read is no gap.
func TestAnObjectDeletedDuringAQueryIsLeftOut(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshot("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
	publish(t, c, snapshot("web02", text("/etc/motd", "2")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, c, snapshot("web01", text("/etc/motd", "1")))
	var got []string
	for o, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key.String())
	}
	if !slices.Equal(got, []string{"web01#/etc/motd", "web02#/etc/motd"}) || a.Completeness().Partial() {
		t.Errorf("%q, %s", got, a.Completeness())
	}
}

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
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	var want []string
	for n := range 20 {
		publish(t, c, snapshot(fmt.Sprintf("web%02d", n), text("/etc/motd", "x")))
		want = append(want, fmt.Sprintf("web%02d#/etc/motd: x", n))
	}
	servers[0].Restart()
	publish(t, connect(t, redistest.URLs(servers)...), snapshot("web07", text("/etc/motd", "x")))
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
		publish(t, c, snapshot(fmt.Sprintf("web0%d", n), text("/etc/motd", fmt.Sprint(n)), text("/etc/only-"+fmt.Sprint(n), "x")))
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
	first := func(h string) sysops.Snapshot {
		return snapshot(h, text("/etc/motd", "first"), text("/etc/gone", "x"), text("/etc/same", "s"))
	}
	second := func(h string) sysops.Snapshot {
		return snapshot(h, text("/etc/motd", "second"), text("/etc/new", "y"), text("/etc/same", "s"))
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
					t.Errorf("the next push did not make them equal:\n%s", diff(a, b))
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
	publish(t, old, snapshot("web01", text("/etc/motd", "first"), text("/etc/gone", "x")))
	publish(t, young, snapshot("web01", text("/etc/motd", "second")))
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
		if _, err := c.Publish(t.Context(), move.core, snapshot("web01", text("/etc/motd", move.contents))); err != nil {
			t.Fatal(err)
		}
		if move.contents == "in a" { // else core b would be empty, which is a gap
			if _, err := c.Publish(t.Context(), "b", snapshot("db1", text("/etc/issue", "x"))); err != nil {
				t.Fatal(err)
			}
		}
		got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd"), Scope: sysops.Global})
		if want := []string{"web01#/etc/motd: " + move.contents}; !slices.Equal(got, want) || complete.Answered != 1 {
			t.Errorf("%q, want %q; %s", got, want, complete)
		}
	}
}

// forty is a core of two servers, one of them behind a proxy, with objects of
// several sizes.
func forty(t *testing.T) (*redistest.Proxy, []string, []string) {
	servers := redistest.Core(t, 2)
	proxy := redistest.NewProxy(t, servers[0].Addr())
	c := connect(t, redistest.URLs(servers)...)
	var want []string
	for h := range 4 {
		var sources []sysops.Source
		host := fmt.Sprintf("web%02d", h)
		for i := range 10 {
			body := fmt.Sprintf("%d of %s", i, host) + noise(1<<i, uint64(100*h+i))
			sources = append(sources, text(fmt.Sprintf("/etc/%02d", i), body))
			want = append(want, fmt.Sprintf("%s#/etc/%02d: %s", host, i, body))
		}
		publish(t, c, snapshot(host, sources...))
	}
	return proxy, []string{proxy.URL(), servers[1].URL()}, want
}

// replySize returns how many bytes a server sends that answers for everything.
func replySize(t *testing.T, proxy *redistest.Proxy, want []string) int64 {
	proxy.Reset()
	got, _, err := read(t.Context(), connect(t, proxy.URL()), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d objects, %v", len(got), err)
	}
	return proxy.Traffic().Received
}

func TestAConnectionCutAnywhereChangesNoAnswer(t *testing.T) {
	proxy, urls, want := forty(t)
	total := replySize(t, proxy, want)
	cut := 0
	for n := int64(0); n <= total; n = offsets(n) {
		for range 2 { // the server is drawn
			proxy.CutAfter(n)
			c := connect(t, urls...)
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "*#*")})
			c.Close()
			if err != nil || !slices.Equal(got, want) || complete.Partial() || complete.Answered != 4 {
				t.Fatalf("cut after %d of %d bytes: %d objects, %v, %v", n, total, len(got), complete, err)
			}
			if strings.Contains(fmt.Sprint(complete.Cores), "cut the connection") {
				cut++
			}
		}
	}
	if cut < 60 {
		t.Errorf("only %d answers had to do without the server", cut)
	}
}

// Without a sibling, the answer is whole or an error: never a shorter one.
func TestAConnectionCutAnywhereIsNeverAShorterAnswer(t *testing.T) {
	proxy, _, want := forty(t)
	total := replySize(t, proxy, want)
	failed := 0
	for n := int64(0); n <= total; n = offsets(n) {
		for _, partial := range []bool{false, true} {
			proxy.CutAfter(n)
			c := connect(t, proxy.URL())
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "*#*"), Partial: partial})
			c.Close()
			proxy.CutAfter(-1)
			switch {
			case err != nil && !errors.Is(err, sysops.ErrIncomplete):
				t.Fatalf("cut after %d of %d bytes: %v; want ErrIncomplete", n, total, err)
			case err == nil && !slices.Equal(got, want) && !complete.Partial():
				t.Fatalf("cut after %d of %d bytes: %d of %d objects, and nobody says so: %s", n, total, len(got), len(want), complete)
			case err != nil && partial:
				t.Fatalf("cut after %d of %d bytes, with Partial: %v", n, total, err)
			case err != nil:
				failed++
			}
		}
	}
	if failed < 60 {
		t.Errorf("only %d questions failed", failed)
	}
}

// What is wrong with an object on one server, and on all of them.
func TestDamagedObjects(t *testing.T) {
	s := newSiblings(t)
	refill := func() {
		publish(t, s.both, snapshot("web01", text("/etc/motd", "1"), text("/etc/issue", strings.Repeat("issue\n", 50))))
		publish(t, s.both, snapshot("web02", text("/etc/motd", "2")))
	}
	refill()
	motd, issue := "web01#/etc/motd", "web01#/etc/issue"
	want := []string{issue + ": " + strings.Repeat("issue\n", 50), motd + ": 1", "web02#/etc/motd: 2"}
	frame := element(t, s.servers[0], issue, 0)
	flipped := []byte(frame)
	flipped[len(flipped)/2] ^= 1
	for _, row := range []struct {
		name  string
		key   string
		spoil [][]string
		says  string
		is    error
	}{
		{"junk in place of a frame", motd, [][]string{{"LSET", motd, "0", "junk of a kind"}}, "6a 75 6e 6b", sysops.ErrUnreadable},
		{"a kind that only a later version knows", motd, [][]string{{"LSET", motd, "0", "\x01\x02\x03\x04"}}, "01 02 03 04", sysops.ErrUnreadable},
		{"an empty frame", motd, [][]string{{"LSET", motd, "0", ""}}, "", sysops.ErrUnreadable},
		{"a bit that flipped", issue, [][]string{{"LSET", issue, "0", string(flipped)}}, "damaged", sysops.ErrUnreadable},
		{"half a frame", issue, [][]string{{"LSET", issue, "0", frame[:len(frame)/2]}}, "damaged", sysops.ErrUnreadable},
		{"a string in place of the object", motd, [][]string{{"SET", motd, "1"}}, "", sysops.ErrServerWrongType},
		{"a set in place of the object", motd, [][]string{{"DEL", motd}, {"SADD", motd, "1"}}, "", sysops.ErrServerWrongType},
		{"an object that was evicted", motd, [][]string{{"DEL", motd}}, "", sysops.ErrUnreadable},
		{"an empty list is none", issue, [][]string{{"LTRIM", issue, "1", "0"}}, "", sysops.ErrUnreadable},
	} {
		t.Run(row.name, func(t *testing.T) {
			defer func() { // a frame with the right md5sum is not replaced
				for _, server := range s.servers {
					server.Must("DEL", row.key)
				}
				refill()
			}()
			for i, server := range s.servers {
				for _, do := range row.spoil {
					server.Must(do...)
				}
				if i == 0 {
					s.answers(t, "on one server", want)
				}
			}
			got, _, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*")})
			if !errors.Is(err, sysops.ErrIncomplete) || !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.key) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("on all servers: %q, %v; want ErrIncomplete and %v that name %s and %q", got, err, row.is, row.key, row.says)
			}
			got, complete, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*"), Partial: true})
			rest := slices.DeleteFunc(slices.Clone(want), func(o string) bool { return strings.HasPrefix(o, row.key+":") })
			if err != nil || !slices.Equal(got, rest) {
				t.Errorf("with Partial: %q, %v", got, err)
			}
			if len(complete.Unreadable) != 1 || complete.Unreadable[0].Key != row.key || complete.Unreadable[0].Reason == "" || !complete.Partial() {
				t.Errorf("with Partial: %+v", complete.Unreadable)
			}
		})
	}
}

func TestDamageBesideADeadSiblingIsNoSilence(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshot("web01", text("/etc/motd", "1"), text("/etc/issue", "i")))
	s.servers[0].Must("LSET", "web01#/etc/motd", "0", "junk")
	s.servers[1].Kill()
	if _, _, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*")}); !errors.Is(err, sysops.ErrIncomplete) {
		t.Errorf("%v", err)
	}
	got, complete, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*"), Partial: true})
	if err != nil || !slices.Equal(got, []string{"web01#/etc/issue: i"}) || !complete.Partial() {
		t.Errorf("%q, %v, %v", got, complete, err)
	}
}

func TestEveryServerIsAskedWhereThatIsWanted(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshot("web01", text("/etc/motd", "1")))
	s.servers[1].Must("LSET", "web01#/etc/motd", "1", "another md5sum")
	a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd"), EveryServer: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for o, err := range a.Objects(t.Context(), sysops.MD5Sum) {
		if err != nil {
			t.Fatal(err)
		}
		got[o.Server] = o.MD5Sum
	}
	if len(got) != 2 || got[s.servers[0].Addr()+"/0"] != md5Of([]byte("1")) || got[s.servers[1].Addr()+"/0"] != "another md5sum" {
		t.Errorf("%v", got)
	}
	servers := 0
	for _, server := range a.Keys() {
		if server != "" {
			servers++
		}
	}
	if servers != 2 {
		t.Errorf("%d keys name their server", servers)
	}
}

func TestAnAnswerMayBeReadTwiceAndInPart(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshot("web01", text("/etc/a", "1"), text("/etc/b", "2"), text("/etc/c", "3")))
	a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*")})
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 2, 3, 4} {
		var got []string
		for o, err := range a.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, string(o.Contents)); len(got) == most {
				break
			}
		}
		if want := []string{"1", "2", "3"}[:min(most, 3)]; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestGrepGivesOneMatchAnObject(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshot("web01", text("/etc/conf", "a = 1\nb = 2\r\na = 3"), text("/etc/none", "x\n"), text("/bin/x", "a\x00b")))
	x, err := sysops.CompileExpr("^a", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	grep := func(o sysops.GrepOptions) map[string]sysops.Match {
		a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*")})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]sysops.Match{}
		for m, err := range a.Grep(t.Context(), x, o) {
			if err != nil {
				t.Fatal(err)
			}
			out[m.Name] = m
		}
		return out
	}
	got := grep(sysops.GrepOptions{})
	if m := got["/etc/conf"]; m.Count != 2 || fmt.Sprintf("%q", m.Lines) != `["a = 1" "a = 3"]` || m.Binary {
		t.Errorf("%+v", m)
	}
	if m, ok := got["/etc/none"]; !ok || m.Count != 0 || len(m.Lines) != 0 {
		t.Errorf("an object without a matching line: %+v, %v", m, ok)
	}
	if m := got["/bin/x"]; !m.Binary || m.Count != 1 || len(m.Lines) != 0 {
		t.Errorf("a binary object: %+v", m)
	}
	if m := grep(sysops.GrepOptions{Text: true})["/bin/x"]; m.Binary || len(m.Lines) != 1 {
		t.Errorf("a binary object, with Text: %+v", m)
	}
	if m := grep(sysops.GrepOptions{CountOnly: true})["/etc/conf"]; m.Count != 2 || m.Lines != nil {
		t.Errorf("CountOnly: %+v", m)
	}
}

func TestAQueryEndsWithItsContext(t *testing.T) {
	server := redistest.Start(t)
	c := connectTo(t, sysops.Servers(server.URL()), sysops.Options{Timeout: time.Hour})
	publish(t, c, snapshot("web01", text("/etc/motd", "m")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	within(t, patient, "an answer that was given up", func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := 0
		var err error
		for _, e := range a.Objects(ctx) {
			n++
			err = e
		}
		if n != 1 || err == nil {
			t.Errorf("%d results, %v; want the context's error alone", n, err)
		}
	})
}
