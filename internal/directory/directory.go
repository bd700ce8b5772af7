// Package directory holds the services that tell which cores there are and which
// servers each has. One file a service; [Schemes] lists them and [Open] chooses one
// by its URL. README.md says how to add one.
//
// A service has the methods of sysops.Directory, whose comment is the contract;
// conformance_test.go holds every service to it. This package knows neither the root
// nor Redis: a server is the URL that the directory holds.
package directory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Service maps sites to cores and cores to servers. It is safe for concurrent use
// and honours the context's deadline. Names come sorted, each once. What the
// directory does not know is an empty list; an error means that it could not be
// asked, or gave an answer that cannot be used whole.
type Service interface {
	// Sites lists all sites.
	Sites(ctx context.Context) ([]string, error)

	// Cores lists the cores of a site. The name of a core is unique over all sites.
	Cores(ctx context.Context, site string) ([]string, error)

	// Servers lists the URLs of a core's servers.
	Servers(ctx context.Context, core string) ([]string, error)

	// Local returns the site and core of the machine that asks. Both are empty where
	// the directory does not say.
	Local(ctx context.Context) (site, core string, err error)
}

// An Expander is a Service that can also turn an expression into host names, sorted,
// each once. Unlike a site, an expression that names what the directory does not know
// is an error: the hosts it was to name would be missing from an answer unnoticed.
type Expander interface {
	Expand(ctx context.Context, expr string) ([]string, error)
}

// A Written is a Service whose servers' URLs the administrator of this machine wrote down
// himself, in the config or on the command line. All other services are told them by
// somebody who may have been deceived.
type Written interface {
	Written()
}

// A Rememberer is a Service that knows more of the past than what it answers now.
type Rememberer interface {
	// WasTLS reports whether it has listed a server at this host:port, in lower case,
	// which was to be reached over TLS.
	WasTLS(endpoint string) bool
}

// Options are what every service takes besides its URL. The zero value is usable.
type Options struct {
	// LocalSite and LocalCore are this machine's own, where the URL has neither site=
	// nor core=. The site may be left out: the directory is then asked where the core
	// is.
	LocalSite, LocalCore string

	// Timeout is how long one of the service's servers may take for one request, where
	// the URL has no timeout=; 0 is DefaultTimeout. Servers beyond the second add
	// nothing: all share the time of two. A context that ends earlier is shared
	// out among the servers that are yet to be asked.
	Timeout time.Duration

	// Warn is told, possibly by several goroutines at once, that a server of the service
	// did not answer where another one did. nil: it is dropped.
	Warn func(error)
}

// DefaultTimeout is how long one server of a service may take for one request.
const DefaultTimeout = 2 * time.Second

// A Scheme is one kind of service.
type Scheme struct {
	Name  string // what its URLs begin with
	Form  string // of its URLs
	About string // in one sentence

	// params are its parameters, besides site, core and timeout; one that ends in * may
	// be repeated.
	params []string
	open   func(location, Options) (Service, error)
}

// Schemes lists the services there are.
func Schemes() []Scheme {
	return []Scheme{
		{"file", "file:///PATH", "a YAML file with sites, cores and servers, read again when it changes", nil, openFile},
		{"range", "range://HOST[:PORT],…[?all=…&cores=…&servers=…&server=…&site_pattern=…]", "Range servers, whose clusters list cores and servers; also expands expressions into hosts", rangeParams, openRange},
		{"cmconf", "cmconf:[///PATH]", "the Range servers that /etc/cm.conf names; the first of them is the local core", rangeParams, openCMConf},
		{"exec", "exec:///PATH[?arg=…]", "a program that prints an inventory as Ansible's scripts do", []string{"arg*"}, openExec},
		{"consul", "consul://HOST[:PORT],…[?service=…&tag=…&token_file=…&scheme=https&ca_file=…]", "Consul's catalogue: a datacenter is a site, an instance of a service is a server", consulParams, openConsul},
		{"dns", "dns://DOMAIN[?server=HOST[:PORT],…&prefix=…]", "TXT records below a domain: one a core, one a server", []string{"server*", "prefix"}, openDNS},
		{"ldap", "ldap://HOST[:PORT],…/BASE[?container=…&filter=…&attribute=…&starttls=true]", "entries of an LDAP server: a unit is a site, a device in it a core; in the clear, or with StartTLS", ldapParams, openLDAP},
		{"ldaps", "ldaps://HOST[:PORT],…/BASE[?ca_file=…&bind=…&password_file=…]", "the same over TLS; all parameters of ldap but starttls", ldapParams, openLDAP},
	}
}

// Open returns the service that a URL names; [Schemes] lists the forms. Nothing is
// asked yet, so a service that is down is an error of the first question. A URL that
// holds a user or a password is refused: ps and /proc would show it to everybody.
func Open(rawURL string, o Options) (Service, error) {
	loc, err := parseLocation(rawURL)
	if err != nil {
		return nil, err
	}
	if loc.params.Has("site") || loc.params.Has("core") {
		o.LocalSite, o.LocalCore = loc.params.Get("site"), loc.params.Get("core")
	}
	if text := loc.params.Get("timeout"); text != "" {
		if o.Timeout, err = time.ParseDuration(text); err != nil || o.Timeout <= 0 {
			return nil, fmt.Errorf("cannot open the directory %s: its parameter timeout must be as in timeout=2s", loc.scheme.Name)
		}
	}
	o.Timeout = cmp.Or(max(o.Timeout, 0), DefaultTimeout)
	s, err := loc.scheme.open(loc, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open the directory %s: %w", loc.scheme.Name, err)
	}
	checked := newStrict(s)
	if e, ok := s.(Expander); ok {
		return strictExpander{checked, e}, nil
	}
	return checked, nil
}

// fixed is the Local of a service whose directory does not say who asks.
type fixed struct{ site, core string }

// Local returns what the URL or the config says.
func (f fixed) Local(context.Context) (site, core string, err error) { return f.site, f.core, nil }

// fold sorts names and drops repeats.
func fold(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
