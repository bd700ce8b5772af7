package diff

import (
	"bytes"
	"fmt"
	"iter"
)

// A Diff is how the lines of one text become those of another. It may be used
// concurrently.
type Diff struct {
	A, B []byte // the texts; must not be changed

	// Coarse: the texts are too large (32 MiB or half a million lines, common
	// ones at their ends not counted), or too different in too regular a way, for the
	// smallest difference to have been looked for. What is said to be equal is so
	// nevertheless.
	Coarse bool

	edits []Edit
}

// Lines compares two texts line by line, in time and memory that are bounded by
// their size. A line includes its newline: a missing one at the end is a difference.
func Lines(a, b []byte) *Diff {
	d := &Diff{A: a, B: b}
	d.edits, d.Coarse = lineEdits(a, b)
	return d
}

// editBytes is what an edit needs.
const editBytes = 32

// Memory returns how many bytes the Diff holds beside its texts.
func (d *Diff) Memory() int { return editBytes * len(d.edits) }

// Equal reports whether there is no difference.
func (d *Diff) Equal() bool { return len(d.edits) == 0 }

// Changes returns how many lines of A are not in B, and how many of B not in A.
func (d *Diff) Changes() (removed, added int) {
	for _, e := range d.edits {
		removed += countLines(d.A[e.A0:e.A1])
		added += countLines(d.B[e.B0:e.B1])
	}
	return removed, added
}

// A Hunk is a stretch of differences with what is around them.
type Hunk struct {
	LineA, LineB   int // the number of its first line in either text, from 1
	LinesA, LinesB int // how many it has
	Parts          []Part
}

// A Part is a stretch of two texts that is equal in both, or stands in one in
// place of what stands in the other.
type Part struct {
	Same bool
	A, B []byte // must not be changed
}

// maxContext is all the context that there is.
const maxContext = 1 << 30

// Hunks returns the differences with so many equal lines around them, those together
// that this brings together.
func (d *Diff) Hunks(context int) iter.Seq[Hunk] {
	context = min(max(context, 0), maxContext)
	return func(yield func(Hunk) bool) {
		line, at, atB := 1, 0, 0 // in A: the number of the line at which byte at begins; in B that is atB
		lineB := 1
		for i := 0; i < len(d.edits); {
			j := i + 1
			for j < len(d.edits) && firstLines(d.A[d.edits[j-1].A1:d.edits[j].A0], 2*context) == d.edits[j].A0-d.edits[j-1].A1 {
				j++
			}
			group := d.edits[i:j]
			i = j
			first, last := group[0], group[len(group)-1]
			lead := len(lastLines(d.A[at:first.A0], context))
			follow := firstLines(d.A[last.A1:], context)
			h := Hunk{
				LineA: line + bytes.Count(d.A[at:first.A0-lead], newline),
				LineB: lineB + bytes.Count(d.B[atB:first.B0-lead], newline),
			}
			h.same(d.A[first.A0-lead : first.A0])
			for k, e := range group {
				if k > 0 {
					h.same(d.A[group[k-1].A1:e.A0])
				}
				h.add(Part{A: d.A[e.A0:e.A1], B: d.B[e.B0:e.B1]})
			}
			h.same(d.A[last.A1 : last.A1+follow])
			line, lineB = h.LineA+h.LinesA, h.LineB+h.LinesB
			at, atB = last.A1+follow, last.B1+follow
			if !yield(h) {
				return
			}
		}
	}
}

func (h *Hunk) same(text []byte) {
	if len(text) > 0 {
		h.add(Part{Same: true, A: text, B: text})
	}
}

func (h *Hunk) add(p Part) {
	h.LinesA += countLines(p.A)
	h.LinesB += countLines(p.B)
	h.Parts = append(h.Parts, p)
}

var newline = []byte{'\n'}

// countLines counts lines, the last one also where it has no newline.
func countLines(text []byte) int {
	n := bytes.Count(text, newline)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}

// firstLines returns how many bytes the first n lines have.
func firstLines(text []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	return at
}

// lastLines returns the last n lines of a text that ends in a newline, or is empty.
func lastLines(text []byte, n int) []byte {
	at := len(text)
	for ; n > 0 && at > 0; n-- {
		at = bytes.LastIndexByte(text[:at-1], '\n') + 1
	}
	return text[at:]
}

// Title returns the line that unified diffs put before a hunk, without its newline.
// A side without lines is given the number of the line before, as GNU diff does.
func (h *Hunk) Title() string {
	side := func(line, lines int) string {
		switch lines {
		case 0:
			return fmt.Sprintf("%d,0", line-1)
		case 1:
			return fmt.Sprint(line)
		}
		return fmt.Sprintf("%d,%d", line, lines)
	}
	return fmt.Sprintf("@@ -%s +%s @@", side(h.LineA, h.LinesA), side(h.LineB, h.LinesB))
}

// Unified returns the differences in the unified format of diff(1), which patch(1)
// takes, with so many lines of context. The two lines that name the texts are not
// part of it. Without differences it is empty.
func (d *Diff) Unified(context int) []byte {
	var out []byte
	for h := range d.Hunks(context) {
		out = append(append(out, h.Title()...), '\n')
		for _, p := range h.Parts {
			if p.Same {
				out = appendMarked(out, ' ', p.A)
				continue
			}
			out = appendMarked(appendMarked(out, '-', p.A), '+', p.B)
		}
	}
	return out
}

// appendMarked appends lines with a mark before each.
func appendMarked(out []byte, mark byte, text []byte) []byte {
	for line := range bytes.Lines(text) {
		out = append(append(out, mark), line...)
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		out = append(out, "\n\\ No newline at end of file\n"...)
	}
	return out
}

// Words compares two texts word by word: the parts, one after the other, are the
// whole of both. A word is a run of letters, digits, underscores and bytes beyond
// ASCII; between words, blanks go together and any other byte stands by itself.
func Words(a, b []byte) []Part {
	edits, _ := wordEdits(a, b)
	var out []Part
	at := 0
	same := func(until int) {
		if at < until {
			out = append(out, Part{Same: true, A: a[at:until], B: a[at:until]})
		}
	}
	for _, e := range edits {
		same(e.A0)
		out = append(out, Part{A: a[e.A0:e.A1], B: b[e.B0:e.B1]})
		at = e.A1
	}
	same(len(a))
	return out
}
