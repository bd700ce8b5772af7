package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
// printed: one of the modes, or the hosts.
type networkFlags struct {
	stat, mps       string
	speed           bool
	netstat, ratio  string
	percentile      float64
	above           float64
	switchGlob      string
	fold            bool
	switchcount     int
	percentiles     bool
	histogram       bool
	perMPS          bool
	bonding         bool
	rangeClusters   bool
	listNetstat     bool
	report          bool
	aboveGiven      bool
	switchcountSaid bool
	width           int // columns of the terminal; 0: there is none

	metric *network.Metric
}

func newAuditNetwork(u *ui) *cobra.Command {
	q := &queryFlags{ownPattern: true}
	n := &networkFlags{}
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
				n.aboveGiven, n.switchcountSaid = cmd.Flags().Changed("above"), cmd.Flags().Changed("switchcount")
				return n.settle(q)
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
	f.IntVar(&n.switchcount, "switchcount", 1, "the switches with at least `N` such hosts")
	f.Lookup("switchcount").NoOptDefVal = "1"
	f.Lookup("switchcount").DefValue = "0" // for the help: without the flag, hosts are printed
	f.BoolVar(&n.rangeClusters, "range-clusters", false, "the clusters that such hosts share, from --clusters, --range-servers or the directory")
	f.BoolVar(&n.percentiles, "percentiles", false, "the percentiles over all hosts")
	f.BoolVar(&n.histogram, "histogram", false, "how many hosts have which value")
	f.BoolVar(&n.perMPS, "per-mps", false, "the percentiles of interactions with each Redis server")
	f.BoolVar(&n.bonding, "bonding", false, "what is wrong with bonds")
	f.BoolVar(&n.listNetstat, "list-netstat", false, "the counters that hosts have")
	f.BoolVar(&n.report, "report", false, "a page of all of it; --limit is for each list, 10 by default")
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
func (n *networkFlags) settle(q *queryFlags) error {
	if err := n.oneMode(); err != nil {
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
	case n.fold && (n.percentiles || n.histogram || n.perMPS || n.listNetstat || n.report) && q.misfit("fold"):
		return &sysops.HintedError{Err: errors.New("cannot --fold: no host is named in what is printed"), Hint: "--fold goes with the list of hosts, --switchcount, --range-clusters and --bonding"}
	}
	if err := network.CheckSwitch(n.switchGlob); err != nil {
		return fmt.Errorf("cannot use --switch %q: %w", n.switchGlob, err)
	}
	if n.hostRows() {
		q.sort = originalSort(q.sort, n.speed)
	}
	return nil
}

// oneMode refuses two things to be printed.
func (n *networkFlags) oneMode() error {
	var modes []string
	for _, m := range []struct {
		on   bool
		flag string
	}{
		{n.switchcountSaid, "--switchcount"},
		{n.rangeClusters, "--range-clusters"},
		{n.percentiles, "--percentiles"},
		{n.histogram, "--histogram"},
		{n.perMPS, "--per-mps"},
		{n.bonding, "--bonding"},
		{n.listNetstat, "--list-netstat"},
		{n.report, "--report"},
	} {
		if m.on {
			modes = append(modes, m.flag)
		}
	}
	if len(modes) > 1 {
		return &sysops.HintedError{Err: fmt.Errorf("cannot combine %s: each prints something of its own", strings.Join(modes, " and ")), Hint: "--report prints all of it"}
	}
	return nil
}

// unused refuses flags that would change nothing of what is printed.
func (n *networkFlags) unused() error {
	compared := n.netstat != "" || n.ratio != "" || n.speed || n.mps != ""
	everywhere := n.percentiles || n.histogram || n.perMPS || n.listNetstat
	switch {
	case (n.bonding || n.listNetstat) && (compared || n.aboveGiven):
		return errors.New("cannot compare hosts by anything: --bonding and --list-netstat print no such comparison")
	case n.perMPS && (compared || n.aboveGiven):
		return errors.New("cannot use --per-mps for anything but the time of interactions: without --speed, --mps, --netstat, --ratio and --above")
	case n.switchGlob != "" && everywhere:
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

// hostRows reports whether the rows are hosts.
func (n *networkFlags) hostRows() bool {
	return !n.switchcountSaid && !n.rangeClusters && !n.percentiles && !n.histogram && !n.perMPS && !n.bonding && !n.listNetstat && !n.report
}

// originalSort takes the words of the original's --sort: the worst come first.
func originalSort(sort string, speed bool) string {
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
	switch {
	case n.bonding:
		return network.Options{Troubles: true, Switch: n.switchGlob}
	case n.listNetstat:
		return network.Options{Counters: true}
	case n.perMPS:
		return network.Options{Servers: true, Metric: n.metric}
	case n.percentiles, n.histogram:
		return network.Options{Metric: n.metric}
	}
	o := network.Options{Metric: n.metric, Links: true, Switch: n.switchGlob}
	if n.report {
		o.Troubles, o.Servers, o.Ratios = true, true, true
	}
	return o
}

func (n *networkFlags) columns() []output.Field {
	var fields []output.Field
	switch {
	case n.switchcountSaid:
		fields = n.groupFields("switch", &network.Group{})
	case n.rangeClusters:
		fields = n.groupFields("cluster", &network.Group{})
	case n.percentiles:
		return percentileFields(n.metric, 0, 0, 0)
	case n.histogram:
		return histogramFields(network.Bin{})
	case n.perMPS:
		return spreadFields("server", "", nil)
	case n.listNetstat:
		return spreadFields("counter", "", nil)
	case n.report:
		return output.Fields("report", map[string]any(nil))
	case n.bonding && n.fold:
		fields = output.Fields("problem", "")
	case n.bonding:
		return troubleFields(&network.Trouble{})
	case n.fold:
		return foldFields(nil)
	default:
		return n.hostFields(&network.Host{})
	}
	if n.fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

// A networkAnswer is what was read, and the threshold.
type networkAnswer struct {
	*networkFlags
	in        *inquiry
	fleet     *network.Fleet
	spread    network.Distribution
	threshold network.Threshold
	beyond    []*network.Host
	nameWidth int // of the longest of their names, or of those with troubles
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
	a := &networkAnswer{networkFlags: n, in: in, fleet: fleet, spread: fleet.Distribution()}
	if n.threshold(a); len(a.spread) > 0 {
		a.beyond = fleet.Beyond(a.threshold)
	}
	for _, h := range a.beyond {
		a.nameWidth = max(a.nameWidth, len(h.Name))
	}
	switch {
	case n.bonding:
		return a.printTroubles()
	case n.listNetstat:
		return a.printCounters()
	case n.perMPS:
		return a.printServers()
	case n.report:
		return a.printReport(ctx)
	case n.percentiles:
		return a.printPercentiles()
	case n.histogram:
		return a.printHistogram()
	}
	a.summarise()
	switch {
	case n.switchcountSaid:
		return a.printGroups("switch", a.switches())
	case n.rangeClusters:
		groups, err := a.clusters(ctx)
		if err != nil {
			return err
		}
		return a.printGroups("cluster", groups)
	}
	return a.printHosts()
}

func (n *networkFlags) threshold(a *networkAnswer) {
	if n.aboveGiven {
		a.threshold = network.Threshold{Value: n.above, Low: n.metric.Low}
		return
	}
	a.threshold = n.metric.Threshold(a.spread, n.percentile)
}

// what says what hosts are beyond.
func (a *networkAnswer) what() string {
	value := valueText(a.metric.Unit, a.threshold.Value)
	switch {
	case a.aboveGiven && a.threshold.Low:
		return "below " + value
	case a.aboveGiven:
		return "above " + value
	case a.percentile == 0:
		return "any value"
	}
	if a.threshold.Low {
		return fmt.Sprintf("below the %s percentile, %s", ordinal(opposite(a.percentile)), value)
	}
	return fmt.Sprintf("beyond the %s percentile, %s", ordinal(a.percentile), value)
}

// summarise says on stderr what is compared, and what is not known.
func (a *networkAnswer) summarise() {
	if a.in.quiet {
		return
	}
	total := len(a.fleet.Hosts)
	text := fmt.Sprintf("%s: %s of %s hosts are %s", a.metric.Name, words.Grouped(len(a.beyond)), words.Grouped(len(a.spread)), a.what())
	if a.percentile == 0 && !a.aboveGiven {
		text = fmt.Sprintf("%s: %s hosts have a value", a.metric.Name, words.Grouped(len(a.spread)))
	}
	if highest, few := tooFew(len(a.spread), a.percentile); few && !a.aboveGiven {
		text += fmt.Sprintf("; of so few nobody can be, but with --percentile %d", highest)
	}
	if silent := total - len(a.spread); silent > 0 && len(a.spread) > 0 {
		text += fmt.Sprintf("; not known of %s", words.Grouped(silent))
	}
	if len(a.spread) == 0 {
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
		return fmt.Sprintf("no host has a counter %s; sysops audit network --list-netstat lists them", a.metric.Name)
	case a.ratio != "":
		return fmt.Sprintf("no host has both counters of %s; sysops audit network --list-netstat lists them", a.metric.Name)
	case a.mps != "":
		return fmt.Sprintf("no host has interacted with a server %s; sysops audit network --per-mps lists them", a.mps)
	}
	return "no host has a record of interaction times: agents keep one with interaction_times: true in the config"
}

func (a *networkAnswer) printHosts() error {
	if a.fold {
		if len(a.beyond) == 0 {
			return nil
		}
		var names []string
		for _, h := range a.beyond {
			names = append(names, h.Name)
		}
		a.in.rows = len(names)
		fields := foldFields(names)
		return a.in.row(fmt.Appendf(nil, "%s\n", fields[1].Value), fields...)
	}
	for _, h := range a.beyond {
		a.in.rows++
		if err := a.in.row([]byte(a.hostLine(h)), a.hostFields(h)...); err != nil {
			return err
		}
	}
	return nil
}

// hostLine is a host as text: its value, those of its interactions, where it is.
func (a *networkAnswer) hostLine(h *network.Host) string {
	text := fmt.Sprintf("%s  ", padLeft(valueText(a.metric.Unit, h.Value), valueWidth))
	switch a.metric.Unit {
	case network.Seconds:
		text += padLeft(valueText(network.BytesPerSecond, h.Rate), valueWidth) + "  "
	case network.BytesPerSecond:
		text += padLeft(valueText(network.Seconds, h.Seconds), valueWidth) + "  "
	}
	text += fmt.Sprintf("%-*s", a.nameWidth, h.Name)
	for _, l := range h.Links {
		text += fmt.Sprintf("  %s %s", l.Switch, l.Port)
	}
	return strings.TrimRight(text, " ") + "\n"
}

func (n *networkFlags) hostFields(h *network.Host) []output.Field {
	fields := output.Fields("host", h.Name, "metric", n.metric.Name, "value", optionalNumber(h.Value))
	if n.netstat == "" && n.ratio == "" {
		fields = append(fields, output.Field{Name: "seconds", Value: optionalNumber(h.Seconds)}, output.Field{Name: "bytes_per_second", Value: optionalNumber(h.Rate)})
	}
	var interfaces, switches, ports []string
	for _, l := range h.Links {
		interfaces, switches, ports = append(interfaces, l.Interface), append(switches, l.Switch), append(ports, l.Port)
	}
	return append(fields, output.Field{Name: "interface", Value: strings.Join(interfaces, ",")}, output.Field{Name: "switch", Value: strings.Join(switches, ",")}, output.Field{Name: "port", Value: strings.Join(ports, ",")})
}

// optionalNumber is a number for output, nil where it is not known.
func optionalNumber(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

// switches are those with as many such hosts as --switchcount wants.
func (a *networkAnswer) switches() []network.Group {
	return slices.DeleteFunc(a.fleet.Switches(a.threshold), func(g network.Group) bool { return g.Beyond < a.switchcount })
}

func (a *networkAnswer) printGroups(what string, groups []network.Group) error {
	for i := range groups {
		a.in.rows++
		g := &groups[i]
		text := groupLine(g)
		fields := a.groupFields(what, g)
		if a.fold {
			folded := foldFields(g.Who)
			text += fmt.Sprintf("\t%s", folded[1].Value)
			fields = append(fields, folded...)
		}
		if err := a.in.row([]byte(text+"\n"), fields...); err != nil {
			return err
		}
	}
	return nil
}

func groupLine(g *network.Group) string {
	return fmt.Sprintf("%7d of %7d %7.3f%%  %s", g.Beyond, g.Hosts, 100*g.Share, g.Name)
}

func (n *networkFlags) groupFields(what string, g *network.Group) []output.Field {
	fields := output.Fields(what, g.Name, "beyond", g.Beyond, "of", g.Hosts, "share", g.Share, "score", g.Score)
	if what == "switch" {
		fields = append(fields, output.Field{Name: "ports", Value: g.Ports})
	}
	return fields
}

// clusters asks Range which clusters the hosts share.
func (a *networkAnswer) clusters(ctx context.Context) ([]network.Group, error) {
	clusters, err := a.in.openClusters()
	if err != nil {
		return nil, err
	}
	source := hostset.Source{Servers: a.in.rangeServers, Clusters: clusters, Directory: a.in.directory, Warn: a.in.hostFlags.warn}
	from, err := source.Expander()
	if err != nil {
		return nil, err
	}
	groups, alone, err := a.fleet.Clusters(a.threshold,
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

func (a *networkAnswer) printTroubles() error {
	if !a.fold {
		for i := range a.fleet.Troubles {
			a.nameWidth = max(a.nameWidth, len(a.fleet.Troubles[i].Host))
		}
		for i := range a.fleet.Troubles {
			a.in.rows++
			t := &a.fleet.Troubles[i]
			text := fmt.Sprintf("%-*s  %-8s %-8s %-18s %s\n", a.nameWidth, t.Host, t.Bond, t.Slave, t.Problem, t.Detail)
			if err := a.in.row([]byte(text), troubleFields(t)...); err != nil {
				return err
			}
		}
	} else if err := a.foldTroubles(); err != nil {
		return err
	}
	if !a.in.quiet {
		fmt.Fprintf(a.in.stderr, "%s bonds were looked at\n", words.Grouped(a.fleet.Bonds))
	}
	return nil
}

// foldTroubles prints the hosts of each problem.
func (a *networkAnswer) foldTroubles() error {
	for _, p := range a.problems() {
		a.in.rows++
		if err := a.in.printCount(len(p.hosts), []byte(p.problem), true, p.hosts, output.Field{Name: "problem", Value: p.problem}); err != nil {
			return err
		}
	}
	return nil
}

// A problemHosts is a problem of bonds, and the hosts that have it.
type problemHosts struct {
	problem string
	hosts   []string
}

// problems returns those that hosts have, the worst first.
func (a *networkAnswer) problems() []problemHosts {
	var out []problemHosts
	for _, problem := range network.Problems() {
		p := problemHosts{problem: problem}
		for i := range a.fleet.Troubles {
			t := &a.fleet.Troubles[i]
			if t.Problem == problem && (len(p.hosts) == 0 || p.hosts[len(p.hosts)-1] != t.Host) { // they come in order
				p.hosts = append(p.hosts, t.Host)
			}
		}
		if len(p.hosts) > 0 {
			out = append(out, p)
		}
	}
	return out
}

func troubleFields(t *network.Trouble) []output.Field {
	return output.Fields("host", t.Host, "bond", t.Bond, "slave", t.Slave, "problem", t.Problem, "detail", t.Detail)
}
