package wholetest_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
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
	timeout time.Duration                  // of its clients; 0: they wait
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

func (f *threeCores) client() *sysops.Client {
	return connectTo(f.t, f.dir, sysops.Options{Timeout: f.timeout})
}

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
		var sources []snapshot.Source
		for j := range bigObjects {
			name := fmt.Sprintf("/srv/%d/%d", i, j)
			line := fmt.Sprintf("%s of %s\n", name, host)
			sources = append(sources, text(name, strings.Repeat(line, bigSize/len(line)+1)))
		}
		if _, err := c.Publish(f.t.Context(), core, snapshotOf(host, sources...)); err != nil {
			f.t.Fatal(err)
		}
		verified(f.servers[core], host)
	}
}

// read returns each object's key and a checksum of its contents. meanwhile is
// called with the number of objects so far and the object.
func (f *threeCores) read(q sysops.Query, meanwhile func(int, sysops.Object)) ([]string, *sysops.Completeness, error) {
	f.t.Helper()
	c := f.client()
	defer c.Close()
	if q.Pattern.String() == "" {
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
		f.t.Errorf("%s: another answer, of %d objects in place of %d:\n%s", what, len(got), len(f.want), diffOf(strings.Join(f.want, "\n"), strings.Join(got, "\n")))
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
	t.Parallel()
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
				redistest.Within(t, what, func() {
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
	t.Parallel()
	f := newThreeCores(t)
	noticed := 0 // how often a killed server was still needed
	for _, core := range bigCores {
		for _, k := range []int{1, 130, 300} {
			for _, fault := range []string{"stopped", "killed"} {
				what := fmt.Sprintf("the server that answers for core %s is %s after object %d", core, fault, k)
				var victim *redistest.Server
				redistest.Within(t, what, func() {
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

// of returns what a query for everything returns of some cores.
func (f *threeCores) of(cores ...string) (some []string) {
	for i, line := range f.want {
		if slices.Contains(cores, bigCores[i/bigObjects%3]) {
			some = append(some, line)
		}
	}
	return some
}

// gap makes sure that an answer to q lacks core west-1 and nothing else, and says so.
func (f *threeCores) gap(what string, q sysops.Query) {
	f.t.Helper()
	redistest.Within(f.t, what, func() {
		_, _, err := f.read(q, nil)
		if !errors.Is(err, sysops.ErrIncomplete) || !strings.Contains(err.Error(), "west-1") {
			f.t.Errorf("%s: %v; want ErrIncomplete that names core west-1", what, err)
		}
		q.Partial = true
		got, complete, err := f.read(q, nil)
		if err != nil {
			f.t.Errorf("%s, with Partial: %v", what, err)
			return
		}
		if rest := f.of("east-1", "east-2"); !slices.Equal(got, rest) {
			f.t.Errorf("%s, with Partial: %d objects, want those of the other cores, %d", what, len(got), len(rest))
		}
		said := false
		for _, k := range complete.Cores {
			said = said || k.Core == "west-1" && k.Error != ""
			if k.Core != "west-1" && k.Error != "" {
				f.t.Errorf("%s: core %s is said to be left out too: %s", what, k.Core, k.Error)
			}
		}
		if !said || !complete.Partial() || complete.Whole() {
			f.t.Errorf("%s: the answer does not say so: %s", what, complete)
		}
	})
}

func TestACoreThatIsDownIsAGapAndNotAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	f := newThreeCores(t)
	f.timeout = 5 * time.Second // what hangs has nobody beside it that would answer
	west := f.servers["west-1"]
	west[0].Stop()
	west[1].Stop()
	f.gap("both hung", sysops.Query{})
	west[0].Cont()
	west[0].Kill()
	f.gap("one dead, one hung", sysops.Query{})
	west[1].Kill()
	f.gap("both dead", sysops.Query{})
	west[0].Restart()
	f.gap("one dead, one empty", sysops.Query{})
	west[1].Restart()
	f.gap("both empty", sysops.Query{})

	t.Run("and does not concern the other scopes", func(t *testing.T) {
		for _, row := range []struct {
			q     sysops.Query
			cores []string
		}{
			{sysops.Query{Where: sysops.Where{Scope: sysops.Local}}, bigCores[:1]},
			{sysops.Query{Where: sysops.Where{Scope: sysops.SiteWide}}, bigCores[:2]},
			{sysops.Query{Where: sysops.Where{Site: "east"}}, bigCores[:2]},
			{sysops.Query{Where: sysops.Where{Core: "east-2"}}, bigCores[1:2]},
		} {
			want := f.of(row.cores...)
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
		for _, q := range []sysops.Where{{Site: "north"}, {Core: "north-1"}, {Site: "east", Core: "west-1"}} {
			if _, _, err := f.read(sysops.Query{Where: q}, nil); !errors.Is(err, sysops.ErrUnknown) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}

// All servers of a core die while the answer is being read: that is a core
// gone, not objects that are damaged.
func TestACoreThatGoesDownDuringAQueryIsAGap(t *testing.T) {
	t.Parallel()
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
	if !errors.Is(err, sysops.ErrIncomplete) || !strings.Contains(err.Error(), core) {
		t.Errorf("%v; want ErrIncomplete that names core %s", err, core)
	}
	if !slices.Equal(got, f.want[:min(len(got), len(f.want))]) {
		t.Error("what was read before is another answer")
	}
	for _, s := range f.servers[core] {
		s.Restart()
	}
	f.fill(core)
	got, complete, err := f.read(sysops.Query{Where: sysops.Where{Partial: true}}, kill)
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
	for _, line := range f.of("east-1", "west-1") {
		if !slices.Contains(got, line) {
			t.Fatalf("%s of another core is missing", line)
		}
	}
}

// A core that loses all its data while the answer is being read: the objects
// were not deleted by their hosts, so to leave them out silently is wrong.
func TestACoreThatIsEmptiedDuringAQueryIsNoShorterAnswer(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	for range 2 {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
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
		if err != nil && !errors.Is(err, sysops.ErrIncomplete) {
			t.Errorf("%d of 3 objects and %v", n, err)
		}
		if err == nil && !a.Completeness().Partial() {
			t.Errorf("%d of 3 objects, and nobody says that the answer is partial: %s", n, a.Completeness())
		}
		publish(t, c, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
		publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	}
}

// An object that its host deletes while the answer is being read is no gap.
func TestAnObjectDeletedDuringAQueryIsLeftOut(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", "1")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
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
