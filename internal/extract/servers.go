package extract

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/acl"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrClosed says that the servers have been closed.
var ErrClosed = errors.New("the client is closed")

// Options say how servers are connected to, and what is made of what they say.
type Options struct {
	User, Password string

	SentinelUser, SentinelPassword string // see store.Options

	TLS        *tls.Config // nil: the system's certificate authorities
	RequireTLS *bool       // see store.Options

	Timeout    time.Duration // for one request to one server; 0: store.DefaultTimeout
	StaleAfter time.Duration // a host whose last push is older is stale
	MaxObject  int           // unpacked contents may be this long; 0: frame's default
	Legacy     string        // when a server is searched with SCAN: LegacyAuto …

	CacheFolder string // where the sizes of cores are remembered; empty: in memory alone
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
	sizes     *coreSizes

	mu      sync.Mutex
	byURL   map[string]*store.Server // in the one form that an address has; nil: closed
	overTLS map[string]bool          // host:port of servers that were listed as rediss://
}

// basesBytes is how many bytes of unpacked bases are kept for reading.
const basesBytes = 64 << 20

// NewServers connects to no server yet. Close them after use.
func NewServers(dir directory.Service, o Options) *Servers {
	if o.Timeout <= 0 {
		o.Timeout = store.DefaultTimeout
	}
	return &Servers{
		directory: dir, options: o, byURL: make(map[string]*store.Server), overTLS: make(map[string]bool),
		decoder: frame.NewDecoder(o.MaxObject), bases: frame.NewCache(basesBytes),
		sizes: newCoreSizes(o.CacheFolder),
	}
}

// Timeout is how long one request to one server may take.
func (s *Servers) Timeout() time.Duration { return s.options.Timeout }

// Decoder unpacks frames, up to the length that Options allow.
func (s *Servers) Decoder() *frame.Decoder { return s.decoder }

// Close closes all connections. Questions under way fail, later ones are ErrClosed.
func (s *Servers) Close() error {
	s.sizes.save()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, one := range s.byURL {
		errs = append(errs, one.Close())
	}
	s.byURL = nil
	return errors.Join(errs...)
}

