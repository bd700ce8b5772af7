package store

import (
	"context"
	"errors"
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

// A meteredConn is used by one request at a time.
type meteredConn struct {
	net.Conn
	meter   *meter
	guard   *guard       // nil where whoever reads judges lengths itself
	reply   atomic.Int64 // bytes read since the last write
	sending atomic.Bool

	mu               sync.Mutex
	reading, writing time.Duration // how long the other end may be silent; 0: for ever, or not at all
}

// A deadline is for silence, not for all that is to be carried: over a slow line a large reply
// takes as long as it takes. So whatever gets through puts the deadline off by as much time as it
// left when it was set. One in the past, as a request is broken off with, stays.

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *meteredConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets until when the other end may be silent.
func (c *meteredConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = patience(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets until when the other end may take nothing.
func (c *meteredConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = patience(t)
	return c.Conn.SetWriteDeadline(t)
}

// patience is how long a deadline is away.
func patience(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Until(t))
}

// readOn puts the deadline for reading off.
func (c *meteredConn) readOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading > 0 {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.reading)) // the next read tells
	}
}

// writeOn puts the deadline for writing off.
func (c *meteredConn) writeOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing > 0 {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.writing))
	}
}

// piece is how much is written before the deadline is put off.
const piece = 64 << 10

func (c *meteredConn) Write(b []byte) (int, error) {
	if c.reply.Swap(0) > 0 && c.guard != nil {
		c.guard.reset()
	}
	c.sending.Store(true)
	written := 0
	for {
		n, err := c.Conn.Write(b[written:min(len(b), written+piece)])
		c.meter.sent.Add(int64(n))
		if written += n; err != nil || written == len(b) {
			return written, err
		}
		c.writeOn()
	}
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
	if n > 0 {
		c.readOn()
	}
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
