// Package store talks to one Redis or Valkey server: its objects, its index,
// its record of queries. It is the only package that knows Redis.
//
// Its goals: the keyspace is written down in one place (keys.go); a server that
// hangs costs its caller no more than the context allows; what a reply may
// weigh is bounded; errors say which server, what is wrong with it, and can be
// told apart. It does not know cores: every function is about one server.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
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
	TLS      *tls.Config   // for rediss://; nil: the system's certificate authorities
	Timeout  time.Duration // for dialling, and for a request whose context has no deadline
	Conns    int           // connections at most for what queries read, and as many for all else; default 4
}

// DefaultTimeout is how long a server may take to accept or to answer: 5 s.
const DefaultTimeout = 5 * time.Second

// maxReply is how many bytes one request may bring. It holds what the reader of
// a hostile server spends; a reply beyond it is ErrReplyTooLarge.
const maxReply = 96 << 20

// A Server is a connection pool to one server. It is safe for concurrent use.
type Server struct {
	name   string
	db     *redis.Client
	wires  *wires // for what queries read
	meter  *meter
	secure bool
	host   string
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
	_, _, err := parse(rawURL)
	return err
}

// Open prepares a connection to redis://[user@]host[:port][/db], or rediss:// for
// TLS. It does not connect yet. A password in the URL is refused: URLs end up in
// process lists and logs.
func Open(rawURL string, o Options) (*Server, error) {
	u, db, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Conns <= 0 {
		o.Conns = 4
	}
	if u.User.Username() != "" {
		o.User = u.User.Username()
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "6379")
	}
	quiet.Do(logging.Disable)
	s := &Server{
		name: fmt.Sprintf("%s/%d", addr, db), meter: newMeter(),
		secure: u.Scheme == "rediss", host: u.Hostname(),
	}
	s.wires = newWires(o, db, func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, o, addr, nil) })
	s.db = redis.NewClient(&redis.Options{
		Addr: addr, DB: db, Username: o.User, Password: o.Password,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		// Failover is the caller's: it has sibling servers to turn to.
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout,
		PoolSize: o.Conns, PipelinePoolSize: -1, ReadBufferSize: 64 << 10, WriteBufferSize: 16 << 10,
		Dialer: func(ctx context.Context, _, addr string) (net.Conn, error) { return s.dial(ctx, o, addr, new(guard)) },
	})
	s.db.AddHook(refusals{})
	return s, nil
}

// quiet keeps go-redis, which logs on its own, off the caller's stderr: every
// error it logs is returned as well.
var quiet sync.Once

func parse(rawURL string) (*url.URL, int, error) {
	if !strings.Contains(rawURL, "://") {
		return nil, 0, fmt.Errorf("cannot use %q as a server: %w: write redis://host:port/db, or rediss:// for TLS", rawURL, ErrBadURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the URL itself may hold a password
		}
		return nil, 0, fmt.Errorf("cannot read the URL of a server: %w: %w", ErrBadURL, err)
	}
	shown := u.Redacted()
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, 0, fmt.Errorf("cannot use %q as a server: %w: write redis://host:port/db, or rediss:// for TLS", shown, ErrBadURL)
	}
	if u.Hostname() == "" {
		return nil, 0, fmt.Errorf("cannot use %q as a server: %w: it names no host", shown, ErrBadURL)
	}
	if _, has := u.User.Password(); has {
		return nil, 0, fmt.Errorf("cannot use %q as a server: %w: it holds a password, which process lists and logs would show; "+
			"give it in a file (redis.password_file) or in SYSOPS_REDIS_PASSWORD", shown, ErrBadURL)
	}
	path := strings.Trim(u.Path, "/")
	if path == "" {
		return u, 0, nil
	}
	db, err := strconv.Atoi(path)
	if err != nil || db < 0 {
		return nil, 0, fmt.Errorf("cannot use %q as a server: %w: %q is not the number of a database", shown, ErrBadURL, path)
	}
	return u, db, nil
}

func (s *Server) dial(ctx context.Context, o Options, addr string, g *guard) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	d := &net.Dialer{KeepAlive: time.Minute}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if s.secure {
		cfg := &tls.Config{MinVersion: tls.VersionTLS12}
		if o.TLS != nil {
			cfg = o.TLS.Clone()
		}
		if cfg.ServerName == "" {
			cfg.ServerName = s.host
		}
		secured := tls.Client(conn, cfg)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secured
	}
	return s.meter.wrap(conn, g), nil
}

// Name is the server's address and database, "host:port/db".
func (s *Server) Name() string { return s.name }

// Secure reports whether the connection uses TLS.
func (s *Server) Secure() bool { return s.secure }

// Loopback reports whether the server's address is one of this machine's own.
func (s *Server) Loopback() bool {
	ip := net.ParseIP(s.host)
	return s.host == "localhost" || ip != nil && ip.IsLoopback()
}

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
	if pipe.Len() == 0 {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		cmds, err := pipe.Exec(ctx)
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
