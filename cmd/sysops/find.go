package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newFind(u *ui) *cobra.Command {
	q, find := &queryFlags{}, &verbs.Find{}
	cmd := &cobra.Command{
		Use:   "find STR",
		Short: "Print the keys that match",
		Long: `Print the keys that match *STR* or, where STR holds a '#', STR itself: what
Redis' KEYS would print, from the index.`,
		Example: "  sysops find 'web*#/etc/passwd'\n  sysops find resolv",
		Args:    cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			find.Search = args[0]
			return u.run(cmd, q, find)
		},
	}
	q.add(cmd)
	return cmd
}
