package sysops

import (
	"context"
	"time"

	"github.com/sysops-api/sysops-api/internal/directory"
)

// A Directory maps a scope to cores, and a core to servers. Implementations
// are safe for concurrent use and honour the context's deadline. Names come
// sorted and without duplicates. An error means that the directory could not
// be asked or gave a malformed answer; a site or core that it does not know is
// an empty list.
//
// internal/directory holds the services; [ServerList] makes a directory of one
// core from a list of servers.
type Directory interface {
	// Sites lists the names of all sites.
	Sites(ctx context.Context) ([]string, error)

	// Cores lists the names of a site's cores. Core names are unique over all
	// sites.
	Cores(ctx context.Context, site string) ([]string, error)

	// Servers lists the URLs of a core's servers: rediss://host:port/db, redis:// without
	// TLS, unix:///path. To one without TLS no password goes; see [Options].
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

// ServerList returns a directory of one site ("default") with one core
// ("default"), which is the local one, that holds the given servers.
// Repeated URLs are folded.
func ServerList(urls ...string) Directory { return directory.List(urls...) }

// DirectoryOptions say what becomes of a directory service's answers. The zero value is
// ready to use, and keeps none.
type DirectoryOptions struct {
	// LocalSite and LocalCore are this machine's own, where neither the URL nor the service
	// tells.
	LocalSite, LocalCore string

	// CacheAge is how old an answer may be that is used while the directory cannot be
	// asked. 0 keeps no answers.
	CacheAge    time.Duration
	CacheFolder string // where they are kept; empty: sysops in the user's cache folder

	// Warn is told of what a person should know: that a server of the directory does
	// not answer, or that a kept answer is used. nil: it is dropped.
	Warn func(error)
}

// OpenDirectory returns the directory that a URL names: range://r1,r2  dns://example.com
// ldaps://… file:///path exec:///path; docs/directories.md has the forms. Nothing is asked
// yet, so a service that is down is an error of the first question.
func OpenDirectory(url string, o DirectoryOptions) (Directory, error) {
	return directory.OpenKept(url, o.LocalSite, o.LocalCore, directory.KeepOptions{CacheAge: o.CacheAge, CacheFolder: o.CacheFolder, Warn: o.Warn})
}
