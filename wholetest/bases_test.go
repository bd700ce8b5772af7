package wholetest_test

// What becomes a base, what is packed against one, and what a server then holds.

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestAFirstHostsObjectBecomesABase(t *testing.T) {
	servers := redistest.Core(t, 3)
	body := settings(1, 1)
	r := publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web01", text(ctl, body)))
	id := baseID(body)
	for i, s := range servers {
		if p := r.Servers[i]; p.Replaced != 1 || p.Repaired+p.Renewed+p.Restated+p.Deleted != 0 {
			t.Errorf("the report says %+v of one new object", p)
		}
		if s.Must("TYPE", "$bases:"+ctl) != "zset" || s.Must("TYPE", "$base:"+id) != "string" {
			t.Error("its list or its base is of another type")
		}
		if got := claims(t, s, ctl); !slices.Equal(got, []string{id}) {
			t.Errorf("%q are offered, want %q", got, id)
		}
		claimed, _ := strconv.ParseFloat(s.Must("ZSCORE", "$bases:"+ctl, id).(string), 64)
		if d := float64(serverTime(t, s)) - claimed; d < 0 || d > 60 {
			t.Errorf("it was claimed %v s ago", d)
		}
		packed := []byte(s.Must("GET", "$base:"+id).(string))
		if kind, _ := frame.KindOf(packed); kind != frame.Zstd {
			t.Errorf("the base is packed as %q", kind)
		}
		if got, err := frame.NewDecoder(0).Decode(packed, nil); string(got) != body || err != nil {
			t.Errorf("the base does not stand by itself: %v", err)
		}
		if ttl := pttl(t, s, "$base:"+id); ttl > 12*time.Hour || ttl < 12*time.Hour-time.Minute {
			t.Errorf("the base lives for %v, want twice 6 h", ttl)
		}
		if ttl := pttl(t, s, "$bases:"+ctl); ttl >= 0 {
			t.Errorf("the list of bases expires in %v", ttl)
		}
		own, kind, base := frameOf(t, s, "web01#"+ctl)
		if kind != frame.Same || base != id || own != string(frame.SameAs(sha256.Sum256([]byte(body)), len(body))) {
			t.Errorf("its own object is %x, packed as %q", own, kind)
		}
		rec := recordOf(t, s, "web01", ctl)
		if rec.version != 3 || rec.sum != id || rec.base != id || rec.packed != len(own) || rec.seen != serverFirstSeen(t, s, "web01#"+ctl) {
			t.Errorf("its record is %+v", rec)
		}
	}
	readFromEach(t, servers, "web01#"+ctl+": "+body)
}

func TestALikeHostsObjectIsADelta(t *testing.T) {
	servers := redistest.Core(t, 3)
	first, like, same := settings(1, 1), settings(1, 2), settings(1, 1)
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web01", text(ctl, first)))
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web02", text(ctl, like)))
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web03", text(ctl, same)))
	id := baseID(first)
	frames := make(map[string]bool)
	for _, s := range servers {
		packed, kind, base := frameOf(t, s, "web02#"+ctl)
		frames[packed] = true
		if kind != frame.Delta || base != id || len(packed) > 400 {
			t.Errorf("%d bytes are packed as %q in %d bytes against %.8s", len(like), kind, len(packed), base)
		}
		if rec := recordOf(t, s, "web02", ctl); rec.version != 3 || rec.sum != baseID(like) || rec.base != id || rec.packed != len(packed) || rec.offer != offerOf(t, id) {
			t.Errorf("its record is %+v", rec)
		}
		if _, kind, base := frameOf(t, s, "web03#"+ctl); kind != frame.Same || base != id {
			t.Errorf("the same contents are packed as %q against %.8s", kind, base)
		}
		if got := bases(t, s); !slices.Equal(got, []string{"$base:" + id}) || !slices.Equal(claims(t, s, ctl), []string{id}) {
			t.Errorf("the bases are %q, listed are %q", got, claims(t, s, ctl))
		}
	}
	if len(frames) != 1 {
		t.Errorf("the servers have %d different frames", len(frames))
	}
	readFromEach(t, servers, "web01#"+ctl+": "+first, "web02#"+ctl+": "+like, "web03#"+ctl+": "+same)
}

