package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newAuditAccess(u *ui) *cobra.Command {
	q, a := &queryFlags{}, &verbs.AuditAccess{}
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
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, a) },
	}
	q.add(cmd)
	addFindingsFlags(cmd, &a.Findings, verbs.AccessStates(), verbs.AccessStates())
	cmd.Flags().StringSliceVar(&a.Users, "user", nil, "this user: a `name` or a number; several, separated by commas")
	cmd.Flags().StringSliceVar(&a.UIDs, "uid", nil, "every account of this `number`; several, separated by commas")
	for _, name := range []string{"user", "uid"} { // $SYSOPS_USER would be another user
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}
