package main

import (
	"math"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newHosts(u *ui) *cobra.Command {
	q, h := &queryFlags{}, &verbs.Hosts{}
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "Print which hosts report, and since when they have not",
		Example: "  sysops hosts --missing --scope global\n  sysops hosts --hosts 'web*' --format csv\n" +
			"  sysops hosts --sort pushed --limit 20\n  sysops hosts --stale --fold",
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, h) },
	}
	q.add(cmd)
	cmd.Flags().BoolVar(&h.Stale, "stale", false, "only hosts whose last push is old, though their snapshot still lives")
	cmd.Flags().BoolVar(&h.Missing, "missing", false, "only hosts without a live snapshot")
	cmd.Flags().BoolVar(&h.Fold, "fold", false, "print the hosts as one expression, which --hosts takes: web001..120.example.com")
	cmd.AddCommand(newExpand(u), newForget(u))
	return cmd
}

func newForget(u *ui) *cobra.Command {
	q, forget := &queryFlags{}, &verbs.Forget{}
	cmd := &cobra.Command{
		Use:   "forget HOST...",
		Short: "Remove hosts and all their objects from the cache at once",
		Long: `Remove hosts, by their whole names, from every server in scope: for machines that
are gone for good, which would else count as missing. One that still pushes comes
back with its next push.`,
		Example: "  sysops hosts forget old17.example.com --scope global",
		Args:    cli.Args(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			forget.Hosts = args
			return u.run(cmd, q, forget)
		},
	}
	q.addScopeFlags(cmd)
	return cmd
}
