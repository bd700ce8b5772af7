package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Hosts tells which hosts report, and since when they have not.
type Hosts struct {
	// With one of these, only such hosts; with both, either.
	Stale   bool // whose last push is old, or of no known time, though their snapshot still lives
	Missing bool // without a live snapshot

	Fold bool // all of them as one expression
}

// Check has nothing to say.
func (h *Hosts) Check() error { return nil }

// Columns are what is known of a host, or the expression.
func (h *Hosts) Columns() []output.Field {
	if h.Fold {
		return foldFields(nil)
	}
	return hostFields(&sysops.HostReport{})
}

var hostTable = &output.Table{Columns: []output.Column{
	{Width: 40}, {Width: 8}, {Width: 12, Right: true}, {Gap: "  "},
}}

// Run yields a row a host, sorted by name, or one of all hosts, unless there are none.
func (h *Hosts) Run(ctx context.Context, call *Call) (*Outcome, error) {
	reports, complete, err := call.Client.Hosts(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete}
	var folded []string
	for _, r := range reports {
		switch {
		case !h.wants(r.State):
			continue
		case h.Fold:
			folded = append(folded, r.Host)
		default:
			if err := call.Emit(hostRow(&r)); err != nil {
				return nil, err
			}
		}
		o.Matched++
	}
	if len(folded) > 0 {
		fields := foldFields(folded)
		err = call.Emit(output.Row{Text: fmt.Appendf(nil, "%s\n", fields[1].Value), Fields: fields})
	}
	return o, err
}

// wants reports whether hosts in this state are asked for.
func (h *Hosts) wants(state sysops.HostState) bool {
	return !h.Stale && !h.Missing || h.Stale && (state == sysops.HostStale || state == sysops.HostUndated) || h.Missing && state == sysops.HostMissing
}

func hostRow(h *sysops.HostReport) output.Row {
	since := "never"
	switch {
	case h.State == sysops.HostUndated:
		since = "unknown"
	case !h.Pushed.IsZero():
		since = words.Age(h.Age) + " ago"
	}
	return output.Row{Table: hostTable, Cells: output.Cells(h.Host, string(h.State), since, h.Core), Fields: hostFields(h)}
}

func hostFields(h *sysops.HostReport) []output.Field {
	return output.Fields(
		"host", h.Host,
		"state", h.State,
		"pushed", optionalTime(h.Pushed),
		"expires", optionalTime(h.Expires),
		"site", h.Site,
		"core", h.Core,
		"servers", h.Servers,
	)
}

// optionalTime is a time as a field's value: nil where there is none.
func optionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// Expand tells which hosts an expression names. No server is asked: they need not exist.
type Expand struct {
	Expr     string
	Clusters *hostset.Clusters // that the expression may name; nil: none
}

// Check has nothing to say: what is wrong with the expression is told when it is expanded.
func (e *Expand) Check() error { return nil }

// Columns are the host.
func (e *Expand) Columns() []output.Field { return output.Fields("host", "") }

// Run yields a row a host, sorted. The call needs no client.
func (e *Expand) Run(_ context.Context, call *Call) (*Outcome, error) {
	hosts, err := e.Clusters.Expand(e.Expr)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if err := call.Emit(output.Row{Text: []byte(h + "\n"), Fields: output.Fields("host", h)}); err != nil {
			return nil, err
		}
	}
	return &Outcome{Matched: len(hosts)}, nil
}
