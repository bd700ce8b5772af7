package sysops

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/acl"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A ServerInfo is what one server says of itself.
type ServerInfo struct {
	Site    string            `json:"site"`
	Core    string            `json:"core"`
	Server  string            `json:"server"`
	Error   string            `json:"error,omitempty"`
	Hosts   int               `json:"hosts"`          // with a live snapshot
	Lacks   int               `json:"lacks"`          // hosts of the core whose latest push it does not have
	Cold    bool              `json:"cold"`           // lacks more than 1 % of them
	Ahead   time.Duration     `json:"clock_ahead_ns"` // its clock less ours
	TLS     bool              `json:"tls"`
	Exposed bool              `json:"exposed"` // a password is sent to it which others can read on its way
	Info    map[string]string `json:"info"`    // Redis' INFO, field by field; of a Cluster, that of its first master
	RawInfo string            `json:"-"`       // Redis' INFO as it came

	// What is wrong with a server that answers, the worst first: in a word or two, such as
	// "full" or "cold", and in a sentence each, with what to do about it. None: it is well.
	States   []string `json:"states"`
	Troubles []error  `json:"-"`

	Heavy []MemoryUse `json:"heavy,omitempty"` // hosts that take at least ten times of it what the median host does, the heaviest first
	Usual MemoryUse   `json:"usual"`           // what the median host takes, where there are Heavy ones

	// What GC has left there, as far as this user may read it.
	Tended bool      `json:"tended"` // whether that is known
	Pruned time.Time `json:"pruned"` // when it was last through; zero: never
	Roster int       `json:"roster"` // hosts that it has verified
	Listed int       `json:"listed"` // hosts in the server's index, verified or not
}

// Info asks every server in w's scope for Redis' INFO, and how far it agrees with
// its siblings. A core that is down is no error here: it
// is what the question is about.
func (c *Client) Info(ctx context.Context, w Where) ([]ServerInfo, *Completeness, error) {
	servers, survey, err := c.servers.Info(ctx, w.request())
	if err != nil {
		return nil, nil, err
	}
	out := make([]ServerInfo, len(servers))
	for i, s := range servers {
		out[i] = ServerInfo{
			Site: s.Site, Core: s.Core, Server: s.Server, Error: textOf(s.Err), Hosts: s.Hosts, Lacks: s.Lacks, Cold: s.Cold,
			Ahead: s.Ahead, TLS: s.TLS, Exposed: s.Exposed, Info: extract.InfoFields(s.Info), RawInfo: s.Info,
		}
		for _, t := range s.Troubles {
			out[i].States, out[i].Troubles = append(out[i].States, t.State), append(out[i].Troubles, t.Err)
		}
		for _, h := range s.Heavy {
			out[i].Heavy = append(out[i].Heavy, hostUse(h.HostWeight))
			out[i].Usual = hostUse(h.Usual)
		}
		if t := s.Tending; t != nil {
			out[i].Tended, out[i].Pruned, out[i].Roster, out[i].Listed = true, t.Pruned, t.Roster, t.Listed
		}
	}
	return out, completenessOf(survey.NewPass()), nil
}

// hostUse is what one host takes of a server.
func hostUse(w store.HostWeight) MemoryUse {
	return MemoryUse{Name: w.Host, Bytes: w.Records + w.Objects, Keys: w.Fields, ObjectBytes: w.Objects, IndexBytes: w.Records}
}

// A ServerChange says what an administrative command did to one server.
type ServerChange struct {
	Server  string `json:"server"`
	Hosts   int    `json:"hosts"`   // removed
	Entries int    `json:"entries"` // of the index: removed by GC, added by Adopt
	Names   int    `json:"names"`   // removed
	Objects int    `json:"objects"` // removed by GC: no push had recorded them

	// By GC: keys of a wrong type, scores that were not those of the host, objects that
	// would never have expired.
	Repaired int    `json:"repaired"`
	Ahead    int    `json:"ahead"` // by GC: hosts and objects of which stamps lay in the future, and were taken down
	Bases    int    `json:"bases"` // by GC: chosen, or put back, where hosts may not write them
	Error    string `json:"error,omitempty"`
}

// GC removes from every server in w's scope what leads nowhere: hosts whose snapshot
// expired over keep ago, or that are listed and have never pushed; entries that lead to no
// object; names that no host holds; objects that no push has recorded. It repairs what
// others than its host have written over, and keeps the roster: the hosts that it has
// verified, by which readers know who belongs to a core. Where hosts may not write bases, it
// chooses them. It may run beside pushes and queries, and where so much was added to the index that readers refuse it.
func (c *Client) GC(ctx context.Context, w Where, keep time.Duration) ([]ServerChange, error) {
	changes, err := c.servers.GC(ctx, w.request(), keep)
	return changesOf(changes), err
}

// Adopt adds objects that the original's inserter wrote to the index of every
// server in w's scope, so that they are found without SCAN.
func (c *Client) Adopt(ctx context.Context, w Where) ([]ServerChange, error) {
	changes, err := c.servers.Adopt(ctx, w.request(), snapshot.DefaultTTL)
	return changesOf(changes), err
}

