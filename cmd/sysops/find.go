package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

func newFind(u *ui) *cobra.Command {
	q := &queryFlags{columns: keyColumns}
	cmd := &cobra.Command{
		Use:   "find STR",
		Short: "Print the keys that match",
		Long: `Print the keys that match *STR* or, where STR holds a '#', STR itself: what
Redis' KEYS would print, from the index.`,
		Example: "  sysops find 'web*#/etc/passwd'\n  sysops find resolv",
		Args:    cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return u.ask(cmd, q, sysops.ParseSearch, args[0], printKeys)
		},
	}
	q.add(cmd)
	return cmd
}

func printKeys(_ context.Context, in *inquiry) error {
	for key := range in.answer.Keys() {
		in.rows++
		if err := in.row(keyLine(key), keyFields(key)...); err != nil {
			return err
		}
	}
	return nil
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
