package wholetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

const ctl = "/proc/sysctl-a"

// settings is a text as sysctl -a prints it, 400 lines and 17 KB long, of which one line in 50
// is the host's own. Families have nothing but the keys in common.
func settings(family, host int) string {
	values := rand.New(rand.NewPCG(uint64(family), 7))
	own := rand.New(rand.NewPCG(uint64(host), 8))
	var b strings.Builder
	for i := range 400 {
		v := values.Uint64()
		if i%50 == 25 {
			v = own.Uint64()
		}
		fmt.Fprintf(&b, "net.ipv4.setting_%03d = %d\n", i, v)
	}
	return b.String()
}

func baseID(contents string) string {
	sum := sha256.Sum256([]byte(contents))
	return hex.EncodeToString(sum[:])
}

func baseKey(contents string) string { return "$base:" + baseID(contents) }

// claims are the bases that a server offers for a name, sorted.
func claims(t testing.TB, s *redistest.Server, name string) []string {
	t.Helper()
	return sortedReply(s.Must("ZRANGE", "$bases:"+name, "0", "-1"))
}

// bases are the keys of a server's bases, sorted.
func bases(t testing.TB, s *redistest.Server) []string {
	t.Helper()
	return sortedReply(s.Must("KEYS", "$base:*"))
}

func sortedReply(reply any) []string {
	out := []string{}
	for _, v := range reply.([]any) {
		out = append(out, v.(string))
	}
	slices.Sort(out)
	return out
}

func pttl(t testing.TB, s *redistest.Server, key string) time.Duration {
	t.Helper()
	return time.Duration(s.Must("PTTL", key).(int64)) * time.Millisecond
}

// frameOf is an object's frame, its kind, and the base that it refers to, "" where it
// stands by itself.
func frameOf(t testing.TB, s *redistest.Server, key string) (packed string, kind frame.Kind, base string) {
	t.Helper()
	packed = element(t, s, key, 0)
	kind, err := frame.KindOf([]byte(packed))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if id, ok := frame.BaseOf([]byte(packed)); ok {
		base = hex.EncodeToString(id[:])
	}
	return packed, kind, base
}

// A record is what $of says of an object, read as docs/format/keyspace.md draws it.
type record struct {
	version byte
	sum     string
	stat    uint64
	seen    int64
	packed  int
	offer   uint32
	base    string
	whole   string
}

func recordOf(t testing.TB, s *redistest.Server, host, name string) record {
	t.Helper()
	raw, _ := s.Must("HGET", "$of:"+host, name).(string)
	if len(raw) != 49 && len(raw) != 57 && len(raw) != 89 {
		t.Fatalf("the record of %s#%s is %d bytes long: %q", host, name, len(raw), raw)
	}
	b := []byte(raw)
	r := record{
		version: b[0], sum: hex.EncodeToString(b[1:33]), stat: binary.LittleEndian.Uint64(b[33:]),
		seen: int64(binary.LittleEndian.Uint64(b[41:])), whole: raw,
	}
	if len(b) > 49 {
		r.packed, r.offer = int(binary.LittleEndian.Uint32(b[49:])), binary.LittleEndian.Uint32(b[53:])
	}
	if len(b) > 57 {
		r.base = hex.EncodeToString(b[57:])
	}
	return r
}

// offerOf digests bases as a record does.
func offerOf(t testing.TB, ids ...string) uint32 {
	t.Helper()
	slices.Sort(ids)
	h := fnv.New32a()
	for _, id := range ids {
		b, err := hex.DecodeString(id)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
	}
	return h.Sum32()
}

