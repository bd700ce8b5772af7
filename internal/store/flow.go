package store

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A flow is a connection to one machine. Its deadlines are for silence, not for all that is to
// be carried: over a slow line a large reply takes as long as it takes. So whatever gets
// through puts a deadline off by as much time as it left when it was set. One in the past, as
// a request is broken off with, stays.
type flow struct {
	net.Conn
	meter *meter

	mu               sync.Mutex
	reading, writing time.Duration // how long the other end may be silent; 0: for ever, or not at all
}

// flowing has conn be a flow. What it returns is a syscall.Conn if conn is one.
func (m *meter) flowing(conn net.Conn) net.Conn {
	f := &flow{Conn: conn, meter: m}
	if raw, ok := conn.(syscall.Conn); ok {
		return struct {
			*flow
			syscall.Conn
		}{f, raw}
	}
	return f
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (f *flow) SetDeadline(t time.Time) error {
	return errors.Join(f.SetReadDeadline(t), f.SetWriteDeadline(t))
}

// SetReadDeadline sets until when the other end may be silent.
func (f *flow) SetReadDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reading = patience(t)
	return f.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets until when the other end may take nothing.
func (f *flow) SetWriteDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing = patience(t)
	return f.Conn.SetWriteDeadline(t)
}

// patience is how long a deadline is away.
func patience(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Until(t))
}

// goOn puts the deadlines off. Whoever is still being sent a question owes no answer yet, and
// so each direction puts off both.
func (f *flow) goOn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.reading > 0 {
		_ = f.Conn.SetReadDeadline(now.Add(f.reading)) // the next read tells
	}
	if f.writing > 0 {
		_ = f.Conn.SetWriteDeadline(now.Add(f.writing))
	}
}

// piece is how much is written before the deadlines are put off.
const piece = 64 << 10

func (f *flow) Write(b []byte) (int, error) {
	written := 0
	for {
		n, err := f.Conn.Write(b[written:min(len(b), written+piece)])
		f.meter.sent.Add(int64(n))
		if n > 0 {
			f.goOn()
		}
		if written += n; err != nil || written == len(b) {
			return written, err
		}
	}
}

func (f *flow) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	f.meter.received.Add(int64(n))
	if n > 0 {
		f.goOn()
	}
	return n, err
}
