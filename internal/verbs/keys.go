package verbs

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Find tells which keys match.
type Find struct {
	Search string // as the original's --search: with a '#' a whole key, without one a part

	pattern sysops.Pattern
}

// Check reads the search.
func (f *Find) Check() (err error) {
	f.pattern, err = sysops.ParseSearch(f.Search)
	return err
}

// Columns are those of a key.
func (f *Find) Columns() []output.Field { return keyFields(sysops.Key{}) }

// Run yields a row a key, in the order of the keys.
func (f *Find) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.checked(ctx, o, f.pattern, func(a *sysops.Answer) error {
		for key := range a.Keys() {
			o.Matched++
			if err := call.Emit(output.Row{Text: keyLine(key), Fields: keyFields(key)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// List tells which names there are, and how many hosts hold each.
type List struct {
	Pattern string // empty: every object

	pattern sysops.Pattern
}

// Check reads the pattern.
func (l *List) Check() (err error) {
	text := l.Pattern
	if text == "" {
		text = "*#*"
	}
	l.pattern, err = sysops.ParsePattern(text)
	return err
}

// Columns are the name and its hosts.
func (l *List) Columns() []output.Field { return nameFields(sysops.NameCount{}) }

var nameTable = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Whole: true}}}

// Run yields a row a name, sorted.
func (l *List) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.checked(ctx, o, l.pattern, func(a *sysops.Answer) error {
		for _, n := range a.Names() {
			o.Matched++
			if err := call.Emit(output.Row{Table: nameTable, Cells: output.Cells(fmt.Sprint(n.Hosts), output.OneLine(n.Name)), Fields: nameFields(n)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func nameFields(n sysops.NameCount) []output.Field {
	return output.Fields("name", n.Name, "hosts", n.Hosts)
}

// keyText is a key as a part of a line.
func keyText(key sysops.Key) string { return output.OneLine(key.String()) }

// keyLine is a row that is a key.
func keyLine(key sysops.Key) []byte { return []byte(keyText(key) + "\n") }

func keyFields(key sysops.Key) []output.Field {
	return output.Fields("key", key.String(), "host", key.Host, "name", key.Name)
}

// countTable is how often something is found over the fleet, as "uniq -c" prints it, and on
// which hosts: behind a tab, which their expression does not hold, so that one row stays
// one line and the expression is the last of its fields.
var (
	countTable  = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Whole: true}}}
	foldedTable = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Whole: true}, {Gap: "\t", Whole: true}}}
)

// emitCount yields how often something is found and, with fold, on which hosts.
func (c *Call) emitCount(count int, what string, fold bool, hosts []string, fields ...output.Field) error {
	row := output.Row{Table: countTable, Cells: output.Cells(fmt.Sprint(count), what), Fields: fields}
	if fold {
		folded := foldFields(hosts)
		row.Table, row.Cells = foldedTable, append(row.Cells, output.Cells(folded[1].Value.(string))...)
		row.Fields = append(row.Fields, folded...)
	}
	return c.Emit(row)
}

// foldFields are the hosts of a row: how many, and which, as an expression.
func foldFields(hosts []string) []output.Field {
	return output.Fields("host_count", len(hosts), "hosts", hostset.Fold(hosts))
}
