// Package directory holds the services that tell which cores there are and which
// servers each has. One file a service; Open lists them. README.md says how to
// add one.
//
// A service has the methods of sysops.Directory, whose comment is the contract:
// names sorted, each once; unknown is empty, not an error; safe for concurrent use.
package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// A File is a directory that is written down: sites, their cores, their servers.
type File struct {
	sites map[string]map[string][]string // site → core → URLs
	local struct{ site, core string }
}

// NewFile returns the directory of these sites. localSite and localCore are the
// machine's own; both may be empty, and the site may be left out where the core
// tells it. Core names must be unique over all sites.
func NewFile(sites map[string]map[string][]string, localSite, localCore string) (*File, error) {
	f := &File{sites: sites}
	siteOf := make(map[string]string)
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		for core, servers := range sites[site] {
			if other, taken := siteOf[core]; taken {
				return nil, fmt.Errorf("cannot use the directory: core %q is in site %q and in site %q; core names must be unique", core, other, site)
			}
			if len(servers) == 0 {
				return nil, fmt.Errorf("cannot use the directory: core %q of site %q has no servers", core, site)
			}
			siteOf[core] = site
		}
	}
	if localCore != "" {
		site, ok := siteOf[localCore]
		if !ok {
			return nil, fmt.Errorf("cannot use the directory: the local core %q is in none of its sites (its cores: %v)", localCore, slices.Sorted(maps.Keys(siteOf)))
		}
		if localSite != "" && localSite != site {
			return nil, fmt.Errorf("cannot use the directory: the local core %q is in site %q, not in %q", localCore, site, localSite)
		}
		localSite = site
	}
	if _, ok := sites[localSite]; localSite != "" && !ok {
		return nil, fmt.Errorf("cannot use the directory: it has no local site %q (its sites: %v)", localSite, slices.Sorted(maps.Keys(sites)))
	}
	f.local.site, f.local.core = localSite, localCore
	return f, nil
}

// Sites lists the sites.
func (f *File) Sites(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(f.sites)), nil
}

// Cores lists the cores of a site.
func (f *File) Cores(_ context.Context, site string) ([]string, error) {
	return slices.Sorted(maps.Keys(f.sites[site])), nil
}

// Servers lists the URLs of a core's servers.
func (f *File) Servers(_ context.Context, core string) ([]string, error) {
	for _, cores := range f.sites {
		if servers, ok := cores[core]; ok {
			return slices.Compact(slices.Sorted(slices.Values(servers))), nil
		}
	}
	return nil, nil
}

// Local returns the machine's own site and core.
func (f *File) Local(context.Context) (site, core string, err error) {
	return f.local.site, f.local.core, nil
}
