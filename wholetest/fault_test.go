package wholetest_test

import (
	"bufio"
	"context"
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
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

// loading is a server that is reading its data from disk: it answers every
// command but the greeting with -LOADING.
func loading(t testing.TB) string {
	return impostor(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			line, err := r.ReadString('\n')
			if err != nil || line[0] != '*' {
				return
			}
			n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
			name := ""
			for i := range n {
				size, err := r.ReadString('\n')
				if err != nil {
					return
				}
				length, _ := strconv.Atoi(strings.TrimSpace(size[1:]))
				arg := make([]byte, length+2)
				if _, err := io.ReadFull(r, arg); err != nil {
					return
				}
				if i == 0 {
					name = strings.ToUpper(string(arg[:length]))
				}
			}
			reply := "-LOADING Redis is loading the dataset in memory\r\n"
			if name == "HELLO" {
				reply = "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n"
			}
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
		}
	})
}

// http is a web server where Redis is expected.
func http(t testing.TB) string {
	return impostor(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if _, err := r.ReadString('\n'); err == nil {
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request")
		}
	})
}

func replicaOf(t testing.TB, primary *redistest.Server) *redistest.Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(primary.Addr())
	replica := redistest.Start(t, redistest.Config("replicaof "+host+" "+port, "repl-diskless-sync yes", "repl-diskless-sync-delay 0"))
	primary.Must("CONFIG", "SET", "repl-diskless-sync-delay", "0")
	redistest.WaitFor(t, "the replica is in sync", func() bool {
		info, _ := replica.Must("INFO", "replication").(string)
		return strings.Contains(info, "master_link_status:up")
	})
	return replica
}

// faultyServers are what may be in the place of one server of a core, and what a push to it
// ends with.
var faultyServers = []struct {
	name string
	url  func(t *testing.T) string
	want error
}{
	{"dead", func(t *testing.T) string {
		s := redistest.Start(t)
		s.Kill()
		return s.URL()
	}, sysops.ErrServerUnreachable},
	{"hung", func(t *testing.T) string {
		s := redistest.Start(t)
		s.Stop()
		return s.URL()
	}, sysops.ErrServerTimeout},
	{"a network that swallows everything", func(t *testing.T) string {
		p := redistest.NewProxy(t, redistest.Start(t).Addr())
		p.Stall()
		return p.URL()
	}, sysops.ErrServerTimeout},
	{"a network that refuses", func(t *testing.T) string {
		p := redistest.NewProxy(t, redistest.Start(t).Addr())
		p.Refuse()
		return p.URL()
	}, sysops.ErrServerCut},
	{"demands a password", func(t *testing.T) string {
		return redistest.Start(t, redistest.Password("secret")).URL()
	}, sysops.ErrServerAuth},
	{"an ACL that permits nothing", func(t *testing.T) string {
		return redistest.Start(t, redistest.Config("user default on nopass ~* +ping +info +hello +time")).URL()
	}, sysops.ErrServerPermission},
	{"an ACL that permits reading", func(t *testing.T) string {
		return redistest.Start(t, redistest.Config("user default on nopass ~* +@read +@connection +info +time +multi +exec")).URL()
	}, sysops.ErrServerPermission},
	{"no Redis but a web server", func(t *testing.T) string { return "redis://" + http(t) }, sysops.ErrServerNotRedis},
	{"a read-only replica", func(t *testing.T) string { return replicaOf(t, redistest.Start(t)).URL() }, sysops.ErrServerReadOnly},
	{"loading", func(t *testing.T) string { return "redis://" + loading(t) }, sysops.ErrServerLoading},
	{"full", func(t *testing.T) string {
		return redistest.Start(t, redistest.Config("maxmemory 1mb", "maxmemory-policy noeviction")).URL()
	}, sysops.ErrServerNoMemory},
}

