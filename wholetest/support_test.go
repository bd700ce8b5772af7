package wholetest_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/mask"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// batch is the delay of a network behind which a batch of requests counts as one wait
// ([redistest.Traffic]): on a busy machine, who sends one may be held up within it.
const batch = 150 * time.Millisecond

// fleet is a directory in memory: sites, their cores, their servers.
type fleet struct {
	sites     map[string][]string // site → cores
	cores     map[string][]string // core → URLs
	localSite string
	localCore string
}

func (f *fleet) Sites(context.Context) ([]string, error) {
	var out []string
	for s := range f.sites {
		out = append(out, s)
	}
	slices.Sort(out)
	return out, nil
}

func (f *fleet) Cores(_ context.Context, site string) ([]string, error) { return f.sites[site], nil }

func (f *fleet) Servers(_ context.Context, core string) ([]string, error) { return f.cores[core], nil }

func (f *fleet) Local(context.Context) (site, core string, err error) {
	return f.localSite, f.localCore, nil
}

// keys returns the keys of the answer to q.
func keys(t testing.TB, c *sysops.Client, q sysops.Query) []string {
	t.Helper()
	q.CheckKeys = true
	return keysOf(ask(t, c, q))
}

func keysOf(a *sysops.Answer) []string {
	out := []string{}
	for k := range a.Keys() {
		out = append(out, k.String())
	}
	return out
}

