package wholetest_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/words"
)

// aged makes a host's last push, or the end of its snapshot, a while ago.
func aged(t testing.TB, s *redistest.Server, key, host string, ago time.Duration) {
	t.Helper()
	s.Must("ZADD", key, strconv.FormatInt(serverTime(t, s)-int64(ago.Seconds()), 10), host)
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
	want := state(t, server)
	server.Must("SADD", "$names", "/etc/gone")
	for _, h := range []string{"old", "recent"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", "1"), text("/etc/only-"+h, "x")))
	}
	server.Must("SADD", "$on:/etc/motd", "dangling") // a host that nobody knows
	server.Must("SADD", "$on:/etc/nothing", "web01") // an object that is not there
	server.Must("SADD", "$names", "/etc/nothing", "/etc/never")
	aged(t, server, "$live", "old", 49*time.Hour)
	aged(t, server, "$live", "recent", 47*time.Hour)
	changes, err := c.GC(t.Context(), sysops.Where{}, 48*time.Hour)
	if err != nil || len(changes) != 1 || changes[0].Hosts != 1 || changes[0].Entries != 2 || changes[0].Names != 4 {
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

// A lost object must stay an error until its host pushes it again; pruning its
// entry would make it an object that the host never had.
func TestGCKeepsTheEntryOfALostObject(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	server.Must("DEL", "web01#/etc/motd")
	if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); !errors.Is(err, sysops.ErrIncomplete) {
		t.Errorf("%v", err)
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

// subscriber hands on what is published on a channel.
func subscriber(t testing.TB, s *redistest.Server, channel string) <-chan string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := bufio.NewReader(conn)
	next := func() (string, error) { // one bulk string
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return "", err
			}
			if line[0] != '$' {
				continue
			}
			n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
			if err != nil {
				return "", err
			}
			b := make([]byte, n+2)
			_, err = io.ReadFull(r, b)
			return string(b[:n]), err
		}
	}
	fmt.Fprintf(conn, "SUBSCRIBE %s\r\n", channel)
	for range 2 { // "subscribe", the channel
		if _, err := next(); err != nil {
			t.Fatal(err)
		}
	}
	out := make(chan string, 100)
	go func() {
		defer close(out)
		for i := 0; ; i++ {
			text, err := next()
			if err != nil {
				return
			}
			if i%3 == 2 { // "message", the channel, what was published
				out <- text
			}
		}
	}()
	return out
}

func TestEachQueryIsRecordedAndPublished(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	alice := sysops.Caller{User: "alice", UID: 1000, GID: 100, Host: "bastion", Dir: "/home/alice", Program: "sysops", Args: []string{"grep", "x y"}}
	publish(t, c, snapshotOf("web01", text("/etc/motd", strings.Repeat("motd\n", 100))))
	heard := []<-chan string{subscriber(t, servers[0], "sysops-api"), subscriber(t, servers[1], "sysops-api")}
	began := time.Now().Add(-time.Second)
	for _, p := range []string{"/etc/motd", "nothing-like-it"} {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, p), Caller: alice})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range a.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	records, err := c.Queries(t.Context(), sysops.Where{}, 10)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	second, first := records[0], records[1]
	if first.Pattern != "/etc/motd" || second.Pattern != "nothing-like-it" {
		t.Errorf("%q, then %q: the newest comes first", records[0].Pattern, records[1].Pattern)
	}
	if first.User != "alice" || first.UID != 1000 || first.GID != 100 || first.Host != "bastion" || first.Dir != "/home/alice" || first.Program != "sysops" || !slices.Equal(first.Args, []string{"grep", "x y"}) {
		t.Errorf("%+v", first.Caller)
	}
	if first.Time.Before(began) || first.Time.After(time.Now()) || first.Scope != sysops.Local || first.Partial || first.ID == "" || first.ID == second.ID {
		t.Errorf("%+v", first)
	}
	if cost := first.Cost; cost.Keys != 1 || cost.Unpacked != 500 || cost.Downloaded == 0 || cost.Uploaded == 0 || len(cost.Servers) != 2 {
		t.Errorf("%+v", cost)
	}
	for i, s := range servers {
		if n := s.Must("XLEN", "$queries"); n != int64(2) {
			t.Errorf("server %d has %v entries", i, n)
		}
		for _, want := range []sysops.QueryRecord{first, second} {
			var got sysops.QueryRecord
			select {
			case text := <-heard[i]:
				if err := json.Unmarshal([]byte(text), &got); err != nil || got.ID != want.ID || got.Pattern != want.Pattern {
					t.Errorf("server %d publishes %s: %v", i, text, err)
				}
			case <-time.After(redistest.Patience):
				t.Fatalf("server %d publishes nothing", i)
			}
		}
	}
	if one, err := c.Queries(t.Context(), sysops.Where{}, 1); err != nil || len(one) != 1 || one[0].ID != second.ID {
		t.Errorf("of the newest one: %+v, %v", one, err)
	}
}

func TestWhoAsksIsTakenFromTheProcess(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := c.Queries(t.Context(), sysops.Where{}, 1)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if r := records[0]; r.User == "" || r.Dir == "" || r.Program == "" {
		t.Errorf("%+v", r.Caller)
	}
}

func TestARefusedRecordTakesNothingFromTheAnswer(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	publish(t, connect(t, primary.URL()), snapshotOf("web01", text("/etc/motd", "x")))
	replica := replicaOf(t, primary)
	for _, row := range []struct {
		name string
		url  string
		want error
	}{
		{"a replica", replica.URL(), sysops.ErrServerReadOnly},
		{"an ACL", "", sysops.ErrServerPermission},
	} {
		t.Run(row.name, func(t *testing.T) {
			url, do := row.url, primary
			var o sysops.Options
			if url == "" {
				do.Must("ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@read", "+@connection", "+time", "-publish")
				url, o = primary.URL(), sysops.Options{User: "reader", Password: "secret"}
			}
			c := connectTo(t, sysops.ServerList(url), o)
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
			if err != nil {
				t.Fatal(err)
			}
			read := func() string {
				out := ""
				for o, err := range a.Objects(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					out += string(o.Contents)
				}
				return out
			}
			if got := read(); got != "x" {
				t.Errorf("%q", got)
			}
			if err := a.Close(t.Context()); !errors.Is(err, row.want) {
				t.Errorf("%v; want %v", err, row.want)
			}
			if got := read(); got != "x" || !a.Completeness().Whole() {
				t.Errorf("afterwards %q, %s", got, a.Completeness())
			}
		})
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 24247: "24,247", 1234567: "1,234,567", -5: "-5", -999: "-999", -1000: "-1,000", -123456: "-123,456"} {
		if got := words.Grouped(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
