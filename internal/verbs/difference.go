package verbs

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/diff"
	"github.com/sysops-api/sysops-api/internal/output"
)

// A Style is how differences are shown to people.
type Style struct {
	Context    int  // so many equal lines around what differs: DefaultContext, most often
	SideBySide bool // in two columns
	Words      bool // the words that differ, not whole lines
	Width      int  // with SideBySide: of both columns together, in characters; 0: 130
}

// DefaultContext is how many lines diff(1) shows around what differs.
const DefaultContext = 3

// LeastWidth is in how few characters two columns are shown.
const LeastWidth = 20

const defaultWidth = 130 // as diff(1) has it

// Check says what is wrong with a style.
func (s *Style) Check() error {
	switch {
	case s.SideBySide && s.Words:
		return contradiction("diff forms", "cannot show differences in two forms at once", "side-by-side", "word")
	case s.Context < 0:
		return fmt.Errorf("cannot show %d lines around differences: the number is negative", s.Context)
	case s.Width != 0 && !s.SideBySide:
		return moot("diff width", "width", "cannot use a width: there are no columns")
	case s.Width != 0 && s.Width < LeastWidth:
		return fmt.Errorf("cannot show two columns in %d: %d are the fewest", s.Width, LeastWidth)
	}
	return nil
}

// objectLabel names an object in a diff. Its time is that of the contents, not of
// the push.
func objectLabel(o *sysops.Object) string {
	return fmt.Sprintf("%s (%s)", keyText(o.Key), o.Time.UTC().Format(time.RFC3339))
}

// Limits of a difference that is shown. Nobody reads more, and a few such objects would
// fill the memory: as text, a line may take a hundred times what it has.
const (
	shownBytes = 8 << 20
	shownLines = 200_000
)

// unshown returns what is said in place of a difference that cannot be shown, nil
// where it can.
func unshown(c *sysops.Comparison, context int) []byte {
	if c.Binary {
		return fmt.Appendf(nil, "Binary objects %s and %s differ\n", keyText(c.From.Key), keyText(c.Key))
	}
	size, lines := 0, 0
	for h := range c.Diff.Hunks(context) {
		lines += h.LinesA + h.LinesB
		for _, p := range h.Parts {
			size += len(p.A) + len(p.B)
		}
		if size > shownBytes || lines > shownLines {
			removed, added := c.Diff.Changes()
			return fmt.Appendf(nil, "Objects %s and %s differ too much to be shown: %d lines removed, %d added\n", keyText(c.From.Key), keyText(c.Key), removed, added)
		}
	}
	return nil
}

// unifiedText is a comparison as diff -u prints it, of objects that label names.
func unifiedText(c *sysops.Comparison, label func(*sysops.Object) string, context int) []byte {
	if text := unshown(c, context); text != nil {
		return text
	}
	head := fmt.Appendf(nil, "--- %s\n+++ %s\n", label(c.From), label(&c.Object))
	return append(head, c.Diff.Unified(context)...)
}

// render shows a comparison as text.
func (s *Style) render(c *sysops.Comparison) output.Row {
	switch {
	case !s.SideBySide && !s.Words || unshown(c, s.Context) != nil:
		return markUnified(unifiedText(c, objectLabel, s.Context))
	case s.Words:
		return s.renderWords(c)
	}
	return s.renderColumns(c)
}

// markUnified says what the lines of a unified diff are.
func markUnified(text []byte) output.Row {
	p := output.Painter{Text: make([]byte, 0, len(text))}
	number := 0
	for line := range bytes.Lines(text) {
		role := output.Plain
		switch {
		case number < 2:
			role = output.Title
		case line[0] == '@':
			role = output.Hunk
		case line[0] == '-':
			role = output.Removed
		case line[0] == '+':
			role = output.Added
		}
		number++
		addLines(&p, role, line)
	}
	return p.Row()
}

// addLines adds text with a role, which ends and begins anew at each newline.
func addLines(p *output.Painter, role output.Role, text []byte) {
	for line := range bytes.Lines(text) {
		piece, ended := bytes.CutSuffix(line, []byte("\n"))
		p.AddBytes(role, piece)
		if ended {
			p.Add(output.Plain, "\n")
		}
	}
}

// renderWords shows words that differ within the lines around them.
func (s *Style) renderWords(c *sysops.Comparison) output.Row {
	var p output.Painter
	p.Add(output.Title, "--- "+objectLabel(c.From))
	p.Add(output.Plain, "\n")
	p.Add(output.Title, "+++ "+objectLabel(&c.Object))
	p.Add(output.Plain, "\n")
	for h := range c.Diff.Hunks(s.Context) {
		p.Add(output.Hunk, h.Title())
		p.Add(output.Plain, "\n")
		for _, part := range h.Parts {
			if part.Same {
				p.AddBytes(output.Plain, part.A)
				continue
			}
			for _, word := range diff.Words(part.A, part.B) {
				if word.Same {
					p.AddBytes(output.Plain, word.A)
					continue
				}
				addLines(&p, output.RemovedWord, word.A)
				addLines(&p, output.AddedWord, word.B)
			}
		}
		if p.Text[len(p.Text)-1] != '\n' {
			p.Add(output.Plain, "\n")
		}
	}
	return p.Row()
}

// renderColumns shows both texts beside each other, as diff -y does: | between lines
// that differ, < and > beside those that only one has.
func (s *Style) renderColumns(c *sysops.Comparison) output.Row {
	half := (cmp.Or(s.Width, defaultWidth) - len(" | ")) / 2
	t := &sideBySide{table: &output.Table{Columns: []output.Column{{Width: half, Cut: true}, {Width: 1}, {Width: half, Cut: true}}, Trim: true}}
	t.line(output.Title, objectLabel(c.From), "", output.Title, objectLabel(&c.Object))
	for h := range c.Diff.Hunks(s.Context) {
		var title output.Painter
		title.Add(output.Hunk, h.Title())
		title.Add(output.Plain, "\n")
		t.lines = append(t.lines, title.Row())
		for _, p := range h.Parts {
			t.part(p)
		}
	}
	return output.Row{Parts: t.lines}
}

// sideBySide is text in two columns.
type sideBySide struct {
	table *output.Table
	lines []output.Row
}

func (t *sideBySide) part(p diff.Part) {
	left, right := splitLines(p.A), splitLines(p.B)
	for i := range max(len(left), len(right)) {
		switch {
		case p.Same:
			t.line(output.Plain, left[i], "", output.Plain, right[i])
		case i >= len(right):
			t.line(output.Removed, left[i], "<", output.Plain, "")
		case i >= len(left):
			t.line(output.Plain, "", ">", output.Added, right[i])
		default:
			t.line(output.Removed, left[i], "|", output.Added, right[i])
		}
	}
}

func (t *sideBySide) line(leftRole output.Role, left, sign string, rightRole output.Role, right string) {
	t.lines = append(t.lines, output.Row{Table: t.table, Cells: []output.Cell{{Text: left, Role: leftRole}, {Text: sign}, {Text: right, Role: rightRole}}})
}

// splitLines returns the lines of a text without their newlines. One that has none
// says so: it may be all that differs.
func splitLines(text []byte) []string {
	var out []string
	for line := range strings.Lines(string(text)) {
		whole, ended := strings.CutSuffix(line, "\n")
		if !ended {
			whole += ` \ no newline`
		}
		out = append(out, whole)
	}
	return out
}
