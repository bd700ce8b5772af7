package redistest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

const (
	ping = "PING\r\n"
	pong = "+PONG\r\n"
)

func TestProxyCountsBytesWaitsAndConnections(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	a, b := open(t, p), open(t, p)
	a.exchange(ping, pong)
	a.exchange(ping+ping, pong+pong) // a pipeline is one wait
	b.exchange(ping, pong)
	want := redistest.Traffic{Connections: 2, Sent: int64(4 * len(ping)), Received: int64(4 * len(pong)), Waits: 3}
	if got := p.Traffic(); got != want {
		t.Errorf("traffic is %+v, want %+v", got, want)
	}
	p.Reset()
	if got := p.Traffic(); got != (redistest.Traffic{}) {
		t.Errorf("after Reset traffic is %+v", got)
	}
}

func TestProxyForwardsManyConnectionsWithoutLoss(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	reply := bulk(strings.Repeat("x", 3<<20))
	var wg sync.WaitGroup
	for range 8 {
		c := open(t, p)
		wg.Go(func() {
			c.exchange("*2\r\n"+bulk("ECHO")+reply, reply)
		})
	}
	wg.Wait()
	if got := p.Traffic().Received; got != int64(8*len(reply)) {
		t.Errorf("received %d bytes, want %d", got, 8*len(reply))
	}
}

func TestProxyHandsAHalfClosedConnectionOn(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() { // answers only when it has read the end
		nc, err := target.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		request, _ := io.ReadAll(nc)
		fmt.Fprintf(nc, "got %s", request)
	}()
	c := open(t, redistest.NewProxy(t, target.Addr().String()))
	c.send("all")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := c.rest(); got != "got all" {
		t.Errorf("answer is %q", got)
	}
}

func TestProxyCutsAnAnswerExactly(t *testing.T) {
	s := redistest.Start(t)
	for n := range 2*len(pong) + 1 {
		p := redistest.NewProxy(t, s.Addr())
		p.CutAfter(int64(n))
		c := open(t, p)
		c.send(ping + ping + ping)
		if got, want := c.rest(), (pong + pong)[:n]; got != want {
			t.Errorf("cut after %d bytes: received %q, want %q", n, got, want)
		}
		if got := p.Traffic().Received; got != int64(n) {
			t.Errorf("cut after %d bytes: counted %d", n, got)
		}
		open(t, p).exchange(ping, pong) // it happens once
	}
}

func TestProxyCutsARequestExactly(t *testing.T) {
	s := redistest.Start(t)
	const request = "INCR counter\r\n"
	for n := range len(request) + 1 {
		s.Must("SET", "counter", "0")
		p := redistest.NewProxy(t, s.Addr())
		p.CutAfterSent(int64(n))
		c := open(t, p)
		c.send(request)
		c.rest()
		if got := p.Traffic().Sent; got != int64(n) {
			t.Errorf("cut after %d bytes: counted %d", n, got)
		}
		if n < len(request) {
			if got := s.Must("GET", "counter"); got != "0" {
				t.Errorf("cut after %d of %d bytes: the server did it", n, len(request))
			}
			continue
		}
		redistest.WaitFor(t, "the whole request at the server", func() bool { return s.Must("GET", "counter") == "1" })
	}
}

func TestProxyCutCountsOverAllConnections(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	a, b := open(t, p), open(t, p)
	a.exchange(ping, pong)
	p.CutAfter(int64(len(pong) + 2)) // what passed before does not count
	a.exchange(ping, pong)
	b.send(ping)
	if got := b.rest(); got != pong[:2] {
		t.Errorf("received %q", got)
	}
	a.exchange(ping, pong)
}

func TestProxyCutCanBeTakenBack(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	p.CutAfter(0)
	p.CutAfter(-1)
	open(t, p).exchange(ping, pong)
}

func TestStalledProxyKeepsConnectionsAndLosesNothing(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	old := open(t, p)
	old.exchange(ping, pong)
	p.Stall()
	young := open(t, p)
	for _, c := range []*client{old, young} {
		c.send(ping)
		c.silent(50 * time.Millisecond)
	}
	p.Resume()
	old.receive(pong)
	young.receive(pong)
}

