package store

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// What a query asks, tens of thousands of hosts and objects from each server, goes
// over connections of our own: go-redis makes several values of every command and of
// every element of a reply. docs/decisions/0012 has the figures. Pushes and
// administration go through go-redis.

// wires are a server's connections of this kind.
type wires struct {
	dial     func(context.Context) (net.Conn, error)
	greeting request // what goes before the first request
	greets   int     // how many commands that is
	timeout  time.Duration

	slots  chan struct{} // one for each connection in use; its capacity is how many there may be
	mu     sync.Mutex
	idle   []*wire
	closed bool
}

func newWires(o Options, db int, dial func(context.Context) (net.Conn, error)) *wires {
	w := &wires{dial: dial, timeout: o.Timeout, slots: make(chan struct{}, o.Conns)}
	if o.Password != "" {
		w.greeting.add("AUTH", cmp.Or(o.User, "default"), o.Password)
		w.greets++
	}
	if db != 0 {
		w.greeting.add("SELECT", strconv.Itoa(db))
		w.greets++
	}
	return w
}

// A wire is one connection. It is used by one request at a time.
type wire struct {
	net.Conn
	in    *bufio.Reader
	fresh bool // nothing has been sent over it
}

func newWire(conn net.Conn) *wire {
	return &wire{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10), fresh: true}
}

// errStale: a connection that lay idle turns out to be closed; the server has been
// restarted, most often.
var errStale = errors.New("the connection was closed meanwhile")

// do sends a request and has read take the replies, every one of them. What read
// returns is returned, with the server's name. All commands must be such that it
// does no harm to send them twice.
func (s *Server) do(ctx context.Context, q *request, read func(replies) error) error {
	if len(q.bytes) == 0 {
		return nil // nothing would be answered
	}
	select {
	case s.wires.slots <- struct{}{}:
		defer func() { <-s.wires.slots }()
	case <-ctx.Done():
		return s.wrap(context.Cause(ctx))
	}
	for {
		w, err := s.wires.take(ctx)
		if err == nil {
			err = s.wires.exchange(ctx, w, q, read)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errStale):
			continue
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		}
		return s.wrap(err)
	}
}

// take returns the connection that has been idle for the shortest time, or a new one.
func (p *wires) take(ctx context.Context) (*wire, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, net.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	conn, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	return newWire(conn), nil
}

// exchange sends q over w and reads the replies. w is idle again afterwards, or closed.
func (p *wires) exchange(ctx context.Context, w *wire, q *request, read func(replies) error) (err error) {
	if err := w.SetDeadline(time.Now().Add(p.timeout)); err != nil {
		w.Close()
		if !w.fresh { // as all connections are closed to a master that is one no more
			err = fmt.Errorf("%w: %w", errStale, err)
		}
		return err
	}
	stop := context.AfterFunc(ctx, func() { w.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		// After an error replies may be left, and then the next request would take them
		// for its own. Where the deadline is being set, it would hit the next request.
		if !stop() || err != nil || w.in.Buffered() > 0 || !p.put(w) {
			w.Close()
		}
	}()
	greets, bytes := 0, q.bytes
	if w.fresh {
		greets, bytes = p.greets, append(p.greeting.bytes[:len(p.greeting.bytes):len(p.greeting.bytes)], q.bytes...)
	}
	_, err = w.Write(bytes)
	if err == nil {
		_, err = w.in.Peek(1)
	}
	if err != nil {
		if !w.fresh && !errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", errStale, err)
		}
		return err
	}
	w.fresh = false
	from := replies{w.in, &position{request: bytes}}
	for range greets {
		if err := from.status(); err != nil {
			return err
		}
	}
	return read(from)
}

// put keeps w for the next request, unless the pool is closed.
func (p *wires) put(w *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.idle = append(p.idle, w)
	}
	return !p.closed
}

// close refuses what is asked from now on. It does not close what is in use.
func (p *wires) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.idle = nil // the meter closes them
}
