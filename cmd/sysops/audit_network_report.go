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

func percentileLine(unit network.Unit, p network.Percentile) string {
	name := network.PercentileName(p.P)
	if p.P == 0 {
		name = "min"
	}
	return fmt.Sprintf("%7s %s  %7s beyond", name, padLeft(valueText(unit, p.Value), valueWidth), words.Grouped(p.Beyond))
}

func (a *networkAnswer) printPercentiles(context.Context) error {
	if err := a.printRows(); err != nil {
		return err
	}
	if a.in.stdout.Terminal() && a.in.format == "text" && len(a.Spread) > 0 && len(a.in.out.Sort) == 0 && a.in.limit == 0 {
		if err := a.in.out.Add(output.Row{Parts: append([]output.Row{{Text: []byte("\n")}}, a.histogramRows()...)}); err != nil {
			return err
		}
	}
	a.summarise()
	return nil
}

func (a *networkAnswer) printHistogram(context.Context) error {
	for _, r := range a.histogramRows() {
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
func (a *networkAnswer) histogramRows() []output.Row {
	var bins []network.Bin
	var rows []output.Row
	for r := range network.ModeOf(network.Bins).Rows(a.Findings) {
		bins = append(bins, r.Of.(network.Bin))
		rows = append(rows, output.Row{Fields: outputFields(r.Fields)})
	}
	total, highest, edge, digits := 0, 0, 0, 0
	label := func(v float64) string { return edgeText(a.Metric.Unit, v) }
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
	for i, b := range bins {
		cells := output.Cells(label(b.From), label(b.To), words.Grouped(b.Count), fmt.Sprintf("%.1f%%", 100*float64(b.Count)/float64(max(total, 1))), "", "")
		cells[4].Share = float64(b.Count) / float64(max(highest, 1))
		if a.thresholdIn(b, i == len(bins)-1) {
			cells[5].Text = "← " + a.thresholdText()
		}
		rows[i].Table, rows[i].Cells = table, cells
	}
	return rows
}

// thresholdIn reports whether the threshold is within a bin.
func (a *networkAnswer) thresholdIn(b network.Bin, last bool) bool {
	t := a.Threshold.Value
	return t >= b.From && t <= b.To && (t < b.To || last || b.From == b.To)
}

func (a *networkAnswer) thresholdText() string {
	if a.aboveGiven {
		return valueText(a.Metric.Unit, a.Threshold.Value)
	}
	p := a.percentile
	if a.Metric.Low {
		p = network.Opposite(p)
	}
	return ordinal(p) + " percentile"
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

func spreadLine(s network.Spread) string {
	text := fmt.Sprintf("%8s", words.Grouped(len(s.Values)))
	for _, p := range spreadPercentiles {
		text += " " + padLeft(valueText(s.Unit, s.Values.Percentile(p)), spreadWidth(s.Unit))
	}
	return text + "  " + s.Name
}

func spreadHeading(unit network.Unit) string {
	text := "   hosts"
	for _, p := range spreadPercentiles {
		text += " " + padLeft(network.PercentileName(p), spreadWidth(unit))
	}
	return text
}

func (a *networkAnswer) spreadHeading(unit network.Unit) {
	if a.in.format == "text" && !a.in.quiet {
		fmt.Fprintln(a.in.stderr, spreadHeading(unit))
	}
}

func (a *networkAnswer) printServers(context.Context) error {
	if len(a.Servers) == 0 {
		a.summarise()
		return nil
	}
	a.spreadHeading(network.Seconds)
	return a.printRows()
}

func (a *networkAnswer) printCounters(context.Context) error {
	if len(a.Counters) > 0 {
		a.spreadHeading(network.Count)
	}
	return a.printRows()
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
		Metric: a.Metric.Name, Unit: a.Metric.Unit, Hosts: len(a.Spread), Silent: len(a.Hosts) - len(a.Spread),
		Mean: network.Number(a.Spread.Mean()), Histogram: a.Spread.Histogram(), Threshold: network.Number(a.Threshold.Value), Beyond: len(a.Beyond), Bonds: a.Bonds,
	}
	if len(a.Spread) == 0 {
		r.say("%s\n", a.nobody())
	} else if err := a.reportCompared(ctx, r, most); err != nil {
		return err
	}
	r.Servers = a.reportSpreads(r, fmt.Sprintf("Redis servers: %s push time", a.stat), network.Seconds, a.rowsOf(network.ByServer), most)
	r.Ratios = a.reportSpreads(r, "Ratios of the kernel's counters", network.Share, a.RatioRows(), len(network.Ratios()))
	a.reportTroubles(r)
	if len(a.Hosts) > 0 {
		a.in.rows++
		r.parts[0].Text = bytes.TrimLeft(r.parts[0].Text, "\n")
		return a.in.out.Add(output.Row{Parts: r.parts, Fields: output.Fields("report", r)})
	}
	return nil
}

// rowsOf returns the rows of another mode, for a part of the page.
func (a *networkAnswer) rowsOf(mode string) []network.Row {
	return slices.Collect(network.ModeOf(mode).Rows(a.Findings))
}

// list adds the first of some rows to the page, and returns them for programs.
func (a *networkAnswer) list(r *networkReport, rows []network.Row, most int) (out []map[string]any) {
	for i, row := range rows {
		if i == most {
			r.say("        … and %s more\n", words.Grouped(len(rows)-most))
			break
		}
		r.say("%s\n", a.line(row.Of))
		out = append(out, asMap(row.Fields))
	}
	return out
}

// reportCompared has the percentiles, the histogram, the worst hosts, and what they share.
func (a *networkAnswer) reportCompared(ctx context.Context, r *networkReport, most int) (err error) {
	r.say("%s of %s hosts; mean %s", upperFirst(a.Metric.Name), words.Grouped(r.Hosts), valueText(a.Metric.Unit, a.Spread.Mean()))
	if r.Silent > 0 {
		r.say("; not known of %s", words.Grouped(r.Silent))
	}
	r.say("\n")
	percentiles := a.rowsOf(network.Spreads)
	r.Percentiles = a.list(r, percentiles, len(percentiles))
	r.say("\n")
	r.parts = append(r.parts, a.histogramRows()...)
	r.say("\nHosts %s: %s\n", a.what(), words.Grouped(len(a.Beyond)))
	r.Worst = a.list(r, a.rowsOf(network.Hosts), most)
	if a.knowsClusters() {
		if a.Shared, err = a.sharedClusters(ctx); err != nil {
			return err
		}
	}
	r.Switches = a.reportGroups(r, "Switches", a.rowsOf(network.BySwitch), most)
	r.Clusters = a.reportGroups(r, "Clusters", a.rowsOf(network.ByCluster), most)
	return nil
}

func (a *networkAnswer) reportGroups(r *networkReport, what string, rows []network.Row, most int) []map[string]any {
	if len(rows) == 0 {
		return nil
	}
	r.say("\n%s with hosts %s\n", what, a.what())
	return a.list(r, rows, most)
}

// knowsClusters reports whether anything says where to look clusters up.
func (a *networkAnswer) knowsClusters() bool {
	_, knows := a.in.directory.(sysops.HostExpander)
	return a.in.hostFlags.clusters != "" || len(a.in.rangeServers) > 0 || knows
}

func (a *networkAnswer) reportSpreads(r *networkReport, title string, unit network.Unit, rows []network.Row, most int) []map[string]any {
	if len(rows) == 0 {
		return nil
	}
	r.say("\n%s\n%s\n", title, spreadHeading(unit))
	return a.list(r, rows, most)
}

func (a *networkAnswer) reportTroubles(r *networkReport) {
	if r.Bonds == 0 {
		return
	}
	r.say("\nBonds: %s", words.Grouped(r.Bonds))
	if len(a.Troubles) == 0 {
		r.say(", nothing wrong with them")
	}
	r.say("\n")
	for row := range network.ModeOf(network.Bonding).Folded.Rows(a.Findings) {
		p := row.Of.(network.Problem)
		r.say("%8s  %-18s  %s\n", words.Grouped(len(p.Hosts)), p.Name, someHosts(p.Hosts, len(p.Hosts)))
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

func padLeft(text string, width int) string { return fmt.Sprintf("%*s", width, text) }
