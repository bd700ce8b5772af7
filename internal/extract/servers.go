package extract

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrClosed says that the servers have been closed.
var ErrClosed = errors.New("the client is closed")

// Options say how servers are connected to, and what is made of what they say.
type Options struct {
	User, Password string
	TLS            *tls.Config // nil: the system's certificate authorities

	Timeout    time.Duration // for one request to one server; 0: store.DefaultTimeout
	StaleAfter time.Duration // a host whose last push is older is stale
	MaxObject  int           // unpacked contents may be this long; 0: frame's default
	Legacy     string        // when a server is searched with SCAN: LegacyAuto …
}

// When a server is searched with SCAN, for objects that the original's inserter wrote
// and no index knows.
const (
	LegacyAuto   = "auto"   // servers without an index
	LegacyAlways = "always" // every server: for a fleet in migration
	LegacyNever  = "never"
)

// CheckLegacy tells what is wrong with Options.Legacy.
func CheckLegacy(mode string) error {
	if slices.Contains([]string{LegacyAuto, LegacyAlways, LegacyNever}, mode) {
		return nil
	}
	return fmt.Errorf("%q is not a legacy mode: write auto, always or never", mode)
}

// Servers are the servers that a directory lists, and the connections to those that have
// been asked. They are safe for concurrent use.
type Servers struct {
	directory directory.Service
	options   Options
	decoder   *frame.Decoder
	bases     *frame.Cache // that objects are unpacked with

	mu    sync.Mutex
	byURL map[string]*store.Server // nil: closed
}

// basesBytes is how many bytes of unpacked bases are kept for reading.
const basesBytes = 64 << 20

// NewServers connects to no server yet. Close them after use.
func NewServers(dir directory.Service, o Options) *Servers {
	if o.Timeout <= 0 {
		o.Timeout = store.DefaultTimeout
	}
	return &Servers{
		directory: dir, options: o, byURL: make(map[string]*store.Server),
		decoder: frame.NewDecoder(o.MaxObject), bases: frame.NewCache(basesBytes),
	}
}

// Timeout is how long one request to one server may take.
func (s *Servers) Timeout() time.Duration { return s.options.Timeout }

// Decoder unpacks frames, up to the length that Options allow.
func (s *Servers) Decoder() *frame.Decoder { return s.decoder }

// Close closes all connections. Questions under way fail, later ones are ErrClosed.
func (s *Servers) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, one := range s.byURL {
		errs = append(errs, one.Close())
	}
	s.byURL = nil
	return errors.Join(errs...)
}

// Server returns the connection to a URL, opening it when it is new.
func (s *Servers) Server(url string) (*store.Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byURL == nil {
		return nil, ErrClosed
	}
	if one, ok := s.byURL[url]; ok {
		return one, nil
	}
	one, err := store.Open(url, store.Options{User: s.options.User, Password: s.options.Password, TLS: s.options.TLS, Timeout: s.options.Timeout})
	if err != nil {
		return nil, err
	}
	s.byURL[url] = one
	return one, nil
}

// Core returns the name and the servers of a core; of the local one, where core is empty.
func (s *Servers) Core(ctx context.Context, core string) (name string, servers []*store.Server, err error) {
	scope := Local
	if core != "" {
		scope = Global
	}
	cores, err := s.cores(ctx, scope, "", core)
	if err != nil {
		return "", nil, err
	}
	for _, m := range cores[0].members {
		servers = append(servers, m.Server)
	}
	return cores[0].core, servers, nil
}

// cores resolves a scope to cores with their servers.
func (s *Servers) cores(ctx context.Context, scope Scope, site, core string) ([]*coreState, error) {
	where, err := places(ctx, s.directory, scope, site, core)
	if err != nil {
		return nil, err
	}
	out := make([]*coreState, len(where))
	for i, p := range where {
		if out[i], err = s.openCore(ctx, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Servers) openCore(ctx context.Context, p place) (*coreState, error) {
	urls, err := s.directory.Servers(ctx, p.core)
	if err != nil {
		return nil, fmt.Errorf("cannot list the servers of core %s: %w", p.core, err)
	}
	k := &coreState{place: p}
	for _, u := range urls {
		one, err := s.Server(u)
		if err != nil {
			return nil, fmt.Errorf("cannot use core %s: %w", p.core, err)
		}
		if !slices.ContainsFunc(k.members, func(m *member) bool { return m.Server == one }) {
			k.members = append(k.members, &member{Server: one, bit: 1 << len(k.members)})
		}
	}
	if len(k.members) > maxServers {
		return nil, fmt.Errorf("cannot use core %s: it lists %d servers, at most %d are allowed", p.core, len(k.members), maxServers)
	}
	return k, nil
}
