package verbs

import (
	"context"
	"fmt"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

var disagreementTable = &output.Table{Columns: []output.Column{
	{Title: "SERVER", Width: 24},
	{Title: "CORE", Width: 14},
	{Title: "KIND", Width: 9},
	{Title: "COUNT", Width: 7, Right: true},
	{Title: "FOR EXAMPLE", Gap: "  "},
}}

// runDisagree yields a row for each kind of disagreement of each server.
func (i *Info) runDisagree(ctx context.Context, call *Call) (*Outcome, error) {
	examples := DefaultExamples
	if i.Examples != nil {
		examples = *i.Examples
	}
	list, complete, err := call.Client.Disagreements(ctx, call.Query.Where, examples)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete, Matched: len(list)}
	for n := range list {
		d := &list[n]
		some := output.OneLine(strings.Join(d.Examples, " "))
		if len(d.Examples) < d.Count {
			some = strings.TrimSpace(some + " …")
		}
		row := output.Row{Table: disagreementTable, Cells: output.Cells(d.Server, d.Core, string(d.Kind), fmt.Sprint(d.Count), some), Fields: disagreementFields(d)}
		if err := call.Emit(row); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 && anyCore(complete) {
		call.tell(Note{Text: "the servers that answer agree"})
	}
	return o, nil
}

func disagreementFields(d *sysops.Disagreement) []output.Field {
	examples := d.Examples
	if examples == nil {
		examples = []string{}
	}
	return output.Fields("server", d.Server, "core", d.Core, "kind", string(d.Kind), "count", d.Count, "examples", examples)
}
