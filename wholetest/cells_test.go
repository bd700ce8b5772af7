package wholetest_test

// What becomes of an operation when a fault strikes in the midst of it: every fault, every operation, before each
// piece of bytes that passes the network. docs/reliability.md has the outcomes.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// An outcome is what an operation came to that a fault has struck.
type outcome byte

const (
	unharmed  outcome = '=' // it did, or answered, what it does undisturbed
	admitted  outcome = '!' // it did not, or may not have, and said so
	concealed outcome = '?' // it did not, and nothing said so: what must not be
)

// A cellFault is what befalls the first server of a core, or the network before it.
type cellFault struct {
	name   string
	strike func(w *cellWorld)
	mend   func(w *cellWorld) // nil: there is nothing to be done

	hangs      bool // who asks the server waits for as long as he has the patience
	loses      bool // the server loses what it has confirmed
	everywhere bool // it befalls the siblings too
	harmless   bool // it changes no outcome
}

// may are the outcomes that an operation may come to in a core of so many servers.
func (f cellFault) may(op cellOperation, servers int) string {
	if f.harmless || op.asks && servers > 1 && !f.everywhere {
		return string(unharmed)
	}
	return string(unharmed) + string(admitted)
}

// A cellOperation is what somebody does to a core, who reaches it through a client.
type cellOperation struct {
	name    string
	asks    bool // it is a question: it changes nothing
	prepare func(w *cellWorld)
	run     func(ctx context.Context, w *cellWorld, c *sysops.Client) cellAnswer
	done    func(w *cellWorld, s *redistest.Server) bool // whether a server shows that it is done; nil: the next push does
}

// A cellAnswer is what an operation ended with.
type cellAnswer struct {
	rows     []string
	complete *sysops.Completeness // of questions
	err      error
}

// A cellWorld is a core with three hosts: web01, which changes, and two that do not.
type cellWorld struct {
	*testing.T
	servers  []*redistest.Server
	networks []*redistest.Proxy // before the servers, for who runs the operation
	admin    *sysops.Client     // of somebody who reaches the servers without them
	version  int                // of web01 that is, or is being, pushed
	folder   string             // in which the agent keeps bases
	cells    int                // that have been run
}

func newCellWorld(t *testing.T, servers int) *cellWorld {
	w := &cellWorld{T: t, folder: filepath.Join(t.TempDir(), "bases")}
	w.servers = redistest.Core(t, servers, redistest.Config("maxmemory-policy noeviction", "enable-protected-configs yes"))
	for _, s := range w.servers {
		w.networks = append(w.networks, redistest.NewProxy(t, s.Addr()))
	}
	w.admin = connect(t, redistest.URLs(w.servers)...)
	return w
}

// hosts are the snapshots of the hosts, of which web01's is of the present version.
func (w *cellWorld) hosts() []snapshot.Snapshot {
	return []snapshot.Snapshot{
		changingSnapshot(w.version),
		snapshotOf("web02", text("/etc/motd", "two\n"), text(ctl, settings(1, 1))),
		snapshotOf("web03", text("/etc/motd", "three\n"), text("/etc/issue", "Debian\n")),
	}
}

// reset brings the core to where each cell begins.
func (w *cellWorld) reset() {
	w.Helper()
	for _, s := range w.servers {
		s.Must("FLUSHALL")
	}
	if err := os.RemoveAll(w.folder); err != nil { // else the agent has heard of bases that are gone
		w.Fatal(err)
	}
	w.version = 0
	for _, snap := range w.hosts() {
		publish(w, w.admin, snap)
	}
	verified(w.servers, "web01", "web02", "web03")
}

