package verbs

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

var memoryTable = &output.Table{Columns: []output.Column{
	{Title: "MEMORY", Width: 10, Right: true},
	{Title: "SHARE", Width: 6, Right: true},
	{Title: "OBJECTS", Width: 9, Right: true},
	{Title: "EACH", Width: 9, Right: true},
	{Title: "BASES", Width: 9, Right: true},
	{Title: "NAME", Gap: "  "},
}}

// runMemory yields a row a name, and tells how much it is in all.
func (i *Info) runMemory(ctx context.Context, call *Call) (*Outcome, error) {
	sample := sysops.DefaultSample
	if i.Sample != nil {
		sample = *i.Sample
	}
	weighed := sample
	if sample == 0 {
		weighed = -1 // all
	}
	uses, complete, err := call.Client.Memory(ctx, call.Query.Where, weighed)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete, Matched: len(uses)}
	total, estimated := int64(0), 0
	for _, u := range uses {
		total += u.Bytes
		if u.Sampled < u.Keys {
			estimated++
		}
	}
	for n := range uses {
		u := &uses[n]
		if err := call.Emit(output.Row{Table: memoryTable, Cells: memoryCells(u, total), Fields: memoryFields(u)}); err != nil {
			return nil, err
		}
	}
	if anyCore(complete) {
		about := "all objects were weighed"
		if estimated > 0 {
			about = fmt.Sprintf("%d of %d lines are estimated (~) from %d objects a server", estimated, len(uses), sample)
		}
		call.tell(Note{Text: fmt.Sprintf("%s in all; %s", words.Size(total), about)})
	}
	return o, nil
}

func memoryCells(u *sysops.MemoryUse, total int64) []output.Cell {
	about := ""
	if u.Sampled < u.Keys {
		about = "~"
	}
	objects, each, bases := "-", "-", "-"
	if u.ObjectBytes > 0 {
		objects, each = fmt.Sprint(u.Keys), about+words.Size(u.ObjectBytes/int64(u.Keys))
	}
	if u.Bases > 0 {
		bases = words.Size(u.BaseBytes)
	}
	share := fmt.Sprintf("%.1f%%", 100*float64(u.Bytes)/float64(max(total, 1)))
	return output.Cells(about+words.Size(u.Bytes), share, objects, each, bases, output.OneLine(u.Name))
}

func memoryFields(u *sysops.MemoryUse) []output.Field {
	return output.Fields(
		"name", u.Name,
		"bytes", u.Bytes,
		"keys", u.Keys,
		"sampled", u.Sampled,
		"object_bytes", u.ObjectBytes,
		"bases", u.Bases,
		"base_bytes", u.BaseBytes,
		"index_bytes", u.IndexBytes,
	)
}
