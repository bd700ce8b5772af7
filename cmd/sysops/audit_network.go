package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

// networkFlags say by what hosts are compared, which are beyond, and what of that is
// printed.
type networkFlags struct {
	stat, mps      string
	speed          bool
	netstat, ratio string
	percentile     float64
	above          float64
	aboveGiven     bool
	switchGlob     string
	fold           bool
	switchcount    int
	width          int // columns of the terminal; 0: there is none

	chosen map[string]*bool // modes that a flag names, but for --switchcount
	mode   *network.Mode    // the one that is printed
	metric *network.Metric
}

// A networkPrint is how a mode is asked for, and how it is printed.
type networkPrint struct {
	usage string // of its flag
	print func(*networkAnswer, context.Context) error
}

// networkPrints has one for each mode of the audit.
var networkPrints = map[string]networkPrint{
	network.Hosts:       {"", (*networkAnswer).printCompared},
	network.BySwitch:    {"the switches with at least `N` such hosts", (*networkAnswer).printCompared},
	network.ByCluster:   {"the clusters that such hosts share, from --clusters, --range-servers or the directory", (*networkAnswer).printClusters},
	network.Spreads:     {"the percentiles over all hosts", (*networkAnswer).printPercentiles},
	network.Bins:        {"how many hosts have which value", (*networkAnswer).printHistogram},
	network.ByServer:    {"the percentiles of interactions with each Redis server", (*networkAnswer).printServers},
	network.Bonding:     {"what is wrong with bonds", (*networkAnswer).printTroubles},
	network.AllCounters: {"the counters that hosts have", (*networkAnswer).printCounters},
	network.Report:      {"a page of all of it; --limit is for each list, 10 by default", (*networkAnswer).printReport},
}

func newAuditNetwork(u *ui) *cobra.Command {
	q := &queryFlags{ownPattern: true}
	n := &networkFlags{chosen: make(map[string]*bool), mode: network.ModeOf(network.Hosts)}
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
			q.check = func() error {
				n.width = terminal.Width(cmd.OutOrStdout())
				n.aboveGiven = cmd.Flags().Changed("above")
				return n.settle(cmd, q)
			}
			parse := func(string) (sysops.Pattern, error) { return n.options().Pattern() }
			return u.ask(cmd, q, parse, "", n.print)
		},
	}
	q.columns = n.columns
	q.add(cmd)
	n.add(cmd)
	return cmd
}

// args refuses arguments. A number that --switchcount was to have takes a =.
func (n *networkFlags) args(cmd *cobra.Command, args []string) error {
	err := cli.Args(0, 0)(cmd, args)
	if hinted, ok := errors.AsType[*sysops.HintedError](err); ok && cmd.Flags().Changed("switchcount") {
		hinted.Hint = "--switchcount takes its number behind a =, as in --switchcount=2"
	}
	return err
}

func (n *networkFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&n.stat, "stat", network.Statistics()[0], "of the last pushes: "+strings.Join(network.Statistics(), ", "))
	cli.CommandLineOnly(cmd, "stat") // to extract, it is an element
	cli.CompleteWords(cmd, "stat", network.Statistics()...)
	f.BoolVar(&n.speed, "speed", false, "compare by the bytes a second of pushes, of which few are bad, in place of the time")
	f.StringVar(&n.mps, "mps", "", "only interactions with this Redis `server`: its name, host:port/db, or a glob")
	f.StringVar(&n.netstat, "netstat", "", "compare by this `counter`: Tcp.RetransSegs, or the words of netstat -s")
	f.StringVar(&n.ratio, "ratio", "", "compare by this `ratio` of counters: "+strings.Join(ratioNames(), ", ")+", or A/B")
	cli.CompleteWords(cmd, "ratio", ratioNames()...)
	f.Float64Var(&n.percentile, "percentile", 95, "hosts beyond percentile `P`, 0 to 100; 0: all hosts")
	f.Float64Var(&n.above, "above", 0, "hosts above this `value`, in place of a percentile; with --speed, below it. In seconds, bytes a second, or as the counter or ratio is")
	f.StringVar(&n.switchGlob, "switch", "", "print only hosts on switches that match this `glob`")
	for name, p := range networkPrints {
		switch name {
		case network.Hosts: // without a flag
		case network.BySwitch:
			f.IntVar(&n.switchcount, name, 1, p.usage)
			f.Lookup(name).NoOptDefVal = "1"
			f.Lookup(name).DefValue = "0" // for the help: without the flag, hosts are printed
		default:
			n.chosen[name] = f.Bool(name, false, p.usage)
		}
	}
	f.BoolVar(&n.fold, "fold", false, "the hosts as one expression: of all rows, or of each switch, cluster or problem")
}