// try runs one cell: the fault strikes before the n-th piece of an operation. It reports what came of it, and
// false where there was no such piece.
func (w *cellWorld) try(f cellFault, op cellOperation, n int) (outcome, bool) {
	w.Helper()
	timeout := redistest.Patience
	if f.hangs {
		timeout = time.Second
	}
	for attempt := 0; ; attempt++ {
		came, why, struck := w.once(f, op, n, timeout)
		if !struck || strings.ContainsRune(f.may(op, len(w.servers)), rune(came)) {
			return came, struck
		}
		// A server that is well may be late, on a busy machine.
		if came != admitted || !strings.Contains(why, "did not answer in") || attempt == attempts {
			w.Errorf("%s before piece %d of %s, %d servers: outcome %c: %s", f.name, n, op.name, len(w.servers), came, why)
			return came, struck
		}
		timeout = min(4*timeout, redistest.Patience)
	}
}

// attempts is how many times a server may be late before that is no accident.
const attempts = 8

// once is a try with a timeout.
func (w *cellWorld) once(f cellFault, op cellOperation, n int, timeout time.Duration) (came outcome, why string, struck bool) {
	w.Helper()
	w.reset()
	if op.prepare != nil {
		op.prepare(w)
	}
	var before cellAnswer
	if op.asks {
		if before = op.run(w.Context(), w, w.admin); before.err != nil {
			w.Fatalf("%s, undisturbed: %v", op.name, before.err)
		}
	}
	w.cells++
	label := fmt.Sprint(w.Name(), " cell ", w.cells)
	var got cellAnswer
	reached, resume, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	end := w.networks[0].BeforePiece(n, func() { close(reached); <-resume })
	go pprof.Do(w.Context(), pprof.Labels("cell", label), func(ctx context.Context) {
		defer close(ended)
		got = w.operate(ctx, op, timeout)
	})
	select {
	case <-reached:
		f.strike(w)
		close(resume)
		<-ended
		struck = true
	case <-ended:
	}
	end()
	when := fmt.Sprintf("%s before piece %d of %s, %d servers", f.name, n, op.name, len(w.servers))
	if struck && f.mend != nil {
		f.mend(w)
	}
	w.nothingIsLeft(when, label)
	if !struck {
		if got.err != nil {
			w.Errorf("%s, undisturbed: %v", op.name, got.err)
		}
		return unharmed, "", false
	}
	if !f.loses {
		for _, s := range w.servers {
			wholeOrAbsent(w, when, s, 0, w.version)
		}
	}
	if op.asks {
		came, why = before.judge(got)
	} else {
		came, why = w.finish(when, op, got)
	}
	w.heals(when)
	return came, why, true
}

// operate runs an operation as a process of its own does, through the networks.
func (w *cellWorld) operate(ctx context.Context, op cellOperation, timeout time.Duration) cellAnswer {
	var urls []string
	for _, p := range w.networks {
		urls = append(urls, p.URL())
	}
	c, err := sysops.New(sysops.ServerList(urls...), sysops.Options{Timeout: timeout, BasesFolder: w.folder})
	if err != nil {
		return cellAnswer{err: err}
	}
	defer c.Close()
	return op.run(ctx, w, c)
}

// judge says what an answer is beside the undisturbed one.
func (a cellAnswer) judge(got cellAnswer) (outcome, string) {
	if got.err != nil {
		return admitted, got.err.Error()
	}
	c := got.complete
	for _, h := range c.Lacking {
		if !slices.Contains(a.complete.Lacking, h) {
			return concealed, h + " is told as lacking what it has"
		}
	}
	for _, row := range got.rows {
		if !slices.Contains(a.rows, row) {
			return concealed, fmt.Sprintf("nobody has %.80q", row)
		}
	}
	general := slices.ContainsFunc(c.Cores, func(k sysops.CoreReport) bool { return k.Error != "" || k.Short > 0 || len(k.Unseen) > 0 })
	for _, row := range a.rows {
		host, _, _ := strings.Cut(row, "#")
		said := general || slices.Contains(c.Missing, host) || slices.Contains(c.Unverified, host) ||
			slices.ContainsFunc(c.Unreadable, func(u sysops.UnreadableKey) bool { return strings.HasPrefix(row, u.Key) })
		if !slices.Contains(got.rows, row) && !said {
			return concealed, fmt.Sprintf("%.80q is not in the answer: %s", row, c)
		}
	}
	if c.Partial() || !slices.Equal(got.rows, a.rows) {
		return admitted, fmt.Sprint(c, c.Cores)
	}
	return unharmed, ""
}

