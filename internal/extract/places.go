package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/hint"
)

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

// place is a core and where it stands.
type place struct{ site, core string }

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
