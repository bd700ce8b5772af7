package verbs

import (
	"context"
	"fmt"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// GC prunes every server, and keeps the roster of its hosts.
type GC struct {
	Keep time.Duration // how long a host counts as missing before it is forgotten
}

// Check looks at the duration.
func (g *GC) Check() error {
	if g.Keep < 0 {
		return unusable("gc keep", "keep", g.Keep, "it is negative, and would forget hosts that are alive")
	}
	return nil
}

// Columns are the server and what was removed.
func (g *GC) Columns() []output.Field { return changeOfServer(&sysops.ServerChange{}) }

// Run yields a row a server.
func (g *GC) Run(ctx context.Context, call *Call) (*Outcome, error) {
	changes, err := call.Client.GC(ctx, call.Query.Where, g.Keep)
	return call.emitServerChanges(changes, err, func(c *sysops.ServerChange) string {
		text := fmt.Sprintf("removed %d hosts, %d entries, %d names", c.Hosts, c.Entries, c.Names)
		if c.Objects > 0 {
			text += fmt.Sprintf(", %d objects", c.Objects)
		}
		if c.Repaired > 0 {
			text += fmt.Sprintf("; repaired %d", c.Repaired)
		}
		if c.Ahead > 0 {
			text += fmt.Sprintf("; took down %d stamps of the future", c.Ahead)
		}
		if c.Bases > 0 {
			text += fmt.Sprintf("; wrote %d bases", c.Bases)
		}
		return text
	})
}

// Adopt adds objects that the original's inserter wrote to the index of every server.
type Adopt struct{}

// Check has nothing to say.
func (*Adopt) Check() error { return nil }

// Columns are the server and what was added.
func (*Adopt) Columns() []output.Field { return changeOfServer(&sysops.ServerChange{}) }

// Run yields a row a server.
func (*Adopt) Run(ctx context.Context, call *Call) (*Outcome, error) {
	changes, err := call.Client.Adopt(ctx, call.Query.Where)
	return call.emitServerChanges(changes, err, func(c *sysops.ServerChange) string {
		return fmt.Sprintf("adopted %d objects", c.Entries)
	})
}

var serverChangeTable = &output.Table{Columns: []output.Column{{Width: 24}, {}}}

// emitServerChanges yields what was done to each server. What failed at some of them was
// done at the others.
func (c *Call) emitServerChanges(changes []sysops.ServerChange, failed error, describe func(*sysops.ServerChange) string) (*Outcome, error) {
	for i := range changes {
		change := &changes[i]
		what := describe(change)
		if change.Error != "" {
			what = "failed"
		}
		if err := c.Emit(output.Row{Table: serverChangeTable, Cells: output.Cells(change.Server, what), Fields: changeOfServer(change)}); err != nil {
			return nil, err
		}
	}
	return &Outcome{Matched: len(changes), Failed: failed}, nil
}

func changeOfServer(c *sysops.ServerChange) []output.Field {
	return output.Fields("server", c.Server, "hosts", c.Hosts, "entries", c.Entries, "names", c.Names, "objects", c.Objects, "repaired", c.Repaired, "ahead", c.Ahead, "bases", c.Bases, "error", c.Error)
}