// finish says what an operation came to that changes the core, and has it done where it was not.
func (w *cellWorld) finish(when string, op cellOperation, got cellAnswer) (outcome, string) {
	w.Helper()
	came, why := unharmed, ""
	if got.err != nil {
		came, why = admitted, got.err.Error()
	}
	if op.done == nil {
		return came, why
	}
	undone := func() bool {
		return slices.ContainsFunc(w.servers, func(s *redistest.Server) bool { return !op.done(w, s) })
	}
	if came == unharmed && undone() {
		return concealed, "it is not done, and nobody said so"
	}
	if again := op.run(w.Context(), w, w.admin); again.err != nil && !errors.Is(again.err, sysops.ErrUnknown) {
		w.Errorf("%s: a second time: %v", when, again.err)
	}
	if undone() {
		w.Errorf("%s: it is not even done the second time", when)
	}
	return came, why
}

// heals makes sure that the next push of each host brings every server to the same whole state, in which nothing
// is left to do after a while.
func (w *cellWorld) heals(when string) {
	w.Helper()
	var want []string
	for _, snap := range w.hosts() {
		for range 2 { // the second may pack better what the first had to send in a hurry
			publish(w, w.admin, snap)
		}
		r := publish(w, w.admin, snap)
		for _, p := range r.Servers {
			if p.Renewed != len(snap.Sources) || p.Replaced+p.Restated+p.Repaired > 0 {
				w.Errorf("%s: a server is not at rest: %+v", when, p)
			}
		}
		for _, src := range snap.Sources {
			c, err := src.Read(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			want = append(want, fmt.Sprintf("%s#%s: %s", snap.Host, src.Name, c.Data))
		}
	}
	slices.Sort(want)
	for i, s := range w.servers {
		c := connect(w, s.URL())
		got, complete, err := read(w.Context(), c, sysops.Query{Pattern: pattern(w, "*#*")})
		c.Close()
		if err != nil || !slices.Equal(got, want) || !complete.Whole() {
			w.Errorf("%s: after the next push server %d has %d objects of %d: %v, %v", when, i, len(got), len(want), complete, err)
		}
		for _, key := range sortedReply(s.Must("KEYS", "*")) {
			if !cellKeys.MatchString(key) {
				w.Errorf("%s: the key %q is left", when, key)
			}
			if strings.HasPrefix(key, "web") && !slices.Equal(w.plain(s, key), w.plain(w.servers[0], key)) {
				w.Errorf("%s: after the next push the servers have another %s: %q, %q", when, key, w.plain(w.servers[0], key), w.plain(s, key))
			}
		}
	}
}

// plain are the MD5 sum, stat and word count of an object. How its contents are packed depends on the bases that a
// server has.
func (w *cellWorld) plain(s *redistest.Server, key string) []string {
	var out []string
	for _, v := range s.Must("LRANGE", key, "1", "3").([]any) {
		out = append(out, v.(string))
	}
	return out
}

// nothingIsLeft makes sure that an operation has left no goroutine, connection or file.
func (w *cellWorld) nothingIsLeft(when, label string) {
	w.Helper()
	redistest.WaitFor(w, when+": the connections are closed", func() bool {
		return !slices.ContainsFunc(w.networks, func(p *redistest.Proxy) bool { return p.Open() > 0 })
	})
	redistest.WaitFor(w, when+": the goroutines have ended", func() bool {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			w.Fatal(err)
		}
		return !strings.Contains(profile.String(), fmt.Sprintf("%q", label))
	})
	entries, err := os.ReadDir(w.folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.Fatal(err)
	}
	for _, e := range entries {
		if !cellFiles.MatchString(e.Name()) {
			w.Errorf("%s: the file %s is left", when, e.Name())
		}
	}
}
