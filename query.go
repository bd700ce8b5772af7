package sysops

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/redact"
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
// local core, all cores of the scope or none.
type Where struct {
	Scope Scope  // default Local
	Site  string // implies SiteWide
	Core  string // that core alone, wherever it is

	Hosts   *hostset.Set  // nil: all hosts
	Exclude *hostset.Set  // nil: none
	MaxAge  time.Duration // leave out hosts whose last push is older; 0: none

	// Partial accepts an answer without the cores that are down, which Completeness
	// tells; otherwise such an answer is ErrIncomplete. Single objects that cannot be
	// read are left out of any answer, and told by Completeness as well.
	Partial bool

	// Patient waits for each server as long as its timeout allows, though its siblings
	// have answered: every one is meant.
	Patient bool
}

// A Query says which objects are asked for, and of whom.
type Query struct {
	Pattern Pattern
	Where

	// EveryServer asks each server of a core in place of one, and returns every
	// object once for each server that has it: to compare servers.
	EveryServer bool

	// CheckKeys has each key checked against what its host says, before there is an answer.
	// It is for who uses Keys, Names, Len or Gone of objects that are not read: the index
	// may list objects that a host does not have, which reading finds out.
	CheckKeys bool

	// Caller describes who asks, for the record of queries. Empty fields are
	// filled in from the process.
	Caller Caller
}

// request is the query as the engine takes it, which knows no sets of hosts.
func (q *Query) request() extract.Request {
	r := q.Where.request()
	r.Pattern, r.EveryServer, r.CheckKeys = q.Pattern.p, q.EveryServer, q.CheckKeys
	return r
}

func (w *Where) request() extract.Request {
	r := extract.Request{
		Scope: extract.Scope(w.Scope), Site: w.Site, Core: w.Core,
		MaxAge: w.MaxAge, Partial: w.Partial, Patient: w.Patient, Named: w.Hosts.Names(),
	}
	if hosts, exclude := w.Hosts, w.Exclude; hosts != nil || exclude != nil {
		r.Wants = func(host string) bool { return (hosts == nil || hosts.Contains(host)) && !exclude.Contains(host) }
	}
	return r
}

// A Caller is who asks, as the record of queries tells it: of the arguments, without what
// looks like a secret.
type Caller struct {
	User    string   `json:"user"`
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	Host    string   `json:"host"`
	Dir     string   `json:"dir"`
	Program string   `json:"program"`
	Args    []string `json:"args"`
}

// complete fills in from the process what is not set.
func (c Caller) complete() Caller {
	if c.User == "" {
		c.UID, c.GID = os.Getuid(), os.Getgid()
		if u, err := user.LookupId(strconv.Itoa(c.UID)); err == nil {
			c.User = u.Username
		} else {
			c.User = strconv.Itoa(c.UID)
		}
	}
	if c.Host == "" {
		c.Host, _ = os.Hostname() // without a name, the record says so by its absence
	}
	if c.Dir == "" {
		c.Dir, _ = os.Getwd()
	}
	if c.Program == "" && len(os.Args) > 0 {
		c.Program = filepath.Base(os.Args[0])
	}
	return c
}

// secrets takes secrets out of the record of queries: whoever reads a server reads it.
var secrets = sync.OnceValue(func() *redact.Redactor { return redact.New(nil) })

// A QueryRecord is one entry of a server's record of queries, in $queries and on
// the channel sysops-api.
type QueryRecord struct {
	ID   string    `json:"id"` // the same on every server that was asked
	Time time.Time `json:"time"`
	Caller
	Pattern string     `json:"pattern"`
	Scope   Scope      `json:"scope"`
	Site    string     `json:"site,omitempty"`
	Core    string     `json:"core,omitempty"`
	Cost    CostReport `json:"cost"`
	Partial bool       `json:"partial"`
}

func (a *Answer) record() ([]byte, error) {
	caller := a.query.Caller.complete()
	caller.Args = secrets().Args(caller.Args)
	if len(caller.Args) > mostArgs {
		caller.Args = append(caller.Args[:mostArgs:mostArgs], "…")
	}
	for i, arg := range caller.Args {
		caller.Args[i] = shortened(arg, longestArgs/len(caller.Args))
	}
	r := QueryRecord{
		ID: rand.Text(), Time: a.survey.Began().UTC().Truncate(time.Millisecond), Caller: caller,
		Pattern: shortened(string(secrets().Redact([]byte(a.query.Pattern.String()))), longestArgs), Scope: cmp.Or(a.query.Scope, Local), Site: a.query.Site, Core: a.query.Core,
		Cost: costOf(a.survey.Cost()), Partial: a.Completeness().Partial(),
	}
	entry, err := json.Marshal(r)
	if len(entry) > longestRecord { // of very many servers
		r.Cost.Servers = nil
		entry, err = json.Marshal(r)
	}
	return entry, err
}

// An entry of the record of queries is kept by every server that was asked, so it has bounds: in
// bytes, of the arguments together and of a pattern, and of all of it with what each server cost.
const (
	longestArgs   = 4 << 10
	mostArgs      = 128
	longestRecord = 32 << 10
)

// shortened cuts a text to some bytes, and says so.
func shortened(s string, most int) string {
	if most = max(most, 16); len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
