package push

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A herd is agents that push at once, in a time of its own: while one of them is at work it
// stands still, and when all sleep it goes on to whoever is due next, and those due within a
// second after that.
type herd struct {
	mu       sync.Mutex
	now      time.Time
	awake    int
	asleep   []sleeper
	meantime func(now time.Time) // is called whenever time has gone on
}

type sleeper struct {
	due  time.Time
	wake chan struct{}
}

func newHerd(agents int) *herd {
	return &herd{now: time.Unix(1_800_000_000, 0), awake: agents, meantime: func(time.Time) {}}
}

func (h *herd) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *herd) sleep(_ context.Context, d time.Duration) {
	s := sleeper{due: h.clock().Add(d), wake: make(chan struct{})}
	h.mu.Lock()
	h.asleep = append(h.asleep, s)
	h.mu.Unlock()
	h.leave()
	<-s.wake
}

// leave takes an agent away that sleeps or has done its work.
func (h *herd) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.awake--; h.awake > 0 || len(h.asleep) == 0 {
		return
	}
	slices.SortFunc(h.asleep, func(a, b sleeper) int { return a.due.Compare(b.due) })
	h.now = h.asleep[0].due
	h.meantime(h.now)
	for len(h.asleep) > 0 && h.asleep[0].due.Before(h.now.Add(time.Second)) {
		h.awake++
		close(h.asleep[0].wake)
		h.asleep = h.asleep[1:]
	}
}

// An agent is one of a herd, with connections of its own.
type agent struct {
	*Publisher
	snap   snapshot.Snapshot
	report *snapshot.Report
	err    error
	ended  time.Time
}

const retryFor = 10 * time.Minute

func (h *herd) agent(i int, urls ...string) *agent {
	servers := extract.NewServers(directory.List(urls...), extract.Options{Timeout: redistest.Patience})
	a := &agent{Publisher: NewPublisher(servers, "", true)}
	random := rand.New(rand.NewPCG(7, uint64(i)))
	a.pace = pace{now: h.clock, sleep: h.sleep, random: func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }}
	a.snap = snapshot.Snapshot{Host: fmt.Sprintf("web%d", i), Retry: retryFor}
	for o := range 5 {
		a.snap.Sources = append(a.snap.Sources, source(fmt.Sprintf("/etc/file-%d", o), fmt.Sprintf("the contents of %d at %d\n", o, i)))
	}
	return a
}

func source(name, contents string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(contents)}, nil
	}}
}

func (a *agent) push(h *herd) {
	a.report, a.err = a.Publish(context.Background(), "", a.snap)
	a.ended = h.clock()
}

// A server has fewer connections than there are agents, and those that got one keep it until
// all others have failed. All arrive, with few tries, and what fails has sent next to nothing.
func TestAHerdArrivesWithinItsConnections(t *testing.T) {
	t.Parallel()
	const agents, connections = 120, 25
	server := redistest.Start(t, redistest.Config(fmt.Sprintf("maxclients %d", connections)))
	h := newHerd(agents)
	over := make(chan struct{})
	h.meantime = func(time.Time) { // with h.mu held
		select {
		case <-over:
		default:
			close(over)
		}
	}
	list := make([]*agent, agents)
	var wg sync.WaitGroup
	for i := range list {
		list[i] = h.agent(i, server.URL())
		wg.Go(func() {
			list[i].push(h)
			h.leave()
			<-over // no earlier: the first round is to fail for want of connections
			list[i].servers.Close()
		})
	}
	wg.Wait()
	tries, retried, sent, most := 0, 0, int64(0), int64(0)
	for _, a := range list {
		if a.err != nil {
			t.Errorf("%s did not arrive: %v", a.snap.Host, a.err)
			continue
		}
		s := a.report.Servers[0]
		if tries += s.Tries; s.Tries > 1 {
			retried++
			sent += s.Sent
		} else {
			most = max(most, s.Sent)
		}
	}
	if retried < agents-connections {
		t.Errorf("%d agents had to try again, at least %d are to", retried, agents-connections)
	}
	if tries > 3*agents {
		t.Errorf("%d agents tried %d times", agents, tries)
	}
	if limit := int64(retried)*most + int64(tries)*2000; sent > limit {
		t.Errorf("%d agents that tried again sent %d bytes, at most %d are allowed", retried, sent, limit)
	}
	if n := server.Must("ZCARD", "$live"); n != int64(agents) {
		t.Errorf("%v of %d hosts are live", n, agents)
	}
}

