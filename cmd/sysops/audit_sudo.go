package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newAuditSudo(u *ui) *cobra.Command {
	q, a := &queryFlags{}, &verbs.AuditSudo{}
	var user, command string
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
			a.User, a.Command = given(cmd, "user", &user), given(cmd, "command", &command)
			return u.run(cmd, q, a)
		},
	}
	q.add(cmd)
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "the rights of the user of this `name`; without it, those of everybody who has any")
	f.StringVar(&command, "command", "", "decide this `command` alone: a path with its arguments, or sudoedit and files")
	f.StringVar(&a.As, "as", "", "with --command: as this `user`, USER:GROUP or :GROUP; else as the default one, root")
	f.BoolVar(&a.ByHost, "by-host", false, "a row for each host, in sudo's order, in place of one for all that have it in common")
	f.BoolVar(&a.Fold, "fold", false, "the hosts of each row as one expression, which --hosts takes")
	for _, name := range []string{"user", "command", "as"} { // $SYSOPS_USER would be another user
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}

// given returns the value of a flag, nil where nobody has set it.
func given[T any](cmd *cobra.Command, flag string, value *T) *T {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	return value
}