// Byte for byte: what is special about the last line, and about lines.
func TestContentsComeBackThroughABase(t *testing.T) {
	servers := redistest.Core(t, 2)
	whole := settings(1, 1)
	cut := strings.TrimSuffix(whole, "\n")
	lines := strings.SplitAfter(whole, "\n")
	shuffled := slices.Clone(lines)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	bodies := []string{
		whole, cut, whole + "\n", whole + "\n\n\n", "\n" + whole, whole + "x", whole + whole, cut + cut, strings.ReplaceAll(whole, "\n", "\r\n"),
		strings.Join(lines[200:], ""), strings.Join(lines[:200], ""), strings.Join(append(slices.Clone(lines[300:]), lines[:300]...), ""),
		strings.Join(shuffled, ""), strings.ReplaceAll(whole, "net", "\xff\xfe"), whole[1:], whole + strings.Repeat("a very long line", 3000),
	}
	var want []string
	for i, body := range bodies {
		host := fmt.Sprintf("web%02d", i)
		want = append(want, host+"#"+ctl+": "+body)
		publish(t, connect(t, redistest.URLs(servers)...), snapshotOf(host, text(ctl, body)))
	}
	readFromEach(t, servers, want...)
}

func TestASelfContainedObjectIsPackedAgainWhereABaseHalvesIt(t *testing.T) {
	servers := redistest.Core(t, 2)
	base, like := settings(1, 1), settings(1, 2)
	half := like[:len(like)*7/8] + settings(3, 2)[:len(like)/8]   // a base saves more than half
	third := like[:len(like)*2/3] + settings(4, 2)[:len(like)/3]  // a base saves a third
	alien := strings.ReplaceAll(settings(5, 2), "net.", "other.") // a base saves nothing
	hosts := []struct {
		name, body string
		packed     int // again, times
	}{{"third", third, 0}, {"alien", alien, 0}, {"like", like, 1}, {"half", half, 1}}
	for _, h := range hosts {
		alone(t, servers, snapshotOf(h.name, text(ctl, h.body)))
		for _, s := range servers {
			if rec := recordOf(t, s, h.name, ctl); rec.version != 3 || rec.base != "" || rec.packed != len(element(t, s, h.name+"#"+ctl, 0)) || len(rec.whole) != 58 {
				t.Errorf("%s stands by itself, and its record is %+v", h.name, rec)
			}
			if n := len(bases(t, s)) + len(claims(t, s, ctl)); n > 0 {
				t.Errorf("with NoBases there are %d bases", n)
			}
		}
	}
	t.Run("without bases they are left as they are", func(t *testing.T) {
		before := state(t, servers[0])
		for _, h := range hosts {
			if p := publish(t, connect(t, redistest.URLs(servers)...), snapshotOf(h.name, text(ctl, h.body))).Servers[0]; p.Renewed != 1 || p.Replaced > 0 {
				t.Errorf("%s: %+v", h.name, p)
			}
		}
		if got := state(t, servers[0]); got != before {
			t.Errorf("the state is another:\n%s", diffOf(before, got))
		}
	})
	publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web01", text(ctl, base)))
	for _, h := range hosts {
		c := connect(t, redistest.URLs(servers)...)
		seen, was := element(t, servers[0], h.name+"#"+ctl, 4), element(t, servers[0], h.name+"#"+ctl, 0)
		first := publish(t, c, snapshotOf(h.name, text(ctl, h.body)))
		second := publish(t, c, snapshotOf(h.name, text(ctl, h.body)))
		third := publish(t, connect(t, redistest.URLs(servers)...), snapshotOf(h.name, text(ctl, h.body)))
		for i, s := range servers {
			packed, kind, against := frameOf(t, s, h.name+"#"+ctl)
			if h.packed == 0 && packed != was || h.packed == 1 && (2*len(packed) > len(was) || against == "") {
				t.Errorf("%s: a frame of %d bytes is now %q, of %d bytes", h.name, len(was), kind, len(packed))
			}
			if first.Servers[i].Replaced != h.packed || second.Servers[i].Replaced+third.Servers[i].Replaced > 0 {
				t.Errorf("%s: packed %d times, then %d and %d times again", h.name, first.Servers[i].Replaced, second.Servers[i].Replaced, third.Servers[i].Replaced)
			}
			if rec := recordOf(t, s, h.name, ctl); rec.packed != len(packed) || h.name != "half" && rec.offer != offerOf(t, baseID(base)) || rec.base != against {
				t.Errorf("%s: its record is %+v", h.name, rec)
			}
			if got := element(t, s, h.name+"#"+ctl, 4); i == 0 && got != seen {
				t.Errorf("%s: packed again, it was seen at %s in place of %s", h.name, got, seen)
			}
		}
	}
	readFromEach(t, servers, "alien#"+ctl+": "+alien, "half#"+ctl+": "+half, "like#"+ctl+": "+like, "third#"+ctl+": "+third, "web01#"+ctl+": "+base)
}

