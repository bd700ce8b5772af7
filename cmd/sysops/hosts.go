package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// hostsFlags say which hosts are printed, and how.
type hostsFlags struct{ stale, missing, fold bool }

func newHosts(u *ui) *cobra.Command {
	q := &queryFlags{}
	h := &hostsFlags{}
	q.columns = func() []output.Field {
		if h.fold {
			return foldFields(nil)
		}
		return hostFields(sysops.HostReport{})
	}
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "Print which hosts report, and since when they have not",
		Example: "  sysops hosts --missing --scope global\n  sysops hosts --hosts 'web*' --format csv\n" +
			"  sysops hosts --sort pushed --limit 20\n  sysops hosts --stale --fold",
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return u.hosts(cmd, q, h)
		},
	}
	q.add(cmd)
	cmd.Flags().BoolVar(&h.stale, "stale", false, "only hosts whose last push is old, though their snapshot still lives")
	cmd.Flags().BoolVar(&h.missing, "missing", false, "only hosts without a live snapshot")
	cmd.Flags().BoolVar(&h.fold, "fold", false, "print the hosts as one expression, which --hosts takes: web001..120.example.com")
	cmd.AddCommand(newExpand(u), newForget(u))
	return cmd
}

func (u *ui) hosts(cmd *cobra.Command, q *queryFlags, flags *hostsFlags) error {
	in, err := u.inquire(cmd, q, noPattern)
	if err != nil {
		return err
	}
	defer in.client.Close()
	hosts, complete, err := in.client.Hosts(cmd.Context(), in.query.Where)
	if err != nil {
		return err
	}
	in.complete = complete
	only := map[sysops.HostState]bool{sysops.HostStale: flags.stale, sysops.HostMissing: flags.missing}
	all := !flags.stale && !flags.missing
	var names []string // to be folded
	for _, h := range hosts {
		if !all && !only[h.State] {
			continue
		}
		in.rows++
		if flags.fold {
			names = append(names, h.Host)
			continue
		}
		since := "never"
		if !h.Pushed.IsZero() {
			since = words.Age(h.Age) + " ago"
		}
		text := fmt.Appendf(nil, "%-40s %-8s %12s  %s\n", h.Host, h.State, since, h.Core)
		if err := in.row(text, hostFields(h)...); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		fields := foldFields(names)
		if err := in.row(fmt.Appendf(nil, "%s\n", fields[1].Value), fields...); err != nil {
			return err
		}
	}
	return in.conclude()
}

func hostFields(h sysops.HostReport) []output.Field {
	return output.Fields(
		"host", h.Host,
		"state", h.State,
		"pushed", optionalTime(h.Pushed),
		"expires", optionalTime(h.Expires),
		"site", h.Site,
		"core", h.Core,
		"servers", h.Servers,
	)
}

// optionalTime is a time for output, nil where there is none.
func optionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

func newForget(u *ui) *cobra.Command {
	q := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "forget HOST...",
		Short: "Remove hosts and all their objects from the cache at once",
		Long: `Remove hosts, by their whole names, from every server in scope: for machines that
are gone for good, which would else count as missing. One that still pushes comes
back with its next push.`,
		Example: "  sysops hosts forget old17.example.com --scope global",
		Args:    cli.Args(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := u.inquire(cmd, q, noPattern)
			if err != nil {
				return err
			}
			defer in.client.Close()
			n, err := in.client.Forget(cmd.Context(), in.query.Where, args)
			if errors.Is(err, sysops.ErrUnknown) {
				return &sysops.HintedError{Err: err, Hint: "sysops hosts lists the hosts; --scope global reaches all cores"}
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(u.stderr, "removed %d objects of %s\n", n, strings.Join(args, ", "))
			return nil
		},
	}
	q.addScopeFlags(cmd)
	return cmd
}
