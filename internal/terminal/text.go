// Package terminal is what a person sees: rows as text, with colours and columns that fit
// on the screen, how far an answer is, and how failures, warnings and advice are told.
//
// It promises that nothing that a host sent is obeyed by a terminal: control characters
// are shown, and the only escapes are ours. What goes into a pipe is for programs: it is
// as the host has it, and its columns are as wide as the table says, whatever terminal
// stands beside it.
//
// Which rows there are is left to the verbs, their formats for programs to
// internal/output, the names of flags to internal/cli and the commands.
package terminal

import (
	"bufio"
	"bytes"
	"io"

	"github.com/sysops-api/sysops-api/internal/output"
)

// A Writer is a program's stdout, buffered. What is written to it is made harmless where
// it is a terminal, and goes through as it is elsewhere. Flush it.
type Writer struct {
	*bufio.Writer

	terminal bool
	file     io.Writer
	raw      *bufio.Writer // below Writer, where that makes things harmless
	text     *Text         // which may hold rows; nil: none was made
}

const bufferSize = 64 << 10

// NewWriter returns a Writer to w, which is a terminal where IsTerminal says so. Of a
// Writer it is the same one.
func NewWriter(w io.Writer) *Writer {
	if w, ok := w.(*Writer); ok {
		return w
	}
	raw := bufio.NewWriterSize(w, bufferSize)
	out := &Writer{Writer: raw, file: w, raw: raw, terminal: IsTerminal(w)}
	if out.terminal {
		out.Writer = bufio.NewWriterSize(SafeWriter(raw), bufferSize)
	}
	return out
}

// Terminal reports whether it is one.
func (w *Writer) Terminal() bool { return w.terminal }

// Width returns its columns, 0 where it is no terminal.
func (w *Writer) Width() int { return Width(w.file) }

// Raw is for what is no text, such as an archive: it goes through as it is. What was
// written before must have been flushed.
func (w *Writer) Raw() io.Writer { return w.raw }

// Flush writes out what is buffered, and the rows that its Text holds.
func (w *Writer) Flush() error {
	if w.text != nil {
		if err := w.text.release(); err != nil {
			return err
		}
	}
	if err := w.Writer.Flush(); err != nil || w.Writer == w.raw {
		return err
	}
	return w.raw.Flush()
}

// asItIs writes text in which escapes of ours stand, and what comes from hosts is
// harmless already.
func (w *Writer) asItIs(text []byte) error {
	if w.Writer != w.raw {
		if err := w.Writer.Flush(); err != nil {
			return err
		}
	}
	_, err := w.raw.Write(text)
	return err
}

// A Text is the sink of the format text: for hands and pipes. On a terminal it holds the
// first rows of a table until it knows how wide their cells are, or its Writer is flushed.
type Text struct {
	w      *Writer
	color  bool
	layout layout
	table  *output.Table // the last one, whose header stands or is held
	held   []*output.Row // of table
	size   int           // of the cells of held, in bytes
}

// What is held of a table at most: about what the buffer of a Writer holds back anyway.
const (
	heldRows = 1000
	heldSize = bufferSize
)

// NewText returns the sink that writes text to w, coloured or not: see Colored. A Writer
// has one at a time.
func NewText(w *Writer, color bool) *Text {
	w.text = &Text{w: w, color: color, layout: layout{width: w.Width(), ascii: asciiOnly()}}
	return w.text
}

// Write writes the text of a row: its header, where it is the first of its table, and
// its parts.
func (t *Text) Write(r *output.Row) error {
	for i := range r.Parts {
		if err := t.Write(&r.Parts[i]); err != nil {
			return err
		}
	}
	switch {
	case r.Table == nil && len(r.Text) == 0:
		return nil
	case r.Table == nil:
		if err := t.release(); err != nil {
			return err
		}
		if r.Prefix != "" {
			return t.prefixed(r.Prefix, r.Text)
		}
		return t.print(r.Text, r.Marks)
	case r.Table != t.table:
		return t.begin(r)
	case t.held != nil:
		return t.hold(r)
	}
	return t.line(r)
}

// begin begins a table with its first row.
func (t *Text) begin(r *output.Row) error {
	if err := t.release(); err != nil {
		return err
	}
	t.table = r.Table
	t.layout.begin(r.Table, t.w.Width())
	if t.layout.width > 0 {
		return t.hold(r)
	}
	if err := t.header(); err != nil {
		return err
	}
	return t.line(r)
}

// hold keeps a row until there are enough.
func (t *Text) hold(r *output.Row) error {
	kept := *r
	t.held = append(t.held, &kept)
	for i := range r.Cells {
		t.size += len(r.Cells[i].Text)
	}
	t.layout.look(r.Cells)
	if len(t.held) < heldRows && t.size < heldSize {
		return nil
	}
	return t.release()
}

// release writes the rows that are held, in columns that fit them.
func (t *Text) release() error {
	if t.held == nil {
		return nil
	}
	held := t.held
	t.held, t.size = nil, 0
	t.layout.settle()
	if err := t.header(); err != nil {
		return err
	}
	for _, r := range held {
		if err := t.line(r); err != nil {
			return err
		}
	}
	return nil
}

func (t *Text) header() error {
	var p output.Painter
	t.layout.header(&p)
	return t.print(p.Text, p.Marks)
}

func (t *Text) line(r *output.Row) error {
	var p output.Painter
	t.layout.line(&p, r.Cells)
	return t.print(p.Text, p.Marks)
}

// prefixed writes text with a prefix before each line, and ends the last one.
func (t *Text) prefixed(prefix string, text []byte) error {
	for line := range bytes.Lines(text) {
		if _, err := t.w.WriteString(prefix); err != nil {
			return err
		}
		if _, err := t.w.Write(line); err != nil {
			return err
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return t.w.WriteByte('\n')
	}
	return nil
}

// print writes text with its marks as colours, or as the brackets that stand for them.
func (t *Text) print(text []byte, marks []output.Mark) error {
	if t.color && marks != nil {
		return t.w.asItIs(paint(text, marks))
	}
	_, err := t.w.Write(bracket(text, marks))
	return err
}

// End writes the rows that are held. What goes after the rows is told on stderr.
func (t *Text) End(*output.Tail) error { return t.release() }
