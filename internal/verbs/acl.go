package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/acl"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// ACL makes the users of servers: it prints their rules, or has servers make them.
type ACL struct {
	Role  string   // host, reader or admin
	Names []string // of hosts or of users; of hosts, there may be those of the question as well

	Apply     bool   // have the servers of the scope make the users
	Passwords string // folder of the passwords; empty: printed rules have none
	Weak      bool   // also for servers before Redis 7
	DefaultOn bool   // also at servers whose user default is on
	File      bool   // print lines of an ACL file

	users []acl.User
}

// Check reads the names.
func (a *ACL) Check() error {
	if a.Apply && a.Passwords == "" {
		return unusable("acl passwords", "passwords", "", "the users that servers make need passwords")
	}
	if a.Apply && a.File {
		return contradiction("acl forms", "lines of a file are printed, and not made at a server", "apply", "aclfile")
	}
	parse := naming.ParseUser
	if a.Role == string(acl.Host) {
		parse = naming.ParseHost
	}
	a.users = nil
	for _, n := range a.Names {
		name, err := parse(n)
		if err != nil {
			return err
		}
		a.users = append(a.users, acl.NewUser(acl.Role(a.Role), name))
	}
	return nil
}

// Columns are a user and its rules or, where servers make users, what became of them.
func (a *ACL) Columns() []output.Field {
	if a.Apply {
		return aclChangeFields(&acl.Change{})
	}
	return output.Fields("user", "", "rules", []string{})
}

// Run yields a row a user, or a row a server.
func (a *ACL) Run(ctx context.Context, call *Call) (*Outcome, error) {
	byCore, complete, err := a.chosen(ctx, call)
	if err != nil {
		return nil, err
	}
	o := &acl.Options{Weak: a.Weak, Open: a.DefaultOn}
	if a.Passwords != "" {
		if o.Passwords, err = acl.OpenPasswords(a.Passwords); err != nil {
			return nil, err
		}
		defer o.Passwords.Close()
	}
	if a.Apply {
		out, err := a.apply(ctx, call, byCore, *o)
		if err == nil {
			out.Complete = complete
		}
		return out, err
	}
	out := &Outcome{Complete: complete}
	for _, u := range byCore.all() {
		if err := a.print(call, o, u); err != nil {
			return nil, err
		}
		out.Matched++
	}
	if a.Passwords == "" {
		call.tell(Note{Text: call.advised("these users have no password, and cannot log in", "; ", hint.NoPasswords), Warning: true})
	}
	return out, nil
}

// chosenUsers are those of all cores, at "", and those of hosts that one core alone has.
type chosenUsers map[string][]acl.User

// all returns every user once, in the order of their names where there are several cores.
func (c chosenUsers) all() []acl.User {
	var list []acl.User
	for _, users := range c {
		list = append(list, users...)
	}
	if len(c) > 1 {
		slices.SortFunc(list, func(x, y acl.User) int { return strings.Compare(x.Name, y.Name) })
	}
	return slices.CompactFunc(list, func(x, y acl.User) bool { return x.Name == y.Name })
}

// chosen returns the users that are meant: those that are named and, of hosts, those that the
// question chooses: of each core, the hosts that it knows.
func (a *ACL) chosen(ctx context.Context, call *Call) (chosenUsers, *sysops.Completeness, error) {
	chosen := chosenUsers{"": slices.Clone(a.users)}
	where := call.Query.Where
	if a.Role != string(acl.Host) || where.Hosts == nil {
		if len(a.users) == 0 {
			return nil, nil, hint.For(errors.New("cannot make users of nobody: no host is named"), hint.NobodyNamed)
		}
		return chosen, nil, nil
	}
	where.Partial = true // a core that is down is told, and so is one where no host has pushed yet
	reports, complete, err := call.Client.Hosts(ctx, where)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range reports {
		chosen[r.Core] = append(chosen[r.Core], acl.NewUser(acl.Host, r.Host))
	}
	return chosen, complete, nil
}

