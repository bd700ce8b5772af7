package terminal

import (
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/output"
)

// A layout puts the cells of a table beside each other. Everything that prints columns
// goes through it.
type layout struct {
	width int // of the terminal; 0: there is none
	ascii bool

	table *output.Table
	need  need // of the rows that were looked at
	fit   fit
}

// begin lays out another table, on a terminal of this width; 0: on none.
func (l *layout) begin(t *output.Table, width int) {
	l.table, l.width = t, width
	l.need = need{texts: make([]int, len(t.Columns))}
	l.look(l.titles())
	l.settle()
}

// look takes the width of cells into account, from settle on.
func (l *layout) look(cells []output.Cell) { l.need = l.needWith(cells) }

// settle decides how wide the columns are.
func (l *layout) settle() {
	if l.width > 0 {
		l.fit = l.fitTo(l.need)
		return
	}
	l.fit = newFit(len(l.table.Columns))
	for i := range l.table.Columns {
		l.fit.widths[i] = l.table.Columns[i].Width
		if l.table.Columns[i].Bar {
			l.fit.widths[i] = l.barWidth(i)
		}
	}
}

func (l *layout) titles() []output.Cell {
	titles := make([]output.Cell, len(l.table.Columns))
	for i := range titles {
		titles[i].Text = l.table.Columns[i].Title
	}
	return titles
}

// header adds the titles of the table, if it has any.
func (l *layout) header(p *output.Painter) {
	if slices.ContainsFunc(l.table.Columns, func(c output.Column) bool { return c.Title != "" }) {
		l.line(p, l.titles())
	}
}

// line adds a line of the table. On a terminal, it may become several.
func (l *layout) line(p *output.Painter, cells []output.Cell) {
	t := l.table
	if t.Trim {
		for len(cells) > 0 && cells[len(cells)-1] == (output.Cell{}) {
			cells = cells[:len(cells)-1]
		}
	}
	fit := l.fitOf(cells)
	at := 0
	for i := range cells {
		c, gap := &t.Columns[i], l.gap(i)
		switch {
		case c.Bar && fit.widths[i] == 0:
			continue
		case fit.breaks[i]:
			p.Add(output.Plain, "\n")
			at, gap = 0, indent
		}
		p.Add(output.Plain, gap)
		at += l.columns(gap)
		if cells[i].Span {
			p.Add(cells[i].Role, l.spanned(i, &cells[i], l.width-at))
			continue
		}
		if l.flows(i) && at+fit.widths[i] <= l.width {
			l.flow(p, &cells[i], fit.widths[i], at)
			break
		}
		text := l.placed(i, &cells[i], fit.widths[i])
		columns := l.columns(text)
		at += max(columns, fit.widths[i])
		pad := strings.Repeat(" ", max(0, fit.widths[i]-columns))
		last := i == len(cells)-1 || fit.breaks[i+1]
		switch {
		case c.Bar, last && !c.Right && (t.Trim || l.width > 0):
			pad = ""
		case c.Right:
			p.Add(output.Plain, pad)
			pad = ""
		}
		p.Add(cells[i].Role, text)
		p.Add(output.Plain, pad)
	}
	p.Add(output.Plain, "\n")
}

// flows reports whether a column is text at the end of the line, which goes on in the
// column below: what stands there says most, such as why something failed.
func (l *layout) flows(i int) bool {
	c := &l.table.Columns[i]
	return l.width > 0 && i == len(l.table.Columns)-1 && !c.Right && !c.Bar && !c.Cut && !c.Whole && !c.Peer
}

// flow adds the cell of such a column, which begins at a column of the screen.
func (l *layout) flow(p *output.Painter, cell *output.Cell, width, at int) {
	lines := paragraph{screen: width}
	for i, text := range strings.Split(lines.add(l.charted(l.expanded(cell.Text))), "\n") {
		if i > 0 {
			p.Add(output.Plain, "\n"+strings.Repeat(" ", at))
		}
		p.Add(cell.Role, l.cut(text, width))
	}
}

