// Package store talks to one Redis or Valkey server: its objects, its index,
// its record of queries. It is the only package that knows Redis.
//
// Its goals: the keyspace is written down in one place (keys.go); a server that
// hangs costs its caller no more than the context allows; what a reply may
// weigh is bounded; errors say which server, what is wrong with it, and can be
// told apart. It does not know cores: every function is about one server.
package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options say how to connect. The zero value connects without user, password
// and private CA, with a timeout of DefaultTimeout.
type Options struct {
	User     string
	Password string

	SentinelUser, SentinelPassword string // of the Sentinels that say where the server is; empty: they ask for none

	TLS     *tls.Config   // for rediss://; nil: the system's certificate authorities
	Timeout time.Duration // for dialling, and for a request whose context has no deadline
	Conns   int           // connections at most for what queries read, and as many for all else; default 4

	// RequireTLS is whether the server must be reached over TLS: true, false where it has
	// been decided that all may travel in the clear, nil where nobody has said. Then TLS is
	// required where TLS above is not nil, or WasTLS.
	RequireTLS *bool
	WasTLS     bool // the server has been reached over TLS before, or was to be
	Given      bool // a directory service gave the URL: without TLS it gets no password
}

// DefaultTimeout is how long a server may take to accept or to answer: 5 s.
const DefaultTimeout = 5 * time.Second

// maxReply is how many bytes one request may bring. It holds what the reader of
// a hostile server spends; a reply beyond it is ErrReplyTooLarge.
const maxReply = 96 << 20

// A Server is a connection pool to one server. It is safe for concurrent use.
type Server struct {
	name     string
	address  Address
	options  Options
	refused  error // why it must not be connected to; nil: it may
	db       *redis.Client
	wires    *wires   // for what queries read
	topology topology // of a Cluster
	meter    *meter
}

// A Traffic counts what a server's connections have carried.
type Traffic struct {
	Sent, Received int64 // bytes
	Waits          int64 // times that we sent something and waited for the reply
}

// Since returns what was carried since before.
func (t Traffic) Since(before Traffic) Traffic {
	return Traffic{Sent: t.Sent - before.Sent, Received: t.Received - before.Received, Waits: t.Waits - before.Waits}
}

// Check tells whether rawURL is the URL of a server, without connecting.
func Check(rawURL string) error {
	_, err := ParseAddress(rawURL)
	return err
}

// Open prepares a connection to the server of a URL; see ParseAddress. It does not connect
// yet. A server that the options forbid to be reached as the URL says is never connected
// to: every request is answered with ErrNeedsTLS.
func Open(rawURL string, o Options) (*Server, error) {
	address, err := ParseAddress(rawURL)
	if err != nil {
		return nil, err
	}
	return OpenAddress(address, o), nil
}

// OpenAddress is Open for a URL that has been taken apart.
func OpenAddress(address Address, o Options) *Server {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Conns <= 0 {
		o.Conns = 4
	}
	o.User = cmp.Or(address.user, o.User)
	quiet.Do(logging.Disable)
	s := &Server{name: address.Name(), address: address, options: o, refused: o.refusal(address), meter: newMeter()}
	s.wires = newWires(o, address.db, func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, nil) })
	s.db = redis.NewClient(&redis.Options{
		Addr: s.name, DB: address.db, Username: o.User, Password: o.Password,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		// Failover is the caller's: it has sibling servers to turn to.
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout,
		PoolSize: o.Conns, PipelinePoolSize: -1, ReadBufferSize: 64 << 10, WriteBufferSize: 16 << 10,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := s.dial(ctx, new(guard))
			if err != nil {
				conn = &noConn{err: err}
			}
			return conn, nil
		},
	})
	s.db.AddHook(refusals{})
	return s
}

// quiet keeps go-redis, which logs on its own, off the caller's stderr: every
// error it logs is returned as well.
var quiet sync.Once

// dial opens every connection there is to the server.
func (s *Server) dial(ctx context.Context, g *guard) (net.Conn, error) {
	if s.refused != nil {
		return nil, s.refused
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	conn, err := s.reach(ctx)
	if err != nil {
		return nil, err
	}
	return s.meter.wrap(conn, g), nil
}

// reach connects to where the server is now.
func (s *Server) reach(ctx context.Context) (net.Conn, error) {
	switch a := s.address; {
	case a.scheme == schemeUnix:
		conn, err := new(net.Dialer).DialContext(ctx, "unix", a.path)
		if err != nil {
			return nil, err
		}
		return s.meter.flowing(conn), nil
	case a.sentinel():
		at, err := s.askSentinels(ctx)
		if err != nil {
			return nil, err
		}
		return s.connect(ctx, at)
	case a.cluster():
		c, err := s.newClusterConn(ctx)
		if err != nil {
			return nil, err
		}
		return c, nil
	default:
		return s.connect(ctx, a.hosts[0])
	}
}

// unsentBytes is what may wait to be sent. What is given to the kernel, which takes megabytes, looks
// as if it were sent: over a slow line the server would seem to be silent after it.
const unsentBytes = 128 << 10

// connect connects to host:port, over TLS where the URL says so.
func (s *Server) connect(ctx context.Context, address string) (net.Conn, error) {
	d := &net.Dialer{KeepAlive: time.Minute}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(unsentBytes)
	}
	if !s.address.TLS() {
		return s.meter.flowing(conn), nil
	}
	secured := tls.Client(conn, s.tlsConfig(address))
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return s.meter.flowing(secured), nil
}

// tlsConfig is how the server at host:port proves who it is.
func (s *Server) tlsConfig(address string) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.options.TLS != nil {
		cfg = s.options.TLS.Clone()
	}
	if host, _, err := net.SplitHostPort(address); err == nil && cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg
}

// Name is the server's address and database: "host:port/db", or its URL; see Address.
func (s *Server) Name() string { return s.name }

// Secure reports whether the connection uses TLS.
func (s *Server) Secure() bool { return s.address.TLS() }

// Endpoints are the hosts and ports of the server's URL; see Address.
func (s *Server) Endpoints() []string { return s.address.Endpoints() }

// Local reports whether nothing that is sent to the server leaves this machine.
func (s *Server) Local() bool { return s.address.local() }

// Traffic returns what the connections have carried so far.
func (s *Server) Traffic() Traffic { return s.meter.traffic() }

// Close closes all connections; requests under way fail.
func (s *Server) Close() error {
	s.wires.close()
	s.meter.closeAll()
	return s.db.Close()
}

// exec sends a pipeline and waits for its replies, no longer than ctx allows.
// The error is about the connection; an error reply to one command is left to
// the command. After an error the commands must not be looked at: they may
// still be written to.
func (s *Server) exec(ctx context.Context, pipe redis.Pipeliner) error {
	switch {
	case pipe.Len() == 0:
		return nil
	case s.refused != nil:
		return s.wrap(s.refused)
	}
	done := make(chan error, 1)
	go func() {
		cmds, err := pipe.Exec(ctx)
		s.leaveReplica(cmds)
		if err != nil && firstError(cmds...) == nil && !errors.Is(err, redis.Nil) {
			// An error reply to the greeting (a wrong password, no such database)
			// is returned here and stands at no command: they look as if the
			// server had answered with nothing.
			err = &unansweredError{err}
		}
		done <- err
	}()
	select {
	case err := <-done:
		if connectionError(err) {
			return s.wrap(err)
		}
		return nil
	case <-ctx.Done():
		return s.wrap(context.Cause(ctx))
	}
}