// Records of the version before bases are those of objects that stand by themselves.
func TestRecordsOfTheFirstVersionAreUnderstood(t *testing.T) {
	s := redistest.Start(t)
	body := settings(1, 2)
	snap := snapshotOf("web02", text(ctl, body), text("/etc/issue", "x"))
	alone(t, []*redistest.Server{s}, snap)
	first := func() {
		for _, name := range []string{ctl, "/etc/issue"} {
			v1 := "\x01" + recordOf(t, s, "web02", name).whole[1:49]
			s.Must("HSET", "$of:web02", name, v1)
		}
	}
	first()
	if p := publish(t, connect(t, s.URL()), snap).Servers[0]; p.Renewed != 2 || p.Replaced > 0 {
		t.Errorf("without a base: %+v", p)
	}
	for _, name := range []string{ctl, "/etc/issue"} {
		if r := recordOf(t, s, "web02", name); r.version != 3 || r.base != "" || r.packed != 0 {
			t.Errorf("without a base, the record is %+v", r)
		}
	}
	first()
	publish(t, connect(t, s.URL()), snapshotOf("web01", text(ctl, settings(1, 1))))
	seen := element(t, s, "web02#"+ctl, 4)
	if p := publish(t, connect(t, s.URL()), snap).Servers[0]; p.Replaced != 1 || p.Renewed != 1 {
		t.Errorf("with a base: %+v", p)
	}
	if _, kind, _ := frameOf(t, s, "web02#"+ctl); kind != frame.Delta || element(t, s, "web02#"+ctl, 4) != seen {
		t.Errorf("it is packed as %q", kind)
	}
	if p := publish(t, connect(t, s.URL()), snap).Servers[0]; p.Replaced != 0 || p.Renewed != 2 {
		t.Errorf("once more: %+v", p)
	}
	first()
	if p := publish(t, connect(t, s.URL()), snap).Servers[0]; p.Replaced > 1 || p.Repaired > 0 {
		t.Errorf("of a delta: %+v", p)
	}
	readFromEach(t, []*redistest.Server{s}, "web01#"+ctl+": "+settings(1, 1), "web02#/etc/issue: x", "web02#"+ctl+": "+body)
}

