package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/acl"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A HostReport is what is known of one host.
type HostReport struct {
	Host, Site, Core string
	Pushed           time.Time // its last push; zero: none is known
	Expires          time.Time
	Missing          bool     // its snapshot has expired, or it never pushed
	Undated          bool     // its objects are there, and nobody knows when they were pushed, nor when they expire
	Servers          []string // that have its last push
}

// Hosts tells who reported when, for the hosts of the scope that are wanted, sorted by
// name.
func (s *Servers) Hosts(ctx context.Context, q Request) ([]HostReport, *Survey, error) {
	found, err := s.surveyHosts(ctx, q, nil)
	if err != nil {
		return nil, nil, err
	}
	var out []HostReport
	for _, k := range found.cores {
		for _, h := range k.hosts.list {
			if h.owned && q.wants(h.name) && (q.MaxAge == 0 || time.Since(h.pushed) <= q.MaxAge) {
				out = append(out, k.hostReport(h))
			}
		}
	}
	for _, name := range found.counts.Missing {
		if !found.knows(name) && q.MaxAge == 0 {
			out = append(out, HostReport{Host: name, Missing: true})
		}
	}
	slices.SortFunc(out, func(x, y HostReport) int { return strings.Compare(x.Host, y.Host) })
	return out, found, nil
}

func (k *coreState) hostReport(h *hostState) HostReport {
	r := HostReport{Host: h.name, Site: k.site, Core: k.core, Pushed: h.pushed, Expires: h.expires, Missing: !h.live(time.Now())}
	if r.Undated = h.undated && !r.Missing; r.Undated {
		r.Expires = time.Time{}
	}
	for _, m := range k.left() {
		if h.has&m.bit != 0 {
			r.Servers = append(r.Servers, m.Name())
		}
	}
	return r
}

// settleHosts settles a survey that is about hosts, not objects: every live host has
// answered.
func (s *Survey) settleHosts() {
	s.sel = naming.HostsAlone()
	s.settle()
	s.counts.AnyKey = false
	s.counts.Answered = s.counts.Expected - len(s.counts.Missing)
}

// A ServerInfo is what one server says of itself.
type ServerInfo struct {
	Site, Core string
	ServerState
	Hosts   int           // with a live snapshot
	Ahead   time.Duration // its clock less ours
	TLS     bool
	Exposed bool   // a password is sent to it which others can read on its way
	Info    string // Redis' INFO as it came; of a Cluster, that of its first master

	Troubles []Trouble      // the worst first; none of a server that does not answer
	Heavy    []HeavyHost    // hosts that take far more of it than most do, the heaviest first
	Tending  *store.Tending // what gc has left there; nil: this user may not read it
}

// A selfReport is what a server is asked for by Info.
type selfReport struct {
	nodes   []store.Node
	heavy   []HeavyHost
	tending *store.Tending
}

func reportOf(ctx context.Context, m *member, hosts []string) (r selfReport, err error) {
	if r.nodes, err = m.Nodes(ctx); err != nil {
		return r, err
	}
	if r.heavy, err = m.heavy(ctx, hosts); err != nil {
		return r, err
	}
	tending, err := m.Tending(ctx)
	if errors.Is(err, store.ErrPermission) {
		return r, nil
	}
	r.tending = &tending
	return r, err
}

// Info asks every server of the scope for Redis' INFO, and how far it agrees with its
// siblings. A core that is down is no error here: it is what the question is about.
func (s *Servers) Info(ctx context.Context, q Request) ([]ServerInfo, *Survey, error) {
	q.Partial, q.Patient = true, true
	reports := make(map[*member]selfReport)
	var mu sync.Mutex
	found, err := s.surveyHosts(ctx, q, func(k *coreState) {
		hosts := k.hosts.names()
		ask(ctx, k, nil,
			func(ctx context.Context, m *member) (selfReport, error) { return reportOf(ctx, m, hosts) },
			func(m *member, r selfReport) {
				mu.Lock()
				defer mu.Unlock()
				reports[m] = r
			})
	})
	if err != nil {
		return nil, nil, err
	}
	report := found.NewPass().Report()
	var out []ServerInfo
	for i, k := range found.cores {
		for j, m := range k.members {
			said := reports[m]
			info := ServerInfo{Site: k.site, Core: k.core, ServerState: report.Cores[i].Servers[j], TLS: m.Secure(), Exposed: m.Exposed(), Heavy: said.heavy, Tending: said.tending}
			if m.index != nil {
				info.Ahead, info.Hosts = m.index.Offset, m.index.Live()
			}
			if len(said.nodes) > 0 {
				info.Info = said.nodes[0].Info
				info.Troubles = append(troubles(m.Name(), said.nodes), m.troubles(info.ServerState)...)
			}
			out = append(out, info)
		}
	}
	return out, found, nil
}

