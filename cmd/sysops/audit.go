package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
)

func newAudit(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "Answer an auditor's question about every host",
		Example: "  sysops audit sudo --user deploy --scope global",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.FParseErrWhitelist.UnknownFlags = true // so that of a misspelt audit the name is what is told
	cmd.AddCommand(newAuditSudo(u))
	return cmd
}
