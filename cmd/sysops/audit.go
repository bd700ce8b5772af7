package main

import "github.com/spf13/cobra"

func newAudit(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Answer what auditors and administrators ask of a whole fleet",
	}
	cmd.AddCommand(newAuditNetwork(u))
	return cmd
}
