package wholetest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A reached is a server and one of the ways to it.
type reached struct {
	server *redistest.Server
	url    string
	o      sysops.Options
}

// ways are all ways in which a URL can lead to a server.
var ways = map[string]func(*testing.T) reached{
	"a port": func(t *testing.T) reached {
		s := redistest.Start(t)
		return reached{server: s, url: s.URL()}
	},
	"a socket": func(t *testing.T) reached {
		dir, err := os.MkdirTemp("", "") // t.TempDir's path may be too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		socket := filepath.Join(dir, "redis.sock")
		return reached{server: redistest.Start(t, redistest.Config(fmt.Sprintf("unixsocket %q", socket))), url: "unix://" + socket}
	},
	"TLS": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		s := redistest.Start(t, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("secret"))
		return reached{s, s.URL(), sysops.Options{Password: "secret", CAFile: certs.CAFile, CertFile: certs.ClientCertFile, KeyFile: certs.ClientKeyFile}}
	},
	"a Sentinel": func(t *testing.T) reached {
		s := redistest.Start(t)
		return reached{server: s, url: redistest.Sentinel(t, "cache-1", s).URL()}
	},
	"a Sentinel with TLS": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		s := redistest.Start(t, redistest.TLS(certs), redistest.Password("secret"))
		return reached{s, redistest.Sentinel(t, "cache-1", s, redistest.TLS(certs)).URL(), sysops.Options{Password: "secret", CAFile: certs.CAFile}}
	},
}

// Whatever way leads to a server: what is asked of it is answered alike, and what is done to
// it leaves the same behind.
func TestEveryWayToReachAServer(t *testing.T) {
	t.Parallel()
	wantAnswers, wantLeft := roundTrip(t, ways["a port"](t))
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers, left := roundTrip(t, way(t))
			if answers != wantAnswers {
				t.Errorf("the answers differ:\n%s", diffOf(wantAnswers, answers))
			}
			if left != wantLeft {
				t.Errorf("what is left differs:\n%s", diffOf(wantLeft, left))
			}
		})
	}
}

// roundTrip does with a server all that is ever done, and returns what it answered and what
// is left in it.
func roundTrip(t *testing.T, r reached) (answers, left string) {
	t.Helper()
	r.o.Timeout = redistest.Patience
	c := connectTo(t, sysops.ServerList(r.url), r.o)
	var log strings.Builder
	say := func(what string, told ...any) { fmt.Fprintln(&log, append([]any{what}, told...)...) }

	// Pushes: new, changed, lost, and larger than one batch.
	for i := range 4 {
		host := fmt.Sprintf("web%02d", i)
		publish(t, c, snapshotOf(host, text("/etc/sysctl", settings(0, i)), text("/etc/motd", "Welcome to "+host), private(text("/etc/shadow", noise(3000, uint64(i)))),
			text("/var/large", noise(3<<20, uint64(i)))))
	}
	r.server.Must("DEL", "web01#/etc/motd")
	again := snapshotOf("web01", text("/etc/sysctl", settings(0, 7)), text("/etc/motd", "Welcome to web01"))
	pushed := publish(t, c, again).Servers[0]
	say("pushed again:", pushed.Replaced, pushed.Renewed, pushed.Deleted, pushed.Repaired)
	again.Machine = "another"
	_, err := c.Publish(t.Context(), "", again)
	say("another machine:", errors.Is(err, sysops.ErrOtherMachine))

	askAll(t, c, say)

	// What the original's inserter wrote, and what is left of hosts that are gone.
	fillLegacy(t, r.server)
	r.server.Must("ZADD", "$hosts", "1", "ghost")
	r.server.Must("ZADD", "$live", "1", "ghost")
	r.server.Must("HSET", "$of:ghost", "/etc/gone", "x", "/etc/motd", "y")
	r.server.Must("RPUSH", "ghost#/etc/motd", "x", "", "", "", "")
	r.server.Must("SADD", "$on:/etc/gone", "ghost", "nobody")
	r.server.Must("SADD", "$names", "/etc/gone", "/etc/never")
	say("adopted:", changed(t, func() ([]sysops.ServerChange, error) { return c.Adopt(t.Context(), sysops.Where{}) }))
	say("pruned:", changed(t, func() ([]sysops.ServerChange, error) { return c.GC(t.Context(), sysops.Where{}, time.Hour) }))
	_, removed, err := c.Forget(t.Context(), hosts(t, "web02"))
	say("forgotten:", removed, err)
	askAll(t, c, say)

	_, err = c.CheckServer(t.Context(), r.url, "web00")
	say("checked:", err)
	return log.String(), state(t, r.server)
}