// readFrom returns what each server has by itself: contents, as a client of that one alone reads them.
func readFromEach(t testing.TB, servers []*redistest.Server, want ...string) {
	t.Helper()
	for i, s := range servers {
		got, complete := contents(t, connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "*#*")})
		if !slices.Equal(got, want) || complete.Partial() {
			t.Errorf("server %d answers with %d objects, %s:\n%s", i, len(got), complete, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
	}
}

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
		if rec.version != 2 || rec.sum != id || rec.base != id || rec.packed != len(own) || rec.seen != serverFirstSeen(t, s, "web01#"+ctl) {
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
		if rec := recordOf(t, s, "web02", ctl); rec.version != 2 || rec.sum != baseID(like) || rec.base != id || rec.packed != len(packed) || rec.offer != offerOf(t, id) {
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

func TestAnUnchangedPushRenewsItsBases(t *testing.T) {
	servers := redistest.Core(t, 2)
	hosts := map[string]string{"web01": settings(1, 1), "web02": settings(1, 2)}
	clients := map[string]*sysops.Client{}
	for _, h := range []string{"web01", "web02"} {
		clients[h] = connect(t, redistest.URLs(servers)...)
		publish(t, clients[h], snapshotOf(h, text(ctl, hosts[h])))
	}
	publish(t, clients["web01"], snapshotOf("web01", text(ctl, hosts["web01"]))) // records that its own base was offered
	key := baseKey(hosts["web01"])
	before := state(t, servers[0])
	for h, body := range hosts {
		for kind, c := range map[string]*sysops.Client{"running": clients[h], "started anew": connect(t, redistest.URLs(servers)...)} {
			for _, s := range servers {
				s.Must("PEXPIRE", key, "60000")
			}
			r := publish(t, c, snapshotOf(h, text(ctl, body)))
			for i, s := range servers {
				p := r.Servers[i]
				if p.Renewed != 1 || p.Replaced+p.Restated+p.Repaired+p.Deleted != 0 || p.Sent > 2000 {
					t.Errorf("%s, %s: an unchanged push sends something: %+v", h, kind, p)
				}
				if ttl := pttl(t, s, key); ttl < 12*time.Hour-time.Minute {
					t.Errorf("%s, %s: the base lives for another %v", h, kind, ttl)
				}
				if got := state(t, s); got != before {
					t.Errorf("%s, %s: the state is another:\n%s", h, kind, diffOf(before, got))
				}
			}
		}
	}
}

// A host with a short TTL must not bring forward the end of a base that others rely
// on for longer, whatever makes it write.
func TestAShortTTLDoesNotShortenABase(t *testing.T) {
	long, short := settings(1, 1), settings(1, 2)
	key := baseKey(long)
	for _, row := range []struct {
		name   string
		before func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot)
		packed frame.Kind // that the host of the short TTL has in the end
	}{
		{"with a new object", nil, frame.Delta},
		{"with an unchanged one", func(t *testing.T, _ *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
		}, frame.Delta},
		{"with one that is packed again", func(t *testing.T, s *redistest.Server, _ *sysops.Client, brief snapshot.Snapshot) {
			alone(t, []*redistest.Server{s}, brief)
		}, frame.Delta},
		{"with one that was lost", func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
			s.Must("DEL", brief.Host+"#"+ctl)
		}, frame.Delta},
		{"with one that was lost, and had a frame that a base would not halve", func(t *testing.T, s *redistest.Server, _ *sysops.Client, brief snapshot.Snapshot) {
			alone(t, []*redistest.Server{s}, brief)
			raw := []byte(recordOf(t, s, brief.Host, ctl).whole)
			binary.LittleEndian.PutUint32(raw[49:], 200)
			s.Must("HSET", "$of:"+brief.Host, ctl, string(raw))
			s.Must("DEL", brief.Host+"#"+ctl)
		}, frame.Delta},
		{"by repairing it", func(t *testing.T, s *redistest.Server, c *sysops.Client, brief snapshot.Snapshot) {
			publish(t, c, brief)
			s.Must("SET", key, "junk", "KEEPTTL")
		}, frame.Delta},
		{"by giving it", func(t *testing.T, s *redistest.Server, _ *sysops.Client, _ snapshot.Snapshot) {
			s.Must("DEL", "$bases:"+ctl)
		}, frame.Same},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := redistest.Start(t)
			publish(t, connect(t, s.URL()), snapshotOf("web01", text(ctl, long)))
			brief := snapshotOf("web02", text(ctl, short))
			brief.TTL = 10 * time.Second
			c := connect(t, s.URL())
			if row.before != nil {
				row.before(t, s, c, brief)
			}
			for range 2 {
				publish(t, c, brief)
				if ttl := pttl(t, s, key); ttl < 12*time.Hour-time.Minute {
					t.Errorf("the base that lived for 12 h lives for %v", ttl)
				}
			}
			if _, kind, _ := frameOf(t, s, "web02#"+ctl); kind != row.packed {
				t.Errorf("its frame is %q, want %q: the row tests nothing", kind, row.packed)
			}
			readFromEach(t, []*redistest.Server{s}, "web01#"+ctl+": "+long, "web02#"+ctl+": "+short)
		})
	}
}

