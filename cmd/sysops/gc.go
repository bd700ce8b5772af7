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
		Short: "Remove what leads nowhere, and keep the roster of hosts",
		Long: `Go through every server in scope. What goes: hosts whose snapshot expired longer ago
than --keep, or that left; hosts that are listed and have never pushed; entries that lead
to no object; names that no host holds; objects that no push has recorded. What others
than its host have written over is restored. The hosts that remain are verified: they are
the roster, by which readers know who belongs to a core. Where hosts may not write bases,
it chooses them, out of what at least three hosts hold.

For administrators, from a timer: nobody else may write the roster. It may run beside
pushes and queries, and where so much was added to the index that questions are refused.
What looks wrong and may be the middle of a push is looked at again after ten seconds.`,
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