// gap is what stands before a column.
func (l *layout) gap(i int) string {
	switch gap := l.table.Columns[i].Gap; {
	case gap == "\t" && l.width > 0: // for programs
		return "  "
	case gap != "":
		return l.charted(gap)
	case i > 0:
		return " "
	}
	return ""
}

// shown is the text of a cell, whatever the width of its column.
func (l *layout) shown(i int, cell *output.Cell) string {
	switch c := &l.table.Columns[i]; {
	case c.Bar:
		return ""
	case c.Cut:
		return l.expanded(cell.Text)
	case l.width > 0:
		return l.charted(l.expanded(cell.Text))
	}
	return l.charted(cell.Text)
}

// placed is the text of a cell as it stands in a column of this width.
func (l *layout) placed(i int, cell *output.Cell, width int) string {
	c := &l.table.Columns[i]
	text := l.shown(i, cell)
	switch {
	case c.Bar:
		return l.bar(cell.Share, width)
	case c.Cut, l.width > 0 && !c.Whole:
		return l.cut(text, width)
	}
	return text
}

// spanned is the text of a cell that has the rest of the line, so many columns of a
// terminal.
func (l *layout) spanned(i int, cell *output.Cell, rest int) string {
	text := l.shown(i, cell)
	if l.width == 0 || l.table.Columns[i].Whole {
		return text
	}
	return l.cut(text, max(rest, 1))
}

// columns is how wide text is: in a pipe, where programs count, in characters.
func (l *layout) columns(text string) int {
	if l.width > 0 {
		return Columns(text)
	}
	return utf8.RuneCountInString(text)
}

const ellipsis = "…"

// cut shortens a text to so many columns.
func (l *layout) cut(text string, columns int) string {
	switch {
	case l.columns(text) <= columns:
		return text
	case l.width > 0:
		return screen.Truncate(text, columns, ellipsis)
	}
	return string([]rune(text)[:columns-1]) + ellipsis
}

// tabWidth is how far tab stops are from each other.
const tabWidth = 8

// expanded returns text that is harmless and has spaces for its tabs, which then reach
// the same tab stops wherever it stands.
func (l *layout) expanded(text string) string { return untabbed(SafeText(text), l.columns) }

// untabbed returns harmless text with spaces for its tabs.
func untabbed(text string, columns func(string) int) string {
	if !strings.Contains(text, "\t") {
		return text
	}
	var b strings.Builder
	at := 0
	for part := range strings.SplitAfterSeq(text, "\t") {
		part, tab := strings.CutSuffix(part, "\t")
		b.WriteString(part)
		at += columns(part)
		if tab {
			n := tabWidth - at%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			at += n
		}
	}
	return b.String()
}

// Columns of the longest bar, and of a line where no terminal says.
const (
	leastBar  = 10
	mostBar   = 60
	lineWidth = 80
)

// barWidth is what the other columns leave for the longest bar, where there is no terminal.
func (l *layout) barWidth(at int) int {
	others := 0
	for i := range l.table.Columns {
		others += l.columns(l.gap(i))
		if i != at {
			others += l.table.Columns[i].Width
		}
	}
	return min(mostBar, max(leastBar, lineWidth-others))
}

// bar draws a share of a width: anything above none is seen.
func (l *layout) bar(share float64, width int) string {
	if share <= 0 || width == 0 {
		return ""
	}
	eighths := max(1, int(math.Round(8*float64(width)*share)))
	if l.ascii {
		return strings.Repeat("#", max(1, (eighths+4)/8))
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// charted is text of ours around bars, which has no character that they could not have.
func (l *layout) charted(text string) string {
	if !l.ascii || !slices.ContainsFunc(l.table.Columns, func(c output.Column) bool { return c.Bar }) {
		return text
	}
	return inASCII.Replace(text)
}

var inASCII = strings.NewReplacer("–", "-", "←", "<-")

// asciiOnly reports whether the environment says that text is something else than UTF-8.
// Where it says nothing, text is UTF-8, as everything else that sysops prints.
func asciiOnly() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToUpper(v)
			return !strings.Contains(v, "UTF-8") && !strings.Contains(v, "UTF8")
		}
	}
	return false
}