func ratioNames() []string {
	var names []string
	for _, r := range network.Ratios() {
		names = append(names, r.Name)
	}
	return names
}

// settle checks the flags when all of them are known.
func (n *networkFlags) settle(cmd *cobra.Command, q *queryFlags) error {
	if err := n.settleMode(cmd); err != nil {
		return err
	}
	if err := n.unused(); err != nil {
		return err
	}
	if err := n.settleMetric(); err != nil {
		return err
	}
	switch {
	case math.IsNaN(n.percentile) || n.percentile < 0 || n.percentile > 100:
		return fmt.Errorf("cannot use --percentile %v: percentiles are 0 to 100", n.percentile)
	case math.IsNaN(n.above):
		return fmt.Errorf("cannot use --above %v: it is no number", n.above)
	case n.switchcount < 1:
		return fmt.Errorf("cannot use --switchcount %d: one host is the least", n.switchcount)
	case n.fold && n.mode.Folded == nil && q.misfit("fold"):
		return &sysops.HintedError{Err: errors.New("cannot --fold: no host is named in what is printed"), Hint: "--fold goes with the list of hosts, --switchcount, --range-clusters and --bonding"}
	}
	if err := network.CheckSwitch(n.switchGlob); err != nil {
		return fmt.Errorf("cannot use --switch %q: %w", n.switchGlob, err)
	}
	if n.mode.Name == network.Hosts {
		q.sort = originalSort(q.sort)
	}
	if n.fold = n.fold && n.mode.Folded != nil; n.fold {
		n.mode = n.mode.Folded
	}
	return nil
}

// settleMode takes the mode that the flags name, and refuses two.
func (n *networkFlags) settleMode(cmd *cobra.Command) error {
	var flags []string
	for _, m := range network.Modes() {
		if on := n.chosen[m.Name]; on != nil && *on || m.Name == network.BySwitch && cmd.Flags().Changed(m.Name) {
			n.mode = m
			flags = append(flags, "--"+m.Name)
		}
	}
	if len(flags) > 1 {
		return &sysops.HintedError{Err: fmt.Errorf("cannot combine %s: each prints something of its own", strings.Join(flags, " and ")), Hint: "--report prints all of it"}
	}
	return nil
}

// unused refuses flags that would change nothing of what is printed.
func (n *networkFlags) unused() error {
	compared := n.netstat != "" || n.ratio != "" || n.speed || n.mps != "" || n.aboveGiven
	switch {
	case n.mode.Compares == network.ByNothing && compared:
		return errors.New("cannot compare hosts by anything: --bonding and --list-netstat print no such comparison")
	case n.mode.Compares == network.ByPushTime && compared:
		return errors.New("cannot use --per-mps for anything but the time of interactions: without --speed, --mps, --netstat, --ratio and --above")
	case n.switchGlob != "" && !n.mode.Narrows:
		return &sysops.HintedError{Err: errors.New("cannot narrow percentiles to a switch: they are those of all hosts"), Hint: "--hosts takes the hosts of a switch, which --switchcount --percentile 0 --fold prints"}
	}
	return nil
}