// Both servers are down for five minutes. The agents try a few times, arrive spread out when
// the servers are back, and each says once that it tries again.
func TestAHerdComesBackSpreadOut(t *testing.T) {
	t.Parallel()
	const agents = 60
	down := 5 * time.Minute
	servers := redistest.Core(t, 2)
	for _, s := range servers {
		s.Kill()
	}
	h := newHerd(agents)
	began := h.now
	back := sync.OnceFunc(func() {
		for _, s := range servers {
			s.Restart()
		}
	})
	h.meantime = func(now time.Time) {
		if now.Sub(began) >= down {
			back()
		}
	}
	list := make([]*agent, agents)
	told := make([]int, agents)
	var wg sync.WaitGroup
	for i := range list {
		list[i] = h.agent(i, redistest.URLs(servers)...)
		list[i].snap.Retrying = func(r *snapshot.Report) {
			if told[i]++; r.Servers[0].Err == nil || !r.Servers[1].Passing {
				t.Errorf("before the first retry the report is %+v", r.Servers)
			}
		}
		wg.Go(func() {
			defer list[i].servers.Close()
			list[i].push(h)
			h.leave()
		})
	}
	wg.Wait()
	arrivals := make(map[time.Duration]int) // by ten seconds
	for i, a := range list {
		if a.err != nil {
			t.Errorf("%s did not arrive: %v", a.snap.Host, a.err)
			continue
		}
		arrivals[a.ended.Sub(began)/(10*time.Second)]++
		if told[i] != 1 {
			t.Errorf("%s said %d times that it tries again", a.snap.Host, told[i])
		}
		if n := a.report.Servers[0].Tries; n > 25 {
			t.Errorf("%s tried %d times in %v", a.snap.Host, n, down)
		}
	}
	for at, n := range arrivals {
		if n > agents/4 {
			t.Errorf("%d of %d agents arrive within the ten seconds after %v", n, agents, at*10*time.Second)
		}
	}
}

// Only the server that failed is tried again. It is not sent again what it has recorded, and
// its sibling hears nothing.
func TestOnlyWhatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	proxy, sibling := redistest.NewProxy(t, servers[0].Addr()), redistest.NewProxy(t, servers[1].Addr())
	h := newHerd(1)
	a := h.agent(0, proxy.URL(), sibling.URL())
	for o := range 50 {
		a.snap.Sources = append(a.snap.Sources, source(fmt.Sprintf("/etc/more-%d", o), fmt.Sprintf("contents %d\n", o)))
	}
	if a.push(h); a.err != nil {
		t.Fatal(a.err)
	}
	a.snap.Sources[0] = source("/etc/file-0", "other contents\n")
	a.pace.sleep = func(context.Context, time.Duration) {}
	proxy.CutAfterSent(3000) // in the middle of what is written
	sibling.Reset()
	a.push(h)
	failed, other := a.report.Servers[0], a.report.Servers[1]
	if a.err != nil || failed.Tries != 2 || other.Tries != 1 {
		t.Fatalf("%v; it was tried %d times, and its sibling %d", a.err, failed.Tries, other.Tries)
	}
	if failed.Replaced+failed.Repaired > 1 || failed.Renewed+failed.Replaced != len(a.snap.Sources) {
		t.Errorf("the retry is %+v", failed)
	}
	if sent := sibling.Traffic().Sent; sent != other.Sent || sent > failed.Sent {
		t.Errorf("the sibling was sent %d bytes, %d by the report, and the server that failed %d", sent, other.Sent, failed.Sent)
	}
}

// What does not pass by itself is not tried again, and nothing is where nobody asked for it.
func TestWhatDoesNotPassIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	password := redistest.Start(t, redistest.Password("secret"))
	full := redistest.Start(t, redistest.Config("maxmemory 1"))
	h := newHerd(1)
	for what, row := range map[string]struct {
		url   string
		retry time.Duration
	}{
		"a wrong password":  {password.URL(), retryFor},
		"a full memory":     {full.URL(), retryFor},
		"nobody wants that": {"redis://127.0.0.1:1", 0},
	} {
		a := h.agent(0, row.url)
		a.snap.Retry = row.retry
		a.pace.sleep = func(context.Context, time.Duration) { t.Errorf("%s: it is to be tried again", what) }
		if a.push(h); a.err == nil || a.report.Servers[0].Tries != 1 {
			t.Errorf("%s: %v, after %d tries", what, a.err, a.report.Servers[0].Tries)
		}
		a.servers.Close()
	}
}

