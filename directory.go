package sysops

import (
	"context"
	"fmt"
	"slices"
)

// A Directory maps a scope to cores, and a core to servers. Implementations
// are safe for concurrent use and honour the context's deadline. Names come
// sorted and without duplicates. An error means that the directory could not
// be asked or gave a malformed answer; a site or core that it does not know is
// an empty list.
//
// internal/directory holds the services; [Servers] makes a directory of one
// core from a list of servers.
type Directory interface {
	// Sites lists the names of all sites.
	Sites(ctx context.Context) ([]string, error)

	// Cores lists the names of a site's cores. Core names are unique over all
	// sites.
	Cores(ctx context.Context, site string) ([]string, error)

	// Servers lists the URLs (redis://host:port/db) of a core's servers.
	Servers(ctx context.Context, core string) ([]string, error)

	// Local returns the site and core of the machine that asks. Both are empty
	// where the directory does not say.
	Local(ctx context.Context) (site, core string, err error)
}

// A HostExpander is a Directory that can expand an expression, such as a Range
// expression, into host names.
type HostExpander interface {
	Expand(ctx context.Context, expr string) ([]string, error)
}

// Scope says how far a question reaches.
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
		return "", hinted(fmt.Errorf("cannot use %q as a scope: %w", s, ErrUnknown), "the scopes are local, site and global")
	}
	return scope, nil
}

// Servers returns a directory of one site ("default") with one core
// ("default"), which is the local one, that holds the given servers.
// Repeated URLs are folded.
func Servers(urls ...string) Directory {
	var folded serverList
	for _, u := range urls {
		if !slices.Contains(folded, u) {
			folded = append(folded, u)
		}
	}
	return folded
}

type serverList []string

const defaultName = "default"

func (serverList) Sites(context.Context) ([]string, error) { return []string{defaultName}, nil }

func (serverList) Cores(_ context.Context, site string) ([]string, error) {
	if site != defaultName {
		return nil, nil
	}
	return []string{defaultName}, nil
}

func (l serverList) Servers(_ context.Context, core string) ([]string, error) {
	if core != defaultName {
		return nil, nil
	}
	return l, nil
}

func (serverList) Local(context.Context) (site, core string, err error) {
	return defaultName, defaultName, nil
}

// place is a core and where it stands.
type place struct{ site, core string }

// places returns the cores that a scope covers. site and core narrow it where
// they are not empty; site implies SiteWide, core implies that core alone.
func places(ctx context.Context, dir Directory, scope Scope, site, core string) ([]place, error) {
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
func localPlace(ctx context.Context, dir Directory) ([]place, error) {
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
	return hinted(fmt.Errorf("cannot use scope %s: the directory does not say which %s is the local one", scope, what),
		"name one with --site or --core, ask with --scope global, or set directory.local in the config or core= in the directory's URL")
}

// some returns as many names as a person reads.
func some(names []string) []string {
	const most = 20
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
}

func coresOf(ctx context.Context, dir Directory, sites []string, only string) ([]place, error) {
	var found []place
	var names []string
	for _, s := range sites {
		cores, err := dir.Cores(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("cannot list the cores of site %s: %w", s, err)
		}
		if len(cores) == 0 && only == "" && len(sites) > 1 { // an answer without it would pass for whole
			return nil, hinted(fmt.Errorf("cannot ask site %s: the directory lists no core for it", s), "name the sites to ask one by one, with --site")
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