// pushBeside pushes to two good servers and to another between them, and gives the good ones
// the time that they need on this machine.
func pushBeside(t *testing.T, good []*redistest.Server, url string) (r *snapshot.Report, err error) {
	t.Helper()
	redistest.LongEnough(t, 3*time.Second, func(timeout time.Duration) bool {
		for _, s := range good {
			s.Must("FLUSHALL")
		}
		c := connectTo(t, sysops.ServerList(good[0].URL(), url, good[1].URL()), sysops.Options{Timeout: timeout})
		snap := snapshotOf("web01", text("/etc/motd", "m"), text("/etc/big", noise(5000, 3)))
		r, err = c.Publish(t.Context(), "", snap)
		for _, s := range good {
			if serverPush(t, r, s).Took > timeout/2 {
				return false
			}
		}
		return true
	})
	return r, err
}

// One server of a core cannot be pushed to: the others have everything, and
// the error and the report say what is wrong with that one.
func TestAPushSurvivesOneServer(t *testing.T) {
	t.Parallel()
	good := redistest.Core(t, 2)
	if _, err := pushBeside(t, good, good[0].URL()); err != nil {
		t.Fatalf("nothing is wrong with any server: %v", err)
	}
	want := state(t, good[0])
	for _, row := range faultyServers {
		t.Run(row.name, func(t *testing.T) {
			url := row.url(t)
			r, err := pushBeside(t, good, url)
			for _, s := range good {
				if got := state(t, s); got != want {
					t.Errorf("a good server has another state:\n%s", diffOf(want, got))
				}
				if p := serverPush(t, r, s); p.Err != nil || len(p.Refused) > 0 {
					t.Errorf("a good server: %+v", p)
				}
			}
			if !errors.Is(err, row.want) {
				t.Errorf("the error is %v; want one that wraps %q", err, row.want)
			}
			addr := strings.TrimPrefix(url, "redis://")
			if err == nil || !strings.Contains(err.Error(), addr) {
				t.Errorf("the error does not name the server: %v", err)
			}
			for _, p := range r.Servers {
				if p.Server != addr+"/0" {
					continue
				}
				said := errors.Is(p.Err, row.want)
				for _, o := range p.Refused {
					said = said || errors.Is(o.Err, row.want)
				}
				if !said {
					t.Errorf("the report says %+v", p)
				}
			}
			if len(terminal.Hints(err)) == 0 {
				t.Errorf("nobody says what to do about %v", err)
			}
		})
	}
}

func TestAPushToNoServerAtAllIsAnError(t *testing.T) {
	servers := redistest.Core(t, 2)
	for _, s := range servers {
		s.Kill()
	}
	c := connect(t, redistest.URLs(servers)...)
	r, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "m")))
	if !errors.Is(err, sysops.ErrServerUnreachable) || len(r.Servers) != 2 || r.Servers[0].Err == nil || r.Servers[1].Err == nil {
		t.Errorf("%v: %+v", err, r)
	}
}

// A busy server may be silent for longer than anybody waits for one of several. Where there is
// nobody else to ask, it is waited for.
func TestACoresLastServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, siblings := range map[string]int{"the only one": 0, "the siblings are down": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := redistest.Core(t, 1+siblings)
			c := connect(t, redistest.URLs(servers)...)
			publish(t, c, snapshotOf("web01", text("/etc/motd", "hello")))
			for _, s := range servers[1:] {
				s.Kill()
			}
			servers[0].Stop()
			resumed := make(chan struct{})
			go func() {
				defer close(resumed)
				time.Sleep(2*extract.ProbeWait + extract.ProbeWait/2) // two pulses without a byte
				servers[0].Cont()
			}()
			got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
			if want := []string{"web01#/etc/motd: hello"}; !slices.Equal(got, want) || complete.Answered != 1 {
				t.Errorf("%q, %+v", got, complete)
			}
			<-resumed
		})
	}
}

