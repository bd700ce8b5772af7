package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/words"
)

// unwellError ends status where the agent is not well. Its text has been printed.
type unwellError struct{ error }

func newStatus() *cobra.Command {
	var format string
	var maxAge time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how this host's last push went",
		Long: `Say when this host pushed last and what became of it at each server, as the state
directory has it. No server is asked, and nothing is pushed: check does the one, push
the other.

Exit status, for monitoring: 0 the last push is whole on every server and not old,
1 it is not, or there has been none, 2 that cannot be told. agent.metrics names a file
for the textfile collector of node_exporter, with the same figures.`,
		Example: "  sysops-agent status\n  sysops-agent status --format json\n  sysops-agent status --max-age 2h",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			if format != "text" && format != "json" {
				return fmt.Errorf("cannot use --format %s: it is text or json", format)
			}
			if maxAge == 0 {
				maxAge = 2 * (time.Duration(s.agent.Every) + time.Duration(*s.agent.Splay))
			}
			return s.status(cmd, format, maxAge)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "text", "text or json")
	f.DurationVar(&maxAge, "max-age", 0, "an older push is old (default twice agent.every and agent.splay, 50m)")
	cli.CompleteWords(cmd, "format", "text", "json")
	cli.CommandLineOnly(cmd, "format")
	return cmd
}

// The states of an agent.
const (
	stateOK      = "ok"
	stateFailing = "failing" // the last push is not whole
	stateOld     = "old"     // it was longer ago than it may
	stateNever   = "never"   // there has been none
)

// stateOf returns how the agent is. last is nil where there is no record.
func stateOf(last *pushRecord, maxAge time.Duration, now time.Time) string {
	switch {
	case last == nil:
		return stateNever
	case last.Error != "":
		return stateFailing
	case now.Sub(last.Pushed) > maxAge:
		return stateOld
	}
	return stateOK
}

func (s *settings) status(cmd *cobra.Command, format string, maxAge time.Duration) error {
	last, err := s.lastPush()
	if err != nil && !errors.Is(err, errNoRecord) {
		return err
	}
	now := time.Now()
	state := stateOf(last, maxAge, now)
	if format == "json" {
		err = printStatus(cmd, state, last)
	} else {
		s.listStatus(newChecklist(cmd.OutOrStdout()), last, err, maxAge, now)
		err = nil
	}
	if err == nil && state != stateOK {
		return unwellError{fmt.Errorf("the last push is %s", state)}
	}
	return err
}

func printStatus(cmd *cobra.Command, state string, last *pushRecord) error {
	data, err := json.MarshalIndent(struct {
		State string `json:"state"` // ok, failing, old, never
		*pushRecord
	}{state, last}, "", "  ")
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(append(data, '\n'))
	return err
}

// listStatus prints a line for each thing to know. none is why there is no record.
func (s *settings) listStatus(c *checklist, last *pushRecord, none error, maxAge time.Duration, now time.Time) {
	if last == nil {
		c.error(none)
		return
	}
	when := fmt.Sprintf("%s was pushed %s ago: %s, %.2f s", last.Host, words.Age(now.Sub(last.Pushed)), words.Plural(last.Objects, "object"), last.Seconds)
	switch {
	case len(last.Servers) == 0 && last.Error != "": // no server was asked
		c.error(fmt.Errorf("%s tried to push %s ago: %s", last.Host, words.Age(now.Sub(last.Pushed)), last.Error))
	case now.Sub(last.Pushed) > maxAge:
		c.error(fmt.Errorf("%s; that is longer ago than %s", when, words.Age(maxAge)))
	default:
		c.ok("%s", when)
	}
	for _, server := range last.Servers {
		switch {
		case server.Error != "" && !server.Away.IsZero():
			c.error(fmt.Errorf("%s; away for %s, pushes missed: %d", server.Error, words.Age(now.Sub(server.Away)), server.Missed))
		case server.Error != "":
			c.error(errors.New(server.Error))
		case server.Refused > 0:
			c.error(fmt.Errorf("server %s refused %s", server.Server, words.Plural(server.Refused, "object")))
		default:
			c.ok("server %s: %s · %.2f s", server.Server, server, server.Seconds)
		}
	}
	if last.Error != "" && c.errors == 0 {
		c.error(errors.New(last.Error))
	}
	if last.LeftOut > 0 {
		c.warning("%d of what was chosen could not be pushed; sysops-agent check says why", last.LeftOut)
	}
	for _, p := range last.Churn {
		c.warningOf(p.err(s))
	}
	switch {
	case last.Failures == 0:
	case last.Whole.IsZero():
		c.warning("no push has been whole on every server yet, of %d", last.Failures)
	default:
		c.warning("a push was last whole on every server %s ago; %s since then", words.Age(now.Sub(last.Whole)), words.Plural(last.Failures, "failure"))
	}
}
