package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newAuditSysctl(u *ui) *cobra.Command {
	q, a := &queryFlags{}, &verbs.AuditSysctl{}
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
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, a) },
	}
	q.add(cmd)
	usual, states := verbs.SysctlStates()
	addFindingsFlags(cmd, &a.Findings, usual, states)
	cmd.Flags().StringSliceVar(&a.Ignore, "ignore", nil, "leave out keys that match this `glob`; several, separated by commas")
	cmd.Flags().BoolVar(&a.AllKeys, "all-keys", false, "also keys that the kernel changes itself, or that cannot be set or read")
	return cmd
}