func changed(t *testing.T, change func() ([]sysops.ServerChange, error)) string {
	t.Helper()
	list, err := change()
	if err != nil {
		t.Error(err)
	}
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprint(c.Hosts, c.Entries, c.Names))
	}
	return strings.Join(out, ", ")
}

// askAll asks all that can be asked.
func askAll(t *testing.T, c *sysops.Client, say func(string, ...any)) {
	t.Helper()
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
	for i, line := range got {
		got[i] = fmt.Sprintf("%.60q… of %d bytes", line, len(line))
	}
	say("contents:", strings.Join(got, "\n"), complete.Expected, complete.Answered, complete.Missing, complete.Unreadable)
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
	say("keys:", keysOf(a))
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	hosts, _, err := c.Hosts(t.Context(), sysops.Where{})
	for _, h := range hosts {
		say("host:", h.Host, h.State)
	}
	say("hosts:", err)
	queries, err := c.Queries(t.Context(), sysops.Where{}, 10)
	say("queries:", len(queries), err)
	uses, _, err := c.Memory(t.Context(), sysops.Where{}, -1)
	var names []string
	for _, u := range uses {
		if !strings.HasPrefix(u.Name, "$") {
			names = append(names, fmt.Sprint(u.Name, " ", u.Keys, " ", u.Sampled, " ", u.Bases, " ", u.Bytes > 0))
		}
	}
	slices.Sort(names)
	say("memory:", names, err)
	servers, _, err := c.Info(t.Context(), sysops.Where{})
	for _, s := range servers {
		say("info:", s.Hosts, s.Lacks, s.Cold, s.Error, s.Info["role"])
	}
	found, _, err2 := c.Disagreements(t.Context(), sysops.Where{}, 5)
	say("disagreements:", len(found), err, err2)
}

// Sentinels that have promoted another server lead there, also whoever had connections to
// the former one: it may be gone, or a replica that takes no writes.
func TestWhereSentinelsLead(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 3, redistest.Password("secret"))
	sentinel, dead := redistest.Sentinel(t, "cache-1", servers[0]), redistest.Start(t)
	dead.Kill()
	url := fmt.Sprintf("redis+sentinel://%s,%s/cache-1?db=2", dead.Addr(), sentinel.Addr())
	c := connectTo(t, sysops.ServerList(url), sysops.Options{Password: "secret", Timeout: redistest.Patience})
	holds := func(what string, s *redistest.Server) {
		t.Helper()
		if dump := redistest.Dump(t, s); !strings.Contains(dump, "db2\n") || strings.Contains(dump, "db0") {
			t.Errorf("%s: the master has not what was pushed:\n%s", what, dump)
		}
		got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
		equalLists(t, what, got, []string{"web01#/etc/motd: x"})
	}
	push := func() error {
		_, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x")))
		return err
	}
	if err := push(); err != nil {
		t.Fatal(err)
	}
	holds("the first", servers[0])

	sentinel.Promote(servers[1])
	servers[0].Kill()
	if err := push(); err != nil {
		t.Errorf("after the master died: %v", err)
	}
	holds("the second", servers[1])

	sentinel.Promote(servers[2])
	servers[1].Must("CONFIG", "SET", "masterauth", "secret")
	servers[1].Must("REPLICAOF", "127.0.0.1", fmt.Sprint(servers[2].Port()))
	if err := push(); err != nil && !errors.Is(err, sysops.ErrServerReadOnly) {
		t.Errorf("to a master that is a replica now: %v", err)
	}
	if err := push(); err != nil {
		t.Errorf("after it said so: %v", err)
	}
	holds("the third", servers[2])

	sentinel.Kill()
	lost := connectTo(t, sysops.ServerList(url), sysops.Options{Password: "secret", Timeout: redistest.Patience})
	_, err := lost.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
	if !errors.Is(err, sysops.ErrServerUnreachable) || !strings.Contains(err.Error(), "no Sentinel tells where master cache-1 is: "+dead.Addr()) ||
		strings.Contains(err.Error(), "secret") {
		t.Errorf("without a Sentinel: %v", err)
	}
}
