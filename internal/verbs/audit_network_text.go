package verbs

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// valueWidth is that of a value as text: "1,234,567,890".
const valueWidth = 13

// networkTables are those of the rows of an audit, by what a row is about.
type networkTables struct {
	host, group, trouble, percentile *output.Table
	spread                           map[network.Unit]*output.Table
}

// spreadPercentiles are those that fit on a line of text.
var spreadPercentiles = []float64{50, 95, 99, 100}

func tablesOf(f *network.Findings) networkTables {
	var host, troubled int
	for _, h := range f.Beyond {
		host = max(host, len(h.Name))
	}
	for i := range f.Troubles {
		troubled = max(troubled, len(f.Troubles[i].Host))
	}
	value := output.Column{Width: valueWidth, Right: true, Gap: "  "}
	t := networkTables{
		host: &output.Table{Trim: true, Columns: []output.Column{{Width: valueWidth, Right: true}, {Width: host, Gap: "  "}, {Gap: "  "}}},
		group: &output.Table{Columns: []output.Column{
			{Width: 7, Right: true}, {Width: 7, Right: true, Gap: " of "}, {Width: len("100.000%"), Right: true}, {Gap: "  "}, {Gap: "\t", Whole: true},
		}},
		trouble:    &output.Table{Columns: []output.Column{{Width: max(host, troubled)}, {Width: 8, Gap: "  "}, {Width: 8}, {Width: 18}, {}}},
		percentile: &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Width: valueWidth, Right: true}, {Width: 7, Right: true, Gap: "  "}, {}}},
		spread:     make(map[network.Unit]*output.Table),
	}
	if u := f.Metric.Unit; u == network.Seconds || u == network.BytesPerSecond { // the other one stands beside it
		t.host.Columns = append(t.host.Columns[:1:1], append([]output.Column{value}, t.host.Columns[1:]...)...)
	}
	for _, unit := range []network.Unit{network.Seconds, network.Share, network.Count} {
		width := 9 // so that a line with the name of a server fits on 80 columns
		if unit == network.Count {
			width = valueWidth // counters need more than "999 kB/s"
		}
		columns := []output.Column{{Width: 8, Right: true}}
		for range spreadPercentiles {
			columns = append(columns, output.Column{Width: width, Right: true})
		}
		t.spread[unit] = &output.Table{Columns: append(columns, output.Column{Gap: "  "})}
	}
	return t
}

// heading is the titles of spreads.
func (t *networkTables) heading(unit network.Unit) *output.Row {
	cells := output.Cells("hosts")
	for _, p := range spreadPercentiles {
		cells = append(cells, output.Cell{Text: network.PercentileName(p)})
	}
	return &output.Row{Table: t.spread[unit], Cells: cells}
}

// row is a row of a mode, but for its folded hosts.
func (n *networked) row(r network.Row) output.Row {
	row := output.Row{Fields: outputFields(r.Fields)}
	switch of := r.Of.(type) {
	case *network.Host:
		row.Table, row.Cells = n.tables.host, n.hostCells(of)
	case *network.Group:
		row.Table, row.Cells = n.tables.group, output.Cells(fmt.Sprint(of.Beyond), fmt.Sprint(of.Hosts), fmt.Sprintf("%.3f%%", 100*of.Share), oneField(of.Name))
	case *network.Trouble:
		row.Table, row.Cells = n.tables.trouble, output.Cells(of.Host, oneField(of.Bond), of.Slave, of.Problem, of.Detail)
	case network.Problem:
		row.Table, row.Cells = foldedTable, output.Cells(fmt.Sprint(len(of.Hosts)), of.Name)
	case network.Percentile:
		row.Table, row.Cells = n.tables.percentile, percentileCells(n.Metric.Unit, of)
	case network.Spread:
		row.Table, row.Cells = n.tables.spread[of.Unit], spreadCells(of)
	}
	return row
}

// hostCells are a host's value, those of its interactions, and where it is.
func (n *networked) hostCells(h *network.Host) []output.Cell {
	cells := output.Cells(valueText(n.Metric.Unit, h.Value))
	switch n.Metric.Unit {
	case network.Seconds:
		cells = append(cells, output.Cells(valueText(network.BytesPerSecond, h.Rate))...)
	case network.BytesPerSecond:
		cells = append(cells, output.Cells(valueText(network.Seconds, h.Seconds))...)
	}
	var links []string
	for _, l := range h.Links {
		links = append(links, oneField(l.Switch)+" "+oneField(l.Port))
	}
	return append(cells, output.Cells(h.Name, strings.TrimRight(strings.Join(links, "  "), " "))...)
}

func percentileCells(unit network.Unit, p network.Percentile) []output.Cell {
	name := network.PercentileName(p.P)
	if p.P == 0 {
		name = "min"
	}
	return output.Cells(name, valueText(unit, p.Value), words.Grouped(p.Beyond), "beyond")
}

func spreadCells(s network.Spread) []output.Cell {
	cells := output.Cells(words.Grouped(len(s.Values)))
	for _, p := range spreadPercentiles {
		cells = append(cells, output.Cell{Text: valueText(s.Unit, s.Values.Percentile(p))})
	}
	return append(cells, output.Cell{Text: oneField(s.Name)})
}

// histogram has a row a bin: from, to, count, share, a bar, and a mark where the
// threshold is.
func (n *networked) histogram() []output.Row {
	var bins []network.Bin
	var rows []output.Row
	for r := range network.ModeOf(network.Bins).Rows(n.Findings) {
		bins = append(bins, r.Of.(network.Bin))
		rows = append(rows, output.Row{Fields: outputFields(r.Fields)})
	}
	total, highest, edge, digits := 0, 0, 0, 0
	label := func(v float64) string { return edgeText(n.Metric.Unit, v) }
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
		if n.thresholdIn(b, i == len(bins)-1) {
			cells[5].Text = "← " + n.thresholdText()
		}
		rows[i].Table, rows[i].Cells = table, cells
	}
	return rows
}

// thresholdIn reports whether the threshold is within a bin.
func (n *networked) thresholdIn(b network.Bin, last bool) bool {
	t := n.Threshold.Value
	return t >= b.From && t <= b.To && (t < b.To || last || b.From == b.To)
}

func (n *networked) thresholdText() string {
	if n.Above != nil {
		return valueText(n.Metric.Unit, n.Threshold.Value)
	}
	p := n.AuditNetwork.Percentile
	if n.Metric.Low {
		p = network.Opposite(p)
	}
	return ordinal(p) + " percentile"
}

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
