package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

func newLs(u *ui) *cobra.Command {
	q := &queryFlags{columns: func() []output.Field { return nameFields(sysops.NameCount{}) }}
	cmd := &cobra.Command{
		Use:     "ls [PATTERN]",
		Short:   "Print the names in the cache, and how many hosts hold each",
		Example: "  sysops ls\n  sysops ls /etc/cron --scope global\n  sysops ls 'web01.example.com#*'\n  sysops ls --sort -hosts --limit 10",
		Args:    cli.Args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern := "*#*"
			if len(args) > 0 {
				pattern = args[0]
			}
			return u.ask(cmd, q, sysops.ParsePattern, pattern, printNames)
		},
	}
	q.add(cmd)
	return cmd
}

func printNames(_ context.Context, in *inquiry) error {
	for _, n := range in.answer.Names() {
		in.rows++
		if err := in.row(fmt.Appendf(nil, "%7d %s\n", n.Hosts, output.OneLine(n.Name)), nameFields(n)...); err != nil {
			return err
		}
	}
	return nil
}

func nameFields(n sysops.NameCount) []output.Field {
	return output.Fields("name", n.Name, "hosts", n.Hosts)
}
