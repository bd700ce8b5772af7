package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Queries tells who asked what, and what it cost.
type Queries struct {
	Lines int // how many, the newest first; 0: none
}

// Check looks at the number.
func (q *Queries) Check() error {
	if q.Lines < 0 {
		return fmt.Errorf("cannot print %d queries: the number is negative", q.Lines)
	}
	return nil
}

// Columns are what is on record.
func (q *Queries) Columns() []output.Field { return queryFields(&sysops.QueryRecord{}) }

// Run yields a row a query. A server whose record cannot be read is a gap, and warned of.
func (q *Queries) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	records, err := call.Client.Queries(ctx, call.Query.Where, q.Lines)
	if err != nil {
		o.Gaps, o.Warnings = true, append(o.Warnings, err)
	}
	for i := range records {
		r := &records[i]
		text := fmt.Sprintf("%s %s@%s %.2fs %d keys  %s", r.Time.Format(time.RFC3339), r.User, r.Host,
			r.Cost.Seconds, r.Cost.Keys, words.CommandLine(r.Program, r.Args))
		if err := call.Emit(output.Row{Text: []byte(output.OneLine(text) + "\n"), Fields: queryFields(r)}); err != nil {
			return nil, err
		}
	}
	cost := call.Client.Cost()
	cost.Keys = len(records)
	o.Matched, o.Cost = len(records), &cost
	return o, nil
}

func queryFields(r *sysops.QueryRecord) []output.Field {
	return output.Fields("time", r.Time,
		"user", r.User, "uid", r.UID, "gid", r.GID, "host", r.Host, "dir", r.Dir, "program", r.Program, "args", r.Args,
		"pattern", r.Pattern, "scope", r.Scope, "seconds", r.Cost.Seconds, "keys", r.Cost.Keys,
		"bytes_downloaded", r.Cost.Downloaded, "id", r.ID)
}