func (n *networkFlags) settleMetric() error {
	var err error
	switch {
	case n.netstat != "" && n.ratio != "":
		return errors.New("cannot combine --netstat and --ratio: hosts are compared by one of them")
	case (n.netstat != "" || n.ratio != "") && (n.speed || n.mps != ""):
		return errors.New("cannot compare by counters and by interactions with Redis servers: --speed and --mps are for those")
	case n.netstat != "":
		n.metric, err = network.CounterMetric(n.netstat)
		if err != nil {
			err = &sysops.HintedError{Err: err, Hint: "sysops audit network --list-netstat lists the counters"}
		}
	case n.ratio != "":
		n.metric, err = network.RatioMetric(n.ratio)
		if err != nil {
			err = &sysops.HintedError{Err: err, Hint: "the ratios that have a name are " + strings.Join(ratioNames(), ", ") + "; sysops audit network --list-netstat lists counters"}
		}
	default:
		n.metric, err = network.Interactions(n.stat, n.speed, n.mps)
	}
	return err
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

// options say what has to be read.
func (n *networkFlags) options() network.Options {
	return network.Options{Mode: n.mode, Metric: n.metric, Switch: n.switchGlob}
}

func (n *networkFlags) columns() []output.Field {
	fields := outputFields(n.mode.Columns(n.metric))
	if n.fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

func outputFields(fields []network.Field) []output.Field {
	out := make([]output.Field, len(fields), len(fields)+2)
	for i, f := range fields {
		out[i] = output.Field(f)
	}
	return out
}

// A networkAnswer is what was found, on its way to the reader.
type networkAnswer struct {
	*networkFlags
	*network.Findings
	in        *inquiry
	nameWidth int // of the longest of the names that lines begin with
}

func (n *networkFlags) print(ctx context.Context, in *inquiry) error {
	in.leftOut = &[]output.LeftOut{}
	bar := in.progressBefore("objects", in.answer.Len())
	fleet, err := network.Read(ctx, in.answer, n.options(), func(key sysops.Key, why error) {
		*in.leftOut = append(*in.leftOut, output.LeftOut{Key: key.String(), Reason: why.Error()})
		in.status = exitPartial
	}, bar.Step)
	bar.Done()
	if err != nil {
		return err
	}
	a := &networkAnswer{networkFlags: n, in: in}
	if n.aboveGiven {
		a.Findings = fleet.CompareAbove(n.metric, n.above, n.percentile)
	} else {
		a.Findings = fleet.Compare(n.metric, n.percentile)
	}
	a.Least = n.switchcount
	for _, h := range a.Beyond {
		a.nameWidth = max(a.nameWidth, len(h.Name))
	}
	return networkPrints[n.mode.Name].print(a, ctx)
}

// what says what hosts are beyond.
func (a *networkAnswer) what() string {
	value := valueText(a.Metric.Unit, a.Threshold.Value)
	switch {
	case a.aboveGiven && a.Threshold.Low:
		return "below " + value
	case a.aboveGiven:
		return "above " + value
	case a.percentile == 0:
		return "any value"
	}
	if a.Threshold.Low {
		return fmt.Sprintf("below the %s percentile, %s", ordinal(network.Opposite(a.percentile)), value)
	}
	return fmt.Sprintf("beyond the %s percentile, %s", ordinal(a.percentile), value)
}

// summarise says on stderr what is compared, and what is not known.
func (a *networkAnswer) summarise() {
	if a.in.quiet {
		return
	}
	total := len(a.Hosts)
	text := fmt.Sprintf("%s: %s of %s hosts are %s", a.Metric.Name, words.Grouped(len(a.Beyond)), words.Grouped(len(a.Spread)), a.what())
	if a.percentile == 0 && !a.aboveGiven {
		text = fmt.Sprintf("%s: %s hosts have a value", a.Metric.Name, words.Grouped(len(a.Spread)))
	}
	if highest, few := tooFew(len(a.Spread), a.percentile); few && !a.aboveGiven {
		text += fmt.Sprintf("; of so few nobody can be, but with --percentile %d", highest)
	}
	if silent := total - len(a.Spread); silent > 0 && len(a.Spread) > 0 {
		text += fmt.Sprintf("; not known of %s", words.Grouped(silent))
	}
	if len(a.Spread) == 0 {
		text = a.nobody()
	}
	fmt.Fprintln(a.in.stderr, terminal.SafeText(text))
}

// tooFew reports whether no host can be beyond a percentile because the largest value is
// that percentile, and returns the highest whole one that a host can be beyond.
func tooFew(hosts int, percentile float64) (highest int, few bool) {
	if hosts < 2 || percentile == 100 {
		return 0, false
	}
	last := 100 * float64(hosts-1) / float64(hosts)
	return int(last + 1e-9), percentile > last+1e-9
}

// nobody says why no host has a value.
func (a *networkAnswer) nobody() string {
	switch {
	case a.netstat != "":
		return fmt.Sprintf("no host has a counter %s; sysops audit network --list-netstat lists them", a.Metric.Name)
	case a.ratio != "":
		return fmt.Sprintf("no host has both counters of %s; sysops audit network --list-netstat lists them", a.Metric.Name)
	case a.mps != "":
		return fmt.Sprintf("no host has interacted with a server %s; sysops audit network --per-mps lists them", a.mps)
	}
	return "no host has a record of interaction times: agents keep one with interaction_times: true in the config"
}

// printCompared prints rows about hosts that are beyond the threshold.
func (a *networkAnswer) printCompared(context.Context) error {
	a.summarise()
	return a.printRows()
}

func (a *networkAnswer) printClusters(ctx context.Context) (err error) {
	a.summarise()
	if a.Shared, err = a.sharedClusters(ctx); err != nil {
		return err
	}
	return a.printRows()
}

// printRows prints the rows of the mode.
func (a *networkAnswer) printRows() error {
	for r := range a.mode.Rows(a.Findings) {
		if err := a.printRow(r); err != nil {
			return err
		}
	}
	return nil
}

// printRow prints a row and, with --fold, its hosts; one that is nothing but hosts counts
// for as many.
func (a *networkAnswer) printRow(r network.Row) error {
	text, fields := a.line(r.Of), outputFields(r.Fields)
	a.in.rows++
	if a.fold {
		folded := foldFields(r.Hosts)
		if r.Of == nil {
			a.in.rows += len(r.Hosts) - 1
		} else {
			text += "\t"
		}
		text += fmt.Sprint(folded[1].Value)
		fields = append(fields, folded...)
	}
	return a.in.row([]byte(text+"\n"), fields...)
}

// line is what a row is about, as a line of text.
func (a *networkAnswer) line(of any) string {
	switch of := of.(type) {
	case *network.Host:
		return a.hostLine(of)
	case *network.Group:
		return groupLine(of)
	case *network.Trouble:
		return fmt.Sprintf("%-*s  %-8s %-8s %-18s %s", a.nameWidth, of.Host, of.Bond, of.Slave, of.Problem, of.Detail)
	case network.Problem:
		return fmt.Sprintf("%7d %s", len(of.Hosts), of.Name)
	case network.Percentile:
		return percentileLine(a.Metric.Unit, of)
	case network.Spread:
		return spreadLine(of)
	}
	return ""
}

// hostLine is a host as text: its value, those of its interactions, where it is.
func (a *networkAnswer) hostLine(h *network.Host) string {
	text := fmt.Sprintf("%s  ", padLeft(valueText(a.Metric.Unit, h.Value), valueWidth))
	switch a.Metric.Unit {
	case network.Seconds:
		text += padLeft(valueText(network.BytesPerSecond, h.Rate), valueWidth) + "  "
	case network.BytesPerSecond:
		text += padLeft(valueText(network.Seconds, h.Seconds), valueWidth) + "  "
	}
	text += fmt.Sprintf("%-*s", a.nameWidth, h.Name)
	for _, l := range h.Links {
		text += fmt.Sprintf("  %s %s", l.Switch, l.Port)
	}
	return strings.TrimRight(text, " ")
}

func groupLine(g *network.Group) string {
	return fmt.Sprintf("%7d of %7d %7.3f%%  %s", g.Beyond, g.Hosts, 100*g.Share, g.Name)
}

// sharedClusters asks Range which clusters the hosts share.
func (a *networkAnswer) sharedClusters(ctx context.Context) ([]network.Group, error) {
	clusters, err := a.in.openClusters()
	if err != nil {
		return nil, err
	}
	source := hostset.Source{Servers: a.in.rangeServers, Clusters: clusters, Directory: a.in.directory, Warn: a.in.hostFlags.warn}
	from, err := source.Expander()
	if err != nil {
		return nil, err
	}
	groups, alone, err := a.Fleet.Clusters(a.Threshold,
		func(hosts []string) ([]string, error) { return source.ClustersOf(ctx, hosts) },
		func(cluster string) ([]string, error) { return from.Expand(ctx, clusterExpression(cluster)) },
		func(err error) { a.in.warn("%v", err) })
	if alone > 0 && !a.in.quiet {
		fmt.Fprintf(a.in.stderr, "hosts %s in no cluster: %s\n", a.what(), words.Grouped(alone))
	}
	return groups, err
}

// clusterExpression is %name, quoted where the name is no plain word.
func clusterExpression(name string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._-", r)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return `%{"` + name + `"}`
	}
	return "%" + name
}

func (a *networkAnswer) printTroubles(context.Context) error {
	for i := range a.Troubles {
		a.nameWidth = max(a.nameWidth, len(a.Troubles[i].Host))
	}
	if err := a.printRows(); err != nil {
		return err
	}
	if !a.in.quiet {
		fmt.Fprintf(a.in.stderr, "%s bonds were looked at\n", words.Grouped(a.Bonds))
	}
	return nil
}
