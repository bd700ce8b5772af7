package main

import (
	"math"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newACL(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "acl",
		Short: "Make the users of the servers: who may write, ask and administer",
		Long: `Print the rules of Redis' ACL that confine a host, a reader or an administrator, have
the servers make such users, or prove that the rules hold.

The rules of a server are the same in all of its databases: what else uses the server
needs users of its own. They hold nobody while user default is on, which everybody is
who has not logged in. docs/security.md says in which order to go about it.`,
		Example: "  sysops acl admin ops --passwords /etc/sysops/acl --apply --default-on\n" +
			"  sysops acl host --hosts '*' --passwords /etc/sysops/acl --apply --default-on\n" +
			"  sysops acl test",
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.FParseErrWhitelist.UnknownFlags = true // so that of a misspelt verb the name is what is told
	host := newUsers(u, "host", &cobra.Command{
		Use:   "host [HOST...]",
		Short: "Print the rules of hosts, or make their users",
		Long: `Print the rules of hosts, or have every server of the scope make their users. The user
of web01.example.com is host:web01.example.com: it pushes what is the host's own, adds
to the lists that all hosts are in, and reads bases; nothing else. --hosts chooses among
the hosts that the servers know, each for its own core; those that it names and HOST are
for every core in scope.` + usersHelp,
		Example: "  sysops acl host web01.example.com\n  sysops acl host --hosts '*' --scope global --passwords /etc/sysops/acl --apply",
		Args:    cli.Args(0, math.MaxInt),
	}, true)
	reader := newUsers(u, "reader", &cobra.Command{
		Use:   "reader NAME...",
		Short: "Print the rules of those who ask, or make their users",
		Long: `Print the rules of users who ask, or have every server of the scope make them. They read
all that is ours, and change nothing but the record of queries.` + usersHelp,
		Example: "  sysops acl reader dashboard --passwords /etc/sysops/acl --apply",
		Args:    cli.Args(1, math.MaxInt),
	}, false)
	admin := newUsers(u, "admin", &cobra.Command{
		Use:   "admin NAME...",
		Short: "Print the rules of administrators, or make their users",
		Long: `Print the rules of users for gc, hosts forget, index and acl, or have every server of the
scope make them. Who makes users can give himself every right: what an administrator may
not run keeps him from accidents alone.` + usersHelp,
		Example: "  sysops acl admin ops --passwords /etc/sysops/acl --apply",
		Args:    cli.Args(1, math.MaxInt),
	}, false)
	cmd.AddCommand(host, reader, admin, newACLTest(u))
	return cmd
}

const usersHelp = `

A password is made once and kept in the folder of --passwords, in a file of the user's
name (mode 0600); servers get its digest. Take the file away for a new one. A user that
is there already is made anew, with this version's rules.`

// newUsers makes a verb that makes users. some: hosts can be chosen by a question.
func newUsers(u *ui, role string, cmd *cobra.Command, some bool) *cobra.Command {
	q, a := &queryFlags{}, &verbs.ACL{Role: role}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.Names = args
		q.alone = func() bool { return !a.Apply && q.none() }
		return u.run(cmd, q, a)
	}
	f := cmd.Flags()
	f.BoolVar(&a.Apply, "apply", false, "have every server of the scope make the users, and save them where it has an ACL file")
	f.StringVar(&a.Passwords, "passwords", "", "`folder` of the passwords, a file a user; made where there is none")
	f.BoolVar(&a.Weak, "weak", false, "the rules that a server before Redis 7 can keep: a host can then spoil what is shared, and delete the list of hosts")
	f.BoolVar(&a.DefaultOn, "default-on", false, "also while user default is on: it is to be turned off when everybody has a user")
	f.BoolVar(&a.File, "aclfile", false, "print the lines of an ACL file")
	for _, name := range []string{"apply", "weak", "default-on", "aclfile"} {
		cli.CommandLineOnly(cmd, name) // what a file or the environment says must change no server
	}
	q.addScopeFlags(cmd)
	if some {
		q.hostFlags.add(cmd)
	}
	q.addOutputFlags(cmd)
	return cmd
}

func newACLTest(u *ui) *cobra.Command {
	q := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Prove that users may do what their rules grant, and nothing else",
		Long: `Ask every server of the scope what it would let the user of each host do: every command
that it has, on the host's keys, on another's and on what is shared (ACL DRYRUN; nothing
is run). See that user default gives away nothing, and that RESET leads nowhere.

Where redis-server is installed here, a server of our own is started beside, and a user
of each role runs there all that it must not, and then what it needs.`,
		Example: "  sysops acl test --scope global",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, &verbs.ACLTest{}) },
	}
	q.addScopeFlags(cmd)
	q.addOutputFlags(cmd)
	return cmd
}
