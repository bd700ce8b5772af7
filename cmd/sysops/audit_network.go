package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// networkFlags are those of the audit that are not its fields as they are.
type networkFlags struct {
	verbs.AuditNetwork
	above  float64
	chosen map[string]*bool // modes that a flag names, but for --switchcount
}

func newAuditNetwork(u *ui) *cobra.Command {
	q, n := &queryFlags{}, &networkFlags{chosen: make(map[string]*bool)}
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Print which hosts have a worse network, and what they share",
		Long: `Print the hosts whose network is worse than that of nearly all others, the worst
first: those beyond the 95th percentile of how long their pushes took or, with
--netstat and --ratio, of a counter of the kernel. Beside each host is the switch, and
its port, that LLDP names for the interface which carries the traffic.

Instead of the hosts, one of these is printed:

  --switchcount     the switches with such hosts
  --range-clusters  the clusters that such hosts share
  --percentiles     the percentiles; on a terminal a histogram as well
  --histogram       how many hosts have which value
  --per-mps         the percentiles of each Redis server
  --bonding         what is wrong with bonds: slaves down, unequal speeds
  --list-netstat    the counters, with the percentiles of each
  --report          a page of all that

Percentiles are those of the hosts that are asked about, by the nearest rank: a value
that a host really has. --switch then narrows what is printed. Switches and clusters
are sorted by what share of their hosts is beyond, with less trust in small numbers.

Interaction times need agents that record them: "interaction_times: true" in the
agent's config. Counters are since the host booted.`,
		Example: `  sysops audit network --scope global --limit 20
  sysops audit network --switchcount
  sysops audit network --ratio tcp-retransmitted --percentile 99 --fold
  sysops audit network --netstat 'segments retransmitted' --percentiles
  sysops audit network --bonding
  sysops audit network --mps mps01.example.com --sort speed
  sysops audit network --report --clusters /etc/range`,
		Args: n.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cli.Settings(cmd); err != nil {
				return err
			}
			if err := n.settle(cmd, q, u.stdout.Terminal()); err != nil {
				return err
			}
			return u.run(cmd, q, &n.AuditNetwork)
		},
	}
	q.add(cmd)
	n.add(cmd)
	return cmd
}

// args refuses arguments. A number that --switchcount was to have takes a =.
func (n *networkFlags) args(cmd *cobra.Command, args []string) error {
	err := cli.Args(0, 0)(cmd, args)
	if hinted, ok := errors.AsType[*hint.Error](err); ok && cmd.Flags().Changed("switchcount") {
		hinted.Hint = "--switchcount takes its number behind a =, as in --switchcount=2"
	}
	return err
}

func (n *networkFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&n.Statistic, "stat", network.Statistics()[0], "of the last pushes: "+strings.Join(network.Statistics(), ", "))
	cli.CommandLineOnly(cmd, "stat") // to extract, it is an element
	cli.CompleteWords(cmd, "stat", network.Statistics()...)
	f.BoolVar(&n.Speed, "speed", false, "compare by the bytes a second of pushes, of which few are bad, in place of the time")
	f.StringVar(&n.Server, "mps", "", "only interactions with this Redis `server`: its name, host:port/db, or a glob")
	f.StringVar(&n.Counter, "netstat", "", "compare by this `counter`: Tcp.RetransSegs, or the words of netstat -s")
	f.StringVar(&n.Ratio, "ratio", "", "compare by this `ratio` of counters: "+strings.Join(verbs.NetworkRatios(), ", ")+", or A/B")
	cli.CompleteWords(cmd, "ratio", verbs.NetworkRatios()...)
	f.Float64Var(&n.Percentile, "percentile", 95, "hosts beyond percentile `P`, 0 to 100; 0: all hosts")
	f.Float64Var(&n.above, "above", 0, "hosts above this `value`, in place of a percentile; with --speed, below it. In seconds, bytes a second, or as the counter or ratio is")
	f.StringVar(&n.Switch, "switch", "", "print only hosts on switches that match this `glob`")
	f.IntVar(&n.Least, network.BySwitch, 1, "the switches with at least `N` such hosts")
	f.Lookup(network.BySwitch).NoOptDefVal = "1"
	f.Lookup(network.BySwitch).DefValue = "0" // for the help: without the flag, hosts are printed
	for mode, usage := range map[string]string{
		network.ByCluster:   "the clusters that such hosts share, from --clusters, --range-servers or the directory",
		network.Spreads:     "the percentiles over all hosts",
		network.Bins:        "how many hosts have which value",
		network.ByServer:    "the percentiles of interactions with each Redis server",
		network.Bonding:     "what is wrong with bonds",
		network.AllCounters: "the counters that hosts have",
		network.Report:      "a page of all of it; --limit is for each list, 10 by default",
	} {
		n.chosen[mode] = f.Bool(mode, false, usage)
	}
	f.BoolVar(&n.Fold, "fold", false, "the hosts as one expression: of all rows, or of each switch, cluster or problem")
}

// settle takes the mode that the flags name, and refuses two; --sort and --limit mean
// something else to some.
func (n *networkFlags) settle(cmd *cobra.Command, q *queryFlags, terminal bool) error {
	n.Mode = network.ModeOf(network.Hosts)
	var flags []string
	for _, m := range network.Modes() {
		if on := n.chosen[m.Name]; on != nil && *on || m.Name == network.BySwitch && cmd.Flags().Changed(m.Name) {
			n.Mode = m
			flags = append(flags, "--"+m.Name)
		}
	}
	if len(flags) > 1 {
		return hint.To(fmt.Errorf("cannot combine %s: each prints something of its own", strings.Join(flags, " and ")), "--report prints all of it")
	}
	n.Above = given(cmd, "above", &n.above)
	n.Drawn = terminal && q.format == "text" && q.sort == "" && q.limit == 0
	switch {
	case n.Mode.Name == network.Hosts:
		q.sort = originalSort(q.sort)
	case n.Mode.Name == network.Report && q.limit > 0:
		n.Most, q.limit = q.limit, 0
	}
	return nil
}

// originalSort takes the words of the original's --sort: the worst come first.
func originalSort(sort string) string {
	switch sort {
	case "time":
		return "-seconds"
	case "speed":
		return "bytes_per_second"
	case "hostname":
		return "host"
	}
	return sort
}
