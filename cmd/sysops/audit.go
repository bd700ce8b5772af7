package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newAudit(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Audit every host: kernel settings, accounts, sudo, network",
		Long: `Answer one question of administrators or auditors about every host, out of several
objects of each. An audit prints what it found, counted over the fleet, and on stderr
how many hosts it could tell of, and of how many it could not.`,
		Example: "  sysops audit sysctl --scope global\n  sysops audit access --user deploy --state has --fold\n  sysops audit sudo --user deploy\n  sysops audit network --report",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.FParseErrWhitelist.UnknownFlags = true // so that of a misspelt audit the name is what is told
	cmd.AddCommand(newAuditSysctl(u), newAuditAccess(u), newAuditSudo(u), newAuditNetwork(u))
	return cmd
}

// addFindingsFlags adds the flags of audits whose findings are counted over the fleet.
// states are those that a finding can have; usual, those that are printed where none is
// chosen.
func addFindingsFlags(cmd *cobra.Command, f *verbs.Findings, usual, states []string) {
	cmd.Flags().BoolVar(&f.Fold, "fold", false, "the hosts of each row as one expression, which --hosts takes")
	cmd.Flags().BoolVar(&f.ByHost, "by-host", false, "a row for each host, in place of one for all that have it in common")
	cmd.Flags().StringSliceVar(&f.States, "state", usual, "only rows in these `states`: "+strings.Join(states, ", "))
	cli.CompleteWords(cmd, "state", states...)
	cli.CommandLineOnly(cmd, "state") // to the agent, which shares the config, it is a folder
}
