package wholetest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A flood of hosts is more than twice those that gc has verified, and 1,000 more.
const flood = 20_000

// many returns members for a flood to add, format made of their numbers.
func many(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

func sadd(s *redistest.Server, key string, members []string) {
	s.Must(append([]string{"SADD", key}, members...)...)
}

func zadd(s *redistest.Server, key string, score int64, members []string) {
	args := []string{"ZADD", key}
	for _, m := range members {
		args = append(args, fmt.Sprint(score), m)
	}
	s.Must(args...)
}

// floods are attacks that make what hosts share too large to be read.
var floods = []attack{
	{name: "20,000 ghosts that pushed now", tended: true, unseen: "newcomers not looked at", on: func(s *redistest.Server, now int64) {
		zadd(s, "$hosts", now, many("ghost%d", flood))
	}},
	{name: "20,000 live ghosts that pushed before all others", tended: true, unseen: "newcomers not looked at", on: func(s *redistest.Server, now int64) {
		zadd(s, "$hosts", 0, many("ghost%d", flood))
		zadd(s, "$live", now+9999, many("ghost%d", flood))
	}},
	{name: "20,000 hosts that hold everything", tended: true, on: func(s *redistest.Server, _ int64) {
		sadd(s, "$on:/etc/motd", many("ghost%d", flood))
		sadd(s, "$on:/etc/issue", append(many("ghost%d", flood), "web01", "web02", "web03"))
	}},
	{name: "20,000 hosts that hold everything, where gc has not run", on: func(s *redistest.Server, _ int64) {
		sadd(s, "$on:/etc/motd", many("ghost%d", flood))
		sadd(s, "$on:/etc/issue", append(many("ghost%d", flood), "web01", "web02", "web03"))
	}},
	{name: "20,000 ghosts that hold everything", tended: true, unseen: "newcomers not looked at", on: func(s *redistest.Server, now int64) {
		zadd(s, "$hosts", now, many("ghost%d", flood))
		sadd(s, "$on:/etc/motd", many("ghost%d", flood))
		sadd(s, "$on:/etc/issue", many("ghost%d", flood))
		sadd(s, "$names", many("/etc/%d", 100_000))
	}},
	{name: "50,000 names", on: func(s *redistest.Server, _ int64) { sadd(s, "$names", many("/etc/%d", 50_000)) }},
	{name: "200,000 names", unseen: "names not looked at", on: func(s *redistest.Server, _ int64) {
		sadd(s, "$names", many("/etc/%d", 100_000))
		sadd(s, "$names", many("/srv/%d", 100_000))
	}},
}

// A member may be longer than any reply.
func TestWhatIsTooLargeForAReplyStopsNoAnswer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connect(t, s.URL())
	for key, add := range map[string][]string{
		"$hosts": {"ZADD", "$hosts", "1"}, "$live": {"ZADD", "$live", "1"}, "$names": {"SADD", "$names"},
		"$on:/etc/motd": {"SADD", "$on:/etc/motd"}, "$of:evil": {"HSET", "$of:evil", "$push"},
	} {
		s.Must("FLUSHALL")
		publish(t, c, snapshotOf("web01", text("/etc/motd", "one\n")))
		publish(t, c, snapshotOf("evil", text("/etc/motd", "two\n")))
		verified([]*redistest.Server{s}, "web01", "evil")
		s.Must(append([]string{"EVAL", `local c = ARGV; c[#c+1] = string.rep('x', 101e6); return redis.call(unpack(c))`, "0"}, add...)...)
		for _, q := range []string{"web01#/etc/motd", "motd"} {
			got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, q), Where: sysops.Where{Patient: true}})
			if !slices.Contains(got, "web01#/etc/motd: one\n") {
				t.Errorf("%s: %s: %q", key, q, got)
			}
		}
	}
}

// spoils are attacks that put another type in the place of what hosts share, where no ACL
// keeps a host from it.
var spoils = []attack{
	spoil("$hosts", true), spoil("$hosts", false), spoil("$live", true), spoil("$live", false),
	spoil("$names", true), spoil("$names", false),
	spoil("$on:/etc/motd", true), spoil("$on:/etc/issue", false), spoil("$roster", false),
	{name: "$queries of another type", on: func(s *redistest.Server, _ int64) { s.Must("SET", "$queries", "junk") }},
	{name: "$bases of another type", on: func(s *redistest.Server, _ int64) { s.Must("SET", "$bases:/etc/motd", "junk") }},
	{name: "records of another type", on: func(s *redistest.Server, now int64) {
		s.Must("SET", "$of:evil", "junk")
		s.Must("ZADD", "$hosts", fmt.Sprint(now), "evil")
		s.Must("SADD", "$on:/etc/motd", "evil")
	}, ghosts: []string{"evil"}},
}

// Nor does that take a server out of what is said about servers.
func TestASpoiledKeyTakesNoServerOutOfInfo(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for _, key := range []string{"$hosts", "$live", "$names", "$roster", "$gc", "$queries", "$on:/etc/motd", "$bases:/etc/motd", "$of:web01"} {
		server.Must("FLUSHALL")
		publish(t, c, snapshotOf("web01", text("/etc/motd", "one\n")))
		publish(t, c, snapshotOf("web02", text("/etc/motd", "two\n")))
		server.Must("DEL", key)
		if key == "$gc" {
			server.Must("SADD", key, "junk")
		} else {
			server.Must("SET", key, "junk")
		}
		where := sysops.Where{Patient: true}
		infos, _, err := c.Info(t.Context(), where)
		if err != nil || infos[0].Error != "" || infos[0].RawInfo == "" {
			t.Errorf("%s: info: %+v, %v", key, infos, err)
		}
		uses, complete, err := c.Memory(t.Context(), where, 0)
		if err != nil || len(uses) == 0 || complete.Cores[0].Servers[0].Error != "" {
			t.Errorf("%s: memory: %+v, %v, %v", key, uses, complete, err)
		}
		_, complete, err = c.Disagreements(t.Context(), where, 1)
		if err != nil || complete.Cores[0].Servers[0].Error != "" {
			t.Errorf("%s: disagreements: %v, %v", key, complete, err)
		}
	}
}

func spoil(key string, tended bool) attack {
	name := key + " of another type"
	if tended {
		name += ", where gc has run"
	}
	return attack{name: name, tended: tended, unseen: key + " not looked at", on: func(s *redistest.Server, _ int64) {
		s.Must("DEL", key)
		s.Must("SET", key, "junk")
	}}
}

// Where nothing is in doubt, a question asks each server for its index, and for who has what
// is asked, before it reads that: whatever decides what the pattern means.
func TestNoDoubtCostsNoRequest(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	c := connect(t, proxy.URL())
	for i := range 40 {
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", i), text("/etc/motd", "one\n"), text("/var/hw.json@uname", "Linux\n"), text("motd", "two\n")))
	}
	for _, tended := range []bool{false, true} {
		if tended {
			for i := range 40 {
				verified([]*redistest.Server{server}, fmt.Sprintf("web%02d", i))
			}
		}
		for _, p := range []string{"/etc/motd", "uname", "motd", "mot", "*#/etc/motd", "*#motd", "web01#uname", "web0*#*"} {
			before := proxy.Traffic().Waits
			a := ask(t, c, sysops.Query{Pattern: pattern(t, p), Where: sysops.Where{Patient: true}})
			if waits := proxy.Traffic().Waits - before; waits != 2 || a.Len() == 0 || a.Completeness().Partial() {
				t.Errorf("%s: %d requests, %d objects, %v", p, waits, a.Len(), a.Completeness())
			}
		}
	}
}