// And the other way round: who claims a base that a host with a short TTL has made
// already relies on it for longer.
func TestAClaimPutsOffTheExpiryOfABaseThatIsThere(t *testing.T) {
	s := redistest.Start(t)
	body := settings(1, 1)
	brief := snapshotOf("web01", text(ctl, body))
	brief.TTL = 10 * time.Second
	publish(t, connect(t, s.URL()), brief)
	s.Must("DEL", "$bases:"+ctl)
	publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, body)))
	if _, kind, _ := frameOf(t, s, "web02#"+ctl); kind != frame.Same {
		t.Errorf("its frame is %q", kind)
	}
	if ttl := pttl(t, s, baseKey(body)); ttl < 12*time.Hour-time.Minute {
		t.Errorf("its base lives for %v", ttl)
	}
}

// A base is gone when nobody refers to it any more. Its place in the list is given
// back by the next agent that looks for it, or by GC, unless it was claimed only now.
func TestABaseEndsWithItsUsers(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	body := settings(1, 1)
	id := baseID(body)
	brief := snapshotOf("web01", text(ctl, body))
	brief.TTL = time.Second
	publish(t, connect(t, s.URL()), brief)
	redistest.WaitFor(t, "the base has expired", func() bool { return s.Must("EXISTS", "$base:"+id) == int64(0) })

	t.Run("recent claims are left alone", func(t *testing.T) {
		if _, err := connect(t, s.URL()).GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
			t.Fatal(err)
		}
		publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, "x\n")))
		if got := claims(t, s, ctl); !slices.Equal(got, []string{id}) {
			t.Errorf("%q are offered", got)
		}
	})
	old := func(at string) { s.Must("ZADD", "$bases:"+ctl, "XX", at, id) }
	for _, at := range []string{"1700000000", "99999999999", "-inf", "inf"} { // a hostile host may write what it likes
		t.Run("an agent gives it back, claimed at "+at, func(t *testing.T) {
			s.Must("ZADD", "$bases:"+ctl, "1", id)
			old(at)
			other := settings(2, 1)
			publish(t, connect(t, s.URL()), snapshotOf("web03", text(ctl, other)))
			if got := claims(t, s, ctl); slices.Contains(got, id) {
				t.Errorf("it is still offered: %q", got)
			}
			readFromEach(t, []*redistest.Server{s}, "web02#"+ctl+": x\n", "web03#"+ctl+": "+other)
			s.Must("FLUSHALL")
			publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, "x\n")))
		})
		t.Run("GC gives it back, claimed at "+at, func(t *testing.T) {
			s.Must("ZADD", "$bases:"+ctl, "1", id, "1", "junk")
			old(at)
			if _, err := connect(t, s.URL()).GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
				t.Fatal(err)
			}
			if got := claims(t, s, ctl); len(got) != 0 {
				t.Errorf("offered are %q", got)
			}
		})
	}
}

