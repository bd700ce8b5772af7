package verbs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// reportedRows is how long each list of the report is, unless AuditNetwork.Most says so.
const reportedRows = 10

// A networkPage is the report: its members for programs, and its text.
type networkPage struct {
	Metric      string           `json:"metric"`
	Unit        network.Unit     `json:"unit"`
	Hosts       int              `json:"hosts"`  // with a value
	Silent      int              `json:"silent"` // without
	Mean        any              `json:"mean"`
	Percentiles []map[string]any `json:"percentiles"`
	Histogram   []network.Bin    `json:"histogram"`
	Threshold   any              `json:"threshold"`
	Beyond      int              `json:"beyond"`
	Worst       []map[string]any `json:"worst"`
	Switches    []map[string]any `json:"switches"`
	Clusters    []map[string]any `json:"clusters,omitempty"`
	Servers     []map[string]any `json:"servers"`
	Ratios      []map[string]any `json:"ratios"`
	Bonds       int              `json:"bonds"`
	Troubles    []map[string]any `json:"troubles"`
	parts       []output.Row
}

// say adds text to the page.
func (r *networkPage) say(format string, args ...any) {
	r.parts = append(r.parts, output.Row{Text: fmt.Appendf(nil, format, args...)})
}

// report yields the page, which is one row.
func (n *networked) report(ctx context.Context) error {
	most := cmp.Or(n.Most, reportedRows)
	r := &networkPage{
		Metric: n.Metric.Name, Unit: n.Metric.Unit, Hosts: len(n.Spread), Silent: len(n.Hosts) - len(n.Spread),
		Mean: network.Number(n.Spread.Mean()), Histogram: n.Spread.Histogram(), Threshold: network.Number(n.Threshold.Value), Beyond: len(n.Beyond), Bonds: n.Bonds,
	}
	if len(n.Spread) == 0 {
		r.say("%s\n", n.nobody())
	} else if err := n.reportCompared(ctx, r, most); err != nil {
		return err
	}
	r.Servers = n.reportSpreads(r, fmt.Sprintf("Redis servers: %s push time", n.Statistic), network.Seconds, n.rowsOf(network.ByServer), most)
	r.Ratios = n.reportSpreads(r, "Ratios of the kernel's counters", network.Share, n.RatioRows(), len(network.Ratios()))
	n.reportTroubles(r)
	if len(n.Hosts) > 0 {
		n.outcome.Matched++
		return n.call.Emit(output.Row{Parts: r.parts, Fields: output.Fields("report", r)})
	}
	return nil
}

// rowsOf returns the rows of another mode, for a part of the page.
func (n *networked) rowsOf(mode string) []network.Row {
	return slices.Collect(network.ModeOf(mode).Rows(n.Findings))
}

// list adds the first of some rows to the page, and returns them for programs.
func (n *networked) list(r *networkPage, rows []network.Row, most int) (out []map[string]any) {
	for i, row := range rows {
		if i == most {
			r.say("        … and %s more\n", words.Grouped(len(rows)-most))
			break
		}
		text := n.row(row)
		r.parts = append(r.parts, output.Row{Table: text.Table, Cells: text.Cells})
		out = append(out, asMap(row.Fields))
	}
	return out
}

// reportCompared has the percentiles, the histogram, the worst hosts, and what they share.
func (n *networked) reportCompared(ctx context.Context, r *networkPage, most int) (err error) {
	r.say("%s of %s hosts; mean %s", upperFirst(n.Metric.Name), words.Grouped(r.Hosts), valueText(n.Metric.Unit, n.Spread.Mean()))
	if r.Silent > 0 {
		r.say("; not known of %s", words.Grouped(r.Silent))
	}
	r.say("\n")
	percentiles := n.rowsOf(network.Spreads)
	r.Percentiles = n.list(r, percentiles, len(percentiles))
	r.say("\n")
	r.parts = append(r.parts, n.histogram()...)
	r.say("\nHosts %s: %s\n", n.beyond(), words.Grouped(len(n.Beyond)))
	r.Worst = n.list(r, n.rowsOf(network.Hosts), most)
	if n.knowsClusters() {
		if n.Shared, err = n.sharedClusters(ctx); err != nil {
			return err
		}
	}
	r.Switches = n.reportGroups(r, "Switches", n.rowsOf(network.BySwitch), most)
	r.Clusters = n.reportGroups(r, "Clusters", n.rowsOf(network.ByCluster), most)
	return nil
}

func (n *networked) reportGroups(r *networkPage, what string, rows []network.Row, most int) []map[string]any {
	if len(rows) == 0 {
		return nil
	}
	r.say("\n%s with hosts %s\n", what, n.beyond())
	return n.list(r, rows, most)
}

// knowsClusters reports whether anything says where to look clusters up.
func (n *networked) knowsClusters() bool {
	from := &n.call.Clusters
	_, knows := from.Directory.(sysops.HostExpander)
	return from.Clusters != nil || len(from.Servers) > 0 || knows
}

func (n *networked) reportSpreads(r *networkPage, title string, unit network.Unit, rows []network.Row, most int) []map[string]any {
	if len(rows) == 0 {
		return nil
	}
	r.say("\n%s\n", title)
	r.parts = append(r.parts, *n.tables.heading(unit))
	return n.list(r, rows, most)
}

func (n *networked) reportTroubles(r *networkPage) {
	if r.Bonds == 0 {
		return
	}
	r.say("\nBonds: %s", words.Grouped(r.Bonds))
	if len(n.Troubles) == 0 {
		r.say(", nothing wrong with them")
	}
	r.say("\n")
	table := &output.Table{Columns: []output.Column{{Width: 8, Right: true}, {Width: 18, Gap: "  "}, {Gap: "  "}}}
	for row := range network.ModeOf(network.Bonding).Folded.Rows(n.Findings) {
		p := row.Of.(network.Problem)
		r.parts = append(r.parts, output.Row{Table: table, Cells: output.Cells(words.Grouped(len(p.Hosts)), p.Name, output.SomeHosts(p.Hosts, len(p.Hosts)))})
		r.Troubles = append(r.Troubles, map[string]any{"problem": p.Name, "host_count": len(p.Hosts), "hosts": hostset.Fold(p.Hosts)})
	}
}

func asMap(fields []network.Field) map[string]any {
	out := make(map[string]any, len(fields))
	for _, f := range fields {
		out[f.Name] = f.Value
	}
	return out
}

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
