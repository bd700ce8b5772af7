package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newLs(u *ui) *cobra.Command {
	q, list := &queryFlags{}, &verbs.List{}
	cmd := &cobra.Command{
		Use:     "ls [PATTERN]",
		Short:   "Print the names in the cache, and how many hosts hold each",
		Example: "  sysops ls\n  sysops ls /etc/cron --scope global\n  sysops ls 'web01.example.com#*'\n  sysops ls --sort -hosts --limit 10",
		Args:    cli.Args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				list.Pattern = args[0]
			}
			return u.run(cmd, q, list)
		},
	}
	q.add(cmd)
	return cmd
}
