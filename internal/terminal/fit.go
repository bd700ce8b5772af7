package terminal

import (
	"slices"

	"github.com/sysops-api/sysops-api/internal/output"
)

// A fit is how a table stands on a screen.
type fit struct {
	widths []int  // what each column takes
	breaks []bool // before which columns a new line begins
}

func newFit(columns int) fit {
	return fit{widths: make([]int, columns), breaks: make([]bool, columns)}
}

const (
	leastText = 10   // columns that a cut text keeps
	leastFlow = 20   // and one that goes on below, if its words are shorter
	indent    = "  " // of a line that goes on with the one above
)

// fitOf is how a line stands: as all lines of the table do, unless one of its cells is
// wider than those that were looked at.
func (l *layout) fitOf(cells []output.Cell) fit {
	if l.width == 0 {
		return l.fit
	}
	need := l.need
	for i := range cells {
		if n := l.columns(l.shown(i, &cells[i])); n > need[i] && !cells[i].Span {
			if &need[0] == &l.need[0] {
				need = slices.Clone(need)
			}
			need[i] = n
		}
	}
	if &need[0] == &l.need[0] {
		return l.fit
	}
	return l.fitTo(need)
}

// fitTo makes columns whose texts are as wide as need says fit the terminal. Padding goes
// first, and bars are shortened; then the last column is narrowed, which goes on below; then
// texts are cut, the widest first, but for numbers, which would become others, and columns
// that are Whole. Where that is not enough, columns stand below each other.
//
// What is Whole and has no room is left to the terminal, which wraps it in a way that can
// be copied. It does not cost others their text then.
func (l *layout) fitTo(need []int) fit {
	f := newFit(len(need))
	if l.narrow(f.widths, need) {
		return f
	}
	yielding := slices.Clone(need)
	for i := range need {
		if l.table.Columns[i].Whole {
			yielding[i] = min(need[i], leastText)
		}
	}
	if l.narrow(f.widths, yielding) {
		return f
	}
	at := 0
	for i := range need {
		c := &l.table.Columns[i]
		f.widths[i] = min(need[i], max(1, l.width-len(indent)))
		if c.Cut {
			f.widths[i] = c.Width
		}
		gap := l.columns(l.gap(i))
		if i > 0 && !c.Whole && !c.Bar && at+gap+f.widths[i] > l.width {
			f.breaks[i] = true
			at, gap = 0, len(indent)
		}
		at += gap + f.widths[i]
	}
	return f
}

// The steps in which columns are narrowed.
const (
	shorterBars = iota
	lessPadding
	noBars
	moreLines
	lessText
	narrowed
)

// least is what a column may be narrowed to in a step.
func (l *layout) least(step, i, width, need int) int {
	switch c := &l.table.Columns[i]; {
	case c.Cut:
	case c.Bar && step == shorterBars:
		return min(width, leastBar)
	case c.Bar && step == noBars:
		return 0
	case c.Bar:
	case step == lessPadding:
		return min(width, need)
	case l.flows(i):
		if step >= moreLines {
			return min(width, min(max(leastFlow, l.word), l.width*2/3)) // so that names stay whole, but no name has it all
		}
	case step == lessText && !c.Right && !c.Whole:
		return min(width, leastText)
	}
	return width
}

// narrow sets the widths of columns with texts of these widths, and reports whether the
// terminal has room for them.
func (l *layout) narrow(widths, need []int) bool {
	excess := -l.width
	for i := range need {
		c := &l.table.Columns[i]
		switch {
		case c.Bar:
			widths[i] = mostBar
		case c.Cut:
			widths[i] = c.Width
		default:
			widths[i] = max(c.Width, need[i])
		}
		excess += l.columns(l.gap(i)) + widths[i]
	}
	least := make([]int, len(need))
	for step := range narrowed {
		for i := range need {
			least[i] = l.least(step, i, widths[i], need[i])
		}
		excess = shrink(widths, least, excess)
	}
	return excess <= 0
}

// shrink takes columns away where most can be spared, until there is no excess, and
// returns what is left of it.
func shrink(widths, least []int, excess int) int {
	for ; excess > 0; excess-- {
		most := 0
		for i := range widths {
			if widths[i]-least[i] > widths[most]-least[most] {
				most = i
			}
		}
		if widths[most] == least[most] {
			break
		}
		widths[most]--
	}
	return excess
}
