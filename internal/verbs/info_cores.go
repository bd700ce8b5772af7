package verbs

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// A coreLine is what is told of a core.
type coreLine struct {
	site, core           string
	servers, down        int
	live, stale, missing int
}

var coreTable = &output.Table{Columns: []output.Column{
	{Title: "CORE", Width: 16},
	{Title: "SITE", Width: 12},
	{Title: "SERVERS", Width: 8, Right: true},
	{Title: "HOSTS", Width: 8, Right: true},
	{Title: "LIVE", Width: 8, Right: true},
	{Title: "STALE", Width: 8, Right: true},
	{Title: "MISSING", Width: 8, Right: true},
	{Title: "STATE", Gap: "  "},
}}

// runCores counts the hosts of each core. A host that several cores know counts in the one
// that it pushed to last. A core that is down is what the question is about.
func runCores(ctx context.Context, call *Call) (*Outcome, error) {
	where := call.Query.Where
	where.Partial, where.Patient = true, true
	hosts, complete, err := call.Client.Hosts(ctx, where)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete, Matched: len(complete.Cores)}
	lines := coreLines(complete.Cores, hosts)
	for _, k := range complete.Cores {
		l := lines[k.Core]
		o.Gaps = o.Gaps || l.down > 0 || k.Error != ""
		if err := call.Emit(output.Row{Table: coreTable, Cells: l.cells(k.Error), Fields: l.fields(k.Error)}); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func coreLines(cores []sysops.CoreReport, hosts []sysops.HostReport) map[string]*coreLine {
	lines := make(map[string]*coreLine)
	for _, k := range cores {
		l := &coreLine{site: k.Site, core: k.Core, servers: len(k.Servers)}
		for _, s := range k.Servers {
			if s.Error != "" {
				l.down++
			}
		}
		lines[k.Core] = l
	}
	for _, h := range hosts {
		l := lines[h.Core]
		if l == nil {
			continue // named in the question, and known to no core
		}
		switch h.State {
		case sysops.HostLive:
			l.live++
		case sysops.HostStale, sysops.HostUndated:
			l.stale++
		case sysops.HostMissing:
			l.missing++
		}
	}
	return lines
}

func (l *coreLine) cells(problem string) []output.Cell {
	state, servers := "ok", fmt.Sprint(l.servers)
	if l.down > 0 {
		state, servers = fmt.Sprintf("%d down", l.down), fmt.Sprintf("%d/%d", l.servers-l.down, l.servers)
	}
	if problem != "" {
		state = output.OneLine(problem)
	}
	return output.Cells(l.core, l.site, servers, fmt.Sprint(l.hosts()), fmt.Sprint(l.live), fmt.Sprint(l.stale), fmt.Sprint(l.missing), state)
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
