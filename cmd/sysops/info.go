package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newInfo(u *ui) *cobra.Command {
	q, info := &queryFlags{}, &verbs.Info{}
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Print the state of every server, and where siblings disagree",
		Long: `Print a line for every server: its role, version, memory, hosts, and its state: ok,
or what is wrong with it, which a warning explains. Exit status, for monitoring:
0 every server is ok, 1 one is not, 3 one does not answer, 2 there is no answer.

A server may be a replica (it takes no push), full or nearly full, one that evicts
or has evicted objects, not saved (it could not write its data to disk), crowded or
one that refused connections, empty (it knows no host), cold (it lacks pushes that
its siblings have), flooded (it lists more names than questions read), or its clock
may be off. In place of that line:

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
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd, q, info) },
	}
	f := cmd.Flags()
	f.BoolVar(&info.Raw, "raw", false, "Redis' INFO of every server, as it is")
	optionalString(cmd, &info.Fields, "fields", "Redis' INFO of the servers side by side; --fields=`GLOB`: the fields that match").NoOptDefVal = "*"
	f.BoolVar(&info.Cores, "cores", false, "hosts and servers of each core")
	f.BoolVar(&info.Memory, "memory", false, "what the objects of each name take of the servers' memory")
	optionalInt(cmd, &info.Sample, "sample", "with --memory: how many objects of each name are weighed on each server; 0: all").DefValue = strconv.Itoa(sysops.DefaultSample)
	f.BoolVar(&info.Disagree, "disagree", false, "what servers have other than their siblings")
	optionalInt(cmd, &info.Examples, "examples", "with --disagree: how many hosts or objects are named in a line").DefValue = strconv.Itoa(verbs.DefaultExamples)
	for _, name := range []string{"raw", "fields", "cores", "memory", "disagree", "sample", "examples"} {
		cli.CommandLineOnly(cmd, name) // one would be in the way of the others; to simulate, cores is a number
	}
	q.add(cmd)
	return cmd
}
