package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

func newLeave() *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Remove this host and all its objects from the servers",
		Long: `Remove this host and all its objects from the servers of its core, for a machine that
is to go. Its next push brings it back.`,
		Example: "  sysops-agent leave",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			client, _, err := s.connect(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			n, err := client.Leave(cmd.Context(), "", s.host)
			if err != nil {
				return err
			}
			terminal.Say(cmd.ErrOrStderr(), "removed %s of %s", words.Plural(n, "object"), s.host)
			return nil
		},
	}
}
