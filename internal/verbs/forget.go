package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Forget removes hosts and all their objects from every server of the scope.
type Forget struct {
	Hosts []string // expressions, as hostset.Parse reads them; what any of them stands for
}

// Check has nothing to say: the expressions are read when clusters are known.
func (f *Forget) Check() error { return nil }

// Columns are none: there are no rows.
func (f *Forget) Columns() []output.Field { return nil }

// Run tells how many hosts and objects are gone.
func (f *Forget) Run(ctx context.Context, call *Call) (*Outcome, error) {
	where, err := call.about(f.Hosts)
	if err != nil {
		return nil, err
	}
	hosts, n, err := call.Client.Forget(ctx, where)
	if err != nil {
		return nil, ofUnknown(err)
	}
	call.tell(Note{Text: removedText(hosts, n)})
	return &Outcome{}, nil
}

// about is whom the call is put to, and the hosts that any of these expressions stands for.
func (c *Call) about(exprs []string) (sysops.Where, error) {
	where := c.Query.Where
	where.Hosts = nil
	for _, expr := range exprs {
		hosts, err := c.Clusters.Clusters.Parse(expr)
		if err != nil {
			return where, err
		}
		where.Hosts = where.Hosts.Union(hosts)
	}
	return where, nil
}

// ofUnknown says of a host that is unknown where the known ones are found.
func ofUnknown(err error) error {
	if errors.Is(err, sysops.ErrUnknown) {
		return hint.For(err, hint.UnknownHost)
	}
	return err
}

// foldedUpTo is how long an expression for the hosts that are gone may be to be shown.
const foldedUpTo = 200

func removedText(hosts []string, objects int) string {
	folded := hostset.Fold(hosts)
	switch {
	case len(hosts) == 1:
		return fmt.Sprintf("removed %s of %s", words.Plural(objects, "object"), hosts[0])
	case len(folded) > foldedUpTo:
		return fmt.Sprintf("removed %s of %d hosts", words.Plural(objects, "object"), len(hosts))
	}
	return fmt.Sprintf("removed %s of %d hosts: %s", words.Plural(objects, "object"), len(hosts), folded)
}

// Block shuts hosts out of every server of the scope, and removes them.
type Block struct {
	Hosts []string // expressions without globs
}

// Check has nothing to say: the expressions are read when clusters are known.
func (b *Block) Check() error { return nil }

// Columns are the host, the server, and what became of the host's user there.
func (b *Block) Columns() []output.Field { return blockedFields(&sysops.Blocked{}) }

var blockedTable = &output.Table{Columns: []output.Column{{Width: 24}, {Width: 40}, {}}}

// Run yields a row for each host at each server, and tells how many objects are gone.
func (b *Block) Run(ctx context.Context, call *Call) (*Outcome, error) {
	where, err := call.about(b.Hosts)
	if err != nil {
		return nil, err
	}
	list, n, failed := call.Client.Block(ctx, where)
	if len(list) == 0 || errors.Is(failed, sysops.ErrUnknown) {
		return nil, ofUnknown(failed)
	}
	free, forgetful := false, false
	for i := range list {
		l := &list[i]
		free = free || !l.User && l.Error == ""
		forgetful = forgetful || l.User && !l.Saved
		if err := call.Emit(output.Row{Table: blockedTable, Cells: output.Cells(l.Server, l.Host, blockedText(l)), Fields: blockedFields(l)}); err != nil {
			return nil, err
		}
	}
	if failed == nil {
		call.tell(Note{Text: removedText(where.Hosts.Names(), n)})
	}
	if free {
		call.tell(Note{Warning: true, Text: "where a host has no user of its own, nothing keeps it from coming back: give hosts users (docs/security.md)"})
	}
	if forgetful {
		call.tell(Note{Warning: true, Text: "a server without an ACL file forgets at its next start that a user is off: take the user out of its config"})
	}
	return &Outcome{Matched: len(list), Failed: failed}, nil
}

func blockedText(b *sysops.Blocked) string {
	switch {
	case b.Error != "":
		return "failed"
	case !b.User:
		return "has no user of its own"
	}
	return fmt.Sprintf("user off, %d connections closed", b.Connections)
}

func blockedFields(b *sysops.Blocked) []output.Field {
	return output.Fields("host", b.Host, "server", b.Server, "user", b.User, "connections", b.Connections, "saved", b.Saved, "error", b.Error)
}
