package sysops

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/secure"
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
	servers  *extract.Servers
	opts     Options
	encoders sync.Pool // of *frame.Encoder
	shelf    *shelf    // what Publish knows of bases
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
	conf, err := secure.TLS(o.CAFile, o.CertFile, o.KeyFile)
	if err != nil {
		return nil, err
	}
	return &Client{
		servers: extract.NewServers(dir, extract.Options{
			User: o.User, Password: o.Password, TLS: conf,
			Timeout: o.Timeout, StaleAfter: o.StaleAfter, MaxObject: o.MaxObject, Legacy: string(o.Legacy),
		}),
		opts: o, encoders: sync.Pool{New: func() any { return frame.NewEncoder() }}, shelf: newShelf(o.BasesFolder),
	}, nil
}

// Close closes all connections. Queries under way fail, later ones are ErrClosed.
func (c *Client) Close() error { return c.servers.Close() }

// Ask finds out which objects q selects, and returns an Answer from which they
// can be read. Nothing has been fetched by then but the index. The error is
// ErrIncomplete where a core is down and q does not allow that, ErrUnknown for a
// site or core that the directory does not have.
//
// ctx is for the asking alone; the Answer's methods take their own.
func (c *Client) Ask(ctx context.Context, q Query) (*Answer, error) {
	if q.Pattern.p.Empty() {
		return nil, fmt.Errorf("cannot search for nothing: %w: the query has none", ErrBadPattern)
	}
	survey, err := c.servers.Survey(ctx, q.request())
	if err != nil {
		return nil, err
	}
	return c.answer(q, survey), nil
}

func (c *Client) answer(q Query, survey *extract.Survey) *Answer {
	return &Answer{client: c, query: q, survey: survey}
}
