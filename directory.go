package sysops

import (
	"context"

	"github.com/sysops-api/sysops-api/internal/directory"
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

// Servers returns a directory of one site ("default") with one core
// ("default"), which is the local one, that holds the given servers.
// Repeated URLs are folded.
func Servers(urls ...string) Directory { return directory.List(urls...) }
