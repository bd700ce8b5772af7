package sysops

import (
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
)

// Scope says how far a question reaches.
type Scope string

// The scopes.
const (
	Local    = Scope(extract.Local)    // this host's core
	SiteWide = Scope(extract.SiteWide) // every core of a site
	Global   = Scope(extract.Global)   // every core of every site
)

// ParseScope reads "local", "site" or "global".
func ParseScope(s string) (Scope, error) {
	scope, err := extract.ParseScope(s)
	return Scope(scope), err
}

// A Query says what is asked of whom. The zero value of every field but Pattern
// has a meaning: the local scope, all hosts, whole answers only.
type Query struct {
	Pattern Pattern

	Scope Scope  // default Local
	Site  string // implies SiteWide
	Core  string // that core alone, wherever it is

	Hosts   *HostSet      // nil: all hosts
	Exclude *HostSet      // nil: none
	MaxAge  time.Duration // leave out hosts whose last push is older; 0: none

	// Partial accepts an answer without the cores that are down and the
	// objects that are unreadable; Completeness tells them. Otherwise such an
	// answer is ErrIncomplete.
	Partial bool

	// EveryServer asks each server of a core in place of one, and returns every
	// object once for each server that has it: to compare servers.
	EveryServer bool
}

// request is the query as the engine takes it, which knows no sets of hosts.
func (q *Query) request() extract.Request {
	r := extract.Request{
		Pattern: q.Pattern.p, Scope: extract.Scope(q.Scope), Site: q.Site, Core: q.Core,
		MaxAge: q.MaxAge, Partial: q.Partial, EveryServer: q.EveryServer, Named: q.Hosts.Names(),
	}
	if hosts, exclude := q.Hosts, q.Exclude; hosts != nil || exclude != nil {
		r.Wants = func(host string) bool { return (hosts == nil || hosts.Contains(host)) && !exclude.Contains(host) }
	}
	return r
}
