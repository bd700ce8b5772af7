package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// An infoLineOf is one field of Redis' INFO, with what each server says.
type infoLineOf struct {
	section, field string
	values         []string // by server; "" where it says nothing
}

// same reports whether all servers say the same.
func (l *infoLineOf) same() bool { return len(slices.Compact(slices.Clone(l.values))) == 1 }

func checkGlob(glob string) error {
	if glob == "" {
		return &sysops.HintedError{Err: errors.New("cannot use --fields=: it names no field"), Hint: "--fields alone is all of them"}
	}
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("cannot use --fields=%s: it is no pattern", glob)
	}
	return nil
}

// printFields prints INFO as a table, for a terminal of this width; 0: as wide as need
// be. Servers are numbered, because eight names are wider than a terminal.
func printFields(ctx context.Context, in *inquiry, glob string, width int) error {
	all, complete, err := in.client.Info(ctx, in.query.Where)
	if err != nil {
		return err
	}
	in.complete = complete
	var servers []sysops.ServerInfo
	for _, s := range all {
		if s.Error != "" {
			in.status = exitPartial
			in.warn("%s", s.Error)
			continue
		}
		servers = append(servers, s)
	}
	lines := infoLines(servers, glob)
	table := newInfoTable(lines, len(servers), width)
	if in.format == "text" && len(lines) > 0 {
		for i, s := range servers {
			fmt.Fprintf(in.stdout, "[%d] %s, core %s\n", i+1, s.Server, s.Core)
		}
		in.stdout.Write(table.header()) //nolint:errcheck // told by the flush
	}
	if len(lines) == 0 && len(servers) > 0 && !in.quiet {
		fmt.Fprintf(in.stderr, "no field matches %s; sysops info --raw prints what there is\n", terminal.SafeText(glob))
	}
	section := ""
	for i := range lines {
		l := &lines[i]
		in.rows++
		text := table.row(l)
		if l.section != section && len(in.out.Sort) == 0 {
			text = append(fmt.Appendf(nil, "# %s\n", l.section), text...)
		}
		section = l.section
		if err := in.row(text, fieldsRow(*l, servers)...); err != nil {
			return err
		}
	}
	return nil
}

// infoLines gathers the fields that match, in Redis' order.
func infoLines(servers []sysops.ServerInfo, glob string) []infoLineOf {
	var lines []infoLineOf
	at := make(map[string]int)
	for i, s := range servers {
		section := ""
		for line := range strings.Lines(s.RawInfo) {
			line = terminal.SafeText(strings.TrimRight(line, "\r\n"))
			if title, ok := strings.CutPrefix(line, "# "); ok {
				section = title
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if match, err := path.Match(glob, name); !ok || err != nil || !match {
				continue
			}
			n, known := at[name]
			if !known {
				n = len(lines)
				at[name] = n
				lines = append(lines, infoLineOf{section: section, field: name, values: make([]string, len(servers))})
			}
			lines[n].values[i] = value
		}
	}
	// What only later servers have comes after the rest; each section stays together.
	order := make(map[string]int)
	for _, l := range lines {
		if _, known := order[l.section]; !known {
			order[l.section] = len(order)
		}
	}
	slices.SortStableFunc(lines, func(x, y infoLineOf) int { return order[x.section] - order[y.section] })
	return lines
}

func fieldsRow(l infoLineOf, servers []sysops.ServerInfo) []output.Field {
	values := make(map[string]string, len(servers))
	for i, s := range servers {
		values[s.Server] = l.values[i]
	}
	return output.Fields("section", l.section, "field", l.field, "same", len(servers) == 0 || l.same(), "values", values)
}

// An infoTable knows how wide the columns are.
type infoTable struct {
	name, column, servers, width int
}

const (
	gap         = "  "
	leastColumn = 8
	mostColumn  = 24 // where there is no terminal, longer values push the rest of their line
)

// newInfoTable makes columns as wide as the values that differ, and narrower where
// width, if not 0, has no room for that. Fields that are the same everywhere take no
// column: their value stands once, and may run over all of them.
func newInfoTable(lines []infoLineOf, servers, width int) infoTable {
	t := infoTable{name: len("FIELD"), column: leastColumn, servers: servers, width: width}
	for i := range lines {
		l := &lines[i]
		t.name = max(t.name, utf8.RuneCountInString(l.field))
		if l.same() {
			continue
		}
		for _, v := range l.values {
			t.column = max(t.column, utf8.RuneCountInString(v))
		}
	}
	most := mostColumn
	if width > 0 {
		most = max(leastColumn, (width-t.name)/max(servers, 1)-len(gap))
	}
	t.column = min(t.column, most)
	return t
}

func (t *infoTable) header() []byte {
	b := fmt.Appendf(nil, "%-*s", t.name, "FIELD")
	for i := range t.servers {
		b = fmt.Appendf(b, "%s%-*s", gap, t.column, fmt.Sprintf("[%d]", i+1))
	}
	return append(bytes.TrimRight(b, " "), '\n')
}

func (t *infoTable) row(l *infoLineOf) []byte {
	b := fmt.Appendf(nil, "%-*s", t.name, l.field)
	if l.same() {
		return append(append(append(b, gap...), t.cut(l.values[0], t.width-t.name-len(gap))...), '\n')
	}
	for i, v := range l.values {
		switch {
		case i > 0 && v == l.values[0]:
			v = "="
		case v == "":
			v = "-"
		}
		b = fmt.Appendf(b, "%s%-*s", gap, t.column, t.cut(v, t.column))
	}
	return append(bytes.TrimRight(b, " "), '\n')
}

// cut shortens a value to so many columns of a terminal.
func (t *infoTable) cut(v string, columns int) string {
	if t.width == 0 || utf8.RuneCountInString(v) <= columns {
		return v
	}
	return string([]rune(v)[:max(columns-1, 0)]) + "…"
}
