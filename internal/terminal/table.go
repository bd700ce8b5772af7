package terminal

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/output"
)

// A layout puts cells beside each other. Everything that prints columns goes through it.
type layout struct {
	width int // of the terminal; 0: there is none
	ascii bool
}

// header adds the titles of a table, if it has any.
func (l *layout) header(p *output.Painter, t *output.Table) {
	if !slices.ContainsFunc(t.Columns, func(c output.Column) bool { return c.Title != "" }) {
		return
	}
	titles := make([]output.Cell, len(t.Columns))
	for i := range t.Columns {
		titles[i].Text = t.Columns[i].Title
	}
	l.line(p, t, titles)
}

// line adds a line of a table.
func (l *layout) line(p *output.Painter, t *output.Table, cells []output.Cell) {
	if t.Trim {
		for len(cells) > 0 && cells[len(cells)-1] == (output.Cell{}) {
			cells = cells[:len(cells)-1]
		}
	}
	for i := range cells {
		c := &t.Columns[i]
		text := l.shown(t, i, &cells[i])
		pad := strings.Repeat(" ", max(0, c.Width-l.columns(text)))
		switch {
		case c.Bar, t.Trim && !c.Right && i == len(cells)-1:
			pad = ""
		case c.Right:
			p.Add(output.Plain, l.gap(t, i)+pad)
			p.Add(cells[i].Role, text)
			continue
		}
		p.Add(output.Plain, l.gap(t, i))
		p.Add(cells[i].Role, text)
		p.Add(output.Plain, pad)
	}
	p.Add(output.Plain, "\n")
}

// gap is what stands before a column.
func (l *layout) gap(t *output.Table, i int) string {
	switch gap := t.Columns[i].Gap; {
	case gap != "":
		return l.charted(t, gap)
	case i > 0:
		return " "
	}
	return ""
}

// shown is the text of a cell as it stands in its column.
func (l *layout) shown(t *output.Table, i int, cell *output.Cell) string {
	c := &t.Columns[i]
	switch {
	case c.Bar:
		return l.bar(cell.Share, l.barWidth(t, i))
	case c.Cut:
		return l.cut(l.expanded(cell.Text), c.Width)
	case l.width > 0:
		return l.charted(t, SafeText(cell.Text))
	}
	return l.charted(t, cell.Text)
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
func (l *layout) expanded(text string) string {
	if !strings.Contains(text, "\t") {
		return SafeText(text)
	}
	var b strings.Builder
	at := 0
	for part := range strings.SplitAfterSeq(text, "\t") {
		part, tab := strings.CutSuffix(part, "\t")
		part = SafeText(part)
		b.WriteString(part)
		at += l.columns(part)
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

// barWidth is what the other columns leave for the longest bar.
func (l *layout) barWidth(t *output.Table, at int) int {
	others := 0
	for i := range t.Columns {
		others += l.columns(l.gap(t, i))
		if i != at {
			others += t.Columns[i].Width
		}
	}
	return min(mostBar, max(leastBar, cmp.Or(l.width, lineWidth)-others))
}

// bar draws a share of a width: anything above none is seen.
func (l *layout) bar(share float64, width int) string {
	if share <= 0 {
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
func (l *layout) charted(t *output.Table, text string) string {
	if !l.ascii || !slices.ContainsFunc(t.Columns, func(c output.Column) bool { return c.Bar }) {
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
