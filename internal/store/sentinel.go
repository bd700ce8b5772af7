package store

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Sentinels say which of several servers is the master now. They are asked at each
// connection, so that the next one after a failover leads to the new master; the old one
// is told to close its connections. go-redis has a client that asks them, too: it would be
// a second way to open connections, beside dial, and know nothing of our own wires.

// askSentinels returns the master's host:port, as the first Sentinel says that knows it.
// All are asked at once, since one that hangs must cost nobody its timeout.
func (s *Server) askSentinels(ctx context.Context) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		of     int
		master string
		err    error
	}
	hosts := s.address.hosts
	answers, failed := make(chan answer, len(hosts)), make([]error, len(hosts))
	for i, host := range hosts {
		go func() {
			master, err := s.askSentinel(ctx, host)
			answers <- answer{i, master, err}
		}()
	}
	for range hosts {
		a := <-answers
		if a.err == nil {
			return a.master, nil
		}
		failed[a.of] = fmt.Errorf("%s: %w", hosts[a.of], a.err)
	}
	return "", &seedsError{"no Sentinel tells where master " + s.address.master + " is", failed}
}

// askSentinel asks one Sentinel. It is sent its own user and password, and not the server's.
func (s *Server) askSentinel(ctx context.Context, host string) (string, error) {
	reached, err := s.connect(ctx, host)
	if err != nil {
		return "", err
	}
	conn := s.meter.wrap(reached, nil) // it bounds the reply
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	q := newRequest(2)
	if s.options.SentinelPassword != "" {
		q.add("AUTH", cmp.Or(s.options.SentinelUser, "default"), s.options.SentinelPassword)
	}
	q.add("SENTINEL", "get-master-addr-by-name", s.address.master)
	if _, err := conn.Write(q.bytes); err != nil {
		return "", err
	}
	from := replies{bufio.NewReader(conn), &position{request: q.bytes}}
	if s.options.SentinelPassword != "" {
		if err := from.status(); err != nil {
			return "", err
		}
	}
	at, err := from.list(nil, new(textBlock))
	switch {
	case err != nil:
		return "", err
	case len(at) == 0:
		return "", errors.New("it knows no such master")
	case len(at) != 2:
		return "", fmt.Errorf("cannot read the address %.100q", at)
	}
	port, err := strconv.ParseUint(at[1], 10, 16)
	if err != nil || port == 0 || !isHost(at[0]) && net.ParseIP(at[0]) == nil {
		return "", fmt.Errorf("cannot read the address %.100q", at)
	}
	return net.JoinHostPort(at[0], at[1]), nil
}

// A seedsError says that none of those that a URL names tells where the server is. It is
// ErrUnreachable.
type seedsError struct {
	what string
	errs []error // of each
}

func (e *seedsError) Error() string {
	texts := make([]string, len(e.errs))
	for i, err := range e.errs {
		texts[i] = err.Error()
	}
	return e.what + ": " + strings.Join(texts, "; ")
}

func (e *seedsError) Unwrap() []error { return e.errs }

// leaveReplica closes the connections if what they led to is the master no more: the next
// request asks the Sentinels.
func (s *Server) leaveReplica(cmds []redis.Cmder) {
	if !s.address.sentinel() {
		return
	}
	for _, c := range cmds {
		if err := c.Err(); err != nil && kindOf(err) == ErrReadOnly {
			s.meter.closeAll()
			return
		}
	}
}
