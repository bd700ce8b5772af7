package wholetest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// aged makes a host's last push, or the end of its snapshot, a while ago.
func aged(t testing.TB, s *redistest.Server, key, host string, ago time.Duration) {
	t.Helper()
	at := strconv.FormatInt(serverTime(t, s)-int64(ago.Seconds()), 10)
	s.Must("ZADD", key, at, host)
	s.Must("HSET", "$of:"+host, map[string]string{"$hosts": "$push", "$live": "$expires"}[key], at)
}

// population is a server with one host of each kind.
func population(t *testing.T) (*redistest.Server, *sysops.Client) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for _, h := range []string{"fresh", "fresh2", "stale", "expired"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", h), text("/etc/os", "x")))
	}
	publish(t, c, snapshotOf("lacks", text("/etc/os", "x")))
	publish(t, c, snapshotOf("stale-lacks", text("/etc/os", "x")))
	for _, h := range []string{"stale", "stale-lacks"} {
		aged(t, server, "$hosts", h, 2*time.Hour)
	}
	aged(t, server, "$hosts", "expired", 7*time.Hour)
	aged(t, server, "$live", "expired", time.Hour)
	return server, c
}

// A hostCount is what an answer is to say of the hosts of that population.
type hostCount struct {
	name                    string
	q                       sysops.Query
	pattern                 string
	keys                    []string
	expected, answered      int
	stale, missing, lacking []string
}

func hostCounts(t *testing.T) []hostCount {
	t.Helper()
	return []hostCount{
		{
			"all hosts",
			sysops.Query{},
			"/etc/motd",
			[]string{"fresh", "fresh2", "stale"},
			6, 3,
			[]string{"stale", "stale-lacks"},
			[]string{"expired"},
			[]string{"lacks", "stale-lacks"},
		},
		{
			"a pattern for some of them", sysops.Query{}, "fresh*#/etc/motd", []string{"fresh", "fresh2"}, 2, 2, nil, nil, nil,
		},
		{
			"a pattern for a host that lacks it", sysops.Query{}, "lacks#/etc/motd", nil, 1, 0, nil, nil, []string{"lacks"},
		},
		{
			"a host set", sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fresh,expired")}}, "/etc/motd", []string{"fresh"}, 2, 1, nil, []string{"expired"}, nil,
		},
		{
			"an unknown host in a set is missing",
			sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fresh,never-heard-of")}},
			"/etc/motd",
			[]string{"fresh"},
			2, 1,
			nil,
			[]string{"never-heard-of"},
			nil,
		},
		{
			"a glob that matches no host expects none", sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fresh,db*")}}, "/etc/motd", []string{"fresh"}, 1, 1, nil, nil, nil,
		},
		{
			"a set of globs", sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fresh*,lack?")}}, "/etc/motd", []string{"fresh", "fresh2"}, 3, 2, nil, nil, []string{"lacks"},
		},
		{
			"a set's name is no part of a name", sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fres")}}, "/etc/motd", nil, 1, 0, nil, []string{"fres"}, nil,
		},
		{
			"excluded hosts are not expected", sysops.Query{Where: sysops.Where{Exclude: hostSet(t, "stale*,expired,lacks")}}, "/etc/motd", []string{"fresh", "fresh2"}, 2, 2, nil, nil, nil,
		},
		{
			"an excluded unknown host is not missing", sysops.Query{Where: sysops.Where{Hosts: hostSet(t, "fresh,gone"), Exclude: hostSet(t, "gone")}}, "/etc/motd", []string{"fresh"}, 1, 1, nil, nil, nil,
		},
		{
			"MaxAge leaves stale hosts out",
			sysops.Query{Where: sysops.Where{MaxAge: 90 * time.Minute}},
			"/etc/motd",
			[]string{"fresh", "fresh2"},
			6, 2,
			[]string{"stale", "stale-lacks"},
			[]string{"expired"},
			[]string{"lacks"},
		},
		{
			"a wide MaxAge does not",
			sysops.Query{Where: sysops.Where{MaxAge: 5 * time.Hour}},
			"/etc/motd",
			[]string{"fresh", "fresh2", "stale"},
			6, 3,
			[]string{"stale", "stale-lacks"},
			[]string{"expired"},
			[]string{"lacks", "stale-lacks"},
		},
		{
			"a part of keys lacks nothing",
			sysops.Query{},
			"mot",
			[]string{"fresh", "fresh2", "stale"},
			6, 3,
			[]string{"stale", "stale-lacks"},
			[]string{"expired"},
			nil,
		},
	}
}

