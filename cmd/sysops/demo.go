package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/demo"
)

func newDemo(u *ui) *cobra.Command {
	d := &demo.Demo{Stdout: u.stdout, Stderr: u.stderr}
	d.Ask = func(ctx context.Context, args []string) int {
		return run(ctx, append([]string{"sysops"}, args...), u.stdin, u.stdout, u.stderr)
	}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it all on this machine, with nothing installed",
		Long: `Start a fleet inside this process, ask it three questions, and keep it running so
that you can ask your own from another terminal.

The fleet is six Redis servers in three cores at two sites, on free ports of
127.0.0.1. This machine pushes a snapshot of itself, and a few hundred neighbours
made up from that snapshot push theirs. Nothing is kept: a private temporary
folder holds the config, and is removed at the end. Nobody pushes again, so after
an hour the hosts count as stale, and after six they are missing.`,
		Example: "  sysops demo\n  sysops demo --once --hosts 1000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"config", "server"} {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("cannot use --%s here: the demonstration brings its own servers", name)
				}
			}
			if err := d.Check(); err != nil {
				return err
			}
			return d.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&d.Hosts, "hosts", 300, "how many neighbours this machine gets")
	cli.CommandLineOnly(cmd, "hosts") // to a question, it is an expression
	f.Uint64Var(&d.Seed, "seed", 1, "another number makes other neighbours")
	f.BoolVar(&d.Once, "once", false, "end after the questions")
	return cmd
}
