package store

import (
	"net"
	"time"
)

// A noConn stands for a connection that could not be made: whoever uses it gets the reason.
// go-redis would count failures to connect, and from the fourth on knock at the server every
// second, whether or not anybody asks: 24,000 agents would do so while their servers are down.
type noConn struct{ err error }

var _ net.Conn = (*noConn)(nil)

func (c *noConn) Read([]byte) (int, error)         { return 0, c.err }
func (c *noConn) Write([]byte) (int, error)        { return 0, c.err }
func (c *noConn) Close() error                     { return nil }
func (c *noConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *noConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *noConn) SetDeadline(time.Time) error      { return nil }
func (c *noConn) SetReadDeadline(time.Time) error  { return nil }
func (c *noConn) SetWriteDeadline(time.Time) error { return nil }
