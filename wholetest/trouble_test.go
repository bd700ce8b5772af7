package wholetest_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// ails demands that info says of the server at url what is wrong with it, and nothing else. One
// that is well has no states.
func ails(t *testing.T, c *sysops.Client, url string, states []string, says string) {
	t.Helper()
	servers, _, err := c.Info(t.Context(), sysops.Where{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if !strings.Contains(url, strings.TrimSuffix(s.Server, "/0")) {
			continue
		}
		if !slices.Equal(s.States, states) || len(s.Troubles) != len(states) || !strings.Contains(fmt.Sprint(s.Troubles), says) {
			t.Errorf("server %s is %q, want %q: %v, want %q", s.Server, s.States, states, s.Troubles, says)
		}
		return
	}
	t.Errorf("%s is not in %+v", url, servers)
}

// fill sets a server's maxmemory to a percentage of what it takes.
func fill(t testing.TB, s *redistest.Server, percent int) {
	s.Must("CONFIG", "SET", "maxmemory", fmt.Sprint(usedMemory(t, s)*percent/100))
}

// ailments are what may be wrong with a server, and how it comes to that.
var ailments = []struct {
	state, says string
	become      func(t *testing.T, s, sibling *redistest.Server)
}{
	{"replica", "takes no push", func(t *testing.T, s, sibling *redistest.Server) {
		host, port, _ := net.SplitHostPort(sibling.Addr())
		s.Must("REPLICAOF", host, port)
		redistest.WaitFor(t, "the replica is in sync", func() bool {
			return strings.Contains(s.Must("INFO", "replication").(string), "master_link_status:up")
		})
	}},
	{"replica", "it has lost its primary", func(_ *testing.T, s, _ *redistest.Server) { s.Must("REPLICAOF", "127.0.0.1", "1") }},
	{"full", "pushes are refused", func(t *testing.T, s, _ *redistest.Server) { fill(t, s, 50) }},
	{"nearly full", "is nearly full", func(t *testing.T, s, _ *redistest.Server) {
		s.Must("SET", "junk", strings.Repeat("x", 16<<20)) // so that connections make no difference
		fill(t, s, 105)
	}},
	{"evicts", "maxmemory-policy allkeys-lru", func(_ *testing.T, s, _ *redistest.Server) {
		s.Must("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
		s.Must("CONFIG", "SET", "maxmemory", "1gb")
	}},
	{"evicted", "has evicted ", func(t *testing.T, s, _ *redistest.Server) {
		s.Must("SELECT", "0")
		for n := range 200 {
			s.Must("SET", fmt.Sprint("junk", n), strings.Repeat("x", 10_000), "EX", "1000")
		}
		s.Must("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
		fill(t, s, 80)
		redistest.WaitFor(t, "a key is evicted", func() bool {
			s.Do("SET", "junk", "x", "EX", "1000")
			return !strings.Contains(s.Must("INFO", "stats").(string), "evicted_keys:0\r")
		})
		s.Must("CONFIG", "SET", "maxmemory", "0")
	}},
	{"not saved", "rdb_last_bgsave_status:err", func(t *testing.T, s, _ *redistest.Server) { cannotSave(t, s) }},
	{"refused", "has refused ", func(t *testing.T, s, _ *redistest.Server) {
		s.Must("CONFIG", "SET", "maxclients", "4")
		var conns []net.Conn
		redistest.WaitFor(t, "a connection is refused", func() bool {
			if conn, err := net.Dial("tcp", s.Addr()); err == nil {
				conns = append(conns, conn)
			}
			return len(conns) > 4
		})
		for _, c := range conns {
			c.Close()
		}
		redistest.WaitFor(t, "the connections are gone", func() bool {
			_, err := s.Do("CONFIG", "SET", "maxclients", "100")
			return err == nil
		})
	}},
	{"crowded", "that it takes (maxclients)", func(t *testing.T, s, _ *redistest.Server) {
		s.Must("CONFIG", "SET", "maxclients", "20")
		for range 18 {
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				continue
			}
			t.Cleanup(func() { conn.Close() })
			conn.Write([]byte("PING\r\n"))
			conn.Read(make([]byte, 7))
		}
	}},
	{"empty", "knows no host", func(_ *testing.T, s, _ *redistest.Server) { s.Must("FLUSHALL") }},
	{"cold", "lacks the latest push of 1 host", func(_ *testing.T, s, _ *redistest.Server) {
		s.Must("ZREM", "$hosts", "web02")
		s.Must("DEL", "$of:web02")
	}},
}

func TestInfoSaysWhatIsWrongWithAServer(t *testing.T) {
	t.Parallel()
	for _, tt := range ailments {
		t.Run(tt.state+": "+tt.says, func(t *testing.T) {
			t.Parallel()
			servers := redistest.Core(t, 2, redistest.Config("enable-protected-configs yes"))
			c := connect(t, redistest.URLs(servers)...)
			for _, h := range []string{"web01", "web02"} {
				publish(t, c, snapshotOf(h, text("/etc/motd", "m")))
			}
			ails(t, c, servers[0].URL(), nil, "")
			tt.become(t, servers[0], servers[1])
			ails(t, c, servers[0].URL(), []string{tt.state}, tt.says)
			ails(t, c, servers[1].URL(), nil, "")
		})
	}
}

// A server whose clock is off is told by how much, in which direction, and until it is set right.
func TestInfoSaysWhatAClockIsOff(t *testing.T) {
	t.Parallel()
	f := newClockedFleet(t, 2)
	f.push("web01", "red", true)
	c := f.all()
	for ahead, says := range map[time.Duration]string{time.Minute: "1m0s ahead", year: "8760h0m0s ahead", -time.Minute: "1m0s behind", -year: "8760h0m0s behind"} {
		f.clocks[0].Set(ahead)
		f.push("web01", "red", true) // what it had may have expired
		ails(t, c, f.servers[0].URL(), []string{"clock"}, says)
		ails(t, c, f.servers[1].URL(), nil, "")
		f.clocks[0].Set(0)
		f.push("web01", "red", true)
		ails(t, c, f.servers[0].URL(), nil, "")
	}
}

// One node of a Cluster that is full refuses the objects whose slots it has.
func TestInfoLooksAtEveryMasterOfACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.Cluster(t, 3)
	c := connect(t, cluster.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "m")))
	last := cluster.Servers[2]
	fill(t, last, 50)
	servers, _, err := c.Info(t.Context(), sysops.Where{})
	if err != nil {
		t.Fatal(err)
	}
	if len(servers) != 1 || !slices.Equal(servers[0].States, []string{"full"}) || !strings.Contains(servers[0].Troubles[0].Error(), "node "+last.Addr()+" of server ") {
		t.Errorf("%+v", servers)
	}
}

// Valkey says of itself which Redis it can stand in for. It is named by its own version.
func TestInfoNamesTheServersOwnVersion(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	about := make(map[string]string)
	for line := range strings.Lines(s.Must("INFO", "server").(string)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		about[name] = value
	}
	want := about["redis_version"]
	if about["valkey_version"] != "" {
		want = "valkey " + about["valkey_version"]
	}
	run := redistest.Run(t, redistest.Build(t, "./cmd/sysops"), []string{"info", "--server", s.URL()}, []string{"HOME=" + t.TempDir()})
	if want == "" || !strings.Contains(run.Stdout, " "+want+" ") {
		t.Errorf("it is %s, and info says\n%s", want, run.Stdout)
	}
}
