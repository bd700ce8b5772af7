package verbs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/sudo"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// AuditSudo tells who may run what as whom with sudo.
type AuditSudo struct {
	User    *string // nil: everybody who may do anything
	Command *string // decides this command alone: a path with its arguments, or sudoedit and files; nil: all that is allowed
	As      string  // with Command: USER, USER:GROUP or :GROUP; empty: the default user, root

	Fold   bool // the hosts of each row as one expression
	ByHost bool // a row for each host, in sudo's order, in place of one for all that have it in common
}

// Check looks at whom and what it is about.
func (a *AuditSudo) Check() error {
	switch {
	case a.Fold && a.ByHost:
		return foldByHost()
	case a.User != nil && !isAccount(*a.User):
		return noAccount(*a.User)
	case a.User != nil && strings.Contains(*a.User, ","): // which AuditAccess takes
		return hint.For(fmt.Errorf("cannot look for %q: the audit of sudo is of one user, or of all", *a.User), hint.OneUser)
	case a.As != "" && a.command() == "":
		return &Misuse{Code: "sudo as", Params: []string{"as"}, Value: a.As, Err: fmt.Errorf("cannot decide what may be run as %s: no command is named", a.As)}
	case a.Command != nil:
		word, _, _ := strings.Cut(strings.TrimLeft(*a.Command, " "), " ")
		if word != "sudoedit" && !strings.HasPrefix(word, "/") {
			return hint.To(fmt.Errorf("cannot decide the command %q: it is no path", word),
				"sudoers(5) has whole paths, such as /usr/bin/"+cmp.Or(word, "id"))
		}
	}
	return nil
}

func (a *AuditSudo) user() string    { return orEmpty(a.User) }
func (a *AuditSudo) command() string { return orEmpty(a.Command) }

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Columns depend on whether a command is decided.
func (a *AuditSudo) Columns() []output.Field {
	fields := a.fields(&sudo.Right{}, "", nil)
	if a.Fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

// Run yields a row a right, that of most hosts first. What is denied is no match.
func (a *AuditSudo) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{LeftOut: &[]output.LeftOut{}}
	report, err := a.audit(ctx, call, o)
	if err != nil {
		return o, err
	}
	for _, u := range report.Unknown {
		*o.LeftOut = append(*o.LeftOut, output.LeftOut{Key: u.Key.String(), Reason: u.Reason})
	}
	o.Notes = a.summary(report)
	if a.ByHost {
		return o, a.emitByHost(call, o, report)
	}
	for _, g := range report.Grants() {
		o.count(g.Right)
		if err := call.emitCount(len(g.Hosts), rightText(g.Right), a.Fold, g.Hosts, a.fields(g.Right, "", g.Hosts)...); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (a *AuditSudo) emitByHost(call *Call, o *Outcome, report *sudo.Report) error {
	for _, h := range report.Hosts {
		for _, r := range h.Rights {
			o.count(r)
			row := output.Row{Text: fmt.Appendf(nil, "%s: %s\n", h.Host, rightText(r)), Fields: a.fields(r, h.Host, nil)}
			if err := call.Emit(row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *Outcome) count(r *sudo.Right) {
	if r.Allowed {
		o.Matched++
	}
}

// maxQueries bounds how often files are asked for that others include: those that are
// found may include more.
const maxQueries = 8

// audit makes the report. Files that are included from elsewhere than sudo's own folders
// are asked for in another query.
func (a *AuditSudo) audit(ctx context.Context, call *Call, o *Outcome) (*sudo.Report, error) {
	of := sudo.Options{User: a.user(), Command: a.command(), As: a.As, Now: time.Now()}
	var report *sudo.Report
	objects := -1 // in the answer before
	for range maxQueries {
		pattern, err := sudo.Pattern(of.Also...)
		if err != nil {
			return nil, err
		}
		more := false
		err = call.ownObjects(ctx, o, pattern, func(answer *sysops.Answer) (err error) {
			if more = answer.Len() > objects; !more {
				return nil // nobody has what was asked for beside
			}
			objects = answer.Len()
			bar := call.stage(Stage{What: "hosts", Total: answer.Completeness().Expected})
			defer bar.Done()
			of.Progress = bar.Step
			report, err = sudo.Of(ctx, answer, of)
			return err
		})
		if err != nil || !more || len(report.Wanted) == 0 {
			return report, err
		}
		of.Also = append(of.Also, report.Wanted...)
	}
	return report, nil
}

func rightText(r *sudo.Right) string {
	var b strings.Builder
	b.WriteString(oneField(r.User) + ": ")
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

// fields are those of a row: of a host, or of these hosts.
func (a *AuditSudo) fields(r *sudo.Right, host string, hosts []string) []output.Field {
	out := output.Fields("count", len(hosts))
	if a.ByHost {
		out = output.Fields("host", host)
	}
	out = append(out, output.Fields("user", r.User, "account", r.Account)...)
	if a.command() != "" {
		out = append(out, output.Fields("allowed", r.Allowed, "condition", r.Condition)...)
	}
	entry := ""
	if r.Entry.Commands != "" {
		entry = r.Entry.String()
	}
	return append(out, output.Fields("entry", entry, "run_as", r.Entry.RunAs, "commands", r.Entry.Commands, "no_password", r.Entry.NoPassword)...)
}

// summary says what the rows rest on, and what they do not show.
func (a *AuditSudo) summary(r *sudo.Report) []Note {
	text := fmt.Sprintf("sudoers of %d hosts", r.Audited)
	if r.Nothing > 0 {
		who, what := "nobody may", "do anything"
		if a.user() != "" {
			who = a.user() + " may not"
		}
		if a.command() != "" {
			what = "run it"
		}
		text += fmt.Sprintf("; on %d of them %s %s", r.Nothing, who, what)
	}
	notes := []Note{{Text: text}}
	refused := make([]output.LeftOut, len(r.Refused))
	for i, x := range r.Refused {
		refused[i] = output.LeftOut{Key: x.Key.String(), Reason: x.Reason}
	}
	for _, line := range output.Reasons(refused, "%s: nobody may do anything there: %s", "refused by sudo") {
		notes = append(notes, Note{Text: line, Warning: true})
	}
	if r.Errors > 0 {
		notes = append(notes, Note{Text: fmt.Sprintf("%d hosts have sudoers entries with errors, which sudo passes over: %s", r.Errors, r.Example), Warning: true})
	}
	for _, source := range slices.Sorted(maps.Keys(r.Elsewhere)) {
		db, from, _ := strings.Cut(source, ": ")
		notes = append(notes, Note{Text: fmt.Sprintf("%d hosts ask %s for %s as well (nsswitch.conf): what that gives is not in the cache", r.Elsewhere[source], from, db)})
	}
	for _, dir := range slices.Sorted(maps.Keys(r.EmptyDirs)) {
		notes = append(notes, Note{Text: fmt.Sprintf("%d hosts include %s and have no file of it in the cache: it is empty, or the agent does not send it", r.EmptyDirs[dir], dir)})
	}
	return notes
}
