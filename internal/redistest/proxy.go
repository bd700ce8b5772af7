package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

const (
	chunkSize = 32 << 10
	inFlight  = 256 // chunks that a connection holds back, a direction, before it stops reading
)

// Proxy is a network before a server: it forwards TCP connections, counts, and fails on demand. It does not look
// into the bytes, so TLS passes. All its methods may be called concurrently.
type Proxy struct {
	target string
	ln     net.Listener
	wg     sync.WaitGroup

	mu        sync.Mutex
	links     map[*link]struct{}
	closed    bool
	refuse    bool
	delay     time.Duration
	flowing   chan struct{} // closed while bytes flow; replaced by Stall
	traffic   Traffic
	cuts      [2]int64 // bytes that may pass in a direction before the cut; -1: no cut
	until     int64    // bytes that may pass to the server before meanwhile is called
	meanwhile func()   // nil: nothing is to be called
	pace      int      // bytes a second that a connection takes in a direction; 0: as many as there are
	passed    int      // pieces that have been handed on, or are about to be
	piece     int      // which of them happens waits for
	happens   func()   // nil: nothing is to be called
}

// Traffic is what passed through a [Proxy], over all its connections.
type Traffic struct {
	Connections int64 // that were accepted and not refused
	Sent        int64 // bytes from clients to the server
	Received    int64 // bytes from the server to clients

	// Waits counts the times that a connection turned from client→server to server→client: how often a client
	// waited for an answer. Answers that arrive while a client still sends one large batch count as waits too;
	// with a Delay longer than it takes to send the batch, the batch counts once.
	Waits int64
}

type direction int

const (
	toServer direction = iota
	toClient
)

// NewProxy starts a proxy on a free port of 127.0.0.1 before target, an address as host:port. It ends, with all its
// connections, at the end of the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("cannot start proxy for %q: %v", target, err)
	}
	p := &Proxy{
		target: target, ln: ln,
		links:   map[*link]struct{}{},
		flowing: make(chan struct{}),
		cuts:    [2]int64{-1, -1},
	}
	close(p.flowing)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the proxy's address as host:port.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// URL returns redis://host:port. Before a server with [TLS], use rediss:// and [Proxy.Addr].
func (p *Proxy) URL() string { return "redis://" + p.Addr() }

// Traffic returns the counts since the start or the last [Proxy.Reset]. A byte is counted before it is handed on: who
// has received an answer finds all of it counted.
func (p *Proxy) Traffic() Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traffic
}

// Reset sets the counts to zero. Faults stay as they are.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traffic = Traffic{}
}

// CutAfter lets exactly n more bytes pass from the server to clients, counted over all connections, then closes the
// connection that carried the last of them; with n = 0, the one that would carry the next byte. Both ends see it
// closed. It happens once: other connections, and later ones, go on. A negative n takes it back.
func (p *Proxy) CutAfter(n int64) { p.setCut(toClient, n) }

// CutAfterSent is [Proxy.CutAfter] for the bytes from clients to the server.
func (p *Proxy) CutAfterSent(n int64) { p.setCut(toServer, n) }

func (p *Proxy) setCut(dir direction, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts[dir] = max(n, -1)
}

// AfterSent lets exactly n more bytes pass from clients to the server, counted over all connections, then calls do,
// once, and lets the rest of that connection's bytes pass when it has returned.
func (p *Proxy) AfterSent(n int64, do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until, p.meanwhile = n, do
}

// BeforePiece calls do, once, when the n-th piece of bytes from now on is about to be handed on, the first of which is
// 0, and hands it on when do has returned. A piece is a request, a reply, or up to 32 KiB of a longer one, over all
// connections and in both directions, as they come. It returns a function that takes it back and says how many
// pieces there were until then.
func (p *Proxy) BeforePiece(n int, do func()) (end func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed, p.piece, p.happens = 0, n, do
	return func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.happens = nil
		return p.passed
	}
}

// Cut closes all connections that are open. Both ends see them closed.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// Open returns how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Pace lets so many bytes a second through each connection, in each direction, in small pieces: a slow line. 0 takes it
// back. It is for bytes that are handed on from now on; connections that are made from now on hold little more back.
func (p *Proxy) Pace(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace = bytes
}

// Stall stops forwarding in both directions. Connections stay open, and new ones are accepted. Bytes that were being
// handed on when it was called may still arrive.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default:
	}
}

// Refuse closes new connections at once. Those that are open go on.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
}

// Resume ends [Proxy.Stall], with no byte lost, and [Proxy.Refuse].
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// Delay makes all bytes that are read from now on arrive d later, in each direction: an answer takes 2d longer. It
// is latency, not bandwidth: a batch that is sent in one go is delayed once, up to 8 MiB on their way.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return // closed
		}
		l := &link{proxy: p, client: client.(*net.TCPConn), done: make(chan struct{})}
		if p.add(l) {
			p.wg.Go(l.run)
		} else {
			client.Close()
		}
	}
}

