package wholetest_test

// What a push leaves behind at a server that fails in the middle of it.

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// changing is a snapshot of web01 of which each version has objects of every kind: one that
// becomes a base, one that is packed against another host's, one that comes and goes, one
// that stays, and one of which the stat alone changes.
func changing(v int) map[string]string {
	objects := map[string]string{
		"/etc/large": base64.StdEncoding.EncodeToString([]byte(noise(45_000, uint64(v)))),
		ctl:          settings(1, 10+v),
		"/etc/motd":  fmt.Sprintf("version %d\n", v),
		"/etc/same":  strings.Repeat("the same\n", 40),
		"/etc/stat":  "stat\n",
	}
	if v%2 == 0 {
		objects["/etc/even"] = "even\n"
	}
	return objects
}

func changingSnapshot(v int) snapshot.Snapshot {
	snap := snapshot.Snapshot{Host: "web01", Machine: "machine-of-web01"}
	for name, contents := range changing(v) {
		src := text(name, contents)
		if name == "/etc/stat" {
			src = withStat(name, contents, snapshot.Stat{Mode: 0o100644, Mtime: int64(v)})
		}
		snap.Sources = append(snap.Sources, src)
	}
	slices.SortFunc(snap.Sources, func(a, b snapshot.Source) int { return strings.Compare(a.Name, b.Name) })
	return snap
}

// A changingAgent pushes changing snapshots. It has just been started each time, or runs on, and knows
// then what its last push has written.
type changingAgent struct {
	urls  []string
	runs  bool
	known *sysops.Client
}

func (a *changingAgent) publish(t testing.TB, v int) (*snapshot.Report, error) {
	t.Helper()
	if a.known == nil || !a.runs {
		a.known = connect(t, a.urls...)
	}
	return a.known.Publish(t.Context(), "", changingSnapshot(v))
}

// wholeOrAbsent makes sure that each object of web01 at the server is there with all it takes
// to read it, and is of one of these versions, or is not there.
func wholeOrAbsent(t testing.TB, when string, s *redistest.Server, versions ...int) {
	t.Helper()
	for _, key := range sortedReply(s.Must("KEYS", "web01#*")) {
		if key == leaseOfWeb01 {
			continue // it expires
		}
		packed := element(t, s, key, 0)
		var base *frame.Base
		if id, refers := frame.BaseOf([]byte(packed)); refers {
			held, _ := s.Must("GET", "$base:"+hex.EncodeToString(id[:])).(string)
			var err error
			if base, err = frame.OpenBase(id, []byte(held)); err != nil {
				t.Errorf("%s: %s refers to a base that is not there", when, key)
				continue
			}
		}
		contents, err := frame.NewDecoder(0).Decode([]byte(packed), base)
		if err != nil {
			t.Errorf("%s: %s: %v", when, key, err)
		}
		known := slices.ContainsFunc(versions, func(v int) bool { return changing(v)[strings.TrimPrefix(key, "web01#")] == string(contents) })
		if !known || element(t, s, key, 1) != md5Of(contents) || s.Must("LLEN", key) != int64(5) {
			t.Errorf("%s: %s holds what nobody has pushed", when, key)
		}
	}
}

// tells makes sure that a reader of one server gets objects of these versions, and is told of
// those that it does not get.
func tells(t testing.TB, when, url string, versions ...int) {
	t.Helper()
	a, err := connect(t, url).Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*"), Where: sysops.Where{Partial: true}})
	if err != nil {
		return // it says that it has no answer
	}
	for o, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Errorf("%s: %v", when, err)
			continue
		}
		if !slices.ContainsFunc(versions, func(v int) bool { return changing(v)[o.Name] == string(o.Contents) }) {
			t.Errorf("%s: %s has contents that nobody has pushed", when, o.Key)
		}
	}
}

var ourKeys = regexp.MustCompile(`^(web0[12]#.*|\$(hosts|live|names|on:.*|of:web0[12]|bases?:.*|queries))$`)

