package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newQueries(u *ui) *cobra.Command {
	q, queries := &queryFlags{}, &verbs.Queries{}
	cmd := &cobra.Command{
		Use:     "queries",
		Short:   "Print who asked what, and what it cost",
		Example: "  sysops queries -n 50\n  sysops queries --format jsonl --scope global",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, queries) },
	}
	q.addScopeFlags(cmd)
	q.addOutputFlags(cmd)
	q.addCost(cmd)
	cmd.Flags().IntVarP(&queries.Lines, "lines", "n", 20, "how many, the newest first")
	return cmd
}
