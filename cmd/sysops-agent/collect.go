package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func newCollect() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Run the catalogue of commands, and write what they print",
		Long: `Run the catalogue of commands, and those of the config, and write what they print as
one JSON object, a section a command, into the file of --json.`,
		Example: "  sysops-agent collect\n  sysops-agent collect --json hw.json",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			return s.collect(cmd.Context(), cmd.ErrOrStderr(), quiet)
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing of commands that failed, and no summary")
	return cmd
}

func (s *settings) collect(ctx context.Context, stderr io.Writer, quiet bool) error {
	commands, err := s.commands()
	if err != nil {
		return err
	}
	redactor, err := s.redactor()
	if err != nil {
		return err
	}
	report := collect.Run(ctx, collect.Options{Commands: commands, Host: s.files, Redactor: redactor})
	if ctx.Err() != nil {
		return fmt.Errorf("cannot collect: %w", context.Cause(ctx)) // half a collection replaces no whole one
	}
	if err := s.answers(filepath.Dir(s.agent.JSON)); err != nil {
		return fmt.Errorf("cannot write %s: %w", s.agent.JSON, err)
	}
	if err := report.Write(s.agent.JSON); err != nil {
		return elsewhere(err)
	}
	if quiet {
		return nil
	}
	for _, r := range report.Results {
		switch {
		case r.TimedOut:
			terminal.Warn(stderr, "%s: stopped after %.1f s", r.Section, r.Duration.Seconds())
		case r.Truncated:
			terminal.Warn(stderr, "%s: cut at its output limit", r.Section)
		case r.Error != "":
			terminal.Warn(stderr, "%s: %s", r.Section, r.Error)
		case r.Exit != 0 && len(r.Output) == 0:
			terminal.Warn(stderr, "%s: exit status %d: %s", r.Section, r.Exit, r.Stderr)
		}
	}
	terminal.Say(stderr, "%s: %d sections, %d commands not installed", s.agent.JSON, len(report.Results), len(report.Missing))
	return nil
}
