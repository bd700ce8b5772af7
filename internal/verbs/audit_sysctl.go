package verbs

import (
	"context"
	"fmt"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/sysctl"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/output"
)

// AuditSysctl tells which kernel settings are not what the files of the hosts say.
type AuditSysctl struct {
	Findings
	Ignore  []string // globs of keys that are left out
	AllKeys bool     // also keys that the kernel changes itself, or that cannot be set or read
}

// SysctlStates are those of the rows of AuditSysctl, the usual ones and all.
func SysctlStates() (usual, all []string) {
	all = []string{string(sysctl.Differs), string(sysctl.Absent), string(sysctl.Unknown)}
	return all[:2:2], all
}

// Check looks at the states and globs.
func (a *AuditSysctl) Check() error {
	usual, all := SysctlStates()
	if a.States == nil {
		a.States = usual
	}
	if err := a.check(all); err != nil {
		return err
	}
	for _, glob := range a.Ignore {
		if err := naming.CheckGlob(glob); err != nil {
			return hint.To(fmt.Errorf("cannot ignore keys %q: %w", glob, err), "* stands for anything, also dots; ? for one character; [a-z] for one of these")
		}
	}
	return nil
}

// Columns are those of a finding.
func (a *AuditSysctl) Columns() []output.Field { return a.columns(sysctlFields(&sysctl.Problem{})) }

// Run yields a row a setting and what is the matter with it, what most hosts have in
// common first.
func (a *AuditSysctl) Run(ctx context.Context, call *Call) (*Outcome, error) {
	pattern, err := sysctl.Pattern()
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	return o, call.ownObjects(ctx, o, pattern, func(answer *sysops.Answer) error { return a.audit(ctx, call, o, answer) })
}

func (a *AuditSysctl) audit(ctx context.Context, call *Call, o *Outcome, answer *sysops.Answer) error {
	ignore := slices.Clone(a.Ignore)
	if !a.AllKeys {
		ignore = append(ignore, sysctl.Ignored()...)
	}
	bar := call.stage(Stage{What: "objects", Total: answer.Len()})
	r, err := sysctl.Of(ctx, answer, sysctl.Options{Ignore: ignore, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	o.Notes = append(o.Notes, Note{Text: fmt.Sprintf("%d hosts checked: %d agree, %d differ; %d unknown", r.Agree+r.Differ, r.Agree, r.Differ, r.Unknown)})
	findings := make([]finding, len(r.Findings))
	for i := range r.Findings {
		f := &r.Findings[i]
		findings[i] = finding{string(f.State), sysctlText(&f.Problem), sysctlFields(&f.Problem), f.Hosts}
	}
	return a.emit(call, o, findings)
}

func sysctlText(p *sysctl.Problem) string {
	text := fmt.Sprintf("%s: %s in %s, ", p.Key, shown(p.Persistent), p.File)
	switch p.State {
	case sysctl.Absent:
		return text + "absent from the kernel"
	case sysctl.Unknown:
		return "unknown: " + p.Reason
	}
	return text + "live " + shown(p.Live)
}

func sysctlFields(p *sysctl.Problem) []output.Field {
	return output.Fields(
		"state", string(p.State),
		"key", p.Key,
		"persistent", []byte(p.Persistent),
		"live", []byte(p.Live),
		"file", p.File,
		"reason", p.Reason,
	)
}
