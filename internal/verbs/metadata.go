package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Elements are the objects of which one element is told, other than the contents.
type Elements struct {
	Pattern string

	pattern sysops.Pattern
}

// Check reads the pattern.
func (e *Elements) Check() (err error) {
	e.pattern, err = sysops.ParsePattern(e.Pattern)
	return err
}

// A showing makes of an object the line that tells its element, a table's or text, and the
// fields of the element.
type showing func(*sysops.Object) (output.Row, []output.Field)

// run yields a row an object, in the order of the keys.
func (e *Elements) run(ctx context.Context, call *Call, element sysops.Element, show showing) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, e.pattern, func(a *sysops.Answer) error {
		objects := a.Objects(ctx, element)
		if element == sysops.MD5Sum {
			objects = a.MD5Sums(ctx)
		}
		for object, err := range objects {
			if err != nil {
				return err
			}
			o.Matched++
			row, fields := show(&object)
			row.Fields = append(keyFields(object.Key), fields...)
			if err := call.Emit(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// columns are the fields of a key and of its element.
func columns(element []output.Field) []output.Field {
	return append(keyFields(sysops.Key{}), element...)
}

// Stat tells mode, links, owner, group, size and time of modification of files.
type Stat struct{ Elements }

var (
	statTable = &output.Table{Columns: []output.Column{
		{}, {Width: 2, Right: true}, {Width: 5, Right: true}, {Width: 5, Right: true}, {Width: 9, Right: true}, {}, {Whole: true},
	}}
	noStatTable = &output.Table{Columns: []output.Column{{Width: 22}, {}, {Whole: true}}}
)

// Columns are the key and, in one field, what stat(2) says.
func (s *Stat) Columns() []output.Field { return columns(output.Fields("stat", &snapshot.Stat{})) }

// Run yields a row an object. What is the output of a command has no stat, and says so.
func (s *Stat) Run(ctx context.Context, call *Call) (*Outcome, error) {
	return s.run(ctx, call, sysops.StatOf, func(o *sysops.Object) (output.Row, []output.Field) {
		if o.Stat == nil {
			return output.Row{Table: noStatTable, Cells: output.Cells("-", "no stat: the output of a command", keyText(o.Key))}, output.Fields("stat", nil)
		}
		f := o.Stat
		return output.Row{Table: statTable, Cells: output.Cells(f.FileMode().String(), fmt.Sprint(f.Nlink), fmt.Sprint(f.UID), fmt.Sprint(f.GID),
			fmt.Sprint(f.Size), time.Unix(f.Mtime, 0).UTC().Format(time.RFC3339), keyText(o.Key))}, output.Fields("stat", f)
	})
}

// MD5Sum tells the MD5 sums of contents.
type MD5Sum struct{ Elements }

// Columns are the key and the sum.
func (m *MD5Sum) Columns() []output.Field { return columns(output.Fields("md5sum", "")) }

// Run yields a row an object, as md5sum(1) writes it.
func (m *MD5Sum) Run(ctx context.Context, call *Call) (*Outcome, error) {
	return m.run(ctx, call, sysops.MD5Sum, func(o *sysops.Object) (output.Row, []output.Field) {
		return output.Row{Text: fmt.Appendf(nil, "%s  %s\n", o.MD5Sum, keyText(o.Key))}, output.Fields("md5sum", o.MD5Sum)
	})
}

// Counts tells how many lines, words and bytes contents have.
type Counts struct{ Elements }

var countsTable = &output.Table{Columns: []output.Column{
	{Width: 7, Right: true}, {Width: 7, Right: true}, {Width: 7, Right: true}, {Whole: true},
}}

// Columns are the key and the counts.
func (c *Counts) Columns() []output.Field { return columns(countsFields(snapshot.Counts{})) }

// Run yields a row an object, as wc(1) writes it.
func (c *Counts) Run(ctx context.Context, call *Call) (*Outcome, error) {
	return c.run(ctx, call, sysops.CountsOf, func(o *sysops.Object) (output.Row, []output.Field) {
		n := o.Words
		return output.Row{Table: countsTable, Cells: output.Cells(fmt.Sprint(n.Lines), fmt.Sprint(n.Words), fmt.Sprint(n.Bytes), keyText(o.Key))}, countsFields(n)
	})
}

func countsFields(n snapshot.Counts) []output.Field {
	return output.Fields("lines", n.Lines, "words", n.Words, "bytes", n.Bytes)
}

// Time tells since when contents are as they are.
type Time struct {
	Elements

	// How the text of a row writes the time; without one of them, as in RFC 3339.
	Ago  bool // how long ago
	Unix bool // seconds of Unix
}

var agoTable = &output.Table{Columns: []output.Column{{Width: 20}, {Whole: true}}}

// Check reads the pattern.
func (t *Time) Check() error {
	if t.Ago && t.Unix {
		return contradiction("time forms", "cannot write one time in two forms", "ago", "unix")
	}
	return t.Elements.Check()
}

// Columns are the key and the time.
func (t *Time) Columns() []output.Field { return columns(output.Fields("time", time.Time{})) }

// Run yields a row an object.
func (t *Time) Run(ctx context.Context, call *Call) (*Outcome, error) {
	return t.run(ctx, call, sysops.TimeOf, func(o *sysops.Object) (output.Row, []output.Field) {
		fields := output.Fields("time", o.Time.UTC())
		switch {
		case t.Ago:
			return output.Row{Table: agoTable, Cells: output.Cells(words.Age(time.Since(o.Time)), keyText(o.Key))}, fields
		case t.Unix:
			return output.Row{Text: fmt.Appendf(nil, "%d %s\n", o.Time.Unix(), keyText(o.Key))}, fields
		}
		return output.Row{Text: fmt.Appendf(nil, "%s %s\n", o.Time.UTC().Format(time.RFC3339), keyText(o.Key))}, fields
	})
}
