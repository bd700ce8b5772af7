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
	cmd.AddCommand(newExpand(u), newForget(u), newBlock(u))
	return cmd
}

func newForget(u *ui) *cobra.Command {
	q, forget := &queryFlags{}, &verbs.Forget{}
	cmd := &cobra.Command{
		Use:   "forget EXPR...",
		Short: "Remove hosts and all their objects from the cache at once",
		Long: `Remove hosts from every server in scope, with all their objects: machines that are
gone for good, which would else count as missing. EXPR is what --hosts takes. A name that
no server knows is an error, as is a glob that matches no host, or every host; then
nothing is removed. A host that still pushes comes back with its next push.`,
		Example: "  sysops hosts forget old17.example.com --scope global\n  sysops hosts forget 'old{1..40}.example.com' 'test*'",
		Args:    cli.Args(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			forget.Hosts = args
			return u.run(cmd, q, forget)
		},
	}
	q.addScopeFlags(cmd)
	q.addClusters(cmd)
	return cmd
}

func newBlock(u *ui) *cobra.Command {
	q, block := &queryFlags{}, &verbs.Block{}
	cmd := &cobra.Command{
		Use:   "block EXPR...",
		Short: "Shut hosts out of the servers, and remove all that they wrote",
		Long: `End what a host does to the servers in scope: at each, the user that it pushes as
(host:NAME) is turned off and its connections are closed; then the host is forgotten, with
all its objects. What it wrote into the lists that hosts share, sysops gc removes. EXPR is
what --hosts takes, without globs.

To let the host in again: redis-cli ACL SETUSER host:NAME on, at each server.`,
		Example: "  sysops hosts block web17.example.com --scope global\n  sysops gc --scope global",
		Args:    cli.Args(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			block.Hosts = args
			return u.run(cmd, q, block)
		},
	}
	q.addScopeFlags(cmd)
	q.addClusters(cmd)
	q.addOutputFlags(cmd)
	return cmd
}