func TestRefusingProxyClosesNewConnectionsOnly(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	old := open(t, p)
	old.exchange(ping, pong)
	p.Refuse()
	if got := open(t, p).rest(); got != "" {
		t.Errorf("a refused connection received %q", got)
	}
	old.exchange(ping, pong)
	p.Resume()
	open(t, p).exchange(ping, pong)
}

func TestProxyBeforeADeadServerClosesConnections(t *testing.T) {
	s := redistest.Start(t)
	p := redistest.NewProxy(t, s.Addr())
	s.Kill()
	if got := open(t, p).rest(); got != "" {
		t.Errorf("received %q", got)
	}
	s.Restart()
	open(t, p).exchange(ping, pong)
}

// Were each chunk of a batch delayed by itself, the round trip would take longer than a test waits.
func TestProxyDelaysEachTurnOnce(t *testing.T) {
	t.Parallel()
	const delay = time.Second
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	p.Delay(delay)
	c := open(t, p)
	word := bulk(strings.Repeat("x", 300*32<<10)) // 300 chunks at least, in each direction
	start := time.Now()
	c.exchange("*2\r\n"+bulk("ECHO")+word, word)
	if took := time.Since(start); took < 2*delay {
		t.Errorf("a round trip took %v, want at least %v", took, 2*delay)
	}
	if got := p.Traffic().Waits; got != 1 {
		t.Errorf("a batch counts as %d waits", got)
	}
}

func TestProxyDelayCanBeTakenBack(t *testing.T) {
	p := redistest.NewProxy(t, redistest.Start(t).Addr())
	p.Delay(time.Hour)
	p.Delay(0)
	open(t, p).exchange(ping, pong)
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func TestProxyEndsWithItsTestWhateverItsFault(t *testing.T) {
	s := redistest.Start(t)
	for name, fault := range map[string]func(*redistest.Proxy){
		"stalled": (*redistest.Proxy).Stall,
		"slow":    func(p *redistest.Proxy) { p.Delay(time.Hour) },
		"flowing": func(*redistest.Proxy) {},
	} {
		var c *client
		t.Run(name, func(sub *testing.T) {
			p := redistest.NewProxy(sub, s.Addr())
			fault(p)
			c = open(t, p)
			c.send(ping)
			redistest.WaitFor(sub, "the connection", func() bool { return p.Traffic().Connections == 1 })
		})
		c.rest()
	}
}

func TestProxyPassesTLS(t *testing.T) {
	certs := redistest.NewCerts(t)
	s := redistest.Start(t, redistest.TLS(certs))
	p := redistest.NewProxy(t, s.Addr())
	r := redistest.Run(t, "redis-cli", []string{
		"-p", p.Addr()[strings.LastIndexByte(p.Addr(), ':')+1:], "--tls", "--cacert", certs.CAFile, "PING",
	}, nil)
	if r.Stdout != "PONG\n" || p.Traffic().Waits == 0 {
		t.Errorf("result is %+v, traffic %+v", r, p.Traffic())
	}
}

// client is a connection through a proxy. A failure fails the test.
type client struct {
	*net.TCPConn
	t *testing.T
}

func open(t *testing.T, p *redistest.Proxy) *client {
	t.Helper()
	nc, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &client{nc.(*net.TCPConn), t}
	c.deadline(redistest.Patience)
	return c
}

func (c *client) deadline(d time.Duration) {
	c.t.Helper()
	if err := c.SetDeadline(time.Now().Add(d)); err != nil {
		c.t.Error(err)
	}
}

func (c *client) exchange(request, reply string) {
	c.t.Helper()
	c.send(request)
	c.receive(reply)
}

func (c *client) send(request string) {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		c.t.Errorf("cannot send: %v", err)
	}
}

func (c *client) receive(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil {
		c.t.Errorf("cannot receive %d bytes: %v after %d", len(want), err, n)
	} else if string(got) != want {
		c.t.Error("received other bytes than wanted")
	}
}

// rest returns what comes before the connection ends, in whatever way but silence.
func (c *client) rest() string {
	c.t.Helper()
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Error("the connection stays open")
	}
	return string(got)
}

func (c *client) silent(d time.Duration) {
	c.t.Helper()
	c.deadline(d)
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("received %d bytes and %v, want silence", n, err)
	}
	c.deadline(redistest.Patience)
}
