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
}

const bufferSize = 64 << 10

// NewWriter returns a Writer to w, which is a terminal where IsTerminal says so.
func NewWriter(w io.Writer) *Writer {
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

// Flush writes out what is buffered.
func (w *Writer) Flush() error {
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

// A Text is the sink of the format text: for hands and pipes.
type Text struct {
	w      *Writer
	color  bool
	layout layout
	table  *output.Table // the last one, whose header stands
}

// NewText returns the sink that writes text to w, coloured or not: see Colored.
func NewText(w *Writer, color bool) *Text {
	return &Text{w: w, color: color, layout: layout{width: w.Width(), ascii: asciiOnly()}}
}

// Write writes the text of a row: its header, where it is the first of its table, and
// its parts.
func (t *Text) Write(r *output.Row) error {
	for i := range r.Parts {
		if err := t.Write(&r.Parts[i]); err != nil {
			return err
		}
	}
	if r.Table == nil {
		return t.print(r.Text, r.Marks)
	}
	var line output.Painter
	if r.Table != t.table {
		t.table = r.Table
		t.layout.header(&line, r.Table)
	}
	t.layout.line(&line, r.Table, r.Cells)
	return t.print(line.Text, line.Marks)
}

// print writes text with its marks as colours, or as the brackets that stand for them.
func (t *Text) print(text []byte, marks []output.Mark) error {
	if t.color && marks != nil {
		return t.w.asItIs(paint(text, marks))
	}
	_, err := t.w.Write(bracket(text, marks))
	return err
}

// End does nothing: what goes after the rows is told on stderr.
func (*Text) End(*output.Tail) error { return nil }