func TestAPushEndsWithItsContext(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	redistest.Within(t, "a push that was given up", func() {
		done := make(chan error)
		go func() {
			_, err := c.Publish(ctx, "", snapshotOf("web01", text("/etc/motd", "m")))
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// A full server says which objects it did not take. They are missing there and
// nothing else is; with more memory the next push brings them.
func TestAFullServerSaysWhatItDidNotTake(t *testing.T) {
	t.Parallel()
	good, full := redistest.Start(t), redistest.Start(t, redistest.Config("maxmemory-policy noeviction"))
	c := connect(t, good.URL(), full.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "old"), text("/var/00", "old")))
	var sources []snapshot.Source
	var names []string
	for i := range 24 {
		names = append(names, fmt.Sprintf("/var/%02d", i))
		sources = append(sources, text(names[i], noise(300_000, uint64(i))))
	}
	snap := snapshotOf("web01", append(sources, text("/etc/motd", "new"))...)
	used := 0
	for line := range strings.Lines(full.Must("INFO", "memory").(string)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			used, _ = strconv.Atoi(v)
		}
	}
	full.Must("CONFIG", "SET", "maxmemory", strconv.Itoa(used+5<<20))
	r, err := c.Publish(t.Context(), "", snap)
	if !errors.Is(err, sysops.ErrServerNoMemory) {
		t.Errorf("the error is %v; want one that wraps ErrServerNoMemory", err)
	}
	p := serverPush(t, r, full)
	if len(p.Refused) == 0 {
		t.Fatalf("nothing was refused: %+v", p)
	}
	refused := map[string]bool{}
	for _, o := range p.Refused {
		refused[o.Name] = true
		if !errors.Is(o.Err, sysops.ErrServerNoMemory) {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
	}
	for i, name := range names {
		whole := full.Must("LLEN", "web01#"+name) == int64(5) && full.Must("SISMEMBER", "$on:"+name, "web01") == int64(1)
		old := i == 0 && element(t, full, "web01#"+name, 3) == `{"lines":0,"words":1,"bytes":3}`
		if (!whole || old) && !refused[name] {
			t.Errorf("%s was not stored, and nobody says so", name)
		}
	}
	// Readers take the new contents, from the sibling that has them.
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "web01#*")})
	want := []string{"web01#/etc/motd: new"}
	for i, name := range names {
		want = append(want, "web01#"+name+": "+noise(300_000, uint64(i)))
	}
	if !slices.Equal(got, want) || complete.Partial() {
		t.Errorf("the answer is another: %d objects, %s", len(got), complete)
	}
	full.Must("CONFIG", "SET", "maxmemory", "0")
	publish(t, c, snap)
	if want, got := state(t, good), state(t, full); got != want {
		t.Errorf("the retry did not heal it:\n%s", diffOf(want, got))
	}
}

// versions is a snapshot whose objects change from one version to the next:
// some in contents, some in stat; some come and some go.
func versions(v int) snapshot.Snapshot {
	sources := []snapshot.Source{
		text("/etc/motd", fmt.Sprintf("/etc/motd version %d\n", v)),
		text("/etc/same", "/etc/same version 0\n"),
		text("/etc/large", fmt.Sprintf("/etc/large version %d\n%s", v, noise(3000, uint64(v)))),
		withStat("/etc/stat", "/etc/stat version 0\n", snapshot.Stat{Mode: 0o100644, Mtime: int64(v)}),
	}
	if v%2 == 0 {
		sources = append(sources, text("/etc/even", fmt.Sprintf("/etc/even version %d\n", v)))
	}
	return snapshotOf("web01", sources...)
}

// A push is cut after 0, 1, 2 … bytes, until one gets through. After each cut
// a plain push brings the server to the state of one that nothing happened to,
// and before it a reader finds nothing that was never published.
func TestAPushCutAnywhereIsHealedByTheNext(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cut  func(*redistest.Proxy, int64)
	}{
		{"on the way there", (*redistest.Proxy).CutAfterSent},
		{"on the way back", (*redistest.Proxy).CutAfter},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, undisturbed := redistest.Start(t), redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr())
			direct, reference := connect(t, server.URL()), connect(t, undisturbed.URL())
			publish(t, direct, versions(0))
			publish(t, reference, versions(0))
			v, cuts := 0, 0
			for n := int64(0); ; n = offsets(n) {
				v++
				row.cut(proxy, n)
				c := connect(t, proxy.URL())
				_, err := c.Publish(t.Context(), "", versions(v))
				c.Close()
				noStrangers(t, direct, v)
				if err == nil {
					row.cut(proxy, -1)
					break
				}
				cuts++
				if !errors.Is(err, sysops.ErrServerCut) {
					t.Errorf("cut after %d bytes: %v", n, err)
				}
				publish(t, direct, versions(v))
				publish(t, reference, versions(v))
				if want, got := state(t, undisturbed), state(t, server); got != want {
					t.Fatalf("cut after %d bytes:\n%s", n, diffOf(want, got))
				}
			}
			if cuts < 60 {
				t.Errorf("only %d pushes were cut", cuts)
			}
		})
	}
}

