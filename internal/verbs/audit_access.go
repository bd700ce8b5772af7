package verbs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/access"
	"github.com/sysops-api/sysops-api/internal/output"
)

// AuditAccess tells on which hosts users have an account, on which not, and of which hosts
// that is not known.
type AuditAccess struct {
	Findings
	Users []string // whom it is about: a name or, of a number, every account of that uid
	UIDs  []string // every account of these numbers

	users []access.User // both, each once
}

// AccessStates are those of the rows of AuditAccess.
func AccessStates() []string {
	return []string{string(access.Has), string(access.HasNot), string(access.Unknown)}
}

// Check reads whom the audit is about.
func (a *AuditAccess) Check() error {
	if a.States == nil {
		a.States = AccessStates()
	}
	if err := a.check(AccessStates()); err != nil {
		return err
	}
	a.users = nil
	for _, name := range a.Users {
		u := access.User{Name: name}
		if uid, err := strconv.ParseUint(name, 10, 32); err == nil {
			u = access.User{ByUID: true, UID: uint32(uid)}
		}
		if !isAccount(name) {
			return noAccount(name)
		}
		a.add(u)
	}
	for _, text := range a.UIDs {
		uid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("cannot look for uid %q: it is no number from 0 to 4294967295", text)
		}
		a.add(access.User{ByUID: true, UID: uint32(uid)})
	}
	if len(a.users) == 0 {
		return &Misuse{Code: "access user", Params: []string{"user"}, Err: fmt.Errorf("cannot look for nobody")}
	}
	return nil
}

// isAccount reports whether a passwd file can hold an account of this name.
func isAccount(name string) bool { return name != "" && !strings.ContainsAny(name, ":\n") }

func noAccount(name string) error {
	return fmt.Errorf("cannot look for user %q: it is no name of an account", name)
}

func (a *AuditAccess) add(u access.User) {
	if !slices.Contains(a.users, u) {
		a.users = append(a.users, u)
	}
}

// Columns are those of a finding.
func (a *AuditAccess) Columns() []output.Field { return a.columns(accessFields(&access.Finding{})) }

// Run yields a row a user and account: the hosts that have it, those that have none, and
// those of which it is not known.
func (a *AuditAccess) Run(ctx context.Context, call *Call) (*Outcome, error) {
	pattern, err := access.Pattern()
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	return o, call.ownObjects(ctx, o, pattern, func(answer *sysops.Answer) error { return a.audit(ctx, call, o, answer) })
}

func (a *AuditAccess) audit(ctx context.Context, call *Call, o *Outcome, answer *sysops.Answer) error {
	bar := call.stage(Stage{What: "objects", Total: answer.Len()})
	report, err := access.Of(ctx, answer, access.Options{Users: a.users, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	o.Notes = append(o.Notes, a.summary(report)...)
	findings := make([]finding, len(report.Findings))
	for i := range report.Findings {
		f := &report.Findings[i]
		findings[i] = finding{string(f.State), accessText(f), accessFields(f), f.Hosts}
	}
	return a.emit(call, o, findings)
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
	return append(out, output.Fields("sources", f.Sources, "reason", f.Reason)...)
}

// summary says of each user on how many hosts they have an account, and of what is not
// seen.
func (a *AuditAccess) summary(report *access.Report) []Note {
	var notes []Note
	elsewhere, doubted := make(map[string]bool), make(map[string]bool)
	for _, user := range a.users {
		hosts := make(map[access.State]map[string]bool)
		for i := range report.Findings {
			f := &report.Findings[i]
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
		notes = append(notes, Note{Text: fmt.Sprintf("%s: %d hosts have an account, %d have not, %d unknown",
			user, len(hosts[access.Has]), len(hosts[access.HasNot]), len(hosts[access.Unknown]))})
	}
	if len(elsewhere) > 0 {
		notes = append(notes, Note{Text: fmt.Sprintf("%d of these hosts take accounts from other sources than files as well (nsswitch.conf): those are not seen", len(elsewhere))})
	}
	if len(doubted) > 0 {
		notes = append(notes, Note{Text: fmt.Sprintf("of %d hosts it is not known whether accounts come from other sources: their nsswitch.conf was not read", len(doubted))})
	}
	return notes
}
