package wholetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// An attack is what one host can leave behind in what hosts share, where an ACL lets it add
// members and nothing else. It is written to a server, as host "evil".
type attack struct {
	name string
	on   func(s *redistest.Server, now int64)

	ghosts []string // hosts that only the attack speaks of, which an answer names
	tended bool     // gc has verified the others
	unseen string   // what an answer says that it has not looked at, among other things
}

// attacks are about the host web01, which has /etc/motd and no /etc/issue; web02, which has
// both; web03, which is stale; web04, whose snapshot has expired; web05, which pushed a while ago;
// and hosts that are not there.
var attacks = []attack{
	{name: "a ghost in $hosts", ghosts: []string{"ghost"}, on: func(s *redistest.Server, now int64) {
		s.Must("ZADD", "$hosts", fmt.Sprint(now), "ghost")
	}},
	{name: "a ghost that is live", ghosts: []string{"ghost"}, on: func(s *redistest.Server, now int64) {
		s.Must("ZADD", "$hosts", fmt.Sprint(now), "ghost")
		s.Must("ZADD", "$live", fmt.Sprint(now+9999), "ghost")
	}},
	{name: "a ghost that holds objects", ghosts: []string{"ghost"}, on: func(s *redistest.Server, now int64) {
		s.Must("ZADD", "$hosts", fmt.Sprint(now), "ghost")
		s.Must("ZADD", "$live", fmt.Sprint(now+9999), "ghost")
		s.Must("SADD", "$on:/etc/motd", "ghost")
		s.Must("SADD", "$on:/etc/issue", "ghost")
	}},
	{name: "a host that is dead", on: func(s *redistest.Server, _ int64) { s.Must("ZADD", "$live", "1", "web01") }},
	{name: "a host that never expires", on: func(s *redistest.Server, now int64) {
		s.Must("ZADD", "$live", fmt.Sprint(now+9e6), "web04")
	}},
	{name: "a host that pushed in a year", on: func(s *redistest.Server, now int64) {
		s.Must("ZADD", "$hosts", fmt.Sprint(now+365*86400), "web01")
	}},
	{name: "a host that pushed a moment ago", on: func(s *redistest.Server, now int64) { s.Must("ZADD", "$hosts", fmt.Sprint(now), "web05") }},
	{name: "a host that pushed in a minute", on: func(s *redistest.Server, now int64) { s.Must("ZADD", "$hosts", fmt.Sprint(now+60), "web01") }},
	{name: "a host that pushed in 1970", on: func(s *redistest.Server, _ int64) { s.Must("ZADD", "$hosts", "0", "web01") }},
	{name: "a host that pushed before 1970", on: func(s *redistest.Server, _ int64) { s.Must("ZADD", "$hosts", "-5", "web01") }},
	{name: "a host that pushed at infinity", on: func(s *redistest.Server, _ int64) { s.Must("ZADD", "$hosts", "inf", "web01") }},
	{name: "a host that pushed at the other infinity", on: func(s *redistest.Server, _ int64) { s.Must("ZADD", "$hosts", "-inf", "web01") }},
	{name: "a host that pushed an hour ago", on: func(s *redistest.Server, now int64) { s.Must("ZADD", "$hosts", fmt.Sprint(now-3600), "web01") }},
	{name: "an object that its host does not have", on: func(s *redistest.Server, _ int64) { s.Must("SADD", "$on:/etc/issue", "web01") }},
	{name: "every object of every host", on: func(s *redistest.Server, _ int64) {
		for _, h := range []string{"web01", "web02", "web03", "web04"} {
			s.Must("SADD", "$on:/etc/issue", h)
			s.Must("SADD", "$on:/etc/motd", h)
		}
	}},
	{name: "names that are none", on: func(s *redistest.Server, _ int64) { s.Must("SADD", "$names", "", "$", "x\ny", "/etc/nothing") }},
	{name: "hosts that are none", on: func(s *redistest.Server, now int64) {
		for _, h := range []string{"", "a b", "x#y", "$of:web01", "w\x1b[2J"} {
			s.Must("ZADD", "$hosts", fmt.Sprint(now), h)
			s.Must("ZADD", "$live", fmt.Sprint(now+9999), h)
			s.Must("SADD", "$on:/etc/motd", h)
		}
	}},
}