// GC leaves bases that live in their places, also of a name that no host holds any
// more; and nothing is left of such a name once its bases have expired.
func TestGCKeepsBasesThatLive(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	body := settings(1, 1)
	publish(t, c, snapshotOf("web01", text(ctl, body), text("/etc/motd", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	s.Must("ZADD", "$bases:"+ctl, "XX", "1700000000", baseID(body))
	gc := func() {
		t.Helper()
		if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	gc()
	if got := claims(t, s, ctl); !slices.Equal(got, []string{baseID(body)}) {
		t.Errorf("offered are %q", got)
	}
	s.Must("DEL", baseKey(body))
	gc()
	if s.Must("EXISTS", "$bases:"+ctl) != int64(0) || s.Must("SISMEMBER", "$names", ctl) != int64(0) {
		t.Error("something is left of a name that nobody holds")
	}
}

// starting lets many hosts push at the same moment, each as a process of its own.
func starting(t *testing.T, urls []string, clients []*sysops.Client, body func(host int) string) {
	t.Helper()
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	errs := make([]error, len(clients))
	for h := range clients {
		wg.Go(func() {
			if clients[h] == nil {
				clients[h], errs[h] = sysops.New(sysops.ServerList(urls...), sysops.Options{Timeout: redistest.Patience})
			}
			<-barrier
			if errs[h] == nil {
				_, errs[h] = clients[h].Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%03d", h), text(ctl, body(h))))
			}
		})
	}
	close(barrier)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range clients {
			c.Close()
		}
	})
}

// watch reads the whole answer again and again, and fails the test where an object is
// unreadable or wrong. It returns a function that ends it.
func watch(t *testing.T, urls []string, body func(host int) string) (end func()) {
	t.Helper()
	c := connect(t, urls...)
	want := make(map[string]string)
	for h := range 400 {
		want[fmt.Sprintf("web%03d", h)] = body(h)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	reads := 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, ctl), Where: sysops.Where{Partial: true}}) // the core is empty at first
			if err != nil {
				t.Error(err)
				return
			}
			for o, err := range a.Objects(t.Context()) {
				if err != nil {
					t.Error(err)
					return
				}
				reads++
				if string(o.Contents) != want[o.Host] {
					t.Errorf("%s has other contents", o.Key)
				}
			}
			if list := a.Completeness().Unreadable; len(list) > 0 {
				t.Errorf("%d objects are unreadable, such as %+v", len(list), list[0])
				return
			}
		}
	}()
	return func() {
		t.Helper()
		close(done)
		<-ended
		if reads == 0 {
			t.Error("nothing was read meanwhile")
		}
	}
}

// Thousands of hosts that start at once on an empty core must not make thousands of
// bases; and what they then have packed by itself, they pack well with the next push.
func TestARaceOnAnEmptyCoreEndsInFewBases(t *testing.T) {
	t.Parallel()
	const hosts = 300
	servers := redistest.Core(t, 3)
	var urls []string
	for _, s := range servers {
		p := redistest.NewProxy(t, s.Addr())
		p.Delay(100 * time.Millisecond) // so that all have read the lists before the first claim
		urls = append(urls, p.URL())
	}
	body := func(h int) string { return settings(1, h) }
	clients := make([]*sysops.Client, hosts)
	end := watch(t, redistest.URLs(servers), body)
	starting(t, urls, clients, body)
	for i, s := range servers {
		listed, kept := len(claims(t, s, ctl)), len(bases(t, s))
		t.Logf("server %d: %d bases are listed, %d are there", i, listed, kept)
		if listed < 1 || listed > 32 || kept > 40 {
			t.Errorf("server %d: %d bases are listed, %d are there", i, listed, kept)
		}
	}
	starting(t, urls, clients, body)
	end()
	for i, s := range servers {
		if listed := len(claims(t, s, ctl)); listed < 1 || listed > 32 {
			t.Errorf("server %d: after another push of each %d bases are listed", i, listed)
		}
		sum, alone := 0, 0
		for h := range hosts {
			packed, _, base := frameOf(t, s, fmt.Sprintf("web%03d#%s", h, ctl))
			sum += len(packed)
			if base == "" {
				alone++
			}
		}
		t.Logf("server %d: frames of %d bytes in the mean, %d stand by themselves", i, sum/hosts, alone)
		if alone > 0 || sum/hosts > 600 {
			t.Errorf("server %d: after another push of each, frames are of %d bytes in the mean, and %d stand by themselves", i, sum/hosts, alone)
		}
	}
	var want []string
	for h := range hosts {
		want = append(want, fmt.Sprintf("web%03d#%s: %s", h, ctl, body(h)))
	}
	readFromEach(t, servers, want...)
}

func TestARaceOfTheSameContentsEndsInOneBase(t *testing.T) {
	servers := redistest.Core(t, 2)
	urls := redistest.URLs(servers)
	body := func(int) string { return settings(1, 1) }
	end := watch(t, urls, body)
	starting(t, urls, make([]*sysops.Client, 60), body)
	end()
	for _, s := range servers {
		id := baseID(body(0))
		if got := claims(t, s, ctl); !slices.Equal(got, []string{id}) {
			t.Errorf("%q are offered, want %q", got, id)
		}
		if got := bases(t, s); !slices.Equal(got, []string{"$base:" + id}) {
			t.Errorf("%q are there", got)
		}
		for h := range 60 {
			if _, kind, _ := frameOf(t, s, fmt.Sprintf("web%03d#%s", h, ctl)); kind != frame.Same {
				t.Errorf("host %d has a frame %q", h, kind)
			}
		}
	}
}

