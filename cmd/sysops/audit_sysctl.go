package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/sysctl"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

// auditSysctlFlags say which settings are compared, and what is printed of them.
type auditSysctlFlags struct {
	auditFlags
	ignore  []string
	allKeys bool
	report  *sysctl.Report
}

func newAuditSysctl(u *ui) *cobra.Command {
	q := &queryFlags{ownPattern: true}
	a := &auditSysctlFlags{}
	cmd := &cobra.Command{
		Use:   "sysctl",
		Short: "Print which kernel settings are not what the files say",
		Long: `Compare the live values of each host (sysctl -a) with those that its files give:
/etc/sysctl.conf and the folders sysctl.d, read as "sysctl --system" reads them. Each
row is a setting, what the file that has the last word says, what the kernel has, and
on how many hosts: changes by hand that the next boot takes back, and files that were
never loaded.

States: differs; absent (the kernel has no such key); unknown (a host without live
values or files, or with too many of them), which is printed on demand. A setting that
a file marks with a leading "-" may be absent.`,
		Example: "  sysops audit sysctl --scope global\n  sysops audit sysctl --fold --limit 10\n" +
			"  sysops audit sysctl --by-host --hosts 'db*'\n  sysops audit sysctl --ignore 'net.ipv4.conf.*' --format csv\n  sysops audit sysctl --state unknown --fold",
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := u.ask(cmd, q, func(string) (sysops.Pattern, error) { return sysctl.Pattern() }, "", a.print)
			if r := a.report; err == nil && !q.quiet {
				fmt.Fprintf(u.stderr, "%d hosts checked: %d agree, %d differ; %d unknown\n", r.Agree+r.Differ, r.Agree, r.Differ, r.Unknown)
			}
			return err
		},
	}
	q.columns = func() []output.Field { return a.columns(sysctlFields(&sysctl.Problem{})) }
	q.add(cmd)
	a.add(cmd, q, []string{string(sysctl.Differs), string(sysctl.Absent), string(sysctl.Unknown)}, []string{string(sysctl.Differs), string(sysctl.Absent)}, nil)
	cmd.Flags().StringSliceVar(&a.ignore, "ignore", nil, "leave out keys that match this `glob`; several, separated by commas")
	cmd.Flags().BoolVar(&a.allKeys, "all-keys", false, "also keys that the kernel changes itself, or that cannot be set or read")
	return cmd
}

func (a *auditSysctlFlags) print(ctx context.Context, in *inquiry) error {
	ignore := slices.Clone(a.ignore)
	if !a.allKeys {
		ignore = append(ignore, sysctl.Ignored()...)
	}
	bar := in.progressBefore("objects", in.answer.Len())
	var err error
	a.report, err = sysctl.Of(ctx, in.answer, sysctl.Options{Ignore: ignore, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	var findings []finding
	for _, f := range a.report.Findings {
		text := fmt.Sprintf("%s: %s in %s, ", f.Key, shown(f.Persistent), f.File)
		switch f.State {
		case sysctl.Absent:
			text += "absent from the kernel"
		case sysctl.Unknown:
			text = "unknown: " + f.Reason
		default:
			text += "live " + shown(f.Live)
		}
		findings = append(findings, finding{string(f.State), oneLine(text), sysctlFields(&f.Problem), f.Hosts})
	}
	return in.printFindings(&a.auditFlags, findings)
}

// shown is a value in text, where one could miss that it is empty.
func shown(value string) string {
	if value == "" {
		return `""`
	}
	return value
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
