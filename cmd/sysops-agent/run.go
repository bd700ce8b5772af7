package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func newRun() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Collect and push on a schedule",
		Long: `Collect and push every --every, each time put off by up to --splay so that a fleet
does not push in step; the first time too, unless it is watched on a terminal. Servers
that are down, hang or are full of connections are tried again for half of that time,
after random pauses (--retry), and then next time. That they are away is told once, and
that they are back. Ctrl-C or SIGTERM ends it.`,
		Example: "  sysops-agent run --once\n  sysops-agent run --every 10m --splay 5m --quiet",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			if once {
				return s.cycle(cmd)
			}
			if s.agent.Retry == nil {
				s.agent.Retry = new(s.agent.Every / 2)
			}
			if err := s.checkSchedule(); err != nil {
				return err
			}
			// A fleet that was updated all at once starts all at once, too.
			if !terminal.IsTerminal(cmd.ErrOrStderr()) {
				sleep(cmd.Context(), s.splay())
			}
			for cmd.Context().Err() == nil {
				next := time.Now().Add(time.Duration(s.agent.Every))
				if err := s.cycle(cmd); err != nil && !errors.As(err, new(toldOutage)) && cmd.Context().Err() == nil {
					terminal.Fail(cmd.ErrOrStderr(), "sysops-agent", err)
				}
				wait := time.Until(next) + s.splay()
				if !s.quiet && cmd.Context().Err() == nil {
					terminal.Say(cmd.ErrOrStderr(), "next in %s", wait.Round(time.Second))
				}
				sleep(cmd.Context(), wait)
			}
			return nil
		},
	}
	addPushFlags(cmd)
	f := cmd.Flags()
	f.Duration("every", 0, "how often (default 20m)")
	f.Duration("splay", 0, "put each run off by a random time up to this (default a quarter of --every)")
	f.BoolVar(&once, "once", false, "collect and push once: for cron and timers")
	return cmd
}

func (s *settings) splay() time.Duration { return rand.N(time.Duration(*s.agent.Splay) + 1) }

// cycle is one collection and one push. A collection that failed stops no push:
// the files are worth having, and so is the last collection.
func (s *settings) cycle(cmd *cobra.Command) error {
	if err := s.collect(cmd.Context(), cmd.ErrOrStderr(), true); err != nil {
		if cmd.Context().Err() != nil {
			return err
		}
		terminal.Warn(cmd.ErrOrStderr(), "%v", err)
	}
	_, err := s.push(cmd)
	return err
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
