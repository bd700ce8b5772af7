package redistest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Error is an error that the server answered, such as "WRONGTYPE Operation against …".
type Error string

// Error returns the server's text.
func (e Error) Error() string { return string(e) }

// conn is one connection that speaks RESP2, one command at a time.
type conn struct {
	net.Conn
	r *bufio.Reader
}

// dial connects and authenticates. tlsConfig and password may be empty. The connection ends with ctx's deadline.
func dial(ctx context.Context, addr string, tlsConfig *tls.Config, password string) (*conn, error) {
	var nc net.Conn
	var err error
	if tlsConfig != nil {
		nc, err = (&tls.Dialer{Config: tlsConfig}).DialContext(ctx, "tcp", addr)
	} else {
		nc, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %q: %w", addr, err)
	}
	c := &conn{Conn: nc, r: bufio.NewReader(nc)}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Time{}
	}
	if err := c.SetDeadline(deadline); err != nil {
		c.Close()
		return nil, fmt.Errorf("cannot set deadline of %q: %w", addr, err)
	}
	if password != "" {
		if _, err := c.do("AUTH", password); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// do runs one command. An error that the server answered is of type [Error].
func (c *conn) do(args ...string) (any, error) {
	var request bytes.Buffer
	fmt.Fprintf(&request, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := c.Write(request.Bytes()); err != nil {
		return nil, fmt.Errorf("cannot send %q: %w", args[0], err)
	}
	reply, err := c.readReply()
	if err != nil {
		return nil, fmt.Errorf("cannot read reply to %q: %w", args[0], err)
	}
	if e, ok := reply.(Error); ok {
		return nil, e
	}
	return reply, nil
}

// readReply reads one reply: https://redis.io/docs/latest/develop/reference/protocol-spec/, version 2.
func (c *conn) readReply() (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return nil, fmt.Errorf("line %q is not RESP", line)
	}
	kind, text := line[0], line[1:len(line)-2]
	if kind == '+' {
		return text, nil
	}
	if kind == '-' {
		return Error(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("line %q is not RESP: %w", line, err)
	}
	switch {
	case kind == ':':
		return n, nil
	case kind == '$' && n >= 0:
		return c.readBulk(n)
	case kind == '*' && n >= 0:
		return c.readArray(n)
	case (kind == '$' || kind == '*') && n == -1:
		return nil, nil
	}
	return nil, fmt.Errorf("line %q is not RESP", line)
}

func (c *conn) readBulk(n int64) (any, error) {
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.r, data); err != nil {
		return nil, err
	}
	return string(data[:n]), nil
}

func (c *conn) readArray(n int64) (any, error) {
	array := []any{}
	for range n {
		element, err := c.readReply()
		if err != nil {
			return nil, err
		}
		array = append(array, element)
	}
	return array, nil
}
