package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// valueWidth is that of a value as text: "1,234,567,890".
const valueWidth = 13

// valueText writes a value with its unit, to three digits; counters whole.
func valueText(unit network.Unit, v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.IsInf(v, 0):
		return "any"
	}
	switch unit {
	case network.Seconds:
		switch {
		case v == 0 || v >= 1:
			return threeDigits(v) + " s"
		case v >= 1e-3:
			return threeDigits(v*1e3) + " ms"
		}
		return threeDigits(v*1e6) + " us"
	case network.BytesPerSecond:
		for _, u := range []struct {
			size float64
			name string
		}{{1e9, "GB/s"}, {1e6, "MB/s"}, {1e3, "kB/s"}} {
			if v >= u.size {
				return threeDigits(v/u.size) + " " + u.name
			}
		}
		return threeDigits(v) + " B/s"
	case network.Share:
		return threeDigits(100*v) + "%"
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return words.Grouped(int(v))
	}
	return fmt.Sprintf("%.3g", v)
}

// threeDigits writes 1.24, 12.4, 124, 1240, and small numbers as 0.00124.
func threeDigits(v float64) string {
	switch {
	case v >= 1e15:
		return fmt.Sprintf("%.3g", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	case v == 0:
		return "0"
	}
	return fmt.Sprintf("%.3g", v)
}

// edgeText is valueText for round values: 1 s in place of 1.00 s.
func edgeText(unit network.Unit, v float64) string {
	text := valueText(unit, v)
	end := strings.LastIndexAny(text, "0123456789") + 1
	number, name := text[:end], text[end:]
	if strings.Contains(number, ".") && !strings.Contains(number, "e") {
		number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
	}
	return number + name
}

// ordinal writes 95th, 99.9th, 1st.
func ordinal(p float64) string {
	text := fmt.Sprint(p)
	if p == math.Trunc(p) && (int(p)/10)%10 != 1 {
		switch int(p) % 10 {
		case 1:
			return text + "st"
		case 2:
			return text + "nd"
		case 3:
			return text + "rd"
		}
	}
	return text + "th"
}

// opposite is the percentile as far from 0 as p is from 100: of 99.9 it is 0.1, from which
// their difference is some way off.
func opposite(p float64) float64 { return math.Round((100-p)*1e9) / 1e9 }

// percentileName is p50, p99.9, max.
func percentileName(p float64) string {
	if p == 100 {
		return "max"
	}
	return fmt.Sprintf("p%v", p)
}

// shownPercentiles are the usual ones, turned around where small values are the bad
// ones, and that of --percentile.
func (a *networkAnswer) shownPercentiles() []float64 {
	all := network.Percentiles()
	if a.metric.Low {
		for i, p := range all {
			all[i] = opposite(p)
		}
	}
	if p := a.percentile; p > 0 && p < 100 {
		if a.metric.Low {
			p = opposite(p)
		}
		all = append(all, p)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// at is a percentile; 0 is the smallest value.
func (a *networkAnswer) at(p float64) float64 {
	if p == 0 && len(a.spread) > 0 {
		return a.spread[0]
	}
	return a.spread.Percentile(p)
}

func percentileFields(m *network.Metric, p, value float64, beyond int) []output.Field {
	name := ""
	if m != nil {
		name = m.Name
	}
	return output.Fields("metric", name, "percentile", p, "value", optionalNumber(value), "beyond", beyond)
}

// percentileRows returns the table of percentiles: how many hosts are beyond each.
func (a *networkAnswer) percentileRows() (lines []string, rows [][]output.Field) {
	if len(a.spread) == 0 {
		return nil, nil
	}
	for _, p := range a.shownPercentiles() {
		value := a.at(p)
		t := network.Threshold{Value: value, Low: a.metric.Low}
		beyond := 0
		for _, v := range a.spread {
			if t.Beyond(v) {
				beyond++
			}
		}
		name := percentileName(p)
		if p == 0 {
			name = "min"
		}
		lines = append(lines, fmt.Sprintf("%7s %s  %7s beyond", name, padLeft(valueText(a.metric.Unit, value), valueWidth), words.Grouped(beyond)))
		rows = append(rows, percentileFields(a.metric, p, value, beyond))
	}
	return lines, rows
}

func (a *networkAnswer) printPercentiles() error {
	lines, rows := a.percentileRows()
	for i := range rows {
		a.in.rows++
		if err := a.in.row([]byte(lines[i]+"\n"), rows[i]...); err != nil {
			return err
		}
	}
	if a.in.stdout.Terminal() && a.in.format == "text" && len(rows) > 0 && len(a.in.out.Sort) == 0 && a.in.limit == 0 {
		if err := a.in.out.Add(output.Row{Parts: append([]output.Row{{Text: []byte("\n")}}, a.histogramRows(a.spread.Histogram())...)}); err != nil {
			return err
		}
	}
	a.summarise()
	return nil
}

func histogramFields(b network.Bin) []output.Field {
	return output.Fields("from", b.From, "to", b.To, "count", b.Count)
}

func (a *networkAnswer) printHistogram() error {
	for _, r := range a.histogramRows(a.spread.Histogram()) {
		a.in.rows++
		if err := a.in.out.Add(r); err != nil {
			return err
		}
	}
	a.summarise()
	return nil
}

// histogramRows are a row a bin: from, to, count, share, a bar, and a mark where the
// threshold is.
func (a *networkAnswer) histogramRows(bins []network.Bin) []output.Row {
	total, highest, edge, digits := 0, 0, 0, 0
	label := func(v float64) string { return edgeText(a.metric.Unit, v) }
	for _, b := range bins {
		total += b.Count
		highest = max(highest, b.Count)
		edge = max(edge, utf8.RuneCountInString(label(b.From)), utf8.RuneCountInString(label(b.To)))
		digits = max(digits, len(words.Grouped(b.Count)))
	}
	table := &output.Table{Trim: true, Columns: []output.Column{
		{Width: edge, Right: true},
		{Width: edge, Right: true, Gap: " – "},
		{Width: digits, Right: true, Gap: "  "},
		{Width: len("100.0%"), Right: true, Gap: "  "},
		{Bar: true, Gap: "  "},
		{Width: len("<- 99th percentile")},
	}}
	rows := make([]output.Row, len(bins))
	for i, b := range bins {
		cells := output.Cells(label(b.From), label(b.To), words.Grouped(b.Count), fmt.Sprintf("%.1f%%", 100*float64(b.Count)/float64(max(total, 1))), "", "")
		cells[4].Share = float64(b.Count) / float64(max(highest, 1))
		if a.thresholdIn(b, i == len(bins)-1) {
			cells[5].Text = "← " + a.thresholdText()
		}
		rows[i] = output.Row{Table: table, Cells: cells, Fields: histogramFields(b)}
	}
	return rows
}

// thresholdIn reports whether the threshold is within a bin.
func (a *networkAnswer) thresholdIn(b network.Bin, last bool) bool {
	t := a.threshold.Value
	return t >= b.From && t <= b.To && (t < b.To || last || b.From == b.To)
}

func (a *networkAnswer) thresholdText() string {
	if a.aboveGiven {
		return valueText(a.metric.Unit, a.threshold.Value)
	}
	p := a.percentile
	if a.metric.Low {
		p = opposite(p)
	}
	return ordinal(p) + " percentile"
}

// spreadFields are how values lie that are known by a name, such as a server.
func spreadFields(what, name string, d network.Distribution) []output.Field {
	fields := output.Fields(what, name, "hosts", len(d))
	for _, p := range network.Percentiles() {
		fields = append(fields, output.Field{Name: percentileName(p), Value: optionalNumber(d.Percentile(p))})
	}
	return fields
}

// spreadPercentiles are those that fit on a line of text.
var spreadPercentiles = []float64{50, 95, 99, 100}

// spreadWidth is that of a column: counters need more than "999 kB/s". A line with the
// name of a server then fits on 80 columns.
func spreadWidth(unit network.Unit) int {
	if unit == network.Count {
		return valueWidth
	}
	return 9
}

func spreadLine(unit network.Unit, name string, d network.Distribution) string {
	text := fmt.Sprintf("%8s", words.Grouped(len(d)))
	for _, p := range spreadPercentiles {
		text += " " + padLeft(valueText(unit, d.Percentile(p)), spreadWidth(unit))
	}
	return text + "  " + name
}

func spreadHeading(unit network.Unit) string {
	text := "   hosts"
	for _, p := range spreadPercentiles {
		text += " " + padLeft(percentileName(p), spreadWidth(unit))
	}
	return text
}

func (a *networkAnswer) spreadHeading(unit network.Unit) {
	if a.in.format == "text" && !a.in.quiet {
		fmt.Fprintln(a.in.stderr, spreadHeading(unit))
	}
}

func (a *networkAnswer) printSpread(what string, unit network.Unit, s namedSpread) error {
	a.in.rows++
	return a.in.row([]byte(spreadLine(unit, s.name, s.values)+"\n"), spreadFields(what, s.name, s.values)...)
}

type namedSpread struct {
	name   string
	values network.Distribution
}

// servers are the Redis servers, the slowest first.
func (a *networkAnswer) servers() []namedSpread {
	var out []namedSpread
	for name, values := range a.fleet.Servers {
		out = append(out, namedSpread{name, network.NewDistribution(values)})
	}
	slices.SortFunc(out, func(x, y namedSpread) int {
		return cmp.Or(cmp.Compare(y.values.Percentile(95), x.values.Percentile(95)), strings.Compare(x.name, y.name))
	})
	return out
}

func (a *networkAnswer) printServers() error {
	servers := a.servers()
	if len(servers) == 0 {
		a.summarise()
		return nil
	}
	a.spreadHeading(network.Seconds)
	for _, s := range servers {
		if err := a.printSpread("server", network.Seconds, s); err != nil {
			return err
		}
	}
	return nil
}

// printCounters sorts the values of one counter at a time: all of them take the most
// memory of what this verb holds.
func (a *networkAnswer) printCounters() error {
	if len(a.fleet.Counters) > 0 {
		a.spreadHeading(network.Count)
	}
	for _, c := range a.fleet.CounterNames() {
		if err := a.printSpread("counter", network.Count, namedSpread{c.String(), network.NewDistribution(a.fleet.Counters[c])}); err != nil {
			return err
		}
	}
	return nil
}

// reportedRows is how long each list of the report is, without --limit.
const reportedRows = 10

// A networkReport is the page of --report, for programs.
type networkReport struct {
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
func (r *networkReport) say(format string, args ...any) {
	r.parts = append(r.parts, output.Row{Text: fmt.Appendf(nil, format, args...)})
}

// printReport prints the page, which is one row.
func (a *networkAnswer) printReport(ctx context.Context) error {
	most := cmp.Or(a.in.limit, reportedRows)
	a.in.out.Limit = 0
	r := &networkReport{
		Metric: a.metric.Name, Unit: a.metric.Unit, Hosts: len(a.spread), Silent: len(a.fleet.Hosts) - len(a.spread),
		Mean: optionalNumber(a.spread.Mean()), Histogram: a.spread.Histogram(), Threshold: optionalNumber(a.threshold.Value), Beyond: len(a.beyond), Bonds: a.fleet.Bonds,
	}
	if len(a.spread) == 0 {
		r.say("%s\n", a.nobody())
	} else {
		a.reportMetric(r, most)
		clusters, err := a.reportedClusters(ctx)
		if err != nil {
			return err
		}
		r.Switches = a.reportGroups(r, "switch", fmt.Sprintf("Switches with hosts %s", a.what()), a.switches(), most)
		r.Clusters = a.reportGroups(r, "cluster", fmt.Sprintf("Clusters with hosts %s", a.what()), clusters, most)
	}
	r.Servers = reportSpreads(r, "server", fmt.Sprintf("Redis servers: %s push time", a.stat), network.Seconds, a.servers(), most)
	r.Ratios = reportSpreads(r, "ratio", "Ratios of the kernel's counters", network.Share, a.ratios(), len(network.Ratios()))
	a.reportTroubles(r)
	if len(a.fleet.Hosts) > 0 {
		a.in.rows++
		r.parts[0].Text = bytes.TrimLeft(r.parts[0].Text, "\n")
		return a.in.out.Add(output.Row{Parts: r.parts, Fields: output.Fields("report", r)})
	}
	return nil
}

// reportMetric has the percentiles, the histogram and the worst hosts.
func (a *networkAnswer) reportMetric(r *networkReport, most int) {
	r.say("%s of %s hosts; mean %s", upperFirst(a.metric.Name), words.Grouped(r.Hosts), valueText(a.metric.Unit, a.spread.Mean()))
	if r.Silent > 0 {
		r.say("; not known of %s", words.Grouped(r.Silent))
	}
	lines, rows := a.percentileRows()
	r.say("\n%s\n\n", strings.Join(lines, "\n"))
	r.parts = append(r.parts, a.histogramRows(r.Histogram)...)
	for _, row := range rows {
		r.Percentiles = append(r.Percentiles, asMap(row))
	}
	r.say("\nHosts %s: %s\n", a.what(), words.Grouped(len(a.beyond)))
	for i, h := range a.beyond {
		if i == most {
			r.say("%s\n", andMore(len(a.beyond)-most))
			break
		}
		r.say("%s", a.hostLine(h))
		r.Worst = append(r.Worst, asMap(a.hostFields(h)))
	}
}

func andMore(n int) string { return fmt.Sprintf("        … and %s more", words.Grouped(n)) }

func (a *networkAnswer) reportGroups(r *networkReport, what, title string, groups []network.Group, most int) []map[string]any {
	if len(groups) == 0 {
		return nil
	}
	var out []map[string]any
	r.say("\n%s\n", title)
	for i := range groups {
		if i == most {
			r.say("%s\n", andMore(len(groups)-most))
			break
		}
		r.say("%s\n", groupLine(&groups[i]))
		out = append(out, asMap(a.groupFields(what, &groups[i])))
	}
	return out
}

// reportedClusters are nil where nothing says where to look them up.
func (a *networkAnswer) reportedClusters(ctx context.Context) ([]network.Group, error) {
	_, knows := a.in.directory.(sysops.HostExpander)
	if a.in.hostFlags.clusters == "" && len(a.in.rangeServers) == 0 && !knows {
		return nil, nil
	}
	return a.clusters(ctx)
}

// ratios are those that have a name and that some host has.
func (a *networkAnswer) ratios() []namedSpread {
	var out []namedSpread
	for _, r := range network.Ratios() {
		if d := network.NewDistribution(a.fleet.Ratios[r.Name]); len(d) > 0 {
			out = append(out, namedSpread{r.Name, d})
		}
	}
	return out
}

func reportSpreads(r *networkReport, what, title string, unit network.Unit, spreads []namedSpread, most int) []map[string]any {
	if len(spreads) == 0 {
		return nil
	}
	var out []map[string]any
	r.say("\n%s\n%s\n", title, spreadHeading(unit))
	for i, s := range spreads {
		if i == most {
			r.say("%s\n", andMore(len(spreads)-most))
			break
		}
		r.say("%s\n", spreadLine(unit, s.name, s.values))
		out = append(out, asMap(spreadFields(what, s.name, s.values)))
	}
	return out
}

func (a *networkAnswer) reportTroubles(r *networkReport) {
	if r.Bonds == 0 {
		return
	}
	problems := a.problems()
	r.say("\nBonds: %s", words.Grouped(r.Bonds))
	if len(problems) == 0 {
		r.say(", nothing wrong with them")
	}
	r.say("\n")
	for _, p := range problems {
		r.say("%8s  %-18s  %s\n", words.Grouped(len(p.hosts)), p.problem, someHosts(p.hosts, len(p.hosts)))
		r.Troubles = append(r.Troubles, map[string]any{"problem": p.problem, "host_count": len(p.hosts), "hosts": hostset.Fold(p.hosts)})
	}
}

func asMap(fields []output.Field) map[string]any {
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

func padLeft(text string, width int) string { return fmt.Sprintf("%*s", width, text) }
