package sysops

import (
	"context"
	"errors"
	"time"
)

// A HostReport is what is known of one host.
type HostReport struct {
	Host    string        `json:"host"`
	Site    string        `json:"site"`
	Core    string        `json:"core"`
	State   HostState     `json:"state"`
	Pushed  time.Time     `json:"pushed"`  // its last push; zero: none is known
	Age     time.Duration `json:"age_ns"`  // since then
	Expires time.Time     `json:"expires"` // zero: nobody knows
	Servers []string      `json:"servers"` // that have its last push
}

// HostState says whether a host still reports.
type HostState string

// The states of a host.
const (
	HostLive    HostState = "live"
	HostStale   HostState = "stale"   // live, last push older than Options.StaleAfter
	HostUndated HostState = "undated" // its objects are there, and nobody knows since when: a server's clock was wrong
	HostMissing HostState = "missing" // its snapshot has expired, or it never pushed
)

// Hosts tells who reported when, for the hosts in w's scope and host sets;
// sorted by name.
func (c *Client) Hosts(ctx context.Context, w Where) ([]HostReport, *Completeness, error) {
	hosts, survey, err := c.servers.Hosts(ctx, w.request())
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	out := make([]HostReport, len(hosts))
	for i, h := range hosts {
		r := HostReport{Host: h.Host, Site: h.Site, Core: h.Core, State: HostLive, Pushed: h.Pushed, Expires: h.Expires, Servers: h.Servers}
		if !h.Pushed.IsZero() {
			r.Age = now.Sub(h.Pushed)
		}
		switch {
		case h.Missing:
			r.State = HostMissing
		case h.Undated:
			r.State = HostUndated
		case r.Age > c.opts.StaleAfter:
			r.State = HostStale
		}
		out[i] = r
	}
	return out, completenessOf(survey.NewPass()), nil
}

// Forget removes the hosts of w's host sets from every server of w's scope, with all their
// objects, and returns the hosts, sorted, and how many objects they had, each once for all
// servers of a core. One that is named and that no server knows is ErrUnknown, and then nothing is
// removed; so is a glob that matches none, and one that matches every host is refused.
// Where a server cannot be asked, the others have forgotten the hosts when it returns its
// error.
func (c *Client) Forget(ctx context.Context, w Where) (hosts []string, objects int, _ error) {
	if w.Hosts == nil {
		return nil, 0, errors.New("cannot forget hosts: none are named")
	}
	return c.servers.Forget(ctx, w.request(), w.Hosts.Globs())
}

// Blocked is what Block did about one host at one server.
type Blocked struct {
	Host        string `json:"host"`
	Server      string `json:"server"`
	User        bool   `json:"user"`        // the host has a user of its own there, who is off now
	Connections int    `json:"connections"` // of that user, that were closed
	Saved       bool   `json:"saved"`       // a restart of the server does not undo it
	Error       string `json:"error,omitempty"`
}

// Block ends what the hosts of w's host sets, which are names, do to the servers of w's
// scope: the user of Redis that each host pushes as is turned off, its connections are
// closed, and then the host is forgotten, with its objects, which are counted. Where hosts
// have no users of their own, nothing keeps them from coming back. A host that is unknown,
// even as a user, is ErrUnknown.
func (c *Client) Block(ctx context.Context, w Where) (_ []Blocked, objects int, _ error) {
	if w.Hosts == nil || w.Hosts.Globs() {
		return nil, 0, errors.New("cannot block hosts: they have to be named, and globs name none")
	}
	list, objects, err := c.servers.Block(ctx, w.request())
	out := make([]Blocked, len(list))
	for i, b := range list {
		out[i] = Blocked{Host: b.Host, Server: b.Server, User: b.User, Connections: b.Connections, Saved: b.Saved, Error: textOf(b.Err)}
	}
	return out, objects, err
}