func TestCompletenessCountsEveryHost(t *testing.T) {
	_, c := population(t)
	for _, row := range hostCounts(t) {
		t.Run(row.name, func(t *testing.T) {
			row.q.Pattern = pattern(t, row.pattern)
			got, complete := contents(t, c, row.q)
			var want []string
			for _, h := range row.keys {
				want = append(want, h+"#/etc/motd: "+h)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if complete.Expected != row.expected || complete.Answered != row.answered {
				t.Errorf("%d of %d answered, want %d of %d", complete.Answered, complete.Expected, row.answered, row.expected)
			}
			for _, list := range []struct {
				what      string
				got, want []string
			}{{"stale", complete.Stale, row.stale}, {"missing", complete.Missing, row.missing}, {"lacking", complete.Lacking, row.lacking}} {
				if !slices.Equal(list.got, list.want) {
					t.Errorf("%s: %q, want %q", list.what, list.got, list.want)
				}
			}
			if complete.Partial() {
				t.Errorf("it is partial: %s", complete)
			}
			if whole := len(row.stale)+len(row.missing) == 0; complete.Whole() != whole {
				t.Errorf("whole: %v, want %v", complete.Whole(), whole)
			}
			if line := complete.String(); !strings.Contains(line, fmt.Sprintf("%d of %d hosts ", row.answered, row.expected)) {
				t.Errorf("%s", line)
			}
		})
	}
}

func TestStaleAfterIsAnOption(t *testing.T) {
	server, _ := population(t)
	c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{StaleAfter: 3 * time.Hour})
	if _, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "fresh#*")}); len(complete.Stale) != 0 {
		t.Errorf("%q", complete.Stale)
	}
	if _, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); len(complete.Stale) != 0 {
		t.Errorf("%q", complete.Stale)
	}
}

// A snapshot that is past has no objects, whatever of them Redis still holds.
func TestAnExpiredSnapshotIsMissing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	redistest.LongEnough(t, time.Second, func(ttl time.Duration) bool { // to be seen before it is past
		short := snapshotOf("web01", text("/etc/motd", "1"))
		short.TTL = ttl
		publish(t, c, short)
		return len(keys(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})) == 2
	})
	server.Must("PERSIST", "web01#/etc/motd")
	redistest.WaitFor(t, "the snapshot expires", func() bool {
		got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
		return slices.Equal(got, []string{"web02#/etc/motd: 2"}) && slices.Equal(complete.Missing, []string{"web01"}) && complete.Expected == 2
	})
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	if _, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); !complete.Whole() || complete.Answered != 2 {
		t.Errorf("it is back, and yet %s", complete)
	}
}

func TestHostsTellsWhoReportedWhen(t *testing.T) {
	server, c := population(t)
	reports, a, err := c.Hosts(t.Context(), sysops.Where{Hosts: hostSet(t, "*,unheard-of")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]sysops.HostState{
		"fresh": sysops.HostLive, "fresh2": sysops.HostLive, "lacks": sysops.HostLive, "stale": sysops.HostStale, "stale-lacks": sysops.HostStale,
		"expired": sysops.HostMissing, "unheard-of": sysops.HostMissing,
	}
	if len(reports) != len(want) || !slices.IsSortedFunc(reports, func(x, y sysops.HostReport) int { return strings.Compare(x.Host, y.Host) }) {
		t.Errorf("%+v", reports)
	}
	for _, r := range reports {
		if r.State != want[r.Host] {
			t.Errorf("%s is %s, want %s", r.Host, r.State, want[r.Host])
		}
		if r.Host == "unheard-of" {
			continue
		}
		if !slices.Equal(r.Servers, []string{server.Addr() + "/0"}) || r.Core != "default" {
			t.Errorf("%+v", r)
		}
		if ago := map[sysops.HostState]time.Duration{sysops.HostStale: 2 * time.Hour, sysops.HostMissing: 7 * time.Hour}[r.State]; r.Age < ago-time.Minute || r.Age > ago+time.Minute {
			t.Errorf("%s pushed %v ago", r.Host, r.Age)
		}
	}
	if c := a; c.Expected != 7 || c.Answered != 5 || !slices.Equal(c.Missing, []string{"expired", "unheard-of"}) {
		t.Errorf("%s", c)
	}
}

// A core all of whose hosts have expired is not one in which nothing matches: the answer says that
// it lacks that core, whether or not gc has been there, and other cores answer beside it.
func TestACoreWhoseHostsHaveAllExpiredIsLacking(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 2} {
		for _, keep := range []time.Duration{0, time.Hour, 7 * 24 * time.Hour} { // gc's, 0: it is not there
			t.Run(fmt.Sprintf("%d of %d servers, gc keeps %v", servers, servers, keep), func(t *testing.T) {
				t.Parallel()
				clock := redistest.NewClock(t)
				expired := redistest.Core(t, servers, clock.Option())
				live := redistest.Start(t)
				c := connectTo(t, &fleet{
					sites: map[string][]string{"s": {"a", "b"}}, localSite: "s", localCore: "a",
					cores: map[string][]string{"a": redistest.URLs(expired), "b": {live.URL()}},
				}, sysops.Options{})
				for core, host := range map[string]string{"a": "web01", "b": "web02"} {
					if _, err := c.Publish(t.Context(), core, snapshotOf(host, text("/etc/motd", "m"))); err != nil {
						t.Fatal(err)
					}
				}
				clock.Set(8 * time.Hour)
				if keep > 0 {
					if _, err := c.GC(t.Context(), sysops.Where{Core: "a"}, keep); err != nil {
						t.Fatal(err)
					}
				}
				for scope, rows := range map[sysops.Scope]int{sysops.Local: 0, sysops.Global: 1} {
					q := sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Scope: scope, Partial: true}}
					got, complete := contents(t, c, q)
					if len(got) != rows || !complete.Partial() || !strings.Contains(complete.Cores[0].Error, "core a ") {
						t.Errorf("%s: %q, want %d, and a word about core a: %+v", scope, got, rows, complete)
					}
					_, complete, err := c.Hosts(t.Context(), q.Where)
					if err != nil || !complete.Partial() {
						t.Errorf("%s: hosts says %+v, %v", scope, complete, err)
					}
				}
			})
		}
	}
}