// add registers an accepted connection; false: it is to be closed.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		return false
	}
	if p.pace > 0 {
		_ = l.client.SetReadBuffer(chunkSize)
	}
	p.links[l] = struct{}{}
	p.traffic.Connections++
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) close() {
	p.ln.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.links {
		l.close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// link is one connection of a client and the proxy's own one to the server.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	once   sync.Once
	done   chan struct{} // closed when the link is to end

	asking bool // the last bytes came from the client; guarded by proxy.mu
}

func (l *link) close() { l.once.Do(func() { close(l.done) }) }

// run forwards until both ends have finished, one failed, or the link was closed.
func (l *link) run() {
	defer l.proxy.remove(l)
	defer l.client.Close()
	nc, err := net.DialTimeout("tcp", l.proxy.target, Patience)
	if err != nil {
		return // the client sees its connection closed
	}
	server := nc.(*net.TCPConn)
	defer server.Close()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(server, l.client, toServer) })
	pumps.Go(func() { l.pump(l.client, server, toClient) })
	finished := make(chan struct{})
	go func() { pumps.Wait(); close(finished) }()
	select {
	case <-l.done:
	case <-finished:
	}
	l.close()
	l.client.Close() // ends reads and writes under way
	server.Close()
	<-finished
}

type chunk struct {
	data []byte
	due  time.Time
	gone chan struct{} // closed when it has been handed on
}

// pump forwards one direction until its end, and hands the end on.
func (l *link) pump(dst, src *net.TCPConn, dir direction) {
	chunks := make(chan chunk, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(chunks)
		l.read(src, dir, chunks)
	})
	l.write(dst, dir, chunks)
	for range chunks { // after a failed write; the link is closed, so the reader ends
	}
	reader.Wait()
}

func (l *link) read(src *net.TCPConn, dir direction, chunks chan<- chunk) {
	for {
		buf := make([]byte, chunkSize)
		n, err := src.Read(buf)
		if n > 0 {
			due, slow := l.arrived(dir)
			c := chunk{buf[:n], due, make(chan struct{})}
			select {
			case chunks <- c:
			case <-l.done:
				return
			}
			if slow { // a slow line takes no more than it carries
				select {
				case <-c.gone:
				case <-l.done:
					return
				}
			}
		}
		if err != nil {
			return // the end, or a failure, which the other side shall see as the end
		}
	}
}

// arrived notes that bytes were read, and returns when they are due, and whether the line is a slow one.
func (l *link) arrived(dir direction) (due time.Time, slow bool) {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	if dir == toServer {
		l.asking = true
	}
	return time.Now().Add(l.proxy.delay), l.proxy.pace > 0
}

// write hands chunks on as they become due, and then the end.
func (l *link) write(dst *net.TCPConn, dir direction, chunks <-chan chunk) {
	for c := range chunks {
		if !l.waitUntil(c.due) || !l.begin() {
			return
		}
		for data := c.data; len(data) > 0; {
			p, ok := l.pass(dir, len(data))
			if !ok {
				return
			}
			_, err := dst.Write(data[:p.bytes])
			if err != nil || p.cut {
				l.close()
				return
			}
			if data = data[p.bytes:]; p.then != nil {
				p.then()
			}
			if !l.waitUntil(p.next) {
				return
			}
		}
		close(c.gone)
	}
	_ = dst.CloseWrite() // fails when dst is closed already
}

// begin counts a piece, and reports false when the link ended before it.
func (l *link) begin() bool {
	p := l.proxy
	p.mu.Lock()
	var happens func()
	if p.passed == p.piece {
		happens, p.happens = p.happens, nil
	}
	p.passed++
	p.mu.Unlock()
	if happens != nil {
		happens()
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// waitUntil reports false when the link ended meanwhile.
func (l *link) waitUntil(due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

// A passage is what may pass next.
type passage struct {
	bytes int
	cut   bool      // the link is to be cut after them
	then  func()    // to be called after them; nil: nothing
	next  time.Time // when more may pass
}

// pass waits until bytes flow, and counts how many of n bytes may pass; not ok when the link ended meanwhile.
func (l *link) pass(dir direction, n int) (next passage, ok bool) {
	p := l.proxy
	for {
		p.mu.Lock()
		flowing := p.flowing
		select {
		case <-flowing:
			next = p.count(l, dir, int64(n))
			p.mu.Unlock()
			return next, true
		default:
			p.mu.Unlock()
		}
		select {
		case <-flowing:
		case <-l.done:
			return passage{}, false
		}
	}
}

// pieces is how many times a second bytes are handed on over a slow line.
const pieces = 20

// count is called with p.mu held.
func (p *Proxy) count(l *link, dir direction, n int64) passage {
	var next passage
	if p.pace > 0 {
		n = min(n, int64(max(1, p.pace/pieces)))
		next.next = time.Now().Add(time.Duration(n) * time.Second / time.Duration(p.pace))
	}
	if dir == toServer && p.meanwhile != nil && n >= p.until {
		n, next.then, p.meanwhile = p.until, p.meanwhile, nil
	}
	if left := p.cuts[dir]; left >= 0 && n >= left {
		n, next.cut = left, true
		p.cuts[dir] = -1
	} else if left >= 0 {
		p.cuts[dir] -= n
	}
	if next.bytes = int(n); dir == toServer {
		p.until -= n
		p.traffic.Sent += n
		return next
	}
	p.traffic.Received += n
	if l.asking && n > 0 {
		p.traffic.Waits++
		l.asking = false
	}
	return next
}