// Server returns the connection to a URL of the directory's, opening it when it is new.
func (s *Servers) Server(url string) (*store.Server, error) {
	list, err := s.open([]string{url})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// open returns the connections to URLs that the directory lists together.
func (s *Servers) open(urls []string) ([]*store.Server, error) {
	addresses := make([]store.Address, len(urls))
	for i, u := range urls {
		var err error
		if addresses[i], err = store.ParseAddress(u); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byURL == nil {
		return nil, ErrClosed
	}
	for _, a := range addresses {
		s.noteTLS(a)
	}
	list := make([]*store.Server, len(addresses))
	for i, a := range addresses {
		list[i] = s.one(a)
	}
	return list, nil
}

// noteTLS remembers a server that is reached over TLS. Whoever had it listed without
// before loses the connection: a later one is refused.
func (s *Servers) noteTLS(a store.Address) {
	if !a.TLS() {
		return
	}
	for _, endpoint := range a.Endpoints() {
		if s.overTLS[endpoint] {
			continue
		}
		s.overTLS[endpoint] = true
		for url, other := range s.byURL {
			if !other.Secure() && slices.Contains(other.Endpoints(), endpoint) {
				_ = other.Close() // nothing is lost with it
				delete(s.byURL, url)
			}
		}
	}
}

// wasTLS reports whether a server there has been listed as rediss://.
func (s *Servers) wasTLS(endpoint string) bool {
	if d, ok := s.directory.(directory.Rememberer); ok && d.WasTLS(endpoint) {
		return true
	}
	return s.overTLS[endpoint]
}

func (s *Servers) one(a store.Address) *store.Server {
	url := a.String()
	if one, ok := s.byURL[url]; ok {
		return one
	}
	_, written := s.directory.(directory.Written)
	one := store.OpenAddress(a, store.Options{
		User: s.options.User, Password: s.options.Password, SentinelUser: s.options.SentinelUser, SentinelPassword: s.options.SentinelPassword,
		TLS: s.options.TLS, Timeout: s.options.Timeout,
		RequireTLS: s.options.RequireTLS, WasTLS: slices.ContainsFunc(a.Endpoints(), s.wasTLS), Given: !written,
	})
	s.byURL[url] = one
	return one
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

// Cores returns the cores that a request is put to, with their servers.
func (s *Servers) Cores(ctx context.Context, q Request) ([]acl.Core, error) {
	cores, err := s.cores(ctx, cmp.Or(q.Scope, Local), q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	out := make([]acl.Core, len(cores))
	for i, k := range cores {
		out[i].Name = k.core
		for _, m := range k.members {
			out[i].Servers = append(out[i].Servers, m.Server)
		}
	}
	return out, nil
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
	servers, err := s.open(urls)
	if err != nil {
		return nil, fmt.Errorf("cannot use core %s: %w", p.core, err)
	}
	k := &coreState{place: p, sizes: s.sizes, connecting: max(ProbeWait, s.options.Timeout/5)}
	for _, one := range servers {
		if !slices.ContainsFunc(k.members, func(m *member) bool { return m.Server == one }) {
			k.members = append(k.members, &member{Server: one, bit: 1 << len(k.members)})
		}
	}
	if len(k.members) > maxServers {
		return nil, fmt.Errorf("cannot use core %s: it lists %d servers, at most %d are allowed", p.core, len(k.members), maxServers)
	}
	return k, nil
}

// ErrUnknown says that the directory has no such scope, site or core, or that no server
// knows a host.
var ErrUnknown = errors.New("unknown")

// A Scope says how far a question reaches.
type Scope string

// The scopes.
const (
	Local    Scope = "local"  // this host's core
	SiteWide Scope = "site"   // every core of a site
	Global   Scope = "global" // every core of every site
)

// ParseScope reads "local", "site" or "global".
func ParseScope(s string) (Scope, error) {
	scope := Scope(s)
	if !slices.Contains([]Scope{Local, SiteWide, Global}, scope) {
		return "", hint.To(fmt.Errorf("cannot use %q as a scope: %w", s, ErrUnknown), "the scopes are local, site and global")
	}
	return scope, nil
}

// places returns the cores that a scope covers. site and core narrow it where
// they are not empty; site implies SiteWide, core implies that core alone.
func places(ctx context.Context, dir directory.Service, scope Scope, site, core string) ([]place, error) {
	if scope == "" {
		scope = Local
	}
	if _, err := ParseScope(string(scope)); err != nil {
		return nil, err
	}
	if scope == Local && site == "" && core == "" {
		return localPlace(ctx, dir)
	}
	sites, err := dir.Sites(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the sites: %w", err)
	}
	if site != "" && !slices.Contains(sites, site) {
		return nil, unknown("site", site, some(sites))
	}
	switch {
	case site != "":
		sites = []string{site}
	case core == "" && scope != Global:
		local, _, err := dir.Local(ctx)
		if err != nil {
			return nil, fmt.Errorf("cannot find the local site: %w", err)
		}
		if local == "" {
			return nil, noLocal(scope, "site")
		}
		if !slices.Contains(sites, local) {
			return nil, unknown("local site", local, some(sites))
		}
		sites = []string{local}
	}
	return coresOf(ctx, dir, sites, core)
}

// localPlace returns the local core. A directory may know its servers without listing
// it: the policy server of a cm.conf answers while all of Range is down.
func localPlace(ctx context.Context, dir directory.Service) ([]place, error) {
	site, core, err := dir.Local(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot find the local core: %w", err)
	case site == "":
		return nil, noLocal(Local, "site")
	case core == "":
		return nil, noLocal(Local, "core")
	}
	return []place{{site, core}}, nil
}

func noLocal(scope Scope, what string) error {
	return hint.For(fmt.Errorf("cannot use scope %s: the directory does not say which %s is the local one", scope, what), hint.NoLocal)
}

// some returns as many names as a person reads.
func some(names []string) []string {
	const most = 20
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
}

func coresOf(ctx context.Context, dir directory.Service, sites []string, only string) ([]place, error) {
	var found []place
	var names []string
	for _, s := range sites {
		cores, err := dir.Cores(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("cannot list the cores of site %s: %w", s, err)
		}
		if len(cores) == 0 && only == "" && len(sites) > 1 { // an answer without it would pass for whole
			return nil, hint.For(fmt.Errorf("cannot ask site %s: the directory lists no core for it", s), hint.EmptySite)
		}
		names = append(names, cores...)
		for _, c := range cores {
			if only == "" || only == c {
				found = append(found, place{site: s, core: c})
			}
		}
	}
	if len(found) == 0 && only != "" {
		return nil, unknown("core", only, some(names))
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("cannot find a core: %w: the directory lists none for %v", ErrUnknown, sites)
	}
	return found, nil
}

// unknown says that the directory has no such thing, and which ones it has.
func unknown(what, name string, valid []string) error {
	err := fmt.Errorf("cannot find %s %q: %w to the directory", what, name, ErrUnknown)
	if len(valid) == 0 {
		return hint.To(err, "the directory lists no "+what+"s at all")
	}
	return hint.To(err, "the "+what+"s it lists: "+strings.Join(valid, ", "))
}

// Metered returns what counts, from now on, the traffic of all servers: for questions that
// make no survey.
func (s *Servers) Metered() func() Cost {
	began, before := time.Now(), make(map[*store.Server]store.Traffic)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.byURL {
		before[one] = one.Traffic()
	}
	return func() Cost {
		c := Cost{Took: time.Since(began)}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range s.byURL {
			c.Servers = append(c.Servers, ServerCost{Server: one.Name(), Traffic: one.Traffic().Since(before[one])})
		}
		return c
	}
}
