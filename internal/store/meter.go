package store

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A meter counts what a server's connections carry, bounds what one request may
// bring, and can close them all at once.
type meter struct {
	sent, received, waits atomic.Int64

	mu    sync.Mutex
	conns map[*meteredConn]struct{}
}

func newMeter() *meter { return &meter{conns: make(map[*meteredConn]struct{})} }

func (m *meter) traffic() Traffic {
	return Traffic{Sent: m.sent.Load(), Received: m.received.Load(), Waits: m.waits.Load()}
}

// wrap meters conn, which carries requests; guard may be nil. What wrap returns is a
// syscall.Conn: go-redis looks there for connections that a restarted server, or we, have
// closed meanwhile. One that is none itself, over TLS, tells the latter alone.
func (m *meter) wrap(conn net.Conn, guard *guard) net.Conn {
	c := &meteredConn{Conn: conn, meter: m, guard: guard}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns[c] = struct{}{}
	if raw, ok := conn.(syscall.Conn); ok {
		return struct {
			*meteredConn
			syscall.Conn
		}{c, raw}
	}
	return struct {
		*meteredConn
		syscall.Conn
	}{c, openness{c}}
}

// An openness is a syscall.Conn that tells whether we have closed a connection, and no more.
type openness struct{ conn *meteredConn }

func (o openness) SyscallConn() (syscall.RawConn, error) {
	o.conn.meter.mu.Lock()
	defer o.conn.meter.mu.Unlock()
	if _, open := o.conn.meter.conns[o.conn]; !open {
		return nil, net.ErrClosed
	}
	return o, nil
}

func (openness) Control(func(fd uintptr)) error    { return nil }
func (openness) Read(func(fd uintptr) bool) error  { return nil }
func (openness) Write(func(fd uintptr) bool) error { return nil }

// Disconnect closes all connections. Requests under way fail, and later ones connect anew.
func (s *Server) Disconnect() { s.meter.closeAll() }

// WhileFlowing returns a context that ends when nothing has come from the server, and nothing
// gone to it, for as long as silence. Whatever is asked of the server meanwhile counts.
func (s *Server) WhileFlowing(ctx context.Context, silence time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		look := time.NewTicker(max(time.Millisecond, silence/8))
		defer look.Stop()
		carried := func() int64 { t := s.Traffic(); return t.Sent + t.Received }
		for last, since := carried(), time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			if now := carried(); now != last {
				last, since = now, time.Now()
			} else if time.Since(since) >= silence {
				cancel(context.DeadlineExceeded)
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (m *meter) closeAll() {
	m.mu.Lock()
	open := make([]*meteredConn, 0, len(m.conns))
	for c := range m.conns {
		open = append(open, c)
	}
	m.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// A meteredConn is used by one request at a time. Over redis+cluster:// it is one to all
// masters.
type meteredConn struct {
	net.Conn
	meter   *meter
	guard   *guard       // nil where whoever reads judges lengths itself
	reply   atomic.Int64 // bytes read since the last write
	sending atomic.Bool
}

func (c *meteredConn) Write(b []byte) (int, error) {
	if c.reply.Swap(0) > 0 && c.guard != nil {
		c.guard.reset()
	}
	c.sending.Store(true)
	return c.Conn.Write(b)
}

func (c *meteredConn) Read(b []byte) (int, error) {
	if c.reply.Load() > maxReply {
		return 0, ErrReplyTooLarge
	}
	n, err := c.Conn.Read(b)
	if c.sending.CompareAndSwap(true, false) {
		c.meter.waits.Add(1)
	}
	c.reply.Add(int64(n))
	if c.guard != nil {
		if guardErr := c.guard.feed(b[:n]); guardErr != nil {
			return 0, guardErr
		}
	}
	return n, err
}

func (c *meteredConn) Close() error {
	c.meter.mu.Lock()
	delete(c.meter.conns, c)
	c.meter.mu.Unlock()
	return c.Conn.Close()
}
