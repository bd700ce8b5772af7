package sysops

import (
	"context"
	"fmt"
	"time"

	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/push"
	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Options say how a Client connects and what it makes of what it reads. The
// zero value is ready to use.
type Options struct {
	User     string // of Redis' ACL; empty: the default user
	Password string // empty: none

	// SentinelUser and SentinelPassword are for Sentinels that themselves ask for a password;
	// empty: they ask for none. They are protected as Password is.
	SentinelUser, SentinelPassword string

	CAFile   string // PEM file of the authorities that may sign servers' certificates; empty: the system's
	CertFile string // PEM files of the client's own certificate and key; empty: none
	KeyFile  string

	// RequireTLS is whether servers must be reached over TLS. false: it has been decided
	// that passwords and contents may travel in the clear. nil: TLS is required where CAFile
	// or CertFile is set, and of a server that was listed as rediss:// before; and without
	// TLS a password goes to no server of a directory, but to those of a [ServerList] and
	// of the config. What must not be reached is ErrServerNeedsTLS, as a server that is down
	// is ErrServerUnreachable.
	RequireTLS *bool

	Timeout    time.Duration // for one request to one server; default 5 s
	StaleAfter time.Duration // a host whose last push is older is stale; default 1 h
	MaxObject  int           // unpacked contents may be this long; default 64 MiB
	Legacy     string        // when servers are searched with SCAN: LegacyAuto (default), LegacyAlways or LegacyNever

	// CacheFolder is where the sizes of cores are remembered from one process to the next;
	// empty: in memory. It is for cores that GC has never looked at, which do not know
	// themselves whether they are whole.
	CacheFolder string

	// BasesFolder is where Publish keeps the bases that it has downloaded; empty:
	// in memory. A folder serves one process at a time.
	BasesFolder string
	NoBases     bool // Publish packs every object by itself
}

// When a server is searched with SCAN, for objects that the original's inserter wrote and
// no index knows.
const (
	LegacyAuto   = extract.LegacyAuto   // servers without an index
	LegacyAlways = extract.LegacyAlways // every server: for a fleet in migration
	LegacyNever  = extract.LegacyNever
)

const defaultStaleAfter = time.Hour

// A Client asks questions of the servers that a Directory lists. It keeps its
// connections open between queries, and is safe for concurrent use.
type Client struct {
	servers   *extract.Servers
	publisher *push.Publisher
	opts      Options
	cost      func() extract.Cost // since the client was made
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
	if err := extract.CheckLegacy(o.Legacy); err != nil {
		return nil, err
	}
	conf, err := secure.TLS(o.CAFile, o.CertFile, o.KeyFile)
	if err != nil {
		return nil, err
	}
	servers := extract.NewServers(dir, extract.Options{
		User: o.User, Password: o.Password, SentinelUser: o.SentinelUser, SentinelPassword: o.SentinelPassword, TLS: conf, RequireTLS: o.RequireTLS,
		Timeout: o.Timeout, StaleAfter: o.StaleAfter, MaxObject: o.MaxObject, Legacy: o.Legacy, CacheFolder: o.CacheFolder,
	})
	return &Client{servers: servers, publisher: push.NewPublisher(servers, o.BasesFolder, o.NoBases), opts: o, cost: servers.Metered()}, nil
}

// Open returns a Client for the servers that the config files name: the file at path or,
// where path is empty, the file that SYSOPS_CONFIG names or, without that, the user's
// (~/.config/sysops/config.yaml) and the system's (/etc/sysops/config.yaml). docs/config.md
// says what they hold. Close it after use.
func Open(path string) (*Client, error) {
	conf, err := config.Load(path, nil)
	if err != nil {
		return nil, err
	}
	dir, err := conf.OpenDirectory(directory.KeepOptions{})
	if err != nil {
		return nil, err
	}
	o, err := conf.Options()
	if err != nil {
		return nil, err
	}
	return New(dir, Options(o))
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
	return &Answer{client: c, query: q, survey: survey, pass: survey.NewPass()}, nil
}

// Publish pushes a snapshot to all servers of a core of the client's directory
// (the local one, where core is empty), at the same time. Each has its own
// deadline; one that is slow or hangs gets the snapshot apart from the others.
//
// Contents travel only where they changed or where a server lost them; objects
// that the snapshot no longer has are deleted. A server is asked three times
// (read, write, repair), with further writes where there are more than 4 MiB.
//
// The report says what became of each server and object; it is there even where
// the error is not nil. The error tells what kept the push from being whole on
// every server. ErrOtherMachine: nothing was written, unless the server that knows
// the other machine was over a second slower than one that does not.
//
// Where the snapshot says so (Retry), servers that failed are tried again, and only these:
// what they have recorded is not sent again, and what there is to push is read anew.
func (c *Client) Publish(ctx context.Context, core string, snap snapshot.Snapshot) (*snapshot.Report, error) {
	return c.publisher.Publish(ctx, core, snap)
}

// Leave removes this host from all servers of a core (the local one, where core is empty),
// for a machine that is to go, and returns how many objects it had there. It needs no more
// rights than Publish does; what it leaves behind in what hosts share, GC removes. The next
// Publish brings the host back.
func (c *Client) Leave(ctx context.Context, core, host string) (int, error) {
	return c.publisher.Leave(ctx, core, host)
}

// Cost returns what the client's servers have carried since it was made, for all of its
// questions. What one question about objects cost is told by its Completeness.
func (c *Client) Cost() CostReport { return costOf(c.cost()) }
