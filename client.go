package sysops

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/codec"
	"github.com/sysops-api/sysops-api/internal/store"
)

// Options say how a Client connects and what it makes of what it reads. The
// zero value is ready to use.
type Options struct {
	User     string // of Redis' ACL; empty: the default user
	Password string // empty: none

	CAFile   string // PEM file of the authorities that may sign servers' certificates; empty: the system's
	CertFile string // PEM files of the client's own certificate and key; empty: none
	KeyFile  string

	Timeout    time.Duration // for one request to one server; default 5 s
	StaleAfter time.Duration // a host whose last push is older is stale; default 1 h
	MaxObject  int           // unpacked contents may be this long; default 64 MiB
	Legacy     Legacy        // default LegacyAuto

	// BasesFolder is where Publish keeps the bases that it has downloaded; empty:
	// in memory. A folder serves one process at a time.
	BasesFolder string
	NoBases     bool // Publish packs every object by itself

	// Caller describes who asks, for the record of queries. Empty fields are
	// filled in from the process.
	Caller Caller
}

// Legacy says when a server is searched with SCAN, for objects that the
// original's inserter wrote and no index knows.
type Legacy string

// The values of Legacy.
const (
	LegacyAuto   Legacy = "auto"   // servers without an index
	LegacyAlways Legacy = "always" // every server: for a fleet in migration
	LegacyNever  Legacy = "never"
)

func (l Legacy) check() error {
	if slices.Contains([]Legacy{LegacyAuto, LegacyAlways, LegacyNever}, l) {
		return nil
	}
	return fmt.Errorf("%q is not a legacy mode: write auto, always or never", string(l))
}

const defaultStaleAfter = time.Hour

// A Client asks questions of the servers that a Directory lists. It keeps its
// connections open between queries, and is safe for concurrent use.
type Client struct {
	dir      Directory
	opts     Options
	tls      *tls.Config
	decoder  *codec.Decoder
	encoders sync.Pool // of *codec.Encoder
	shelf    *shelf    // what Publish knows of bases
	opened   *cache    // bases that objects are unpacked with

	mu      sync.Mutex
	servers map[string]*store.Server // by URL
}

// New returns a Client for the servers of dir. It connects when it is first
// asked. Close it after use.
func New(dir Directory, o Options) (*Client, error) {
	if o.StaleAfter <= 0 {
		o.StaleAfter = defaultStaleAfter
	}
	if o.Legacy == "" {
		o.Legacy = LegacyAuto
	}
	if err := o.Legacy.check(); err != nil {
		return nil, err
	}
	conf, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	return &Client{
		dir: dir, opts: o, tls: conf, servers: make(map[string]*store.Server),
		decoder: codec.NewDecoder(o.MaxObject), encoders: sync.Pool{New: func() any { return codec.NewEncoder() }}, opened: newCache(openedBytes),
		shelf: newShelf(o.BasesFolder),
	}, nil
}

// tlsConfig returns nil where the defaults will do.
func (o Options) tlsConfig() (*tls.Config, error) {
	if o.CAFile == "" && o.CertFile == "" && o.KeyFile == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate authority: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the certificate authority %s: it holds no certificate in PEM form", o.CAFile)
		}
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("cannot use a client certificate: its certificate and its key are needed, and one of them is not set")
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the client certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

// Close closes all connections. Queries under way fail, later ones are ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.Close())
	}
	c.servers = nil
	return errors.Join(errs...)
}

// openedBytes is how many bytes of unpacked bases a Client keeps for reading.
const openedBytes = 64 << 20

// server returns the connection to a URL, opening it when it is new.
func (c *Client) server(url string) (*store.Server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.servers == nil {
		return nil, ErrClosed
	}
	if s, ok := c.servers[url]; ok {
		return s, nil
	}
	s, err := store.Open(url, store.Options{User: c.opts.User, Password: c.opts.Password, TLS: c.tls, Timeout: c.opts.Timeout})
	if err != nil {
		return nil, err
	}
	c.servers[url] = s
	return s, nil
}

// cores resolves a scope to cores with their servers.
func (c *Client) cores(ctx context.Context, scope Scope, site, core string) ([]*coreState, error) {
	if scope == "" {
		scope = Local
	}
	if _, err := ParseScope(string(scope)); err != nil {
		return nil, err
	}
	where, err := places(ctx, c.dir, scope, site, core)
	if err != nil {
		return nil, err
	}
	out := make([]*coreState, len(where))
	for i, p := range where {
		if out[i], err = c.openCore(ctx, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Client) openCore(ctx context.Context, p place) (*coreState, error) {
	urls, err := c.dir.Servers(ctx, p.core)
	if err != nil {
		return nil, fmt.Errorf("cannot list the servers of core %s: %w", p.core, err)
	}
	k := &coreState{place: p}
	for _, u := range urls {
		s, err := c.server(u)
		if err != nil {
			return nil, fmt.Errorf("cannot use core %s: %w", p.core, err)
		}
		if !slices.ContainsFunc(k.members, func(m *member) bool { return m.Server == s }) {
			k.members = append(k.members, &member{Server: s, bit: 1 << len(k.members)})
		}
	}
	if len(k.members) > maxServers {
		return nil, fmt.Errorf("cannot use core %s: it lists %d servers, at most %d are allowed", p.core, len(k.members), maxServers)
	}
	return k, nil
}