// What the host evil leaves behind changes no row of another host, and neither who lacks
// what nor who is missing: on one server and on two, of which it reached one or both. Hosts
// that only it speaks of are named, and make an answer partial.
func TestOneHostCannotChangeWhatIsSaidOfOthers(t *testing.T) {
	for _, reach := range []struct{ servers, reached int }{{1, 1}, {2, 1}, {2, 2}} {
		t.Run(fmt.Sprintf("%d of %d servers", reach.reached, reach.servers), func(t *testing.T) {
			t.Parallel()
			servers := redistest.Core(t, reach.servers)
			c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{StaleAfter: time.Hour})
			for i, a := range slices.Concat(attacks, floods, spoils) {
				tries := 1
				if i < len(attacks) {
					tries = 3 // whichever server is preferred
				}
				for _, s := range servers {
					s.Must("FLUSHALL")
				}
				attacked(t, c, servers)
				if a.tended {
					verified(servers, "web01", "web02", "web03", "web04", "web05")
				}
				before := everyAnswer(t, c)
				for _, s := range servers[:reach.reached] {
					a.on(s, serverTime(t, s))
				}
				for range tries {
					after := everyAnswer(t, c)
					for what, want := range before {
						if got := after[what]; !equalAnswers(got, want) {
							t.Errorf("%s: %s: %+v; before %+v", a.name, what, got, want)
						} else if reach.servers == 1 && got.waits > want.waits+2 {
							t.Errorf("%s: %s: %d requests; before %d", a.name, what, got.waits, want.waits)
						}
					}
					// Where a sibling has all there is, not every question meets what is spoiled.
					got := strings.Join(after["a part of a key"].unseen, "\n")
					if met := got != "" || reach.reached == reach.servers; met && (!strings.Contains(got, a.unseen) || a.unseen == "" && got != "") {
						t.Errorf("%s: not looked at: %q; want %q", a.name, got, a.unseen)
					}
					// A question that reads what it finds meets a ghost only where it looks for it.
					if got := after["lacking /etc/issue"].unverified; !slices.Equal(got, a.ghosts) {
						t.Errorf("%s: unverified: %q; want %q", a.name, got, a.ghosts)
					}
				}
			}
		})
	}
}

// attacked fills servers with the hosts that attacks are about.
func attacked(t *testing.T, c *sysops.Client, servers []*redistest.Server) {
	t.Helper()
	publish(t, c, snapshotOf("web01", text("/etc/motd", "one\n")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "two\n"), text("/etc/issue", "Debian\n")))
	publish(t, c, snapshotOf("web03", text("/etc/motd", "three\n")))
	publish(t, c, snapshotOf("web04", text("/etc/motd", "four\n")))
	publish(t, c, snapshotOf("web05", text("/etc/motd", "five\n")))
	for _, s := range servers {
		now := serverTime(t, s)
		s.Must("ZADD", "$hosts", fmt.Sprint(now-600), "web05")
		s.Must("HSET", "$of:web05", "$push", fmt.Sprint(now-600))
		s.Must("ZADD", "$hosts", fmt.Sprint(now-7200), "web03")
		s.Must("HSET", "$of:web03", "$push", fmt.Sprint(now-7200))
		s.Must("ZADD", "$hosts", fmt.Sprint(now-40000), "web04")
		s.Must("ZADD", "$live", fmt.Sprint(now-10000), "web04")
		s.Must("HSET", "$of:web04", "$push", fmt.Sprint(now-40000), "$expires", fmt.Sprint(now-10000))
		s.Must("DEL", "web04#/etc/motd")
	}
}

// answered is what an answer says.
type answered struct {
	rows, lacking, missing, stale, unverified, unseen []string
	expected, answered                                int
	waits                                             int64 // for servers
}

func equalAnswers(x, y answered) bool {
	return slices.Equal(x.rows, y.rows) && slices.Equal(x.lacking, y.lacking) && slices.Equal(x.missing, y.missing) && slices.Equal(x.stale, y.stale)
}

// everyAnswer asks in every way that an answer is made.
func everyAnswer(t *testing.T, c *sysops.Client) map[string]answered {
	t.Helper()
	out := make(map[string]answered)
	note := func(what string, rows []string, complete *sysops.Completeness) {
		a := answered{
			rows: rows, lacking: complete.Lacking, missing: complete.Missing, stale: complete.Stale, unverified: complete.Unverified,
			expected: complete.Expected, answered: complete.Answered,
		}
		for _, k := range complete.Cores {
			a.unseen = append(a.unseen, k.Unseen...)
		}
		for _, s := range complete.Cost.Servers {
			a.waits += s.Waits
		}
		if len(a.unseen) > 0 && !complete.Partial() {
			t.Errorf("%s: nothing says that something was not looked at: %q", what, a.unseen)
		}
		out[what] = a
	}
	for what, q := range map[string]sysops.Query{
		"reading /etc/motd":  {Pattern: pattern(t, "/etc/motd")},
		"lacking /etc/issue": {Pattern: pattern(t, "/etc/issue")},
		"a part of a key":    {Pattern: search(t, "etc/")},
		"of one host":        {Pattern: pattern(t, "web01#*")},
		"no older than":      {Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{MaxAge: 30 * time.Minute}},
	} {
		q.Patient = true // the machine may be busy
		rows, complete := contents(t, c, q)
		note(what, rows, complete)
		q.CheckKeys = true
		a := ask(t, c, q)
		note("keys of "+what, keysOf(a), a.Completeness())
	}
	hosts, complete, err := c.Hosts(t.Context(), sysops.Where{Patient: true})
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, h := range hosts {
		rows = append(rows, fmt.Sprintf("%s %s %v", h.Host, h.State, h.Age.Round(time.Hour)))
	}
	note("hosts", rows, complete)
	return out
}
