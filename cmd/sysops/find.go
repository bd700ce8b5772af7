package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
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

// keyText is a key as a part of a line.
func keyText(key sysops.Key) string { return output.OneLine(key.String()) }

// keyLine is a row that is a key.
func keyLine(key sysops.Key) []byte { return []byte(keyText(key) + "\n") }

// keyColumns are the fields of rows that are keys and nothing more.
func keyColumns() []output.Field { return keyFields(sysops.Key{}) }

func keyFields(key sysops.Key) []output.Field {
	return output.Fields("key", key.String(), "host", key.Host, "name", key.Name)
}