// heals makes sure that the next push brings a server to that version, and the one after it
// has nothing to do; and that no key is left that should not be there.
func (a *changingAgent) heals(t testing.TB, when string, v int, s *redistest.Server) {
	t.Helper()
	for range 2 {
		if _, err := a.publish(t, v); err != nil {
			t.Fatalf("%s: the next push: %v", when, err)
		}
	}
	var want []string
	for name, contents := range changing(v) {
		want = append(want, "web01#"+name+": "+contents)
	}
	slices.Sort(want)
	got, complete, err := read(t.Context(), connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})
	if err != nil || !slices.Equal(got, want) || complete.Partial() {
		t.Errorf("%s: after the next push there are %d objects of %d, %v, %v", when, len(got), len(want), complete, err)
	}
	r, err := a.publish(t, v)
	if err != nil {
		t.Fatal(err)
	}
	if p := serverPush(t, r, s); p.Renewed != len(want) || p.Replaced+p.Restated+p.Repaired > 0 {
		t.Errorf("%s: the server is not at rest: %+v", when, p)
	}
	for _, key := range sortedReply(s.Must("KEYS", "*")) {
		if !ourKeys.MatchString(key) {
			t.Errorf("%s: the key %q is left", when, key)
		}
	}
	for _, name := range sortedReply(s.Must("HKEYS", "$of:web01")) {
		if strings.HasPrefix(name, "$") && !slices.Contains([]string{"$machine", "$ttl", "$push", "$serial", "$expires"}, name) {
			t.Errorf("%s: the field %q is left", when, name)
		}
	}
}

func usedMemory(t testing.TB, s *redistest.Server) int {
	t.Helper()
	for line := range strings.Lines(s.Must("INFO", "memory").(string)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			used, err := strconv.Atoi(v)
			if err != nil {
				t.Fatal(err)
			}
			return used
		}
	}
	t.Fatal("the server does not say how much memory it uses")
	return 0
}

// A server has so little memory left that it takes what is small and refuses what is large. It
// has been seen to keep a reference to a base that it had refused, with a record beside it that
// said otherwise: no later push looked at the object again.
func TestAServerThatIsNearlyFullLosesNothing(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Config("maxmemory-policy noeviction"))
	refused := 0
	for _, runs := range []bool{true, false} {
		for left := 0; left <= 200_000; left += 8_000 {
			s.Must("FLUSHALL") // where there are many bases, no object becomes one
			publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, settings(1, 1))))
			agent := &changingAgent{urls: []string{s.URL()}, runs: runs}
			agent.heals(t, "before", 1, s)
			s.Must("CONFIG", "SET", "maxmemory", strconv.Itoa(usedMemory(t, s)+left))
			when := fmt.Sprintf("with %d bytes of memory left, running on %v", left, runs)
			if _, err := agent.publish(t, 2); err != nil {
				refused++
			}
			wholeOrAbsent(t, when, s, 1, 2)
			tells(t, when, s.URL(), 1, 2)
			s.Must("CONFIG", "SET", "maxmemory", "0")
			agent.heals(t, when, 2, s)
		}
	}
	if refused < 5 {
		t.Errorf("only %d pushes were refused", refused)
	}
}

// A pushFault is what happens to a server while a push is on its way to it.
type pushFault struct {
	name   string
	strike func(t *testing.T, s *redistest.Server)
	mend   func(s *redistest.Server)

	refuses bool // what is written from then on
	loses   bool // what other pushes have written, bases among it
}

var pushFaults = []pushFault{
	{
		name: "out of memory", refuses: true,
		strike: func(_ *testing.T, s *redistest.Server) { s.Must("CONFIG", "SET", "maxmemory", "1") },
		mend:   func(s *redistest.Server) { s.Must("CONFIG", "SET", "maxmemory", "0") },
	},
	{
		name: "a replica", refuses: true, // of a master that is not there
		strike: func(_ *testing.T, s *redistest.Server) { s.Must("REPLICAOF", "127.0.0.1", "1") },
		mend:   func(s *redistest.Server) { s.Must("REPLICAOF", "NO", "ONE") },
	},
	{name: "it cannot save", refuses: true, strike: cannotSave, mend: func(s *redistest.Server) { s.Must("CONFIG", "SET", "save", "") }},
	{name: "it takes no bases any more", strike: func(_ *testing.T, s *redistest.Server) { permit(s, "") }, mend: permitAll},
	{name: "it takes no objects any more", refuses: true, strike: func(_ *testing.T, s *redistest.Server) {
		s.Must("ACL", "SETUSER", "default", "resetkeys", "~$*")
	}, mend: permitAll},
	{name: "it takes no records any more", refuses: true, strike: func(_ *testing.T, s *redistest.Server) {
		s.Must("ACL", "SETUSER", "default", "resetkeys", "~web*", "~$base*", "~$hosts", "~$live", "~$names", "~$on:*", "~$queries")
	}, mend: permitAll},
	{name: "no replica is left", refuses: true, strike: func(_ *testing.T, s *redistest.Server) {
		s.Must("CONFIG", "SET", "min-replicas-to-write", "1")
	}, mend: func(s *redistest.Server) { s.Must("CONFIG", "SET", "min-replicas-to-write", "0") }},
	{name: "all bases are evicted", loses: true, strike: func(_ *testing.T, s *redistest.Server) {
		for _, key := range sortedReply(s.Must("KEYS", "$base:*")) {
			s.Must("DEL", key)
		}
	}},
	{name: "all is evicted", loses: true, strike: func(_ *testing.T, s *redistest.Server) { s.Must("FLUSHALL") }},
	{name: "it restarts empty", loses: true, strike: func(_ *testing.T, s *redistest.Server) { s.Restart() }},
	{name: "it is killed", loses: true, strike: func(_ *testing.T, s *redistest.Server) { s.Kill() }, mend: (*redistest.Server).Restart},
}

