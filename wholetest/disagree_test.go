package wholetest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// disagreements are those of a core of these servers, as "server kind count examples".
func disagreements(t *testing.T, servers []*redistest.Server, w sysops.Where, examples int) []string {
	t.Helper()
	var out []string
	unhurried(t, func() *sysops.Completeness {
		list, answer, err := connect(t, redistest.URLs(servers)...).Disagreements(t.Context(), w, examples)
		if err != nil {
			t.Fatal(err)
		}
		out = []string{}
		for _, d := range list {
			n := slices.IndexFunc(servers, func(s *redistest.Server) bool { return d.Server == s.Addr()+"/0" })
			out = append(out, fmt.Sprintf("%d %s %d %v", n, d.Kind, d.Count, d.Examples))
		}
		return answer
	})
	return out
}

func TestServersDisagree(t *testing.T) {
	servers := redistest.Core(t, 3)
	all := connect(t, redistest.URLs(servers)...)
	for _, host := range []string{"web01", "web02", "web03", "web04"} {
		publish(t, all, snapshotOf(host, text("a", "of "+host), text("b", "the same"), withStat("c", "x", snapshot.Stat{Mode: 0o644})))
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := disagreements(t, servers, sysops.Where{}, 2); !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, want\n%q", what, got, want)
		}
	}
	expect("all have the same")

	record := func(s *redistest.Server, host, name string) string {
		t.Helper()
		return s.Must("HGET", "$of:"+host, name).(string)
	}
	servers[2].Must("HDEL", "$of:web01", "b")
	expect("a record is missing", "2 lacks 1 [web01#b]")

	servers[0].Must("HSET", "$of:web02", "a", record(servers[0], "web01", "a"))
	expect("one of three has other contents", "0 contents 1 [web02#a]", "2 lacks 1 [web01#b]")
	servers[1].Must("HSET", "$of:web02", "a", record(servers[0], "web01", "b"))
	expect("each has other contents: the first counts", "1 contents 1 [web02#a]", "2 lacks 1 [web01#b]", "2 contents 1 [web02#a]")
	publish(t, all, snapshotOf("web02", text("a", "of web02"), text("b", "the same"), withStat("c", "x", snapshot.Stat{Mode: 0o644})))

	stat := []byte(record(servers[1], "web01", "c"))
	stat[33]++ // see docs/format/keyspace.md: the digest of the stat
	servers[1].Must("HSET", "$of:web01", "c", string(stat))
	expect("one has another stat", "1 stat 1 [web01#c]", "2 lacks 1 [web01#b]")

	// Whoever missed a push is behind, and nothing else is said of it.
	first := connect(t, servers[0].URL())
	for _, host := range []string{"web02", "web03", "web04"} {
		publish(t, first, snapshotOf(host, text("a", "new")))
	}
	expect("two have missed pushes", "1 behind 3 [web02 web03]", "1 stat 1 [web01#c]", "2 behind 3 [web02 web03]", "2 lacks 1 [web01#b]")
	if got := disagreements(t, servers, sysops.Where{Hosts: hostSet(t, "web01,web04")}, 1); !slices.Equal(got, []string{"1 behind 1 [web04]", "1 stat 1 [web01#c]", "2 behind 1 [web04]", "2 lacks 1 [web01#b]"}) {
		t.Errorf("of two hosts it says %q", got)
	}

	publish(t, all, snapshotOf("web01", text("a", "of web01"), text("b", "the same"), withStat("c", "x", snapshot.Stat{Mode: 0o644})))
	for _, host := range []string{"web02", "web03", "web04"} {
		publish(t, all, snapshotOf(host, text("a", "new")))
	}
	expect("a push to all makes them agree")
}

// A server that is down has nothing to say, and one alone nobody to disagree with.
func TestServersThatAreDownDoNotDisagree(t *testing.T) {
	servers := redistest.Core(t, 2)
	publish(t, connect(t, servers[0].URL()), snapshotOf("web01", text("a", "1")))
	if got := disagreements(t, servers, sysops.Where{}, 1); !slices.Equal(got, []string{"1 behind 1 [web01]"}) {
		t.Errorf("an empty server: %q", got)
	}
	servers[1].Kill()
	list, answer, err := connect(t, redistest.URLs(servers)...).Disagreements(t.Context(), sysops.Where{}, 1)
	if err != nil || len(list) != 0 || answer.Cores[0].Servers[1].Error == "" {
		t.Errorf("it is %v, %v", list, err)
	}
}