// Queries returns the newest n entries of the record of queries that each server has,
// newest first. What servers have in common comes once for each.
func (s *Servers) Queries(ctx context.Context, q Request, n int) ([]string, error) {
	cores, err := s.cores(ctx, q.Scope, q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	var out []string
	var errs []error
	for _, k := range cores {
		ask(ctx, k, nil, // each server has a record of its own
			func(ctx context.Context, m *member) ([]string, error) { return m.Queries(ctx, n) },
			func(_ *member, entries []string) { out = append(out, entries...) })
		errs = append(errs, k.leftOut()...)
	}
	if len(errs) > 0 {
		return out, fmt.Errorf("cannot read the record of every server: %w", JoinLine(errs))
	}
	return out, nil
}

// Check tells what is wrong with a server before anybody relies on it: whether a push of
// host can do with these credentials what it needs (an error), and what about its
// configuration will hurt (warnings). bases: that it takes no bases is a warning.
func (s *Servers) Check(ctx context.Context, url, host string, bases bool) (warnings []string, err error) {
	one, err := s.Server(url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	nodes, err := one.Nodes(ctx)
	if err != nil && !errors.Is(err, store.ErrPermission) { // it is no host's business
		return nil, err
	}
	var noBases *store.NoBasesError // a push works all the same
	if err := one.TryWrite(ctx, host, acl.NewUser(acl.Host, host).Needs()); errors.As(err, &noBases) {
		switch {
		case !bases:
			noBases = nil
		case !noBases.Readable:
			warnings = append(warnings, err.Error())
		}
	} else if err != nil {
		return nil, err
	}
	untended, err := tendedBy(ctx, one, noBases)
	if err != nil {
		return nil, err
	}
	if untended != "" {
		warnings = append(warnings, untended+gcAdvice)
	}
	for _, t := range troubles(one.Name(), nodes) {
		warnings = append(warnings, t.Err.Error())
	}
	if what := "contents"; !one.Secure() && !one.Local() {
		if one.Exposed() {
			what = "contents and password"
		}
		warnings = append(warnings, fmt.Sprintf("server %s is reached without TLS: %s travel in the clear; use rediss://", one.Name(), what))
	}
	return warnings, nil
}

// TendedWithin is how long ago gc may have been at a server: its timer is daily.
const TendedWithin = 3 * 24 * time.Hour

const gcAdvice = ": have an administrator run sysops gc from a timer (sysops-gc.timer does, where /etc/sysops/admin.yaml is)"

// tendedBy tells what is wrong with gc at a server, as far as this user may know: whether
// there is a roster where there are hosts and, where they may not write bases, whether gc
// does. Empty: nothing.
func tendedBy(ctx context.Context, s *store.Server, noBases *store.NoBasesError) (string, error) {
	if noBases != nil && noBases.Readable {
		choice, err := s.Choice(ctx)
		switch age := time.Since(choice.At); {
		case err != nil:
			return "", err
		case choice.Version == "":
			return noBases.Error() + ". Until gc has chosen some, none can be used", nil
		case age > TendedWithin:
			return fmt.Sprintf("the bases at server %s were chosen for other contents: gc was last there %s ago", s.Name(), words.Age(age)), nil
		}
	}
	t, err := s.Tending(ctx)
	switch age := time.Since(t.Pruned); {
	case store.Answered(err): // it is no host's business
	case err != nil:
		return "", err
	case t.Listed == 0:
	case t.Pruned.IsZero():
		return fmt.Sprintf("server %s has no roster: gc has never been there, so nobody has verified its hosts", s.Name()), nil
	case age > TendedWithin:
		return fmt.Sprintf("the roster of server %s is old: gc was last there %s ago", s.Name(), words.Age(age)), nil
	}
	return "", nil
}

// InfoFields reads "field:value" lines, as Redis' INFO has them; "# Section" lines are
// passed over.
func InfoFields(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[field] = value
		}
	}
	return fields
}
