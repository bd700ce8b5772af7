package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

func newGC(u *ui) *cobra.Command {
	var keep time.Duration
	cmd := newServerChange(u, &cobra.Command{
		Use:   "gc",
		Short: "Prune the index: hosts gone for long, entries that lead nowhere",
		Long: `Remove from every server's index the hosts whose snapshot expired longer ago than
--keep, entries that lead to no object, and names that no host holds. For
administrators, from a timer; it may run beside pushes and queries.`,
		Example: "  sysops gc --scope global --keep 168h",
	}, func(c sysops.ServerChange) string {
		return fmt.Sprintf("removed %d hosts, %d entries, %d names", c.Hosts, c.Entries, c.Names)
	}, func(cmd *cobra.Command, c *sysops.Client, where sysops.Where) ([]sysops.ServerChange, error) {
		if keep < 0 {
			return nil, fmt.Errorf("cannot use --keep %v: it is negative, and would forget hosts that are alive", keep)
		}
		return c.GC(cmd.Context(), where, keep)
	})
	cmd.Flags().DurationVar(&keep, "keep", 30*24*time.Hour, "how long a host counts as missing before it is forgotten")
	return cmd
}

func newIndex(u *ui) *cobra.Command {
	return newServerChange(u, &cobra.Command{
		Use:   "index",
		Short: "Adopt objects that the original's inserter wrote into the index",
		Long: `Look through every server for objects that no index entry leads to, written by the
inserter of LinkedIn's sysops-api, and add them, so that they are found without a
SCAN of the server. While such inserters are at work, run it from a timer, or set
legacy: always.`,
		Example: "  sysops index --scope global",
	}, func(c sysops.ServerChange) string { return fmt.Sprintf("adopted %d objects", c.Entries) }, func(cmd *cobra.Command, c *sysops.Client, where sysops.Where) ([]sysops.ServerChange, error) {
		return c.Adopt(cmd.Context(), where)
	})
}

// newServerChange makes a verb that changes every server, and says what it did.
func newServerChange(
	u *ui, cmd *cobra.Command, describe func(sysops.ServerChange) string,
	change func(*cobra.Command, *sysops.Client, sysops.Where) ([]sysops.ServerChange, error),
) *cobra.Command {
	q := &queryFlags{}
	cmd.Args = cli.Args(0, 0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		in, err := u.inquire(cmd, q, noPattern)
		if err != nil {
			return err
		}
		defer in.client.Close()
		changes, failed := change(cmd, in.client, in.query.Where)
		for _, c := range changes {
			what := describe(c)
			if c.Error != "" {
				what = "failed"
			}
			err := in.row(fmt.Appendf(nil, "%-24s %s\n", c.Server, what), output.Field{Name: "server", Value: c.Server},
				output.Field{Name: "hosts", Value: c.Hosts}, output.Field{Name: "entries", Value: c.Entries}, output.Field{Name: "names", Value: c.Names}, output.Field{Name: "error", Value: c.Error})
			if err != nil {
				return err
			}
		}
		if err := in.out.End(nil); err != nil {
			return err
		}
		return failed
	}
	q.addScopeFlags(cmd)
	q.addOutputFlags(cmd)
	return cmd
}
