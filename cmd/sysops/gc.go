package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newGC(u *ui) *cobra.Command {
	gc := &verbs.GC{}
	cmd := newServerChange(u, gc, &cobra.Command{
		Use:   "gc",
		Short: "Prune the index: hosts gone for long, entries that lead nowhere",
		Long: `Remove from every server's index the hosts whose snapshot expired longer ago than
--keep, entries that lead to no object, and names that no host holds. For
administrators, from a timer; it may run beside pushes and queries.`,
		Example: "  sysops gc --scope global --keep 168h",
	})
	cmd.Flags().DurationVar(&gc.Keep, "keep", 30*24*time.Hour, "how long a host counts as missing before it is forgotten")
	return cmd
}

func newIndex(u *ui) *cobra.Command {
	return newServerChange(u, &verbs.Adopt{}, &cobra.Command{
		Use:   "index",
		Short: "Adopt objects that the original's inserter wrote into the index",
		Long: `Look through every server for objects that no index entry leads to, written by the
inserter of LinkedIn's sysops-api, and add them, so that they are found without a
SCAN of the server. While such inserters are at work, run it from a timer, or set
legacy: always.`,
		Example: "  sysops index --scope global",
	})
}

// newServerChange makes a verb that changes every server, and says what it did.
func newServerChange(u *ui, v verbs.Verb, cmd *cobra.Command) *cobra.Command {
	q := &queryFlags{}
	cmd.Args = cli.Args(0, 0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, v) }
	q.addScopeFlags(cmd)
	q.addOutputFlags(cmd)
	return cmd
}
