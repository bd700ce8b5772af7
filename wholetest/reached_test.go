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
	servers []*redistest.Server // of a Cluster, its masters
	must    func(args ...string) any
	url     string
	o       sysops.Options
}

func reachedAt(s *redistest.Server, url string, o sysops.Options) reached {
	return reached{[]*redistest.Server{s}, s.Must, url, o}
}

// left is all that is in the server.
func (r *reached) left(t *testing.T) string {
	var keys []string // each with what it holds
	for _, s := range r.servers {
		for line := range strings.Lines(stateBy(t, s, r.must)) {
			switch {
			case strings.HasPrefix(line, "\""), strings.Contains(line, " of $on:"):
				keys = append(keys, strings.TrimRight(line, "\n"))
			case len(keys) > 0 && strings.HasPrefix(line, " "):
				keys[len(keys)-1] += "\n" + strings.TrimRight(line, "\n")
			}
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, "\n")
}

// ways are all ways in which a URL can lead to a server.
var ways = map[string]func(*testing.T) reached{
	"a port": func(t *testing.T) reached {
		s := redistest.Start(t)
		return reachedAt(s, s.URL(), sysops.Options{})
	},
	"a socket": func(t *testing.T) reached {
		dir, err := os.MkdirTemp("", "") // t.TempDir's path may be too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		socket := filepath.Join(dir, "redis.sock")
		return reachedAt(redistest.Start(t, redistest.Config(fmt.Sprintf("unixsocket %q", socket))), "unix://"+socket, sysops.Options{})
	},
	"TLS": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		s := redistest.Start(t, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("secret"))
		return reachedAt(s, s.URL(), sysops.Options{Password: "secret", CAFile: certs.CAFile, CertFile: certs.ClientCertFile, KeyFile: certs.ClientKeyFile})
	},
	"a Sentinel": func(t *testing.T) reached {
		s := redistest.Start(t)
		return reachedAt(s, redistest.Sentinel(t, "cache-1", s).URL(), sysops.Options{})
	},
	"a Sentinel with TLS": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		s := redistest.Start(t, redistest.TLS(certs), redistest.Password("secret"))
		return reachedAt(s, redistest.Sentinel(t, "cache-1", s, redistest.TLS(certs)).URL(), sysops.Options{Password: "secret", CAFile: certs.CAFile})
	},
	"a Sentinel with a password of its own": func(t *testing.T) reached {
		s := redistest.Start(t)
		return reachedAt(s, redistest.Sentinel(t, "cache-1", s, redistest.Password("sesame")).URL(), sysops.Options{SentinelPassword: "sesame"})
	},
	"a Sentinel with TLS, users and a password of its own": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		s := redistest.Start(t, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("secret"))
		sentinel := redistest.Sentinel(t, "cache-1", s, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("sesame"))
		sentinel.Must("ACL", "SETUSER", "asker", "on", ">open", "+sentinel|get-master-addr-by-name")
		return reachedAt(s, sentinel.URL(), sysops.Options{
			Password: "secret", SentinelUser: "asker", SentinelPassword: "open",
			CAFile: certs.CAFile, CertFile: certs.ClientCertFile, KeyFile: certs.ClientKeyFile,
		})
	},
	"a Cluster": func(t *testing.T) reached {
		c := redistest.Cluster(t, 3)
		return reached{c.Servers, c.Must, c.URL(), sysops.Options{}}
	},
	"a Cluster with TLS": func(t *testing.T) reached {
		certs := redistest.NewCerts(t)
		c := redistest.Cluster(t, 3, redistest.TLS(certs), redistest.Password("secret"))
		return reached{c.Servers, c.Must, c.URL(), sysops.Options{Password: "secret", CAFile: certs.CAFile}}
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
	r.must("DEL", "web01#/etc/motd")
	again := snapshotOf("web01", text("/etc/sysctl", settings(0, 7)), text("/etc/motd", "Welcome to web01"))
	pushed := publish(t, c, again).Servers[0]
	say("pushed again:", pushed.Replaced, pushed.Renewed, pushed.Deleted, pushed.Repaired)
	again.Machine = "another"
	_, err := c.Publish(t.Context(), "", again)
	say("another machine:", errors.Is(err, sysops.ErrOtherMachine))

	askAll(t, c, say)

	// What the original's inserter wrote, and what is left of hosts that are gone.
	fillLegacyBy(t, r.must)
	r.must("ZADD", "$hosts", "1", "ghost")
	r.must("ZADD", "$live", "1", "ghost")
	r.must("HSET", "$of:ghost", "/etc/gone", "x", "/etc/motd", "y")
	r.must("RPUSH", "ghost#/etc/motd", "x", "", "", "", "")
	r.must("SADD", "$on:/etc/gone", "ghost", "nobody")
	r.must("SADD", "$names", "/etc/gone", "/etc/never")
	say("adopted:", changed(t, func() ([]sysops.ServerChange, error) { return c.Adopt(t.Context(), sysops.Where{}) }))
	say("pruned:", changed(t, func() ([]sysops.ServerChange, error) { return c.GC(t.Context(), sysops.Where{}, time.Hour) }))
	_, removed, err := c.Forget(t.Context(), hosts(t, "web02"))
	say("forgotten:", removed, err)
	askAll(t, c, say)

	_, err = c.CheckServer(t.Context(), r.url, "web00")
	say("checked:", err)
	return log.String(), r.left(t)
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