func changesOf(changes []extract.ServerChange) []ServerChange {
	var out []ServerChange
	for _, c := range changes {
		out = append(out, ServerChange{Server: c.Server, Hosts: c.Hosts, Entries: c.Entries, Names: c.Names, Objects: c.Objects, Repaired: c.Repaired, Ahead: c.Ahead, Bases: c.Bases, Error: textOf(c.Err)})
	}
	return out
}

// TendedWithin is how long ago GC may have been at a server before that is a fault.
const TendedWithin = extract.TendedWithin

// Queries returns the newest n entries of the record of queries, newest first,
// each once, however many servers have it.
func (c *Client) Queries(ctx context.Context, w Where, n int) ([]QueryRecord, error) {
	entries, err := c.servers.Queries(ctx, w.request(), n)
	seen := make(map[string]bool)
	var out []QueryRecord
	for _, e := range entries {
		var r QueryRecord
		if json.Unmarshal([]byte(e), &r) == nil && !seen[r.ID] {
			seen[r.ID] = true
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(x, y QueryRecord) int { return y.Time.Compare(x.Time) })
	return out[:max(0, min(n, len(out)))], err
}

// CheckServer tells what is wrong with a server before anybody relies on it:
// whether it can be read and written with these credentials (an error), and what
// about its configuration will hurt (warnings).
func (c *Client) CheckServer(ctx context.Context, url, host string) (warnings []string, err error) {
	return c.servers.Check(ctx, url, host, !c.opts.NoBases)
}

// Cores returns the cores in w's scope with their servers, for those who make the users of
// servers: sysops acl.
func (c *Client) Cores(ctx context.Context, w Where) ([]acl.Core, error) {
	return c.servers.Cores(ctx, w.request())
}

// DefaultSample is how many objects of each name, on each server, Memory weighs for
// all of them.
const DefaultSample = extract.DefaultSample

// A MemoryUse is how much memory of all servers in a scope one name takes: the sum of
// what Redis' MEMORY USAGE says of its keys. Where Name begins with '$' it is a part
// of the index that belongs to no name. In a ServerInfo it is what one host takes of that
// server: Name is the host, Keys are the entries of its records, IndexBytes what those take.
type MemoryUse struct {
	Name        string
	Bytes       int64 // of objects, bases and index
	Keys        int   // objects, on all servers; of the index, what it has
	Sampled     int   // of Keys, that were weighed for all of them; == Keys: Bytes is exact
	ObjectBytes int64 // of the objects
	Bases       int   // that are offered for the name, on all servers
	BaseBytes   int64 // of the bases
	IndexBytes  int64 // of the rest; large sets are weighed by a few of their elements
}

// Memory tells how much memory of the servers in w's scope the objects of each name
// take, the most first. The host sets are not used. Of each name's
// objects on each server, sample that are chosen at random are weighed for all of
// them: 0 stands for DefaultSample, a negative number for all. A server that does not
// answer is left out, as Completeness tells.
func (c *Client) Memory(ctx context.Context, w Where, sample int) ([]MemoryUse, *Completeness, error) {
	uses, survey, err := c.servers.Memory(ctx, w.request(), sample)
	if err != nil {
		return nil, nil, err
	}
	out := make([]MemoryUse, len(uses))
	for i, u := range uses {
		out[i] = MemoryUse(u)
	}
	return out, completenessOf(survey.NewPass()), nil
}

// DisagreementKind says in what a server differs from its siblings.
type DisagreementKind string

// The kinds of disagreement. All but the first are about hosts whose latest push the
// server has, as its siblings do.
const (
	ServerBehind   = DisagreementKind(extract.ServerBehind)   // hosts whose latest push it does not have
	ServerLacks    = DisagreementKind(extract.ServerLacks)    // objects that siblings have recorded and it has not
	ServerContents = DisagreementKind(extract.ServerContents) // objects of which it has recorded other contents than most siblings
	ServerStat     = DisagreementKind(extract.ServerStat)     // those of which it has recorded another stat
)

// A Disagreement is what one server of a core has other than its siblings, of one kind.
// Where as many siblings have the one as the other, the first of the directory counts.
type Disagreement struct {
	Core     string
	Server   string
	Kind     DisagreementKind
	Count    int
	Examples []string // the first hosts or keys, sorted
}

// Disagreements compares the servers of each core in w's scope: for each live host of
// w's host sets, who has its latest push, and what those who have it recorded of its
// objects. Each Disagreement has so many examples at most.
//
// What differs is looked at twice, since a push may be under way; one that is under way
// for longer shows. The records are those of the index: contents are not read.
func (c *Client) Disagreements(ctx context.Context, w Where, examples int) ([]Disagreement, *Completeness, error) {
	found, survey, err := c.servers.Disagreements(ctx, w.request(), examples)
	if err != nil {
		return nil, nil, err
	}
	var out []Disagreement
	for _, d := range found {
		out = append(out, Disagreement{Core: d.Core, Server: d.Server, Kind: DisagreementKind(d.Kind), Count: d.Count, Examples: d.Examples})
	}
	return out, completenessOf(survey.NewPass()), nil
}
