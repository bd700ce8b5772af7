package sysops

import (
	"bytes"
	"context"
	"iter"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/lines"
	"github.com/sysops-api/sysops-api/mask"
)

// Expr is a compiled expression for Answer.Grep. It is safe for concurrent use.
type Expr struct {
	x *frame.Expr
	o GrepOptions
}

// GrepOptions are the switches of grep(1).
type GrepOptions struct {
	Fixed        bool // -F: the expression is text, not a regular expression
	IgnoreCase   bool // -i
	Word         bool // -w: no word character on either side of the match
	Invert       bool // -v: lines that do not match
	OnlyMatching bool // -o: each non-empty match, in place of its line
	Group        bool // with OnlyMatching: the first capture group, where there is one, in place of the match
	Text         bool // -a: search contents with NUL bytes like text
	CountOnly    bool // -c, -l, -L: Match.Lines stays empty
	MaxCount     int  // -m: no more than the first so many lines of an object; 0: all
}

// CompileExpr reads a regular expression in Go's syntax, or text with Fixed.
func CompileExpr(expr string, o GrepOptions) (*Expr, error) {
	x, err := frame.Compile(expr, frame.ExprOptions{
		Fixed: o.Fixed, IgnoreCase: o.IgnoreCase, Word: o.Word, Invert: o.Invert, OnlyMatching: o.OnlyMatching, Group: o.Group,
	})
	if err != nil {
		return nil, hint.For(err, hint.RegexSyntax)
	}
	return &Expr{x, o}, nil
}

// Spans returns where on a line the expression matches, as start and end: for
// highlighting. Of an expression compiled with Invert it returns what does not
// belong to the answer.
func (e *Expr) Spans(line []byte) [][2]int { return e.x.Spans(line) }

// A Match is what Grep found in one object.
type Match struct {
	Object
	Lines  [][]byte // without their newline; must not be changed: others may have the same
	Count  int      // how many lines (or matches, with OnlyMatching)
	Binary bool     // the object holds NUL bytes: Lines is empty unless Text is set
}

// sliceBytes is what a slice needs beside what it points to.
const sliceBytes = 24

// Grep searches the contents of every object, and returns one Match for each,
// in key order, those without a matching line included. A line excludes its
// newline and is matched alone. An object with more to be told than 262,144 lines, or
// 16 MiB of them, is unreadable: it cannot be held; GrepOptions.CountOnly counts it all
// the same. Its errors are those of Objects.
func (a *Answer) Grep(ctx context.Context, expr *Expr) iter.Seq2[Match, error] {
	pass := a.read()
	o := frame.SearchOptions{Most: expr.o.MaxCount, CountOnly: expr.o.CountOnly}
	return extract.Stream(ctx, pass, a.survey.Targets(), extract.Search(pass, expr.x, o, func(it *extract.Item, found *frame.Found) (Match, error) {
		m := Match{Object: unread(it), Binary: found.Binary && !expr.o.Text}
		if m.Binary || expr.o.CountOnly {
			m.Count = found.Count()
			return m, nil
		}
		held, err := m.take(found)
		it.Hold(held)
		return m, err
	}))
}

// take takes the lines that were found, and returns how many bytes it holds then.
func (m *Match) take(found *frame.Found) (held int, err error) {
	var share frame.Share
	found.Each(func(r frame.Run) bool {
		m.Count += r.Len()
		if err = share.Take(r.Len(), len(r.Part)); err != nil {
			return false
		}
		if r.Hits != nil {
			m.Lines = append(m.Lines, r.Hits.Parts[r.From:r.To]...)
		} else {
			m.Lines = append(m.Lines, bytes.Clone(r.Part))
			held += len(r.Part)
		}
		return true
	})
	return held + sliceBytes*len(m.Lines), err
}

// CountOptions are what a count over the fleet may be asked to do beside counting.
type CountOptions struct {
	Hosts    bool   // remember the hosts of each count
	Progress func() // called after each object, by one goroutine at a time; nil: not
}

// A LineCount is how often one line is found over the fleet.
type LineCount struct {
	Line   []byte // without its newline; must not be changed
	Count  int
	Binary bool // in place of lines: objects with NUL bytes that match

	hosts lines.Hosts
}

