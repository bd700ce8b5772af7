package sysops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
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

// Hosts tells who reported when, for the hosts in q's scope and host sets;
// sorted by name. q.Pattern is not used.
func (c *Client) Hosts(ctx context.Context, q Query) ([]HostReport, *Answer, error) {
	a, err := c.survey(ctx, q, true)
	if err != nil {
		return nil, nil, err
	}
	if err := a.judgeCores(ctx); err != nil {
		return nil, nil, err
	}
	a.settleHosts()
	var out []HostReport
	for _, k := range a.cores {
		for _, h := range k.hosts.list {
			if h.owned && a.query.narrow(h.name) && (q.MaxAge == 0 || time.Since(h.pushed) <= q.MaxAge) {
				out = append(out, a.hostReport(k, h))
			}
		}
	}
	for _, name := range a.complete.Missing {
		if !a.knows(name) && q.MaxAge == 0 {
			out = append(out, HostReport{Host: name, State: HostMissing})
		}
	}
	slices.SortFunc(out, func(x, y HostReport) int { return strings.Compare(x.Host, y.Host) })
	return out, a, nil
}

// settleHosts settles an answer that is about hosts, not objects: every live host
// has answered.
func (a *Answer) settleHosts() {
	a.settle(selection{host: anyHost, name: func(string) bool { return false }})
	a.complete.anyKey = false
	a.complete.Answered = a.complete.Expected - len(a.complete.Missing)
}

// recount declares the size of the core anew, after hosts were removed: as many as
// its servers know together. Where one cannot be asked the size stays.
func (k *coreState) recount(ctx context.Context) []error {
	k.probe(ctx, false)
	if len(k.left()) < len(k.members) {
		return nil // the removal itself has told of that server
	}
	var errs []error
	for _, m := range k.members {
		if err := m.SetSize(ctx, len(k.hosts.list)); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (a *Answer) hostReport(k *coreState, h *hostState) HostReport {
	now := time.Now()
	r := HostReport{
		Host: h.name, Site: k.site, Core: k.core, State: HostLive,
		Pushed: h.pushed, Age: now.Sub(h.pushed), Expires: h.expires,
	}
	switch {
	case !h.live(now):
		r.State = HostMissing
	case r.Age > a.client.opts.StaleAfter:
		r.State = HostStale
	}
	for _, m := range k.left() {
		if h.has&m.bit != 0 {
			r.Servers = append(r.Servers, m.Name())
		}
	}
	return r
}

// Forget removes these hosts, whole names, from every server of q's scope, and
// returns how many objects that removed. Hosts that no server knows are
// ErrUnknown, and then nothing is removed. Where a server cannot be asked, the
// others have forgotten the hosts when it returns its error.
func (c *Client) Forget(ctx context.Context, q Query, hosts []string) (int, error) {
	if i := slices.IndexFunc(hosts, func(h string) bool { return strings.ContainsAny(h, `*?[\`) }); i >= 0 {
		return 0, fmt.Errorf("cannot forget %s: a pattern is not enough, each host has to be named whole", hosts[i])
	}
	set, err := hostsOf(hosts)
	if err != nil {
		return 0, err
	}
	a, err := c.survey(ctx, q, false)
	if err != nil {
		return 0, err
	}
	known := make(map[string]bool)
	var errs []error
	for _, k := range a.cores {
		for _, h := range k.hosts.list {
			known[h.name] = true
		}
		for _, m := range k.members {
			if m.err != nil {
				errs = append(errs, m.err)
			}
		}
	}
	for _, h := range set.Names() {
		if !known[h] && len(errs) == 0 {
			return 0, fmt.Errorf("cannot forget %s: %w to the servers of scope %s", h, ErrUnknown, a.query.Scope)
		}
	}
	removed := 0
	for _, k := range a.cores {
		most := 0
		for _, m := range k.left() {
			n, err := m.Forget(ctx, set.Names())
			most = max(most, n)
			if err != nil {
				errs = append(errs, err)
			}
		}
		removed += most
		errs = append(errs, k.recount(ctx)...)
	}
	if len(errs) > 0 {
		return removed, fmt.Errorf("cannot forget %s everywhere: %w", strings.Join(set.Names(), ", "), joinLine(errs))
	}
	return removed, nil
}