// Who finds its base listed already, by a host of the same contents, must not take
// that one's place back.
func TestATwinsClaimIsNotTakenBack(t *testing.T) {
	s := redistest.Start(t)
	body := settings(1, 1)
	id := baseID(body)
	g := newGate(t, s.Addr())
	g.when("zadd", func() { // between the reading of the list and the claim, so many others
		s.Must("ZADD", "$bases:"+ctl, "1", id)
		for i := range 20 {
			s.Must("ZADD", "$bases:"+ctl, strconv.FormatInt(time.Now().Unix(), 10), baseID(strconv.Itoa(i)))
		}
	})
	publish(t, connect(t, g.url()), snapshotOf("web01", text(ctl, body)))
	if !slices.Contains(claims(t, s, ctl), id) {
		t.Error("the place of a base that both have is taken back")
	}
	readFromEach(t, []*redistest.Server{s}, "web01#"+ctl+": "+body)
}

// alone pushes a snapshot whose objects stand by themselves.
func alone(t testing.TB, servers []*redistest.Server, snap snapshot.Snapshot) {
	t.Helper()
	publish(t, connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{NoBases: true}), snap)
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
			if rec := recordOf(t, s, h.name, ctl); rec.version != 2 || rec.base != "" || rec.packed != len(element(t, s, h.name+"#"+ctl, 0)) || len(rec.whole) != 57 {
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
	before := state(t, s)
	if p := publish(t, connect(t, s.URL()), snap).Servers[0]; p.Renewed != 2 || p.Replaced > 0 {
		t.Errorf("without a base: %+v", p)
	}
	if got := state(t, s); got != before {
		t.Errorf("without a base, the state is another:\n%s", diffOf(before, got))
	}
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

func private(src snapshot.Source) snapshot.Source {
	src.Private = true
	return src
}

func mode(name, contents string, mode uint32) snapshot.Source {
	return withStat(name, contents, snapshot.Stat{Mode: mode, Size: int64(len(contents)), Mtime: 1700000000})
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

// An agent that keeps no bases between its runs, and whose contents change with each,
// must not claim a place for every version of them.
func TestAnAgentWithoutAFolderDoesNotUseUpThePlaces(t *testing.T) {
	s := redistest.Start(t)
	publish(t, connect(t, s.URL()), snapshotOf("web01", text(ctl, settings(1, 1))))
	for v := range 12 {
		publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, settings(1, 100+v))))
	}
	if got := claims(t, s, ctl); len(got) > 1 {
		t.Errorf("12 versions of a text that one base suits have %d bases", len(got))
	}
}

// What a push costs, in waits. The proxy's delay makes each batch count as one.
func TestBasesCostOneWaitWhenTheyAreNew(t *testing.T) {
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
	push("on an empty server", first, snapshotOf("web01", sources(1, 0)...), greeting+3)
	push("unchanged", first, snapshotOf("web01", sources(1, 0)...), 3)
	push("changed", first, snapshotOf("web01", sources(1, 1)...), 3)
	push("a host that meets the others' bases", like, snapshotOf("web02", sources(2, 0)...), greeting+3+1)
	push("again", like, snapshotOf("web02", sources(2, 0)...), 3)
	push("with other contents", like, snapshotOf("web02", sources(2, 1)...), 3)
	push("unchanged, in a new process", connect(t, proxy.URL()), snapshotOf("web02", sources(2, 1)...), greeting+3)
	server.Must("DEL", baseKey(settings(3, 100)))
	push("one base lost", like, snapshotOf("web02", sources(2, 1)...), 3)
	server.Must("FLUSHALL")
	push("all lost", like, snapshotOf("web02", sources(2, 1)...), 3)
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

// One client that pushes many hosts at a time, as simulate does: while one push reads
// which bases are offered, others claim some.
func TestManyPushesOfOneClient(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			var sources []snapshot.Source
			for name := range 30 {
				sources = append(sources, text(fmt.Sprintf("/etc/%d", name), settings(name, n)))
			}
			<-start
			if _, err := c.Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%02d", n), sources...)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "*#*")}); len(got) != 40*30 || complete.Partial() {
		t.Errorf("%d objects; %s", len(got), complete)
	}
}
