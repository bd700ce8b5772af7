package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/audit/sudo"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// auditSudoFlags say whose rights are asked for, and how they are printed.
type auditSudoFlags struct {
	user, command, as string
	fold, byHost      bool

	report *sudo.Report // nil: there is none yet
}

func newAuditSudo(u *ui) *cobra.Command {
	q := &queryFlags{ownPattern: true}
	a := &auditSudoFlags{}
	cmd := &cobra.Command{
		Use:   "sudo [--user U]",
		Short: "Print who may run what as whom with sudo, and on how many hosts",
		Long: `Print what the sudoers files of the hosts allow a user, or everybody who may do
anything, as "sudo -l -U user" lists it on the host itself: as whom in parentheses, tags
such as NOPASSWD, then the commands, with aliases expanded. The right of most hosts
comes first. Where nobody is named, ALL is everybody, and a rule that fits no account
of a host is listed under what it names, such as %admins.

--command decides one command, which is a path with its arguments, as "sudo -l -U user
command" does: as root, unless --as says another user. Without --user, everybody who may
run it is listed.

Behind a right may stand in brackets: no account (the user has no line in that host's
/etc/passwd), no password (Defaults say so), and what else has to be true.

Rules of LDAP and sssd are not in the cache: stderr says how many hosts ask for them.
What else could not be told, such as an included file that no agent sends, is named,
and the exit status is then 3.`,
		Example: `  sysops audit sudo --user deploy --scope global
  sysops audit sudo --fold
  sysops audit sudo --user deploy --by-host --hosts 'web*'
  sysops audit sudo --command '/usr/bin/systemctl restart nginx' --as root
  sysops audit sudo --format json --sort -count --limit 50`,
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.check = func() error { return a.settle(cmd, q) }
			err := u.ask(cmd, q, func(string) (sysops.Pattern, error) { return sudo.Pattern() }, "", a.print)
			if err == nil && !q.quiet {
				a.summarize(u)
			}
			return err
		},
	}
	q.columns = func() []output.Field { return a.fields(&sudo.Right{}, "", nil) }
	q.add(cmd)
	f := cmd.Flags()
	f.StringVar(&a.user, "user", "", "the rights of the user of this `name`; without it, those of everybody who has any")
	f.StringVar(&a.command, "command", "", "decide this `command` alone: a path with its arguments, or sudoedit and files")
	f.StringVar(&a.as, "as", "", "with --command: as this `user`, USER:GROUP or :GROUP; else as the default one, root")
	f.BoolVar(&a.byHost, "by-host", false, "a row for each host, in sudo's order, in place of one for all that have it in common")
	f.BoolVar(&a.fold, "fold", false, "the hosts of each row as one expression, which --hosts takes")
	for _, name := range []string{"user", "command", "as"} { // $SYSOPS_USER would be another user
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}

func (a *auditSudoFlags) settle(cmd *cobra.Command, q *queryFlags) error {
	word, _, _ := strings.Cut(strings.TrimLeft(a.command, " "), " ")
	switch {
	case a.fold && a.byHost && q.misfit("fold"):
		return &sysops.HintedError{Err: errors.New("cannot --fold the hosts of rows that have one each"), Hint: "leave out --by-host"}
	case cmd.Flags().Changed("user") && (a.user == "" || strings.ContainsAny(a.user, ":\n")):
		return fmt.Errorf("cannot look for user %q: it is no name of an account", a.user)
	case strings.Contains(a.user, ","): // which audit access takes
		return &sysops.HintedError{Err: fmt.Errorf("cannot look for %q: the audit of sudo is of one user, or of all", a.user), Hint: "without --user, everybody who may do anything is listed"}
	case a.as != "" && a.command == "":
		return &sysops.HintedError{Err: fmt.Errorf("cannot decide what may be run as %s: no command is named", a.as), Hint: "--as goes with --command"}
	case cmd.Flags().Changed("command") && word != "sudoedit" && !strings.HasPrefix(word, "/"):
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot decide the command %q: it is no path", word),
			Hint: "sudoers(5) has whole paths, such as /usr/bin/" + cmp.Or(word, "id"),
		}
	}
	return nil
}

