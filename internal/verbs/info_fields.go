package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/output"
)

// An infoField is one field of Redis' INFO, with what each server says.
type infoField struct {
	section, name string
	values        []string // by server; "" where it says nothing
}

// same reports whether all servers say the same.
func (f *infoField) same() bool { return len(slices.Compact(slices.Clone(f.values))) == 1 }

func (f *infoField) fields(servers []sysops.ServerInfo) []output.Field {
	values := make(map[string]string, len(servers))
	for i, s := range servers {
		values[s.Server] = f.values[i]
	}
	return output.Fields("section", f.section, "field", f.name, "same", len(servers) == 0 || f.same(), "values", values)
}

// runFields yields a row a field. Servers that do not answer are warned of.
func (i *Info) runFields(ctx context.Context, call *Call) (*Outcome, error) {
	all, complete, err := call.Client.Info(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete}
	var servers []sysops.ServerInfo
	for _, s := range all {
		o.warnExposed(&s)
		if s.Error != "" {
			o.Gaps = true
			o.Warnings = append(o.Warnings, errors.New(s.Error))
			continue
		}
		servers = append(servers, s)
	}
	fields := infoFields(servers, *i.Fields)
	if len(fields) == 0 && len(servers) > 0 {
		call.tell(Note{Text: call.advised("no field matches "+*i.Fields, "; ", hint.NoField)})
	}
	o.Matched = len(fields)
	for _, row := range fieldRows(fields, servers, call.Sorted) {
		if err := call.Emit(row); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// infoFields gathers the fields that match, in Redis' order.
func infoFields(servers []sysops.ServerInfo, glob string) []infoField {
	wanted := naming.NewGlob(glob)
	var fields []infoField
	at := make(map[string]int)
	for i, s := range servers {
		section := ""
		for line := range strings.Lines(s.RawInfo) {
			line = strings.TrimRight(line, "\r\n")
			if title, ok := strings.CutPrefix(line, "# "); ok {
				section = title
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if !ok || !wanted.Match(name) {
				continue
			}
			n, known := at[name]
			if !known {
				n = len(fields)
				at[name] = n
				fields = append(fields, infoField{section: section, name: name, values: make([]string, len(servers))})
			}
			fields[n].values[i] = value
		}
	}
	// What only later servers have comes after the rest; each section stays together.
	order := make(map[string]int)
	for _, f := range fields {
		if _, known := order[f.section]; !known {
			order[f.section] = len(order)
		}
	}
	slices.SortStableFunc(fields, func(x, y infoField) int { return order[x.section] - order[y.section] })
	return fields
}

// fieldRows are the rows of the table of fields, and what stands above it. Servers are
// numbered, because eight names are wider than a terminal. sorted: rows come in another
// order, in which the titles of sections mean nothing.
func fieldRows(fields []infoField, servers []sysops.ServerInfo, sorted bool) []output.Row {
	if len(fields) == 0 {
		return nil
	}
	var rows []output.Row
	for i, s := range servers {
		rows = append(rows, output.Row{Text: fmt.Appendf(nil, "[%d] %s, core %s\n", i+1, s.Server, s.Core)})
	}
	table := fieldTable(fields, len(servers))
	section := ""
	for i := range fields {
		f := &fields[i]
		row := output.Row{Table: table, Cells: f.cells()}
		if f.section != section && !sorted {
			title := output.Row{Table: table, Cells: []output.Cell{{Text: output.OneLine("# " + f.section), Span: true}}}
			row = output.Row{Parts: []output.Row{title, row}}
		}
		section = f.section
		row.Fields = f.fields(servers)
		rows = append(rows, row)
	}
	return rows
}

// Columns of a server: longer values push the rest of their line where nothing cuts them.
const (
	leastField = 8
	mostField  = 24
)

// fieldTable makes columns as wide as the values that differ. Fields that are the same
// everywhere need no column: their value stands once.
func fieldTable(fields []infoField, servers int) *output.Table {
	name, column := len("FIELD"), leastField
	for i := range fields {
		f := &fields[i]
		name = max(name, utf8.RuneCountInString(f.name))
		if f.same() {
			continue
		}
		for _, v := range f.values {
			column = max(column, utf8.RuneCountInString(v))
		}
	}
	t := &output.Table{Columns: []output.Column{{Title: "FIELD", Width: name, Whole: true}}, Trim: true}
	for i := range servers {
		t.Columns = append(t.Columns, output.Column{Title: fmt.Sprintf("[%d]", i+1), Width: min(column, mostField), Gap: "  ", Peer: true})
	}
	return t
}

// cells are the name and what each server says: = where it is what the first one says.
func (f *infoField) cells() []output.Cell {
	cells := output.Cells(output.OneLine(f.name))
	if f.same() {
		return append(cells, output.Cell{Text: output.OneLine(f.values[0]), Span: true})
	}
	for i, v := range f.values {
		switch {
		case i > 0 && v == f.values[0]:
			v = "="
		case v == "":
			v = "-"
		}
		cells = append(cells, output.Cell{Text: output.OneLine(v)})
	}
	return cells
}
