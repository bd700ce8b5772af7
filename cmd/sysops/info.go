package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

func newInfo(u *ui) *cobra.Command {
	q := &queryFlags{}
	var raw, cores, memory, disagree bool
	var fields string
	var sample, examples int
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Print the state of every server, and where siblings disagree",
		Long: `Print a line for every server: its role, version, memory, hosts, and whether it
lacks pushes that its siblings have (cold). In place of that:

  --fields    Redis' INFO, a line a field and a column a server; = says that a
              server has what the first one has
  --raw       Redis' INFO as it is
  --cores     a line a core: servers that answer, hosts, live, stale, missing
  --memory    what the objects of each name take, on all servers together: by
              Redis' MEMORY USAGE of --sample objects of each name and server,
              chosen at random, for all of them (~). Bases are those that the
              name offers. Lines that begin with $ are the index: records of
              hosts ($of:*), lists of hosts and names ($hosts), the record of
              queries
  --disagree  what servers have other than their siblings: the latest push
              (behind), an object (lacks), its contents or its stat, as the
              index records them; exit status 1 where they agree`,
		Example: "  sysops info --scope global\n  sysops info --fields='used_memory*'\n  sysops info --memory --limit 10\n" +
			"  sysops info --disagree --examples 20\n  sysops info --cores --scope global --format json",
		Args: cli.Args(0, 0),
	}
	f := cmd.Flags()
	f.BoolVar(&raw, "raw", false, "Redis' INFO of every server, as it is")
	f.StringVar(&fields, "fields", "", "Redis' INFO of the servers side by side; --fields=`GLOB`: the fields that match")
	f.Lookup("fields").NoOptDefVal = "*"
	f.BoolVar(&cores, "cores", false, "hosts and servers of each core")
	f.BoolVar(&memory, "memory", false, "what the objects of each name take of the servers' memory")
	f.IntVar(&sample, "sample", sysops.DefaultSample, "with --memory: how many objects of each name are weighed on each server; 0: all")
	f.BoolVar(&disagree, "disagree", false, "what servers have other than their siblings")
	f.IntVar(&examples, "examples", 5, "with --disagree: how many hosts or objects are named in a line")
	for _, name := range []string{"raw", "fields", "cores", "memory", "disagree", "sample", "examples"} {
		cli.CommandLineOnly(cmd, name) // one would be in the way of the others; to simulate, cores is a number
	}
	q.columns = func() []output.Field { return infoFields(sysops.ServerInfo{}) }
	print := func(ctx context.Context, in *inquiry) error { return printServers(ctx, in, raw) }
	q.check = func() error {
		chosen := 0
		for _, form := range []struct {
			on      bool
			columns func() []output.Field
			print   func(context.Context, *inquiry) error
		}{
			{raw, q.columns, print},
			{cores, coreColumns, printCores},
			{f.Changed("fields"), func() []output.Field { return fieldsRow(infoLineOf{}, nil) }, func(ctx context.Context, in *inquiry) error {
				return printFields(ctx, in, fields, terminal.Width(cmd.OutOrStdout()))
			}},
			{memory, func() []output.Field { return memoryFields(sysops.MemoryUse{}) }, func(ctx context.Context, in *inquiry) error { return printMemory(ctx, in, sample) }},
			{disagree, func() []output.Field { return disagreeFields(sysops.Disagreement{}) }, func(ctx context.Context, in *inquiry) error { return printDisagreements(ctx, in, examples) }},
		} {
			if form.on {
				chosen++
				q.columns, print = form.columns, form.print
			}
		}
		switch {
		case chosen > 1:
			return errors.New("cannot combine --raw, --fields, --cores, --memory and --disagree: each is a form of the answer")
		case sample < 0 || f.Changed("sample") && !memory:
			return fmt.Errorf("cannot use --sample %d: it is a number of objects, and goes with --memory", sample)
		case examples < 0 || f.Changed("examples") && !disagree:
			return fmt.Errorf("cannot use --examples %d: it is a number of hosts or objects, and goes with --disagree", examples)
		}
		if f.Changed("fields") {
			return checkGlob(fields)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		in, err := u.inquire(cmd, q, noPattern)
		if err != nil {
			return err
		}
		defer in.client.Close()
		if err := print(cmd.Context(), in); err != nil {
			return err
		}
		return in.conclude()
	}
	q.add(cmd)
	return cmd
}

func printServers(ctx context.Context, in *inquiry, raw bool) error {
	servers, complete, err := in.client.Info(ctx, in.query.Where)
	if err != nil {
		return err
	}
	in.complete = complete
	if in.format == "text" && !raw && len(servers) > 0 {
		fmt.Fprintf(in.stdout, infoColumns, "SERVER", "CORE", "ROLE", "VERSION", "UPTIME", "MEMORY", "HOSTS", "LACKS", "CLOCK", "STATE")
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
		if err := in.row(text, infoFields(s)...); err != nil {
			return err
		}
	}
	return nil
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
	return words.Age(d)
}

func infoFields(s sysops.ServerInfo) []output.Field {
	var hosts, lacks, ahead any // unknown of a server that does not answer
	if s.Error == "" {
		hosts, lacks, ahead = s.Hosts, s.Lacks, s.Ahead.Seconds()
	}
	return output.Fields(
		"server", s.Server,
		"site", s.Site,
		"core", s.Core,
		"error", s.Error,
		"hosts", hosts,
		"lacks", lacks,
		"cold", s.Cold,
		"clock_ahead_seconds", ahead,
		"tls", s.TLS,
		"info", s.Info,
	)
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
			records, err := in.client.Queries(cmd.Context(), in.query.Where, n)
			if err != nil {
				u.status = exitPartial
				u.warn("%v", err)
			}
			if err := printQueries(in.out, records); err != nil || !q.cost {
				return err
			}
			if err := u.stdout.Flush(); err != nil {
				return err
			}
			cost := in.client.Cost()
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

func printQueries(out *output.Output, records []sysops.QueryRecord) error {
	for _, r := range records {
		text := fmt.Sprintf("%s %s@%s %.2fs %d keys  %s", r.Time.Format(time.RFC3339), r.User, r.Host,
			r.Cost.Seconds, r.Cost.Keys, words.CommandLine(r.Program, r.Args))
		err := out.Add(output.Row{Text: []byte(output.OneLine(text) + "\n"), Fields: output.Fields("time", r.Time,
			"user", r.User, "uid", r.UID, "gid", r.GID, "host", r.Host, "dir", r.Dir, "program", r.Program, "args", r.Args,
			"pattern", r.Pattern, "scope", r.Scope, "seconds", r.Cost.Seconds, "keys", r.Cost.Keys,
			"bytes_downloaded", r.Cost.Downloaded, "id", r.ID)})
		if err != nil {
			return err
		}
	}
	return out.End(nil)
}

// anyCore reports whether any core answers: of servers that are all down there is
// nothing to be said.
func anyCore(c *sysops.Completeness) bool {
	return slices.ContainsFunc(c.Cores, func(k sysops.CoreReport) bool { return !k.LeftOut })
}
