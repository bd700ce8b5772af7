package sysops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/hostset"
)

// A HostReport is what is known of one host.
type HostReport struct {
	Host    string        `json:"host"`
	Site    string        `json:"site"`
	Core    string        `json:"core"`
	State   HostState     `json:"state"`
	Pushed  time.Time     `json:"pushed"` // its last push; zero: none is known
	Age     time.Duration `json:"age_ns"` // since then
	Expires time.Time     `json:"expires"`
	Servers []string      `json:"servers"` // that have its last push
}

// HostState says whether a host still reports.
type HostState string

// The states of a host.
const (
	HostLive    HostState = "live"
	HostStale   HostState = "stale"   // live, last push older than Options.StaleAfter
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
		if h.Core != "" {
			r.Age = now.Sub(h.Pushed)
		}
		switch {
		case h.Missing:
			r.State = HostMissing
		case r.Age > c.opts.StaleAfter:
			r.State = HostStale
		}
		out[i] = r
	}
	return out, completenessOf(survey.NewPass()), nil
}

// Forget removes these hosts, whole names, from every server of w's scope, and
// returns how many objects that removed. Hosts that no server knows are
// ErrUnknown, and then nothing is removed. Where a server cannot be asked, the
// others have forgotten the hosts when it returns its error.
func (c *Client) Forget(ctx context.Context, w Where, hosts []string) (int, error) {
	if i := slices.IndexFunc(hosts, func(h string) bool { return strings.ContainsAny(h, `*?[\`) }); i >= 0 {
		return 0, fmt.Errorf("cannot forget %s: a pattern is not enough, each host has to be named whole", hosts[i])
	}
	set, err := hostset.Of(hosts)
	if err != nil {
		return 0, err
	}
	return c.servers.Forget(ctx, w.request(), set.Names())
}
