package verbs

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Deviations tells the lines in which objects differ from most of their name: those lack
// them, or have them.
type Deviations struct {
	Pattern   string
	Comparing // whose Element is contents: nothing else has lines

	Rare  int  // only lines in which at most so many objects deviate; 0: all
	Fold  bool // the hosts as one expression
	Limit int  // of each name, so many lines, the most common ones; 0: all

	pattern sysops.Pattern
}

// Check reads the pattern.
func (d *Deviations) Check() error {
	if err := d.checkElement(); err != nil {
		return err
	}
	switch {
	case d.Rare < 0:
		return fmt.Errorf("cannot show lines of %d objects: the number is negative", d.Rare)
	case d.element != sysops.Contents:
		return fmt.Errorf("cannot count the lines of %s: only contents have some", d.element)
	}
	if err := d.checkMasks(); err != nil {
		return err
	}
	var err error
	d.pattern, err = sysops.ParsePattern(d.Pattern)
	return err
}

// Columns are the line, and how many objects deviate in it.
func (d *Deviations) Columns() []output.Field {
	return d.fields("", &sysops.Deviation{Of: 1}, []string{""})
}

// fields are those of a line of a name, and of hosts that deviate in it.
func (d *Deviations) fields(name string, line *sysops.Deviation, hosts []string) []output.Field {
	fields := output.Fields(
		"name", name,
		"line", line.Line,
		"lacking", line.Lacking,
		"count", line.Count,
		"share", rounded(line.Share()),
		"example", sysops.Key{Host: hosts[0], Name: name}.String(),
	)
	if d.Fold {
		fields = append(fields, foldFields(hosts)...)
	}
	return fields
}

// Run yields, of one name after the other, a row a line, the most common one first. The
// limit is one for each name.
func (d *Deviations) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, d.pattern, func(a *sysops.Answer) error {
		if a.Len() == 0 {
			return nothingToCompare(d.pattern)
		}
		masks, err := d.masks(call)
		if err != nil {
			return err
		}
		o.Matched = a.Len()
		bar := call.stage(Stage{What: "objects", Total: a.Len()})
		defer bar.Done()
		apart := false // from the name before, by an empty line
		for found, err := range a.Deviations(ctx, sysops.DeviationOptions{Masks: masks, Most: d.Rare, Progress: bar.Step}) {
			if err != nil {
				return err
			}
			bar.Done()
			o.Differs = o.Differs || len(found.Lines)+found.LeftOut > 0
			if err := d.emit(call, o, &found, apart); err != nil {
				return err
			}
			apart = len(found.Lines) > 0
			if err := call.flush(); err != nil {
				return err
			}
		}
		return nil
	})
}

// emit yields the lines of one name.
func (d *Deviations) emit(call *Call, o *Outcome, found *sysops.Deviations, apart bool) error {
	if call.Form == AsText {
		title := d.title(found)
		if apart {
			title = "\n" + title
		}
		if err := call.say("%s", title); err != nil {
			return err
		}
	}
	lines := found.Lines
	if d.Limit > 0 && len(lines) > d.Limit {
		o.Cut += len(lines) - d.Limit
		lines = lines[:d.Limit]
	}
	for i := range lines {
		if err := call.Emit(d.row(found.Name, &lines[i])); err != nil {
			return err
		}
	}
	return nil
}

// title says how much of a name is common to all.
func (d *Deviations) title(found *sysops.Deviations) string {
	title := fmt.Sprintf("%s: %s, in all of them %s", output.OneLine(found.Name), counted(found.Objects, "object"), counted(found.Common, "line"))
	if n := len(found.Lines) + found.LeftOut; n > 0 {
		title += fmt.Sprintf(", in some %d", n)
	}
	if found.LeftOut > 0 {
		title += fmt.Sprintf(" (%d in which more than %d deviate are not shown)", found.LeftOut, d.Rare)
	}
	if found.Binary > 0 {
		title += fmt.Sprintf("; and %s with NUL bytes", counted(found.Binary, "object"))
	}
	return title + "\n"
}

// A line as text is how many objects deviate in it, whether they have or lack it, and
// which they are.
var (
	deviationTable       = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Width: 8, Right: true}, {Whole: true}, {Gap: "  "}}}
	deviationFoldedTable = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Width: 8, Right: true}, {Whole: true}, {Gap: "\t", Whole: true}}}
)

func (d *Deviations) row(name string, line *sysops.Deviation) output.Row {
	most := output.NamedHosts + 1
	if d.Fold {
		most = 0
	}
	hosts := line.Hosts(most)
	row := output.Row{Table: deviationTable, Fields: d.fields(name, line, hosts)}
	where := "(" + output.SomeHosts(hosts, line.Count) + ")"
	if d.Fold {
		row.Table, where = deviationFoldedTable, row.Fields[len(row.Fields)-1].Value.(string)
	}
	shown := output.Cell{Text: "+" + string(line.Line), Role: output.Added}
	if line.Lacking {
		shown = output.Cell{Text: "-" + string(line.Line), Role: output.Removed}
	}
	row.Cells = []output.Cell{{Text: fmt.Sprint(line.Count)}, {Text: percent(line.Share())}, shown, {Text: where}}
	return row
}