// Hosts returns the hosts that have the line, sorted; nil unless CountOptions.Hosts
// was set.
func (c *LineCount) Hosts() []string { return c.hosts.Names() }

// CountLines counts identical lines (or matches, with OnlyMatching) over all
// objects: the most frequent first, equally frequent ones in their own order. What
// hosts have of a base in common is counted once for all of them, not line by line.
// An object with more than 262,144 different lines, or 16 MiB of them, is unreadable.
// Its errors are those of Objects, and that there are more different lines than fit
// into some 2 GiB of memory, 8 million.
func (a *Answer) CountLines(ctx context.Context, expr *Expr, o CountOptions) ([]LineCount, error) {
	n, counts, err := lines.CountAll(ctx, a.read(), lines.Expr{Expr: expr.x, Text: expr.o.Text, Most: expr.o.MaxCount}, lines.CountOptions(o))
	if err != nil {
		return nil, err
	}
	out := make([]LineCount, 0, n)
	for c := range counts {
		out = append(out, LineCount{Line: c.Line, Count: c.Count, Binary: c.Binary, hosts: c.Hosts})
	}
	return out, nil
}

// DeviationOptions say which lines are told, and in which form lines are compared.
type DeviationOptions struct {
	Masks    *mask.Set // the form; nil: lines count as they are
	Most     int       // leave out lines in which more objects than these deviate; 0: none
	Progress func()    // called after each object, by one goroutine at a time; nil: not
}

// Deviations are the lines in which objects of a name differ from most of them. Each line
// counts by itself, wherever it stands and however often an object has it: objects of
// which each differs from each other as a whole are often alike but for a few lines.
type Deviations struct {
	Name    string
	Objects int         // of the name, without Binary
	Binary  int         // others, which have NUL bytes: their lines are not looked at
	Common  int         // lines that all Objects have
	LeftOut int         // lines that DeviationOptions.Most leaves out
	Lines   []Deviation // the most frequent first, equally frequent ones in their own order
}

// A Deviation is a line that some objects of a name have, and some have not.
type Deviation struct {
	Line    []byte // without its newline, in the form in which lines are compared; must not be changed
	Lacking bool   // most objects have the line, and those that deviate lack it; else they have it
	Count   int    // how many objects deviate: half of them at most
	Of      int    // of how many

	found lines.Deviation
}

// Share returns which part of the objects deviates, from 0 to 0.5.
func (d *Deviation) Share() float64 { return float64(d.Count) / float64(d.Of) }

// Hosts returns the first most hosts of the objects that deviate, in order; 0: all.
func (d *Deviation) Hosts(most int) []string { return d.found.Hosts(most) }

// Deviations finds the lines in which objects differ from most others of their name, one
// name after the other: memory is bounded by what there is of one name. What objects
// have of a base in common is counted once for all of them. Errors are those of CountLines.
func (a *Answer) Deviations(ctx context.Context, o DeviationOptions) iter.Seq2[Deviations, error] {
	return func(yield func(Deviations, error) bool) {
		pass := a.read()
		for targets := range a.survey.ByName() {
			found, err := deviationsOf(ctx, pass, targets, &o)
			if !yield(found, err) || err != nil {
				return
			}
		}
	}
}

// deviationsOf compares the objects of one name.
func deviationsOf(ctx context.Context, pass *extract.Pass, targets []extract.Target, o *DeviationOptions) (Deviations, error) {
	form, err := o.Masks.Form(targets[0].Name())
	if err != nil {
		return Deviations{}, err
	}
	found, err := lines.DeviationsOf(ctx, pass, targets, lines.DeviationOptions{Form: form, Most: o.Most, Progress: o.Progress})
	if err != nil {
		return Deviations{}, err
	}
	d := Deviations{Name: found.Name, Objects: found.Objects, Binary: found.Binary, Common: found.Common, LeftOut: found.LeftOut}
	for _, line := range found.Lines {
		d.Lines = append(d.Lines, Deviation{Line: line.Line, Lacking: line.Lacking, Count: line.Count, Of: line.Of, found: line})
	}
	return d, nil
}