// Every host may read bases: what only root may read must not be in one, nor what is
// not worth it.
func TestWhatNeverBecomesABase(t *testing.T) {
	body := settings(1, 1)
	for _, row := range []struct {
		name string
		src  snapshot.Source
		o    sysops.Options
	}{
		{"private", private(text(ctl, body)), sysops.Options{}},
		{"0640", mode(ctl, body, 0o100640), sysops.Options{}},
		{"0600", mode(ctl, body, 0o100600), sysops.Options{}},
		{"0771", mode(ctl, body, 0o100771), sysops.Options{}},
		{"binary", text(ctl, body+"\x00"), sysops.Options{}},
		{"empty", text(ctl, ""), sysops.Options{}},
		{"tiny", text(ctl, "net.ipv4.tcp_sack = 1\nnet.core.netdev_budget = 300\n"), sysops.Options{}},
		{"one byte beyond 512 KiB", text(ctl, strings.Repeat(body, 40)[:512<<10+1]), sysops.Options{}},
		{"NoBases", text(ctl, body), sysops.Options{NoBases: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := redistest.Start(t)
			for range 2 {
				publish(t, connectTo(t, sysops.ServerList(s.URL()), row.o), snapshotOf("web01", row.src))
				if got := slices.Concat(bases(t, s), claims(t, s, ctl)); len(got) > 0 {
					t.Errorf("it became one: %q", got)
				}
			}
			if _, _, base := frameOf(t, s, "web01#"+ctl); base != "" {
				t.Error("its frame refers to a base")
			}
			before, _ := contents(t, connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})

			// Nor is it packed against somebody else's.
			publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, body)))
			c := connectTo(t, sysops.ServerList(s.URL()), row.o)
			publish(t, c, snapshotOf("web03", row.src))
			publish(t, c, snapshotOf("web01", row.src))
			for _, h := range []string{"web01", "web03"} {
				if _, _, base := frameOf(t, s, h+"#"+ctl); base != "" {
					t.Errorf("the frame of %s refers to a base of another host", h)
				}
			}
			if got := bases(t, s); !slices.Equal(got, []string{baseKey(body)}) {
				t.Errorf("the bases are %q", got)
			}
			if got, _ := contents(t, connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "web01#*")}); !slices.Equal(got, before) {
				t.Error("the contents are others")
			}
		})
	}
	for _, row := range []struct {
		name string
		src  snapshot.Source
	}{
		{"0644", mode(ctl, body, 0o100644)},
		{"0604", mode(ctl, body, 0o100604)},
		{"512 KiB", text(ctl, strings.Repeat(body, 40)[:512<<10])},
	} {
		t.Run("but "+row.name, func(t *testing.T) {
			s := redistest.Start(t)
			publish(t, connect(t, s.URL()), snapshotOf("web01", row.src))
			if got := bases(t, s); len(got) != 1 {
				t.Errorf("the bases are %q", got)
			}
		})
	}
}

// What must not refer to a base any more stands by itself with the next push, also
// where nothing else has changed.
func TestWhatBecomesPrivateStandsByItself(t *testing.T) {
	first, like := settings(1, 1), settings(1, 2)
	for _, row := range []struct {
		name string
		src  func(body string) snapshot.Source
		o    sysops.Options
	}{
		{"by its source", func(b string) snapshot.Source { return private(text(ctl, b)) }, sysops.Options{}},
		{"by its mode", func(b string) snapshot.Source { return mode(ctl, b, 0o100640) }, sysops.Options{}},
		{"with NoBases", func(b string) snapshot.Source { return text(ctl, b) }, sysops.Options{NoBases: true}},
		{"with other contents", func(b string) snapshot.Source { return private(text(ctl, b+"x\n")) }, sysops.Options{}},
		{"by a NUL", func(b string) snapshot.Source { return text(ctl, b+"\x00\n") }, sysops.Options{}},
	} {
		for h, body := range map[string]string{"web01": first, "web02": like} {
			t.Run(row.name+", "+h, func(t *testing.T) {
				servers := redistest.Core(t, 2)
				running := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), row.o)
				publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web01", text(ctl, first)))
				publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("web02", text(ctl, like)))
				src := row.src(body)
				r := publish(t, running, snapshotOf(h, src))
				for i, s := range servers {
					if _, _, base := frameOf(t, s, h+"#"+ctl); base != "" {
						t.Errorf("its frame refers to %.8s", base)
					}
					if rec := recordOf(t, s, h, ctl); rec.base != "" || rec.packed != len(element(t, s, h+"#"+ctl, 0)) {
						t.Errorf("its record is %+v", rec)
					}
					if p := r.Servers[i]; p.Replaced != 1 {
						t.Errorf("%+v", p)
					}
				}
				if p := publish(t, running, snapshotOf(h, src)).Servers[0]; p.Renewed != 1 || p.Replaced > 0 {
					t.Errorf("and with the next push: %+v", p)
				}
				want, _ := src.Read(t.Context())
				got, _ := contents(t, connect(t, redistest.URLs(servers)...), sysops.Query{Pattern: pattern(t, h+"#*")})
				if !slices.Equal(got, []string{h + "#" + ctl + ": " + string(want.Data)}) {
					t.Error("the contents are others")
				}
			})
		}
	}
}

