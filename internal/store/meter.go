package store

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
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

// wrap meters conn. guard may be nil. What wrap returns is a syscall.Conn if conn
// is one: go-redis looks there for connections that a restarted server has closed
// meanwhile.
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
	return c
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

// A meteredConn is used by one request at a time.
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
	n, err := c.Conn.Write(b)
	c.meter.sent.Add(int64(n))
	return n, err
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
	c.meter.received.Add(int64(n))
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
