package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

func newInfo(u *ui) *cobra.Command {
	q := &queryFlags{}
	var raw bool
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Print the state of every server, and where siblings disagree",
		Long: `Print a line for every server: its role, version, memory, hosts, and whether it
lacks pushes that its siblings have (cold). --raw prints Redis' INFO as it is.`,
		Example: "  sysops info --scope global\n  sysops info --format json",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return u.info(cmd, q, raw) },
	}
	q.columns = func() []field { return infoFields(sysops.ServerInfo{}) }
	q.add(cmd)
	cmd.Flags().BoolVar(&raw, "raw", false, "Redis' INFO of every server, as it is")
	return cmd
}

func (u *ui) info(cmd *cobra.Command, q *queryFlags, raw bool) error {
	in, err := u.inquire(cmd, q, noPattern)
	if err != nil {
		return err
	}
	defer in.client.Close()
	servers, answer, err := in.client.Info(cmd.Context(), in.query)
	if err != nil {
		return err
	}
	in.answer = answer
	if q.format == "text" && !raw && len(servers) > 0 {
		fmt.Fprintf(u.stdout, infoColumns, "SERVER", "CORE", "ROLE", "VERSION", "UPTIME", "MEMORY", "HOSTS", "LACKS", "CLOCK", "STATE")
	}
	for _, s := range servers {
		in.rows++
		if s.Error != "" {
			in.status = exitPartial
		}
		text := infoLine(s)
		if raw {
			text = fmt.Appendf(nil, "# %s (core %s)\n%s\n", s.Server, s.Core, s.RawInfo)
		}
		if err := in.out.row(text, infoFields(s)...); err != nil {
			return err
		}
	}
	return in.conclude()
}

const infoColumns = "%-24s %-14s %-8s %-9s %8s %9s %8s %6s %7s  %s\n"

func infoLine(s sysops.ServerInfo) []byte {
	if s.Error != "" {
		return fmt.Appendf(nil, infoColumns, s.Server, s.Core, "-", "-", "-", "-", "-", "-", "-", s.Error)
	}
	state := "ok"
	if s.Cold {
		state = "cold"
	}
	return fmt.Appendf(nil, infoColumns, s.Server, s.Core, cmp.Or(s.Info["role"], "-"), cmp.Or(s.Info["redis_version"], "-"),
		uptime(s.Info["uptime_in_seconds"]), cmp.Or(s.Info["used_memory_human"], "-"),
		fmt.Sprint(s.Hosts), fmt.Sprint(s.Lacks), fmt.Sprintf("%+.1fs", s.Ahead.Seconds()), state)
}

func uptime(seconds string) string {
	d, err := time.ParseDuration(seconds + "s")
	if err != nil {
		return "-"
	}
	return sysops.Age(d)
}

func infoFields(s sysops.ServerInfo) []field {
	var hosts, lacks, ahead any // unknown of a server that does not answer
	if s.Error == "" {
		hosts, lacks, ahead = s.Hosts, s.Lacks, s.Ahead.Seconds()
	}
	return []field{
		{"server", s.Server},
		{"site", s.Site},
		{"core", s.Core},
		{"error", s.Error},
		{"hosts", hosts},
		{"lacks", lacks},
		{"cold", s.Cold},
		{"clock_ahead_seconds", ahead},
		{"tls", s.TLS},
		{"info", s.Info},
	}
}

func newQueries(u *ui) *cobra.Command {
	q := &queryFlags{}
	var n int
	cmd := &cobra.Command{
		Use:     "queries",
		Short:   "Print who asked what, and what it cost",
		Example: "  sysops queries -n 50\n  sysops queries --format jsonl --scope global",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := u.inquire(cmd, q, noPattern)
			if err != nil {
				return err
			}
			defer in.client.Close()
			if n < 0 {
				return fmt.Errorf("cannot print %d queries: the number is negative", n)
			}
			meter := in.client.Meter()
			records, err := in.client.Queries(cmd.Context(), in.query, n)
			if err != nil {
				u.status = exitPartial
				u.warn("%v", err)
			}
			if err := printQueries(in.out, records); err != nil || !q.cost {
				return err
			}
			if err := u.flush(); err != nil {
				return err
			}
			cost := meter.Cost()
			cost.Keys = len(records)
			return u.printCost(cost)
		},
	}
	q.addScopeFlags(cmd)
	q.addOutputFlags(cmd)
	q.addCost(cmd)
	cmd.Flags().IntVarP(&n, "lines", "n", 20, "how many, the newest first")
	return cmd
}

// quoted writes arguments so that a shell reads them back.
func quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$&|;<>()*?[]#~`{}!^") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

func printQueries(out *output, records []sysops.QueryRecord) error {
	for _, r := range records {
		text := fmt.Appendf(nil, "%s %s@%s %.2fs %d keys  %s %s\n", r.Time.Format(time.RFC3339), r.User, r.Host,
			r.Cost.Seconds, r.Cost.Keys, r.Program, quoted(r.Args))
		err := out.row(text, field{"time", r.Time}, field{"user", r.User}, field{"uid", r.UID}, field{"gid", r.GID}, field{"host", r.Host},
			field{"dir", r.Dir}, field{"program", r.Program}, field{"args", r.Args}, field{"pattern", r.Pattern}, field{"scope", r.Scope},
			field{"seconds", r.Cost.Seconds}, field{"keys", r.Cost.Keys}, field{"bytes_downloaded", r.Cost.Downloaded}, field{"id", r.ID})
		if err != nil {
			return err
		}
	}
	return out.end(nil)
}
