package wholetest_test

// What the tests of bases look at, and the core that they look at it in.

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	if len(raw) != 49 && len(raw) != 58 && len(raw) != 90 {
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
	if len(b) > 58 {
		r.base = hex.EncodeToString(b[58:])
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

// alone pushes a snapshot whose objects stand by themselves.
func alone(t testing.TB, servers []*redistest.Server, snap snapshot.Snapshot) {
	t.Helper()
	publish(t, connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{NoBases: true}), snap)
}

func private(src snapshot.Source) snapshot.Source {
	src.Private = true
	return src
}

func mode(name, contents string, mode uint32) snapshot.Source {
	return withStat(name, contents, snapshot.Stat{Mode: mode, Size: int64(len(contents)), Mtime: 1700000000})
}

// A based core has two hosts that share a base: web01's object is the base, web02's a
// delta. web03 has an object that stands by itself.
type based struct {
	servers []*redistest.Server
	urls    []string
	id      string // of the base
	packed  string
	body    map[string]string // by host
	want    []string

	keep    string                    // how agents keep bases, see keeping
	clients map[string]*sysops.Client // of agents that go on running
	folders map[string]string         // of agents that have one
}

// agent is the client with which a host pushes.
func (b *based) agent(t *testing.T, host string) *sysops.Client {
	t.Helper()
	switch b.keep {
	case keeping[0]:
		if b.clients[host] == nil {
			b.clients[host] = connect(t, b.urls...)
		}
		return b.clients[host]
	case keeping[1]:
		if b.folders[host] == "" {
			b.folders[host] = filepath.Join(t.TempDir(), "bases")
		}
		return connectTo(t, sysops.ServerList(b.urls...), sysops.Options{BasesFolder: b.folders[host]})
	}
	return connect(t, b.urls...)
}

func (b *based) push(t *testing.T, host string) *snapshot.Report {
	t.Helper()
	r := publish(t, b.agent(t, host), snapshotOf(host, text(ctl, b.body[host])))
	if r.Bases != nil {
		t.Errorf("%s cannot keep its bases: %v", host, r.Bases)
	}
	return r
}

// readable makes sure that each server by itself has all objects of these hosts.
func (b *based) readable(t *testing.T, hosts ...string) {
	t.Helper()
	for i, s := range b.servers {
		for _, h := range hosts {
			// A server that lost everything has fewer hosts than it should.
			got, complete, err := read(t.Context(), connect(t, s.URL()), sysops.Query{Pattern: pattern(t, h+"#*"), Where: sysops.Where{Partial: true}})
			if err != nil || !slices.Equal(got, []string{h + "#" + ctl + ": " + b.body[h]}) {
				t.Errorf("%s at server %d: %d objects, %v, %v", h, i, len(got), err, complete.Unreadable)
			}
		}
	}
}

// quiet makes sure that the next push of each host has nothing to write.
func (b *based) quiet(t *testing.T) {
	t.Helper()
	for _, h := range []string{"web01", "web02", "web03"} {
		for i, p := range b.push(t, h).Servers {
			if p.Renewed != 1 || p.Replaced+p.Repaired+p.Restated > 0 {
				t.Errorf("%s at server %d is not at rest: %+v", h, i, p)
			}
		}
	}
}

// What a reader makes of a core whose answers through Objects, Grep and CountLines
// are those of undamaged contents.
func (b *based) answers(t *testing.T, c *sysops.Client) {
	t.Helper()
	got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
	if err != nil || !slices.Equal(got, b.want) || complete.Partial() {
		t.Errorf("Objects: %d objects, %v, %v", len(got), err, complete)
	}
	x, err := sysops.CompileExpr("setting_0[27]5|x", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	matches, lines := 0, 0
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, ctl)})
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range a.Grep(t.Context(), x) {
		if err != nil {
			t.Fatalf("Grep: %v", err)
		}
		matches += m.Count
		for _, l := range m.Lines {
			lines++
			if !strings.Contains(b.body[m.Host], string(l)+"\n") {
				t.Errorf("Grep finds %q in %s", l, m.Key)
			}
		}
	}
	if matches != 5 || lines != 5 {
		t.Errorf("Grep finds %d lines, and %d of them", matches, lines)
	}
	counts, err := a.CountLines(t.Context(), x, sysops.CountOptions{})
	total := 0
	for _, n := range counts {
		total += n.Count
	}
	if err != nil || total != 5 {
		t.Errorf("CountLines counts %d lines, %v", total, err)
	}
}

// unreadable makes sure that a reader of that one server is told which objects it
// does not get, and why.
func (b *based) unreadable(t *testing.T, s *redistest.Server, why string, keys ...string) {
	t.Helper()
	c := connect(t, s.URL())
	rest := slices.DeleteFunc(slices.Clone(b.want), func(o string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(o, k+":") })
	})
	for range 2 { // what was found of bases is remembered
		got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
		if err != nil || !slices.Equal(got, rest) || !complete.Partial() {
			t.Errorf("%d objects, want %d; %v, %s", len(got), len(rest), err, complete)
		}
		var told []string
		for _, u := range complete.Unreadable {
			told = append(told, u.Key)
			if !strings.Contains(u.Reason, why) {
				t.Errorf("the reason %q does not say %q", u.Reason, why)
			}
		}
		if !slices.Equal(told, keys) || complete.Answered != 3-len(keys) {
			t.Errorf("%q are told to be unreadable and %d hosts answered, want %q", told, complete.Answered, keys)
		}
	}
}

// keeping is how an agent may keep the bases that it knows.
var keeping = []string{
	"an agent that runs on", "an agent with a folder", "an agent without a folder",
}

func newBased(t *testing.T, servers []*redistest.Server, keep string) *based {
	t.Helper()
	for _, s := range servers {
		permitAll(s)
		s.Must("FLUSHALL")
	}
	b := &based{
		servers: servers, urls: redistest.URLs(servers),
		keep: keep, clients: make(map[string]*sysops.Client), folders: make(map[string]string),
		body: map[string]string{"web01": settings(1, 1), "web02": settings(1, 2), "web03": "x\n"},
	}
	b.id = baseID(b.body["web01"])
	for _, h := range []string{"web01", "web02", "web03"} {
		b.push(t, h)
		b.want = append(b.want, h+"#"+ctl+": "+b.body[h])
	}
	b.push(t, "web01") // to record that there is a base
	b.packed = b.servers[0].Must("GET", "$base:"+b.id).(string)
	if _, kind, base := frameOf(t, b.servers[0], "web02#"+ctl); kind != frame.Delta || base != b.id {
		t.Fatalf("the object of web02 is packed as %q against %.8q", kind, base)
	}
	return b
}

func permit(s *redistest.Server, keys string) {
	args := []string{"ACL", "SETUSER", "default", "resetkeys", "~web*", "~$hosts", "~$live", "~$names", "~$roster", "~$on:*", "~$of:*", "~$queries"}
	s.Must(append(args, strings.Fields(keys)...)...)
}

func permitAll(s *redistest.Server) { s.Must("ACL", "SETUSER", "default", "allkeys") }

// bomb is a small frame of more than any base may be.
var bomb = sync.OnceValue(func() string { return string(frame.NewEncoder().Encode(make([]byte, 64<<20))) })