// cannotSave has a server fail to write its data to disk, so that it refuses writes.
func cannotSave(t *testing.T, s *redistest.Server) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dump.rdb"), 0o700); err != nil {
		t.Error(err)
	}
	s.Must("CONFIG", "SET", "dir", dir, "dbfilename", "dump.rdb", "save", "900 1000000")
	s.Must("BGSAVE") // SAVE would only say so
	redistest.WaitFor(t, "the server has failed to save", func() bool {
		info := s.Must("INFO", "persistence").(string)
		return strings.Contains(info, "rdb_bgsave_in_progress:0") && strings.Contains(info, "rdb_last_bgsave_status:err")
	})
}

// inMidPush has something happen when n bytes of a push have passed a proxy, while what follows
// waits. It reports whether the push had as many.
func inMidPush(t *testing.T, proxy *redistest.Proxy, n int64, happens, push func()) bool {
	t.Helper()
	reached, resume, pushed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	proxy.AfterSent(n, func() {
		close(reached)
		<-resume
	})
	defer proxy.AfterSent(0, nil)
	go func() {
		defer close(pushed)
		push()
	}()
	select {
	case <-reached:
		happens()
		close(resume)
		<-pushed
		return true
	case <-pushed:
		return false
	}
}

// A server fails when n bytes of a push have come through to it, for n from 0 until the push is
// through. Whatever it had confirmed by then is whole, or it is not there; a reader of it gets no
// wrong contents, and one who has a sibling all there is; and the next push heals it.
func TestAServerThatFailsInMidPushLosesNothing(t *testing.T) {
	for _, f := range pushFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			servers := redistest.Core(t, 2, redistest.Config("maxmemory-policy noeviction", "enable-protected-configs yes"))
			s, sibling := servers[0], servers[1]
			proxy := redistest.NewProxy(t, s.Addr())
			publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web02", text(ctl, settings(1, 1))))
			v, refused := 1, 0
			agent := &changingAgent{urls: redistest.URLs(servers)}
			away := &changingAgent{urls: []string{proxy.URL(), sibling.URL()}}
			for n, through := int64(0), false; !through; n += 3 + n/2 {
				agent.heals(t, "before", v, s)
				when := fmt.Sprintf("after %d bytes", n)
				through = !inMidPush(t, proxy, n, func() { f.strike(t, s) }, func() {
					if _, err := away.publish(t, v+1); err != nil {
						refused++
					}
				})
				if !through && f.mend != nil {
					f.mend(s)
				}
				if !f.loses {
					wholeOrAbsent(t, when, s, v, v+1)
				}
				tells(t, when, s.URL(), v, v+1)
				got, complete, err := read(t.Context(), connect(t, s.URL(), sibling.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})
				if len(got) != len(changing(v+1)) || complete.Partial() || err != nil {
					t.Errorf("%s: with a sibling there are %d objects, %v, %v", when, len(got), complete, err)
				}
				v++
				agent.heals(t, when, v, s)
			}
			if v < 10 || f.refuses && refused < v/2 {
				t.Errorf("it failed in only %d pushes, and refused something of %d", v, refused)
			}
		})
	}
}