// noStrangers fails the test where a reader finds contents that were never
// published under their name, or that md5sum, wordcount and contents of one
// object are of different versions. An object that is being deleted may be told as
// unreadable, for the moment between it and its record.
func noStrangers(t testing.TB, c *sysops.Client, newest int) {
	t.Helper()
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#/etc/*"), Where: sysops.Where{Partial: true}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for o, err := range a.Objects(t.Context(), sysops.Contents, sysops.MD5Sum, sysops.CountsOf) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		var name string
		var v int
		if _, err := fmt.Sscanf(string(o.Contents), "%s version %d\n", &name, &v); err != nil || name != o.Name || v > newest {
			t.Errorf("%s holds %.60q", o.Key, o.Contents)
		}
		if o.MD5Sum != md5Of(o.Contents) || o.Words != snapshot.CountsOf(o.Contents) {
			t.Errorf("%s: contents, md5sum and wordcount are of different versions", o.Key)
		}
	}
	if unreadable := a.Completeness().Unreadable; len(unreadable) > 1 || n+len(unreadable) < 4 {
		t.Errorf("only %d objects are there, and %v", n, unreadable)
	}
}

// While a host's object is being replaced, its old or its new list is there;
// so a search must find it, whichever way it asks the index.
func TestAnObjectIsFoundWhileItIsBeingReplaced(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	direct := connect(t, server.URL())
	for _, h := range []string{"web02", "web03"} {
		snap := versions(1)
		snap.Host = h
		publish(t, direct, snap)
	}
	publish(t, direct, versions(1))
	v := 1
	for n := int64(0); ; n = offsets(n) {
		v += 2
		proxy.CutAfter(n)
		c := connect(t, proxy.URL())
		_, err := c.Publish(t.Context(), "", versions(v))
		c.Close()
		for _, ask := range []string{"web01#*", "*#/etc/motd", "/etc/motd", "web01#/etc/motd", "*#*"} {
			found := keys(t, direct, sysops.Query{Pattern: pattern(t, ask)})
			if !slices.Contains(found, "web01#/etc/motd") {
				t.Fatalf("after %d bytes of a push, %q finds only %q", n, ask, found)
			}
		}
		if err == nil {
			return
		}
		publish(t, direct, versions(v))
	}
}

