package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/access"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// auditAccessFlags say whose accounts are looked for, and what is printed of them.
type auditAccessFlags struct {
	auditFlags
	names  []string
	uids   []string
	users  []access.User
	report *access.Report
}

func newAuditAccess(u *ui) *cobra.Command {
	q := &queryFlags{ownPattern: true}
	a := &auditAccessFlags{}
	cmd := &cobra.Command{
		Use:   "access --user U",
		Short: "Print who has an account of a user, and who has not",
		Long: `Print on how many hosts a user has an account, with which uid, groups, shell and home;
on how many not; and of how many hosts that is unknown, because they did not report or
have no readable /etc/passwd. A user is a name, or a number: every account of that uid.

Only the files of the hosts are seen: passwd and group. Where nsswitch.conf names other
sources (sss, ldap, nis), a row says so: "has-not" there speaks of the file alone. Whether
an account is locked is in the shadow file, which the agent does not send.`,
		Example: "  sysops audit access --user deploy --scope global\n  sysops audit access --user 0\n" +
			"  sysops audit access --user alice,bob --state has --by-host\n  sysops audit access --uid 2000 --state unknown --fold",
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := u.ask(cmd, q, func(string) (sysops.Pattern, error) { return access.Pattern() }, "", a.print)
			if err == nil && !q.quiet {
				a.summarize(u)
			}
			return err
		},
	}
	q.columns = func() []output.Field { return a.columns(accessFields(&access.Finding{})) }
	q.add(cmd)
	states := []string{string(access.Has), string(access.HasNot), string(access.Unknown)}
	a.add(cmd, q, states, states, a.settle)
	cmd.Flags().StringSliceVar(&a.names, "user", nil, "this user: a `name` or a number; several, separated by commas")
	cmd.Flags().StringSliceVar(&a.uids, "uid", nil, "every account of this `number`; several, separated by commas")
	for _, name := range []string{"user", "uid"} { // $SYSOPS_USER would be another user
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}

// settle reads whom the audit is about.
func (a *auditAccessFlags) settle() error {
	for _, name := range a.names {
		u := access.User{Name: name}
		if uid, err := strconv.ParseUint(name, 10, 32); err == nil {
			u = access.User{ByUID: true, UID: uint32(uid)}
		}
		if name == "" || strings.ContainsAny(name, ":\n") {
			return fmt.Errorf("cannot look for user %q: it is no name of an account", name)
		}
		a.users = append(a.users, u)
	}
	for _, text := range a.uids {
		uid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("cannot look for uid %q: it is no number from 0 to 4294967295", text)
		}
		a.users = append(a.users, access.User{ByUID: true, UID: uint32(uid)})
	}
	if len(a.users) == 0 {
		return &sysops.HintedError{Err: errors.New("cannot look for nobody"), Hint: "name a user: sysops audit access --user alice"}
	}
	var once []access.User
	for _, u := range a.users {
		if !slices.Contains(once, u) {
			once = append(once, u)
		}
	}
	a.users = once
	return nil
}

func (a *auditAccessFlags) print(ctx context.Context, in *inquiry) error {
	bar := in.progressBefore("objects", in.answer.Len())
	var err error
	a.report, err = access.Of(ctx, in.answer, access.Options{Users: a.users, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	var findings []finding
	for i := range a.report.Findings {
		f := &a.report.Findings[i]
		findings = append(findings, finding{string(f.State), oneLine(accessText(f)), accessFields(f), f.Hosts})
	}
	return in.printFindings(&a.auditFlags, findings)
}

func accessText(f *access.Finding) string {
	text := fmt.Sprintf("%s %s", f.User, f.State)
	switch f.State {
	case access.Has:
		text += fmt.Sprintf(": %s uid %d gid %d groups %s shell %s home %s", f.Account.Name, f.Account.UID, f.Account.GID,
			strings.Join(f.Groups, ","), shown(f.Account.Shell), shown(f.Account.Dir))
	case access.Unknown:
		text += ": " + f.Reason
	case access.HasNot:
		switch {
		case f.Reason != "":
			text += " in the file; accounts may come from elsewhere: " + f.Reason
		case f.Sources != "":
			text += " in the file; accounts come from " + f.Sources + " as well"
		}
	}
	return text
}

// accessFields are the fields of a row. Those of the account are null where there is none.
func accessFields(f *access.Finding) []output.Field {
	out := output.Fields("user", f.User, "state", string(f.State))
	for _, v := range output.Fields(
		"name", f.Account.Name,
		"uid", int64(f.Account.UID),
		"gid", int64(f.Account.GID),
		"groups", f.Groups,
		"shell", f.Account.Shell,
		"home", f.Account.Dir,
	) {
		if f.State == access.HasNot || f.State == access.Unknown {
			v.Value = nil
		}
		out = append(out, v)
	}
	return append(out, output.Field{Name: "sources", Value: f.Sources}, output.Field{Name: "reason", Value: f.Reason})
}

// summarize says of each user on how many hosts they have an account.
func (a *auditAccessFlags) summarize(u *ui) {
	elsewhere, doubted := make(map[string]bool), make(map[string]bool)
	for _, user := range a.users {
		hosts := make(map[access.State]map[string]bool)
		for i := range a.report.Findings {
			f := &a.report.Findings[i]
			if f.User != user.String() {
				continue
			}
			if hosts[f.State] == nil {
				hosts[f.State] = make(map[string]bool)
			}
			for _, h := range f.Hosts { // once, however many accounts
				hosts[f.State][h] = true
				if f.Sources != "" {
					elsewhere[h] = true
				}
				if f.State == access.HasNot && f.Reason != "" {
					doubted[h] = true
				}
			}
		}
		fmt.Fprintf(u.stderr, "%s: %d hosts have an account, %d have not, %d unknown\n",
			terminal.SafeText(user.String()), len(hosts[access.Has]), len(hosts[access.HasNot]), len(hosts[access.Unknown]))
	}
	if len(elsewhere) > 0 {
		fmt.Fprintf(u.stderr, "%d of these hosts take accounts from other sources than files as well (nsswitch.conf): those are not seen\n", len(elsewhere))
	}
	if len(doubted) > 0 {
		fmt.Fprintf(u.stderr, "of %d hosts it is not known whether accounts come from other sources: their nsswitch.conf was not read\n", len(doubted))
	}
}
