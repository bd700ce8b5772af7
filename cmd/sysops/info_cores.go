package main

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// A coreLine is what info --cores says of a core.
type coreLine struct {
	site, core           string
	servers, down        int
	live, stale, missing int
}

const coreLineColumns = "%-16s %-12s %8s %8s %8s %8s %8s  %s\n"

// printCores counts the hosts of each core. A host that several cores know counts in
// the one that it pushed to last.
func printCores(ctx context.Context, in *inquiry) error {
	in.query.Partial = true // a core that is down is what the question is about
	hosts, complete, err := in.client.Hosts(ctx, in.query.Where)
	if err != nil {
		return err
	}
	in.complete = complete
	lines := make(map[string]*coreLine)
	reports := complete.Cores
	for _, r := range reports {
		l := &coreLine{site: r.Site, core: r.Core, servers: len(r.Servers)}
		for _, s := range r.Servers {
			if s.Error != "" {
				l.down++
			}
		}
		lines[r.Core] = l
	}
	for _, h := range hosts {
		l := lines[h.Core]
		if l == nil {
			continue // named by --hosts, and known to no core
		}
		switch h.State {
		case sysops.HostLive:
			l.live++
		case sysops.HostStale:
			l.stale++
		case sysops.HostMissing:
			l.missing++
		}
	}
	if in.format == "text" && len(reports) > 0 {
		fmt.Fprintf(in.stdout, coreLineColumns, "CORE", "SITE", "SERVERS", "HOSTS", "LIVE", "STALE", "MISSING", "STATE")
	}
	for _, r := range reports {
		in.rows++
		l := lines[r.Core]
		state, servers := "ok", fmt.Sprint(l.servers)
		if l.down > 0 {
			state, servers = fmt.Sprintf("%d down", l.down), fmt.Sprintf("%d/%d", l.servers-l.down, l.servers)
		}
		if r.Error != "" {
			state = r.Error
		}
		if l.down > 0 || r.Error != "" {
			in.status = exitPartial
		}
		text := fmt.Appendf(nil, coreLineColumns, l.core, l.site, servers, fmt.Sprint(l.hosts()), fmt.Sprint(l.live), fmt.Sprint(l.stale), fmt.Sprint(l.missing), state)
		if err := in.row(text, l.fields(r.Error)...); err != nil {
			return err
		}
	}
	return nil
}

func (l *coreLine) hosts() int { return l.live + l.stale + l.missing }

func (l *coreLine) fields(problem string) []output.Field {
	return output.Fields(
		"site", l.site,
		"core", l.core,
		"error", problem,
		"servers", l.servers,
		"servers_down", l.down,
		"hosts", l.hosts(),
		"live", l.live,
		"stale", l.stale,
		"missing", l.missing,
	)
}

// coreColumns are the fields of such a line.
func coreColumns() []output.Field { return (&coreLine{}).fields("") }