func search(t testing.TB, s string) sysops.Pattern {
	t.Helper()
	p, err := sysops.ParseSearch(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hostSet(t testing.TB, expr string) *hostset.Set {
	t.Helper()
	s, err := hostset.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read returns "key: contents" of each object, and the error that ended it.
func read(ctx context.Context, c *sysops.Client, q sysops.Query) ([]string, *sysops.Completeness, error) {
	a, err := c.Ask(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	var out []string
	for o, err := range a.Objects(ctx) {
		if err != nil {
			return out, a.Completeness(), err
		}
		out = append(out, fmt.Sprintf("%s: %s", o.Key, o.Contents))
	}
	return out, a.Completeness(), nil
}

// unhurried asks until no server was left out for being late: on a busy machine
// one may be, which is no concern of the tests that look at what each one said.
func unhurried(t testing.TB, ask func() *sysops.Completeness) *sysops.Completeness {
	t.Helper()
	var c *sysops.Completeness
	redistest.WaitFor(t, "every server answers as quickly as its siblings", func() bool {
		c = ask()
		for _, k := range c.Cores {
			for _, s := range k.Servers {
				if strings.Contains(s.Error, "did not answer in") {
					return false
				}
			}
		}
		return true
	})
	return c
}

// serverPush returns what a report says of one server.
func serverPush(t testing.TB, r *snapshot.Report, s *redistest.Server) snapshot.ServerReport {
	t.Helper()
	for _, p := range r.Servers {
		if p.Server == s.Addr()+"/0" {
			return p
		}
	}
	t.Fatalf("the report does not speak of %s", s.Addr())
	return snapshot.ServerReport{}
}

// state is a server's keyspace without what may differ between two equal ones:
// times, and the marks of pushes. The record of queries is left out.
func state(t testing.TB, s *redistest.Server) string {
	t.Helper()
	return stateBy(t, s, s.Must)
}

// stateBy is state for one master of a Cluster, of which must asks the others.
func stateBy(t testing.TB, s *redistest.Server, must func(args ...string) any) string {
	t.Helper()
	return timeless(redistest.Dump(t, s), func(name, host string) bool {
		return must("HEXISTS", "$of:"+host, name) == int64(0) && must("EXISTS", "$of:"+host) == int64(1)
	})
}

var keyLine = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)" (string|list|set|hash|zset|stream)`)

// timeless is a dump without what differs from server to server: times, and entries of $on
// that a host denies, which stay until gc prunes them.
func timeless(dump string, denies func(name, host string) bool) string {
	var out, members []string
	key, kind := "", ""
	element := 0
	flush := func() {
		slices.Sort(members) // of $hosts and $live: their order is that of the times
		out = append(out, members...)
		members = nil
	}
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		if m := keyLine.FindStringSubmatch(line); m != nil {
			flush()
			key, kind, element = m[1], m[2], 0
			if strings.HasPrefix(key, "$on:") {
				continue // with its first entry
			}
			if key != "$queries" {
				out = append(out, line)
			}
			continue
		}
		switch {
		case key == "$queries":
			continue
		case key == "$gc":
			line = "  a time"
		case key == "$hosts" || key == "$live" || strings.HasPrefix(key, "$bases:"):
			members = append(members, line[:strings.LastIndex(line, ` "`)])
			continue
		case strings.HasPrefix(key, "$on:"):
			host, err := strconv.Unquote(strings.TrimSpace(line))
			if name, _ := strconv.Unquote(`"` + key + `"`); err == nil && denies(strings.TrimPrefix(name, "$on:"), host) {
				continue
			}
			line = fmt.Sprintf("  %s of %s", strings.TrimSpace(line), key)
		case kind == "list":
			if element == 4 {
				line = "  a time"
			}
			element++
		case strings.HasPrefix(key, "$of:"):
			line = timelessRecord(line)
		}
		out = append(out, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// timelessRecord cuts the first-seen time out of a record, and when its host pushed.
func timelessRecord(line string) string {
	field, value, _ := strings.Cut(strings.TrimSpace(line), `" "`)
	raw, err := strconv.Unquote(`"` + value)
	if field == `"$push` || field == `"$serial` || field == `"$expires` {
		return "  " + field + `" a time`
	}
	if err != nil || strings.HasPrefix(field, `"$`) || len(raw) < 57 {
		return line
	}
	return fmt.Sprintf("  %s\" %q", field, raw[:41]+raw[49:])
}

// impostor is a TCP server that answers every line of what it is sent through
// reply. It is there for what redis-server cannot be brought to do.
func impostor(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return ln.Addr().String()
}

// diffOf shows where two texts part.
func diffOf(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			out = append(out, fmt.Sprintf("line %d\n  want %.300s\n  got  %.300s", i+1, a, b))
		}
		if len(out) == 5 {
			break
		}
	}
	return strings.Join(out, "\n")
}

// readFromEach makes sure that each server has these objects and no others, as a client of
// that one alone reads them.
func readFromEach(t testing.TB, servers []*redistest.Server, want ...string) {
	t.Helper()
	for i, s := range servers {
		got, complete := contents(t, connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "*#*")})
		if !slices.Equal(got, want) || complete.Partial() {
			t.Errorf("server %d answers with %d objects, %s:\n%s", i, len(got), complete, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
	}
}

// connect returns a client of one core with these servers.
func connect(t testing.TB, urls ...string) *sysops.Client {
	t.Helper()
	return connectTo(t, sysops.ServerList(urls...), sysops.Options{})
}

// connectTo returns a client that waits for its servers, however busy the machine is, unless
// o has a timeout: for tests in which a server that hangs is not done without otherwise.
func connectTo(t testing.TB, dir sysops.Directory, o sysops.Options) *sysops.Client {
	t.Helper()
	o.Timeout = cmp.Or(o.Timeout, redistest.Patience)
	c, err := sysops.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// text is an object with fixed contents and a plain file's stat.
func text(name, contents string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(contents), Stat: &snapshot.Stat{Mode: 0o100644, Size: int64(len(contents)), Mtime: 1700000000}}, nil
	}}
}

func snapshotOf(host string, sources ...snapshot.Source) snapshot.Snapshot {
	return snapshot.Snapshot{Host: host, Machine: "machine-of-" + host, Sources: sources}
}

// publish pushes a snapshot and fails the test unless all of it arrived everywhere.
func publish(t testing.TB, c *sysops.Client, snap snapshot.Snapshot) *snapshot.Report {
	t.Helper()
	r, err := c.Publish(t.Context(), "", snap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verified has servers know that the core has these hosts, as gc does: without that nobody
// knows, while one of them is down, whether the others have all there are.
func verified(servers []*redistest.Server, hosts ...string) {
	for _, s := range servers {
		s.Must(append([]string{"SADD", "$roster"}, hosts...)...)
	}
}

func pattern(t testing.TB, s string) sysops.Pattern {
	t.Helper()
	p, err := sysops.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// contents returns "key: contents" for each object of the answer.
func contents(t testing.TB, c *sysops.Client, q sysops.Query) ([]string, *sysops.Completeness) {
	t.Helper()
	out, complete, err := read(t.Context(), c, q)
	if err != nil {
		t.Fatal(err)
	}
	return out, complete
}

func element(t testing.TB, s *redistest.Server, key string, i int) string {
	t.Helper()
	v, ok := s.Must("LINDEX", key, strconv.Itoa(i)).(string)
	if !ok {
		t.Fatalf("%s has no element %d", key, i)
	}
	return v
}

func serverTime(t testing.TB, s *redistest.Server) int64 {
	t.Helper()
	reply := s.Must("TIME").([]any)
	n, err := strconv.ParseInt(reply[0].(string), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func noise(n int, seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 99))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return string(b)
}

// offsets grow: every byte of the greeting and the first commands, then
// fewer and fewer.
func offsets(n int64) int64 {
	if n < 40 {
		return n + 1
	}
	return n + n/12
}

func masks(t testing.TB, o mask.Options) *mask.Set {
	t.Helper()
	m, err := mask.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ask(t testing.TB, c *sysops.Client, q sysops.Query) *sysops.Answer {
	t.Helper()
	a, err := c.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func equalLists(t *testing.T, what string, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s:\n%s\nwant\n%s", what, g, w)
	}
}
