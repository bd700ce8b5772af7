package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Fill the outgoing directory with links to the files worth having",
		Long: `Create the outgoing directory, for the owner alone, and link in it the files worth
having on this distribution. It adds what is missing and removes nothing: links and
files of your own stay, and a link that you removed comes back with the next init.`,
		Example: "  sysops-agent init\n  sysops-agent init --outgoing ~/outgoing",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			made, err := collect.Init(s.files, s.agent.Outgoing)
			for _, target := range made {
				fmt.Fprintln(cmd.OutOrStdout(), target)
			}
			if err != nil {
				return elsewhere(err)
			}
			terminal.Say(cmd.ErrOrStderr(), "%s: %d new links", s.agent.Outgoing, len(made))
			return nil
		},
	}
}