// What a push costs, in waits. The proxy's delay makes each batch count as one.
func TestBasesCostWaitsWhenTheyAreNewOrLost(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	sources := func(host, version int) []snapshot.Source {
		var out []snapshot.Source
		for i := range 20 {
			out = append(out, text(fmt.Sprintf("/etc/%02d", i), settings(i, 100*host+version)))
		}
		return out
	}
	proxy.Delay(batch)
	push := func(what string, c *sysops.Client, snap snapshot.Snapshot, most int64) {
		t.Helper()
		before := proxy.Traffic().Waits
		r := publish(t, c, snap)
		if w := proxy.Traffic().Waits - before; w > most || r.Servers[0].Waits != w {
			t.Errorf("%s: %d waits by the network and %d by the report, at most %d are allowed", what, w, r.Servers[0].Waits, most)
		}
	}
	first, like := connect(t, proxy.URL()), connect(t, proxy.URL())
	const greeting = 1
	push("on an empty server", first, snapshotOf("web01", sources(1, 0)...), greeting+3+2)
	push("unchanged", first, snapshotOf("web01", sources(1, 0)...), 3)
	push("changed", first, snapshotOf("web01", sources(1, 1)...), 3)
	push("a host that meets the others' bases", like, snapshotOf("web02", sources(2, 0)...), greeting+3+1)
	push("again", like, snapshotOf("web02", sources(2, 0)...), 3)
	push("with other contents", like, snapshotOf("web02", sources(2, 1)...), 3)
	push("unchanged, in a new process", connect(t, proxy.URL()), snapshotOf("web02", sources(2, 1)...), greeting+3)
	server.Must("DEL", baseKey(settings(3, 100)))
	push("one base lost", like, snapshotOf("web02", sources(2, 1)...), 3+1)
	server.Must("FLUSHALL")
	push("all lost", like, snapshotOf("web02", sources(2, 1)...), 3+1)
	push("all lost, in a new process", connect(t, proxy.URL()), snapshotOf("web01", sources(1, 1)...), greeting+3+1)
}

// A server that is too slow for its siblings gets the snapshot apart from them, and
// the same bases and frames.
func TestALateServerGetsTheSameBases(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	proxy := redistest.NewProxy(t, servers[1].Addr())
	unknown := func(host string, body string) snapshot.Snapshot { // nobody waits for another machine's server
		snap := snapshotOf(host, text(ctl, body))
		snap.Machine = ""
		return snap
	}
	push := func(c *sysops.Client, snap snapshot.Snapshot) {
		t.Helper()
		var reads atomic.Int64
		read := snap.Sources[0].Read
		snap.Sources = []snapshot.Source{snap.Sources[0]}
		snap.Sources[0].Read = func(ctx context.Context) (snapshot.Content, error) { reads.Add(1); return read(ctx) }
		recorded := func() any { return servers[0].Must("ZSCORE", "$hosts", snap.Host) }
		before := recorded()
		proxy.Stall()
		pushed := make(chan error, 1)
		go func() {
			_, err := c.Publish(t.Context(), "", snap)
			pushed <- err
		}()
		redistest.WaitFor(t, "the other server has it", func() bool { return recorded() != before })
		proxy.Resume()
		if err := <-pushed; err != nil {
			t.Fatal(err)
		}
		if reads.Load() != 2 {
			t.Errorf("it was read %d times: the server was not late", reads.Load())
		}
	}
	o := sysops.Options{Timeout: redistest.Patience}
	first, like := connectTo(t, sysops.ServerList(servers[0].URL(), proxy.URL()), o), connectTo(t, sysops.ServerList(servers[0].URL(), proxy.URL()), o)
	push(first, unknown("web01", settings(1, 1)))
	push(like, unknown("web02", settings(1, 2)))
	for _, key := range []string{"web01#" + ctl, "web02#" + ctl} {
		if a, b := element(t, servers[0], key, 0), element(t, servers[1], key, 0); a != b {
			t.Errorf("%s is %d bytes of %x… and %d bytes of %x…", key, len(a), a[:1], len(b), b[:1])
		}
	}
	push(first, unknown("web01", settings(1, 1)))
	push(like, unknown("web02", settings(1, 2)))
	if a, b := state(t, servers[0]), state(t, servers[1]); a != b {
		t.Errorf("their states differ:\n%s", diffOf(a, b))
	}
	readFromEach(t, servers, "web01#"+ctl+": "+settings(1, 1), "web02#"+ctl+": "+settings(1, 2))
}
