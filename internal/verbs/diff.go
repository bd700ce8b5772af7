package verbs

import (
	"context"
	"maps"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Diff tells how objects differ from one.
type Diff struct {
	From string // a pattern that selects one object, looked for on all hosts
	To   string // one that selects those that are compared with it
	Comparing
	Style

	Brief bool // only which objects differ
	Fold  bool // with Brief: the hosts as one expression

	from, to sysops.Pattern
}

// Check reads the patterns.
func (d *Diff) Check() error {
	if d.Fold && !d.Brief {
		return moot("diff fold", "fold", "cannot fold the hosts of differences that are told one by one")
	}
	if err := d.Style.Check(); err != nil {
		return err
	}
	if err := d.checkElement(); err != nil {
		return err
	}
	if err := d.checkMasks(); err != nil {
		return err
	}
	var err error
	if d.from, err = sysops.ParsePattern(d.From); err != nil {
		return err
	}
	d.to, err = sysops.ParsePattern(d.To)
	return err
}

// Columns are those of a key, and how much differs. The difference itself, which rows for
// programs have, too, is nothing to sort by.
func (d *Diff) Columns() []output.Field {
	if d.Brief && d.Fold {
		return append(output.Fields("name", ""), foldFields(nil)...)
	}
	return d.fields(&sysops.Comparison{From: &sysops.Object{}})
}

func (d *Diff) fields(c *sysops.Comparison) []output.Field {
	fields := append(keyFields(c.Key), output.Field{Name: "from", Value: c.From.Key.String()})
	if d.Brief {
		return fields
	}
	return append(fields, changeFields(c)...)
}

// Run yields a row an object that differs.
func (d *Diff) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, d.to, func(a *sysops.Answer) error {
		if a.Len() == 0 {
			return nothingToCompare(d.to)
		}
		query := call.Query
		query.Pattern, query.Hosts, query.Exclude, query.MaxAge = d.from, nil, nil, 0
		from, err := call.onlyObject(ctx, o, query, d.element)
		if err != nil {
			return err
		}
		masks, err := d.masks(call)
		if err != nil {
			return err
		}
		return d.compare(ctx, call, o, a, from, sysops.CompareOptions{Element: d.element, Masks: masks, Brief: d.Brief})
	})
}

// compare compares one object with each of the answer.
func (d *Diff) compare(ctx context.Context, call *Call, o *Outcome, a *sysops.Answer, from *sysops.Object, options sysops.CompareOptions) error {
	bar := call.stage(Stage{What: "objects", Total: a.Len(), Rows: true})
	defer bar.Done()
	options.Progress = bar.Step
	o.Matched = a.Len()
	identical, masked, different := 0, 0, 0
	hosts := make(map[string][]string) // of objects that differ, by name, for Fold
	for c, err := range a.Compare(ctx, from, options) {
		switch {
		case err != nil:
			return err
		case c.Key == from.Key:
			continue
		case c.Masked:
			masked++
			fallthrough
		case c.Identical:
			identical++
			continue
		}
		different++
		if d.Brief && d.Fold {
			hosts[c.Name] = append(hosts[c.Name], c.Host)
		} else if err := d.emit(call, &c); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		slices.Sort(hosts[name])
		if err := call.emitCount(len(hosts[name]), output.OneLine(name), true, hosts[name], output.Field{Name: "name", Value: name}); err != nil {
			return err
		}
	}
	o.Differs = different > 0
	o.note("%d of %d objects differ from %s, %s", different, different+identical, keyText(from.Key), identicalObjects(identical, masked))
	return nil
}

// emit yields how an object differs.
func (d *Diff) emit(call *Call, c *sysops.Comparison) error {
	row := output.Row{Fields: d.fields(c)}
	if d.Brief {
		row.Text = keyLine(c.Key)
		return call.Emit(row)
	}
	call.warnCoarse(c, d.Context)
	return call.Emit(d.shown(row, call.Form, c))
}

// shown adds to a row how objects differ, in the form that is read.
func (s *Style) shown(row output.Row, form Form, c *sysops.Comparison) output.Row {
	switch form {
	case AsText:
		text := s.render(c)
		text.Fields = row.Fields
		return text
	case AsValues:
		row.Fields = append(row.Fields, output.Field{Name: "diff", Value: unifiedText(c, objectLabel, s.Context)})
	}
	return row
}
