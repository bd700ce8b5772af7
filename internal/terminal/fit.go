package terminal

import (
	"slices"
	"strings"

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
	leastText = 9    // columns that a cut text keeps
	leastFlow = 20   // and one that goes on below, if its words are shorter
	indent    = "  " // of a line that goes on with the one above
)

// A need is how wide the texts of a table are.
type need struct {
	texts []int // the columns that the widest text of each column takes
	word  int   // those of the widest word of the column that flows
}

// needWith is what the rows need that were looked at, and these cells.
func (l *layout) needWith(cells []output.Cell) need {
	n := need{slices.Clone(l.need.texts), l.need.word}
	for i := range cells {
		if cells[i].Span {
			continue
		}
		text := l.shown(i, &cells[i])
		n.texts[i] = max(n.texts[i], l.columns(text))
		if l.flows(i) {
			for word := range strings.FieldsSeq(text) {
				n.word = max(n.word, l.columns(word))
			}
		}
	}
	return n
}

// fitOf is how a line stands: as all lines of the table do, unless one of its cells is
// wider than those that were looked at.
func (l *layout) fitOf(cells []output.Cell) fit {
	if l.width == 0 {
		return l.fit
	}
	n := l.needWith(cells)
	if n.word == l.need.word && slices.Equal(n.texts, l.need.texts) {
		return l.fit
	}
	return l.fitTo(n)
}

// fitTo makes columns fit the terminal. Padding goes first, and bars are shortened; then
// the last column is narrowed, which goes on below; then texts are cut, the widest first,
// but for numbers, which would become others, and columns that are Whole. Where that is not
// enough, columns stand below each other.
//
// What is Whole and has no room is left to the terminal, which wraps it in a way that can
// be copied. It does not cost others their text then.
func (l *layout) fitTo(n need) fit {
	f := newFit(len(n.texts))
	if l.narrow(f.widths, n) {
		return f
	}
	yielding := need{slices.Clone(n.texts), n.word}
	for i := range yielding.texts {
		if l.table.Columns[i].Whole {
			yielding.texts[i] = min(n.texts[i], leastText)
		}
	}
	if l.narrow(f.widths, yielding) {
		return f
	}
	at := 0
	for i, text := range n.texts {
		c := &l.table.Columns[i]
		f.widths[i] = min(text, max(1, l.width-len(indent)))
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
	lessPadding // but for what keeps short texts in columns
	noBars
	moreLines // of whole words
	noPadding
	evenMoreLines
	lessText
	narrowed
)

// least is what a column may be narrowed to in a step.
func (l *layout) least(step, i, width int, n need) int {
	text, words := n.texts[i], max(leastFlow, n.word)
	switch c := &l.table.Columns[i]; {
	case c.Cut:
	case c.Bar && step == shorterBars:
		return min(width, leastBar)
	case c.Bar && step == noBars:
		return 0
	case c.Bar:
	case step == lessPadding:
		return min(width, max(text, leastText))
	case step == noPadding:
		return min(width, text)
	case step == moreLines && l.flows(i):
		return min(width, words)
	case step == evenMoreLines && l.flows(i):
		return min(width, words, l.width*2/3) // one name does not have the whole screen
	case l.flows(i):
	case step == lessText && !c.Right && !c.Whole:
		return min(width, leastText)
	}
	return width
}

// narrow sets the widths of columns with texts of these widths, and reports whether the
// terminal has room for them.
func (l *layout) narrow(widths []int, n need) bool {
	excess := -l.width
	for i := range widths {
		c := &l.table.Columns[i]
		switch {
		case c.Bar:
			widths[i] = mostBar
		case c.Cut:
			widths[i] = c.Width
		default:
			widths[i] = max(c.Width, n.texts[i])
		}
		excess += l.columns(l.gap(i)) + widths[i]
	}
	least := make([]int, len(widths))
	for step := range narrowed {
		for i := range widths {
			least[i] = l.least(step, i, widths[i], n)
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