func (a *ACL) print(call *Call, o *acl.Options, u acl.User) error {
	list, err := o.Words(u)
	if err != nil {
		return err
	}
	line := "user " + strings.Join(list, " ")
	if !a.File {
		line = words.CommandLine("ACL", append([]string{"SETUSER"}, list...))
	}
	return call.Emit(output.Row{Text: []byte(line + "\n"), Fields: output.Fields("user", list[0], "rules", list[1:])})
}

// apply has the servers make the users.
func (a *ACL) apply(ctx context.Context, call *Call, chosen chosenUsers, o acl.Options) (*Outcome, error) {
	cores, err := call.Client.Cores(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	changes, failed := acl.Apply(ctx, cores, func(core string) []acl.User {
		return slices.Concat(chosen[""], chosen[core])
	}, o)
	if changes == nil {
		return nil, failed
	}
	for i := range changes {
		c := &changes[i]
		what := words.Plural(c.Users, "user")
		if c.Err != nil {
			what = "failed"
		}
		if err := call.Emit(output.Row{Table: serverChangeTable, Cells: output.Cells(c.Server, what), Fields: aclChangeFields(c)}); err != nil {
			return nil, err
		}
	}
	out := &Outcome{Matched: len(changes), Failed: failed}
	for _, c := range changes {
		if c.Fleeting != nil {
			out.Warnings = append(out.Warnings, c.Fleeting)
		}
	}
	return out, nil
}

func aclChangeFields(c *acl.Change) []output.Field {
	return output.Fields("server", c.Server, "users", c.Users, "saved", c.Saved, "error", textOf(c.Err))
}

// textOf returns the text of an error, "" where there is none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ACLTest proves that users may do what their rules grant, and nothing else.
type ACLTest struct{}

// Check has nothing to say.
func (*ACLTest) Check() error { return nil }

// Columns are what was tried, and what came of it.
func (*ACLTest) Columns() []output.Field { return findingFields(&acl.Finding{}) }

var findingTable = &output.Table{Columns: []output.Column{{Width: 22}, {Width: 32}, {Width: 12, Right: true}, {Gap: "  "}}}

// Run yields a row for the users of each server that have the same rules, and a row a role
// that was tried on a server of our own.
func (*ACLTest) Run(ctx context.Context, call *Call) (*Outcome, error) {
	cores, err := call.Client.Cores(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	found := acl.Test(ctx, cores)
	own, err := acl.Scratch(ctx)
	out := &Outcome{}
	switch {
	case errors.Is(err, acl.ErrNoProgram):
		out.Warnings = append(out.Warnings, fmt.Errorf("%w: nothing was run, and servers were only asked what they would do", acl.ErrNoProgram))
	case err != nil:
		return nil, err
	}
	bad := 0
	for _, f := range append(found, own...) {
		if f.Err != nil || len(f.Faults) > 0 {
			bad++
		}
		if err := call.Emit(output.Row{Table: findingTable, Cells: output.Cells(f.Server, f.What, fmt.Sprintf("%d tried", f.Tried), findingText(&f)), Fields: findingFields(&f)}); err != nil {
			return nil, err
		}
		out.Matched++
	}
	if bad > 0 {
		out.Failed = fmt.Errorf("the rules do not hold everywhere: %d of %d findings are bad", bad, out.Matched)
	}
	return out, nil
}

func findingText(f *acl.Finding) string {
	switch n := len(f.Faults); {
	case f.Err != nil:
		return f.Err.Error()
	case n == 1:
		return f.Faults[0].String()
	case n > 1:
		return fmt.Sprintf("%s (and %d more)", f.Faults[0], n-1)
	}
	return fmt.Sprintf("ok: of %s, may run %d of them", words.Plural(f.Users, "user"), f.May)
}

func findingFields(f *acl.Finding) []output.Field {
	faults := make([]string, len(f.Faults))
	for i, x := range f.Faults {
		faults[i] = x.String()
	}
	return output.Fields("server", f.Server, "what", f.What, "users", f.Users, "tried", f.Tried, "may", f.May, "faults", faults, "error", textOf(f.Err))
}
