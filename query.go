package sysops

import (
	"time"

	"github.com/sysops-api/sysops-api/hostset"
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

// Where says whom a question is put to. The zero value has a meaning: every host of the
// local core, whole answers only.
type Where struct {
	Scope Scope  // default Local
	Site  string // implies SiteWide
	Core  string // that core alone, wherever it is

	Hosts   *hostset.Set  // nil: all hosts
	Exclude *hostset.Set  // nil: none
	MaxAge  time.Duration // leave out hosts whose last push is older; 0: none

	// Partial accepts an answer without the cores that are down and the
	// objects that are unreadable; Completeness tells them. Otherwise such an
	// answer is ErrIncomplete.
	Partial bool
}

// A Query says which objects are asked for, and of whom.
type Query struct {
	Pattern Pattern
	Where

	// EveryServer asks each server of a core in place of one, and returns every
	// object once for each server that has it: to compare servers.
	EveryServer bool

	// Caller describes who asks, for the record of queries. Empty fields are
	// filled in from the process.
	Caller Caller
}

// request is the query as the engine takes it, which knows no sets of hosts.
func (q *Query) request() extract.Request {
	r := q.Where.request()
	r.Pattern, r.EveryServer = q.Pattern.p, q.EveryServer
	return r
}

func (w *Where) request() extract.Request {
	r := extract.Request{
		Scope: extract.Scope(w.Scope), Site: w.Site, Core: w.Core,
		MaxAge: w.MaxAge, Partial: w.Partial, Named: w.Hosts.Names(),
	}
	if hosts, exclude := w.Hosts, w.Exclude; hosts != nil || exclude != nil {
		r.Wants = func(host string) bool { return (hosts == nil || hosts.Contains(host)) && !exclude.Contains(host) }
	}
	return r
}
