package sysops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
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
	Info    map[string]string `json:"info"` // Redis' INFO, field by field
	RawInfo string            `json:"-"`    // Redis' INFO as it came
}

// Info asks every server in q's scope for Redis' INFO, and how far it agrees with
// its siblings. q.Pattern is not used. A core that is down is no error here: it
// is what the question is about.
func (c *Client) Info(ctx context.Context, q Query) ([]ServerInfo, *Answer, error) {
	q.Partial = true
	a, err := c.survey(ctx, q, true)
	if err != nil {
		return nil, nil, err
	}
	raw := make(map[*member]string)
	var mu sync.Mutex
	each(a.cores, func(k *coreState) {
		ask(ctx, k, quick,
			func(ctx context.Context, m *member) (string, error) { return m.Info(ctx) },
			func(m *member, text string) {
				mu.Lock()
				defer mu.Unlock()
				raw[m] = text
			})
		k.reunite()
	})
	if err := a.judgeCores(ctx); err != nil {
		return nil, nil, err
	}
	a.settleHosts()
	var out []ServerInfo
	for i, r := range a.coreReports() {
		for j, s := range r.Servers {
			m := a.cores[i].members[j]
			info := ServerInfo{
				Site: r.Site, Core: r.Core, Server: s.Server, Error: s.Error, Lacks: s.Lacks, Cold: s.Cold, TLS: m.Secure(),
				Info: parseInfo(raw[m]), RawInfo: raw[m],
			}
			if m.index != nil {
				info.Ahead = m.index.Offset
				info.Hosts = m.index.Live()
			}
			out = append(out, info)
		}
	}
	return out, a, nil
}

// parseInfo reads "field:value" lines; "# Section" lines are passed over.
func parseInfo(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[field] = value
		}
	}
	return fields
}

// A ServerChange says what an administrative command did to one server.
type ServerChange struct {
	Server  string `json:"server"`
	Hosts   int    `json:"hosts"`   // removed
	Entries int    `json:"entries"` // of the index: removed by GC, added by Adopt
	Names   int    `json:"names"`   // removed
	Error   string `json:"error,omitempty"`
}

// GC prunes the index of every server in q's scope: hosts whose snapshot
// expired over keep ago, entries that lead to no object, names that no host
// holds. It may run beside pushes and queries.
func (c *Client) GC(ctx context.Context, q Query, keep time.Duration) ([]ServerChange, error) {
	return c.everyServer(ctx, q, func(m *member) (ServerChange, error) {
		p, err := m.Prune(ctx, keep)
		return ServerChange{Hosts: p.Hosts, Entries: p.Entries, Names: p.Names}, err
	})
}

// Adopt adds objects that the original's inserter wrote to the index of every
// server in q's scope, so that they are found without SCAN.
func (c *Client) Adopt(ctx context.Context, q Query) ([]ServerChange, error) {
	return c.everyServer(ctx, q, func(m *member) (ServerChange, error) {
		n, err := m.Adopt(ctx, DefaultTTL)
		return ServerChange{Entries: n}, err
	})
}

// everyServer does work at all servers at once. Its error joins theirs.
func (c *Client) everyServer(ctx context.Context, q Query, work func(*member) (ServerChange, error)) ([]ServerChange, error) {
	cores, err := c.cores(ctx, q.Scope, q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	var members []*member
	for _, k := range cores {
		members = append(members, k.members...)
	}
	changes := make([]ServerChange, len(members))
	errs := make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() {
			changes[i], errs[i] = work(m)
			changes[i].Server = m.Name()
			if errs[i] != nil {
				changes[i].Error = errs[i].Error()
			}
		})
	}
	wg.Wait()
	for _, k := range cores {
		errs = append(errs, k.recount(ctx)...)
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > 0 {
		return changes, joinLine(errs)
	}
	return changes, nil
}

// Queries returns the newest n entries of the record of queries, newest first,
// each once, however many servers have it.
func (c *Client) Queries(ctx context.Context, q Query, n int) ([]QueryRecord, error) {
	cores, err := c.cores(ctx, q.Scope, q.Site, q.Core)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var out []QueryRecord
	var errs []error
	for _, k := range cores {
		ask(ctx, k, quick,
			func(ctx context.Context, m *member) ([]string, error) { return m.Queries(ctx, n) },
			func(_ *member, entries []string) {
				for _, e := range entries {
					var r QueryRecord
					if json.Unmarshal([]byte(e), &r) == nil && !seen[r.ID] {
						seen[r.ID] = true
						out = append(out, r)
					}
				}
			})
		for _, m := range k.members {
			if m.err != nil {
				errs = append(errs, m.err)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y QueryRecord) int { return y.Time.Compare(x.Time) })
	out = out[:max(0, min(n, len(out)))]
	if len(errs) > 0 {
		return out, fmt.Errorf("cannot read the record of every server: %w", joinLine(errs))
	}
	return out, nil
}

// CheckServer tells what is wrong with a server before anybody relies on it:
// whether it can be read and written with these credentials (an error), and what
// about its configuration will hurt (warnings).
func (c *Client) CheckServer(ctx context.Context, url, host string) (warnings []string, err error) {
	s, err := c.server(url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	text, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	var noBases *store.NoBasesError // a push works all the same
	if err := s.TryWrite(ctx, host); errors.As(err, &noBases) {
		if !c.opts.NoBases {
			warnings = append(warnings, err.Error())
		}
	} else if err != nil {
		return nil, err
	}
	info := parseInfo(text)
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		warnings = append(warnings, fmt.Sprintf("server %s evicts keys when it is full (maxmemory-policy %s): answers would lose objects unnoticed until the next push; set it to noeviction", s.Name(), policy))
	}
	if !s.Secure() && !s.Loopback() {
		warnings = append(warnings, fmt.Sprintf("server %s is reached without TLS: contents and password travel in the clear; use rediss://", s.Name()))
	}
	return warnings, nil
}
