package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

// A diffStyle is how differences are shown.
type diffStyle struct {
	context     int
	side, words bool
	width       int // of both columns of side; 0: the terminal's

	terminalWidth func() int // 0: there is none
}

// The colours of diff(1).
const (
	colorTitle   = "\x1b[1m"
	colorHunk    = "\x1b[36m"
	colorRemoved = "\x1b[31m"
	colorAdded   = "\x1b[32m"
)

const (
	defaultContext = 3   // lines, as diff(1) has it
	defaultWidth   = 130 // columns, as diff(1) has it
	leastWidth     = 20
	gutter         = " | "
	tabWidth       = 8
)

func (s *diffStyle) check(q *queryFlags) error {
	switch {
	case s.side && s.words:
		return errors.New("cannot combine --side-by-side and --word: each is a form of the differences")
	case s.context < 0:
		return fmt.Errorf("cannot show %d lines around differences: the number is negative", s.context)
	case s.width != 0 && !s.side && q.misfit("width"):
		return &sysops.HintedError{Err: errors.New("cannot use --width: there are no columns"), Hint: "--width goes with --side-by-side"}
	case s.width != 0 && s.width < leastWidth:
		return fmt.Errorf("cannot show two columns in %d: %d are the fewest", s.width, leastWidth)
	}
	return nil
}

// widthOf returns the columns of a terminal, 0 where w is none.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
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
func (s *diffStyle) render(color bool, c *sysops.Comparison) row {
	switch {
	case !s.side && !s.words || unshown(c, s.context) != nil:
		text := unifiedText(c, objectLabel, s.context)
		if color {
			return row{text: paintUnified(text), painted: true}
		}
		return row{text: text}
	case s.words:
		return s.renderWords(color, c)
	}
	return s.renderColumns(color, c)
}

// paintUnified colours a unified diff. What comes from hosts is neutralised, so that
// the only escapes are ours.
func paintUnified(text []byte) []byte {
	var w bytes.Buffer
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		color := ""
		switch {
		case i < 2:
			color = colorTitle
		case line[0] == '@':
			color = colorHunk
		case line[0] == '-':
			color = colorRemoved
		case line[0] == '+':
			color = colorAdded
		}
		paintLine(&w, color, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return w.Bytes()
}

// paintLine writes a line in a color, "" for none.
func paintLine(w *bytes.Buffer, color, line string) {
	writePainted(w, color, line)
	w.WriteByte('\n')
}

func writePainted(w *bytes.Buffer, color, text string) {
	if text = cli.SafeText(text); color == "" || text == "" {
		w.WriteString(text)
		return
	}
	fmt.Fprintf(w, "%s%s%s", color, text, colorOff)
}

// renderWords shows words that differ within the lines around them: in colour or, in
// the manner of wdiff(1), between brackets.
func (s *diffStyle) renderWords(color bool, c *sysops.Comparison) row {
	var w bytes.Buffer
	line := func(color, text string) { w.WriteString(text + "\n") }
	mark := func(text []byte, added bool) {
		open, closing := "[-", "-]"
		if added {
			open, closing = "{+", "+}"
		}
		eachPiece(&w, text, func(piece []byte) { fmt.Fprintf(&w, "%s%s%s", open, piece, closing) })
	}
	same := func(text []byte) { w.Write(text) }
	if color {
		line = func(color, text string) { paintLine(&w, color, text) }
		mark = func(text []byte, added bool) {
			color := colorRemoved
			if added {
				color = colorAdded
			}
			eachPiece(&w, text, func(piece []byte) { writePainted(&w, color, string(piece)) })
		}
		same = func(text []byte) { w.WriteString(cli.SafeText(string(text))) }
	}
	line(colorTitle, "--- "+objectLabel(c.From))
	line(colorTitle, "+++ "+objectLabel(&c.Object))
	for h := range c.Diff.Hunks(s.context) {
		line(colorHunk, h.Title())
		for _, p := range h.Parts {
			if p.Same {
				same(p.A)
				continue
			}
			for _, word := range sysops.DiffWords(p.A, p.B) {
				if word.Same {
					same(word.A)
					continue
				}
				mark(word.A, false)
				mark(word.B, true)
			}
		}
		if b := w.Bytes(); b[len(b)-1] != '\n' {
			w.WriteByte('\n')
		}
	}
	return row{text: w.Bytes(), painted: color}
}

// eachPiece calls f for what of a text stands on each line, and writes the newlines
// between.
func eachPiece(w *bytes.Buffer, text []byte, f func(piece []byte)) {
	for line := range bytes.Lines(text) {
		piece, ended := bytes.CutSuffix(line, []byte("\n"))
		if len(piece) > 0 {
			f(piece)
		}
		if ended {
			w.WriteByte('\n')
		}
	}
}

// renderColumns shows both texts beside each other, as diff -y does: | between lines
// that differ, < and > beside those that only one has. Control characters would
// displace the columns, and are neutralised on any output.
func (s *diffStyle) renderColumns(color bool, c *sysops.Comparison) row {
	width := s.width
	if width == 0 {
		width = defaultWidth
		if at := s.terminalWidth(); at > 0 {
			width = max(at, leastWidth)
		}
	}
	t := &columns{half: (width - len(gutter)) / 2, color: color}
	t.line(colorTitle, objectLabel(c.From), ' ', colorTitle, objectLabel(&c.Object))
	for h := range c.Diff.Hunks(s.context) {
		paintOr(&t.text, color, colorHunk, h.Title())
		for _, p := range h.Parts {
			t.part(p)
		}
	}
	return row{text: t.text.Bytes(), painted: color}
}

func paintOr(w *bytes.Buffer, colored bool, color, text string) {
	if !colored {
		color = ""
	}
	paintLine(w, color, text)
}

// columns is text in two columns.
type columns struct {
	text  bytes.Buffer
	half  int // columns of each
	color bool
}

func (t *columns) part(p sysops.DiffPart) {
	left, right := splitLines(p.A), splitLines(p.B)
	for i := range max(len(left), len(right)) {
		switch {
		case p.Same:
			t.line("", left[i], ' ', "", right[i])
		case i >= len(right):
			t.line(colorRemoved, left[i], '<', "", "")
		case i >= len(left):
			t.line("", "", '>', colorAdded, right[i])
		default:
			t.line(colorRemoved, left[i], '|', colorAdded, right[i])
		}
	}
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

func (t *columns) line(leftColor, left string, mark byte, rightColor, right string) {
	if !t.color {
		leftColor, rightColor = "", ""
	}
	left, right = t.cell(left), t.cell(right)
	writePainted(&t.text, leftColor, left)
	if mark != ' ' || right != "" {
		fmt.Fprintf(&t.text, "%*s %c", t.half-utf8.RuneCountInString(left), "", mark)
	}
	if right != "" {
		t.text.WriteByte(' ')
		writePainted(&t.text, rightColor, right)
	}
	t.text.WriteByte('\n')
}

// cell returns text with its tabs expanded, cut to the width of a column.
func (t *columns) cell(text string) string {
	var w strings.Builder
	column := 0
	for _, part := range strings.SplitAfter(text, "\t") {
		part, tab := strings.CutSuffix(part, "\t")
		part = cli.SafeText(part)
		w.WriteString(part)
		column += utf8.RuneCountInString(part)
		if tab {
			n := tabWidth - column%tabWidth
			fmt.Fprintf(&w, "%*s", n, "")
			column += n
		}
	}
	if column <= t.half {
		return w.String()
	}
	return string([]rune(w.String())[:t.half-1]) + "…"
}