func (a *auditSudoFlags) print(ctx context.Context, in *inquiry) error {
	if err := a.audit(ctx, in); err != nil {
		return err
	}
	in.leftOut = &[]output.LeftOut{}
	for _, u := range a.report.Unknown {
		*in.leftOut = append(*in.leftOut, output.LeftOut{Key: u.Key.String(), Reason: u.Reason})
	}
	if len(a.report.Unknown) > 0 {
		in.status = exitPartial
	}
	if a.byHost {
		for _, h := range a.report.Hosts {
			for _, r := range h.Rights {
				if err := a.row(in, r, fmt.Appendf(nil, "%s: %s\n", h.Host, rightText(r)), a.fields(r, h.Host, nil)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, g := range a.report.Grants() {
		text := fmt.Appendf(nil, "%7d %s", len(g.Hosts), rightText(g.Right))
		if a.fold {
			text = fmt.Appendf(text, "\t%s", hostset.Fold(g.Hosts))
		}
		if err := a.row(in, g.Right, append(text, '\n'), a.fields(g.Right, "", g.Hosts)); err != nil {
			return err
		}
	}
	return nil
}

// row prints a row. What is denied is none that matched.
func (a *auditSudoFlags) row(in *inquiry, r *sudo.Right, text []byte, fields []output.Field) error {
	if r.Allowed {
		in.rows++
	}
	return in.row(text, fields...)
}

// maxQueries bounds how often files are asked for that others include: those that are
// found may include more.
const maxQueries = 8

// audit makes the report. Files that are included from elsewhere than sudo's own folders
// are asked for in another query.
func (a *auditSudoFlags) audit(ctx context.Context, in *inquiry) error {
	o := sudo.Options{User: a.user, Command: a.command, As: a.as, Now: time.Now()}
	for range maxQueries {
		bar := in.progressBefore("hosts", in.answer.Completeness().Expected)
		o.Progress = bar.Step
		var err error
		a.report, err = sudo.Of(ctx, in.answer, o)
		bar.Done()
		if err != nil || len(a.report.Wanted) == 0 {
			return err
		}
		o.Also = append(o.Also, a.report.Wanted...)
		query := in.query
		if query.Pattern, err = sudo.Pattern(o.Also...); err != nil {
			return err
		}
		answer, err := in.client.Ask(ctx, query)
		if err != nil {
			return err
		}
		found := answer.Len() > in.answer.Len()
		in.answer, answer = answer, in.answer
		if err := answer.Close(ctx); err != nil && ctx.Err() == nil {
			in.warn("%v", err)
		}
		if !found {
			return nil
		}
	}
	return nil
}

func rightText(r *sudo.Right) string {
	var b strings.Builder
	b.WriteString(oneLine(r.User) + ": ")
	rule := r.Entry.Commands != ""
	switch {
	case !r.Allowed && rule:
		b.WriteString("denied by ")
	case !r.Allowed:
		b.WriteString("denied")
	}
	if rule {
		b.WriteString(r.Entry.String())
	}
	for _, note := range []struct {
		holds bool
		text  string
	}{
		{r.Entry.DefaultsNoPassword && r.Allowed, "no password"},
		{!r.Account && r.User != "ALL", "no account"},
		{r.Condition != "", "if " + r.Condition},
	} {
		if note.holds {
			b.WriteString("  [" + note.text + "]")
		}
	}
	return b.String()
}

// fields are those of a row: of a host with --by-host, else of these hosts.
func (a *auditSudoFlags) fields(r *sudo.Right, host string, hosts []string) []output.Field {
	var out []output.Field
	if a.byHost {
		out = append(out, output.Field{Name: "host", Value: host})
	} else {
		out = append(out, output.Field{Name: "count", Value: len(hosts)})
	}
	out = append(out, output.Field{Name: "user", Value: r.User}, output.Field{Name: "account", Value: r.Account})
	if a.command != "" {
		out = append(out, output.Field{Name: "allowed", Value: r.Allowed}, output.Field{Name: "condition", Value: r.Condition})
	}
	entry := ""
	if r.Entry.Commands != "" {
		entry = r.Entry.String()
	}
	out = append(out, output.Field{Name: "entry", Value: entry}, output.Field{Name: "run_as", Value: r.Entry.RunAs}, output.Field{Name: "commands", Value: r.Entry.Commands}, output.Field{Name: "no_password", Value: r.Entry.NoPassword})
	if a.fold {
		out = append(out, foldFields(hosts)...)
	}
	return out
}

// summarize says on stderr what the rows rest on, and what they do not show.
func (a *auditSudoFlags) summarize(u *ui) {
	r := a.report
	text := fmt.Sprintf("sudoers of %d hosts", r.Audited)
	if r.Nothing > 0 {
		who, what := "nobody may", "do anything"
		if a.user != "" {
			who = terminal.SafeText(a.user) + " may not"
		}
		if a.command != "" {
			what = "run it"
		}
		text += fmt.Sprintf("; on %d of them %s %s", r.Nothing, who, what)
	}
	fmt.Fprintln(u.stderr, text)
	refused := make([]output.LeftOut, len(r.Refused))
	for i, x := range r.Refused {
		refused[i] = output.LeftOut{Key: x.Key.String(), Reason: x.Reason}
	}
	u.warnOf(refused, "%s: nobody may do anything there: %s", "refused by sudo")
	if r.Errors > 0 {
		u.warn("%d hosts have sudoers entries with errors, which sudo passes over: %s", r.Errors, r.Example)
	}
	for _, source := range slices.Sorted(maps.Keys(r.Elsewhere)) {
		db, from, _ := strings.Cut(source, ": ")
		fmt.Fprintf(u.stderr, "%d hosts ask %s for %s as well (nsswitch.conf): what that gives is not in the cache\n", r.Elsewhere[source], from, db)
	}
	for _, dir := range slices.Sorted(maps.Keys(r.EmptyDirs)) {
		fmt.Fprintf(u.stderr, "%d hosts include %s and have no file of it in the cache: it is empty, or the agent does not send it\n", r.EmptyDirs[dir], terminal.SafeText(dir))
	}
}