// Retries end in time, and with the context.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	h := newHerd(1)
	a := h.agent(0, "redis://127.0.0.1:1")
	began := h.clock()
	if a.push(h); a.err == nil || a.ended.Sub(began) > retryFor || a.report.Servers[0].Tries < 5 {
		t.Errorf("%v, after %v and %d tries", a.err, a.ended.Sub(began), a.report.Servers[0].Tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a.pace.sleep = func(context.Context, time.Duration) { cancel() }
	if r, err := a.Publish(ctx, "", a.snap); err == nil || r.Servers[0].Tries != 1 {
		t.Errorf("when the context ends: %v, after %d tries", err, r.Servers[0].Tries)
	}
}

// A line is cut in the middle of a large object, which comes first of all in the snapshot. By
// then everything that has not changed lives on, and what is small has been written.
func TestWhatIsSmallGoesFirst(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	h := newHerd(1)
	a := h.agent(0, proxy.URL())
	defer a.servers.Close()
	a.snap.Retry = 0
	large := make([]byte, 600_000)
	for i, random := 0, rand.NewChaCha8([32]byte{1}); i < len(large); i++ {
		large[i] = "0123456789abcdef"[random.Uint64()%16]
	}
	sources := a.snap.Sources // these stay as they are
	changing := func(large, small string) {
		a.snap.Sources = append([]snapshot.Source{source("/etc/large", large), source("/etc/small", small)}, sources...)
	}
	changing("old", "old")
	if a.push(h); a.err != nil {
		t.Fatal(a.err)
	}
	for _, s := range sources {
		server.Must("PEXPIRE", "web0#"+s.Name, "60000")
	}
	changing(string(large), "new")
	proxy.CutAfterSent(100_000)
	if a.push(h); a.err == nil {
		t.Fatal("nothing was cut")
	}
	for _, s := range sources {
		if left := server.Must("PTTL", "web0#"+s.Name).(int64); left <= 60_000 {
			t.Errorf("%s has not been renewed: it lives for %d ms", s.Name, left)
		}
	}
	for name, want := range map[string]string{"/etc/large": md5Of("old"), "/etc/small": md5Of("new")} {
		if got := server.Must("LINDEX", "web0#"+name, "1"); got != want {
			t.Errorf("%s has the sum %v, want %s", name, got, want)
		}
	}
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Who has done with one server and waits for another holds no connection meanwhile, and
// pushes over a new one when it goes on; over TLS, too.
func TestAPauseHoldsNoConnection(t *testing.T) {
	t.Parallel()
	certs := redistest.NewCerts(t)
	text, err := os.ReadFile(certs.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(text)
	for scheme, options := range map[string][]redistest.Option{"redis://": nil, "rediss://": {redistest.TLS(certs)}} {
		servers := redistest.Core(t, 2, options...)
		proxy := redistest.NewProxy(t, servers[1].Addr())
		h := newHerd(1)
		a := h.agent(0)
		a.servers = extract.NewServers(directory.List(servers[0].URL(), scheme+proxy.Addr()), extract.Options{
			Timeout: redistest.Patience, TLS: &tls.Config{RootCAs: authorities}, RequireTLS: new(false),
		})
		a.Publisher = NewPublisher(a.servers, "", true)
		a.pace = pace{now: h.clock, random: func(d time.Duration) time.Duration { return d / 2 }}
		a.pace.sleep = func(context.Context, time.Duration) {
			redistest.WaitFor(t, "the end of the connection", func() bool {
				return strings.Contains(servers[0].Must("INFO", "clients").(string), "connected_clients:1\r\n")
			})
			proxy.Resume()
		}
		proxy.Refuse()
		for try, want := range []int{2, 1} { // in the second push nothing fails
			if a.push(h); a.err != nil || a.report.Servers[0].Tries != 1 || a.report.Servers[1].Tries != want {
				t.Errorf("%s push %d: %v; %+v", scheme, try, a.err, a.report)
			}
		}
		a.servers.Close()
	}
}