// A reader beside pushes that are cut, restarted and repeated, all the time.
func TestAReaderBesidePushesNeverGetsWrongContents(t *testing.T) {
	servers := redistest.Core(t, 2)
	proxies := []*redistest.Proxy{redistest.NewProxy(t, servers[0].Addr()), redistest.NewProxy(t, servers[1].Addr())}
	reader := connect(t, redistest.URLs(servers)...)
	publish(t, reader, versions(0))
	const pushes = 120
	done := make(chan struct{})
	go func() {
		defer close(done)
		for v := 1; v <= pushes; v++ {
			proxies[v%2].CutAfterSent(int64(v * 37 % 5000))
			proxies[(v+1)%2].CutAfter(int64(v * 53 % 900))
			c, err := sysops.New(sysops.ServerList(proxies[0].URL(), proxies[1].URL()), sysops.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.Publish(context.WithoutCancel(t.Context()), "", versions(v)) // most fail, as they shall
			c.Close()
		}
	}()
	reads := 0
	for running := true; running; reads++ {
		select {
		case <-done:
			running = false
		default:
		}
		noStrangers(t, reader, pushes)
	}
	if reads < 20 {
		t.Errorf("only %d reads", reads)
	}
}

// A server that is slow to take a large push does not hold the others up, and
// has everything in the end.
func TestASlowServerGetsAllOfALargePush(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	proxy := redistest.NewProxy(t, servers[1].Addr())
	proxy.Stall()
	c := connectTo(t, sysops.ServerList(servers[0].URL(), proxy.URL()), sysops.Options{Timeout: redistest.Patience})
	var sources []snapshot.Source
	for i := range 20 {
		sources = append(sources, text(fmt.Sprintf("/var/log/%02d", i), noise(1<<20, uint64(i))))
	}
	snap := snapshotOf("web01", sources...)
	pushed := make(chan error, 1)
	go func() {
		_, err := c.Publish(t.Context(), "", snap)
		pushed <- err
	}()
	redistest.WaitFor(t, "the quick server has it all", func() bool { return servers[0].Must("EXISTS", "$live") == int64(1) })
	proxy.Resume()
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	if want, got := state(t, servers[0]), state(t, servers[1]); got != want {
		t.Errorf("the slow server has another state:\n%s", diffOf(want, got))
	}
}

// Nor does it help the other machine that the one server that knows the first
// is slower than one that lost everything: half a push would lock the first out.
func TestAnotherMachineIsRefusedThoughTheServerThatKnowsIsSlow(t *testing.T) {
	servers := redistest.Core(t, 2)
	publish(t, connect(t, servers[1].URL()), snapshotOf("web01", text("/etc/motd", "first machine")))
	proxy := redistest.NewProxy(t, servers[1].Addr())
	proxy.Delay(75 * time.Millisecond) // the greeting and the reading take 0.3 s
	twin := snapshotOf("web01", text("/etc/motd", "second machine"))
	twin.Machine = "another-machine"
	_, err := connect(t, servers[0].URL(), proxy.URL()).Publish(t.Context(), "", twin)
	if !errors.Is(err, sysops.ErrOtherMachine) {
		t.Errorf("%v; want ErrOtherMachine", err)
	}
	if dump := redistest.Dump(t, servers[0]); dump != "" {
		t.Errorf("nothing was to be written, and yet:\n%s", dump)
	}
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web01", text("/etc/motd", "first machine")))
}

func TestAnotherMachineUnderTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web01", text("/etc/motd", "first machine")))
	before := []string{redistest.Dump(t, servers[0]), redistest.Dump(t, servers[1])}
	twin := snapshotOf("web01", text("/etc/motd", "second machine"), text("/etc/issue", "x"))
	twin.Machine = "another-machine"
	unchanged := func(t *testing.T, _ *snapshot.Report, err error) {
		t.Helper()
		if !errors.Is(err, sysops.ErrOtherMachine) {
			t.Errorf("%v; want ErrOtherMachine", err)
		}
		for i, s := range servers {
			if got := redistest.Dump(t, s); got != before[i] {
				t.Errorf("something was written to server %d:\n%s", i, diffOf(before[i], got))
			}
		}
	}
	t.Run("everywhere", func(t *testing.T) {
		r, err := c.Publish(t.Context(), "", twin)
		unchanged(t, r, err)
	})
	t.Run("as long as one server knows the first", func(t *testing.T) {
		servers[0].Must("FLUSHALL")
		before[0] = ""
		r, err := c.Publish(t.Context(), "", twin)
		unchanged(t, r, err)
		publish(t, c, snapshotOf("web01", text("/etc/motd", "first machine")))
	})
	t.Run("the first may go on", func(t *testing.T) {
		publish(t, c, snapshotOf("web01", text("/etc/motd", "first machine")))
	})
	t.Run("a host that does not know its machine may push", func(t *testing.T) {
		unknown := snapshotOf("web01", text("/etc/motd", "first machine"))
		unknown.Machine = ""
		publish(t, c, unknown)
		publish(t, c, snapshotOf("web01", text("/etc/motd", "first machine")))
	})
	t.Run("TakeOver", func(t *testing.T) {
		over := twin
		over.TakeOver = true
		publish(t, c, over)
		got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "web01#*")})
		if want := []string{"web01#/etc/issue: x", "web01#/etc/motd: second machine"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		publish(t, c, twin) // it is this machine's name now
		if _, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "first machine"))); !errors.Is(err, sysops.ErrOtherMachine) {
			t.Errorf("the first machine: %v", err)
		}
	})
	t.Run("once the snapshot has expired", func(t *testing.T) {
		short := twin
		short.TTL = time.Second
		publish(t, c, short)
		redistest.WaitFor(t, "the first machine may push again", func() bool {
			_, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "first machine")))
			if err != nil && !errors.Is(err, sysops.ErrOtherMachine) {
				t.Fatal(err)
			}
			return err == nil
		})
	})
}
