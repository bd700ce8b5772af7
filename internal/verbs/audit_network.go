package verbs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// AuditNetwork tells which hosts have a worse network than nearly all others, and what
// they share.
type AuditNetwork struct {
	Mode *network.Mode // what is told; nil: the hosts

	// By what hosts are compared: a counter, a ratio of counters, or their last pushes.
	Counter   string
	Ratio     string
	Statistic string // of pushes; empty: the usual one
	Speed     bool   // by the bytes a second of pushes, in place of the time
	Server    string // only interactions with this Redis server, or glob of servers

	Percentile float64  // hosts beyond it are told of; 0: all hosts
	Above      *float64 // hosts beyond this value, in place of the percentile
	Switch     string   // a glob: only hosts on these switches
	Least      int      // how many such hosts a switch has that is told of
	Fold       bool     // the hosts as one expression: of all rows, or of each

	Drawn bool // with percentiles: the histogram as well, for who reads text
	Most  int  // rows of each list of the report; 0: 10

	mode   *network.Mode // Mode or, folded, the mode of that
	metric *network.Metric
}

// Check makes of the parameters what hosts are compared by.
func (a *AuditNetwork) Check() error {
	if a.mode = a.Mode; a.mode == nil {
		a.mode = network.ModeOf(network.Hosts)
	}
	if err := a.checkUse(); err != nil {
		return err
	}
	if err := a.checkMetric(); err != nil {
		return err
	}
	switch {
	case math.IsNaN(a.Percentile) || a.Percentile < 0 || a.Percentile > 100:
		return unusable("network percentile", "percentile", a.Percentile, "percentiles are 0 to 100")
	case a.Above != nil && math.IsNaN(*a.Above):
		return unusable("network above", "above", *a.Above, "it is no number")
	case a.Least < 1:
		return unusable("network least", network.BySwitch, a.Least, "one host is the least")
	case a.Fold && a.mode.Folded == nil:
		return moot("network fold", "fold", "cannot fold hosts: none is named")
	}
	if err := naming.CheckGlob(a.Switch); err != nil {
		return &Misuse{Code: "network switch", Params: []string{"switch"}, Value: fmt.Sprintf("%q: %v", a.Switch, err), Err: fmt.Errorf("cannot look for switches %q: %w", a.Switch, err)}
	}
	if a.Fold {
		a.mode = a.mode.Folded
	}
	return nil
}

// checkUse refuses parameters that would change nothing of what is told.
func (a *AuditNetwork) checkUse() error {
	compared := a.Counter != "" || a.Ratio != "" || a.Speed || a.Server != "" || a.Above != nil
	switch {
	case a.mode.Compares == network.ByNothing && compared:
		return contradiction("network by nothing", "cannot compare hosts by anything: no such comparison is told", a.mode.Name)
	case a.mode.Compares == network.ByPushTime && compared:
		return contradiction("network by push time", "cannot compare servers by anything but the time of interactions", a.mode.Name)
	case a.Switch != "" && !a.mode.Narrows:
		return contradiction("network narrowed", "cannot narrow percentiles to a switch: they are those of all hosts", "switch")
	}
	return nil
}

func (a *AuditNetwork) checkMetric() (err error) {
	a.Statistic = cmp.Or(a.Statistic, network.Statistics()[0])
	switch {
	case a.Counter != "" && a.Ratio != "":
		return contradiction("network metrics", "cannot compare hosts by a counter and by a ratio", "netstat", "ratio")
	case (a.Counter != "" || a.Ratio != "") && (a.Speed || a.Server != ""):
		return contradiction("network sources", "cannot compare by counters and by interactions with Redis servers", "speed", "mps")
	case a.Counter != "":
		if a.metric, err = network.CounterMetric(a.Counter); err != nil {
			return hint.For(err, hint.NoCounter)
		}
	case a.Ratio != "":
		if a.metric, err = network.RatioMetric(a.Ratio); err != nil {
			return hint.For(err, hint.NoRatio, strings.Join(NetworkRatios(), ", "))
		}
	default:
		a.metric, err = network.Interactions(a.Statistic, a.Speed, a.Server)
	}
	return err
}

// NetworkRatios are the ratios of counters that have a name.
func NetworkRatios() []string {
	var names []string
	for _, r := range network.Ratios() {
		names = append(names, r.Name)
	}
	return names
}

// Columns are those of the mode.
func (a *AuditNetwork) Columns() []output.Field {
	fields := outputFields(a.mode.Columns(a.metric))
	if a.Fold {
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

// Run yields the rows of the mode, the worst first or in the order of names.
func (a *AuditNetwork) Run(ctx context.Context, call *Call) (*Outcome, error) {
	of := network.Options{Mode: a.mode, Metric: a.metric, Switch: a.Switch}
	pattern, err := of.Pattern()
	if err != nil {
		return nil, err
	}
	o := &Outcome{LeftOut: &[]output.LeftOut{}}
	return o, call.ownObjects(ctx, o, pattern, func(answer *sysops.Answer) error {
		bar := call.stage(Stage{What: "objects", Total: answer.Len()})
		fleet, err := network.Read(ctx, answer, of, func(key sysops.Key, why error) {
			*o.LeftOut = append(*o.LeftOut, output.LeftOut{Key: key.String(), Reason: why.Error()})
		}, bar.Step)
		bar.Done()
		if err != nil {
			return err
		}
		return a.networked(call, o, fleet).tell(ctx)
	})
}

// A networked is what was found, on its way to the reader.
type networked struct {
	*AuditNetwork
	*network.Findings
	call    *Call
	outcome *Outcome
	tables  networkTables
}

func (a *AuditNetwork) networked(call *Call, o *Outcome, fleet *network.Fleet) *networked {
	n := &networked{AuditNetwork: a, call: call, outcome: o}
	if a.Above != nil {
		n.Findings = fleet.CompareAbove(a.metric, *a.Above, a.Percentile)
	} else {
		n.Findings = fleet.Compare(a.metric, a.Percentile)
	}
	n.Findings.Least = a.Least
	n.tables = tablesOf(n.Findings)
	return n
}

// tell yields what the mode tells, with what is said before and after.
func (n *networked) tell(ctx context.Context) (err error) {
	switch n.mode.Name {
	case network.Spreads:
		return n.tellPercentiles()
	case network.Bins:
		for _, r := range n.histogram() {
			n.outcome.Matched++
			if err := n.call.Emit(r); err != nil {
				return err
			}
		}
		n.summarize()
		return nil
	case network.ByServer:
		if len(n.Servers) == 0 {
			n.summarize()
			return nil
		}
		n.call.tell(Note{Heading: n.tables.heading(network.Seconds)})
	case network.AllCounters:
		if len(n.Counters) > 0 {
			n.call.tell(Note{Heading: n.tables.heading(network.Count)})
		}
	case network.Bonding:
		if err := n.emit(); err != nil {
			return err
		}
		n.call.tell(Note{Text: words.Grouped(n.Bonds) + " bonds were looked at"})
		return nil
	case network.Report:
		return n.report(ctx)
	case network.ByCluster:
		n.summarize()
		if n.Shared, err = n.sharedClusters(ctx); err != nil {
			return err
		}
	default:
		n.summarize()
	}
	return n.emit()
}

func (n *networked) tellPercentiles() error {
	if err := n.emit(); err != nil {
		return err
	}
	if n.Drawn && len(n.Spread) > 0 {
		if err := n.call.Emit(output.Row{Parts: append([]output.Row{{Text: []byte("\n")}}, n.histogram()...)}); err != nil {
			return err
		}
	}
	n.summarize()
	return nil
}

// emit yields the rows of the mode, and, folded, their hosts; one that is nothing but
// hosts counts for as many.
func (n *networked) emit() error {
	for r := range n.mode.Rows(n.Findings) {
		row := n.row(r)
		n.outcome.Matched++
		if n.Fold {
			folded := foldFields(r.Hosts)
			expression := fmt.Sprint(folded[1].Value)
			if r.Of == nil {
				n.outcome.Matched += len(r.Hosts) - 1
				row.Text = []byte(expression + "\n")
			} else {
				row.Cells = append(row.Cells, output.Cells(expression)...)
			}
			row.Fields = append(row.Fields, folded...)
		}
		if err := n.call.Emit(row); err != nil {
			return err
		}
	}
	return nil
}

// beyond says what hosts are beyond.
func (n *networked) beyond() string {
	value := valueText(n.Metric.Unit, n.Threshold.Value)
	switch {
	case n.Above != nil && n.Threshold.Low:
		return "below " + value
	case n.Above != nil:
		return "above " + value
	case n.AuditNetwork.Percentile == 0:
		return "any value"
	case n.Threshold.Low:
		return fmt.Sprintf("below the %s percentile, %s", ordinal(network.Opposite(n.AuditNetwork.Percentile)), value)
	}
	return fmt.Sprintf("beyond the %s percentile, %s", ordinal(n.AuditNetwork.Percentile), value)
}

// summarize says what is compared, and what is not known.
func (n *networked) summarize() {
	total, percentile := len(n.Hosts), n.AuditNetwork.Percentile
	if len(n.Spread) == 0 {
		n.call.tell(Note{Text: n.nobody()})
		return
	}
	text := fmt.Sprintf("%s: %s of %s hosts are %s", n.Metric.Name, words.Grouped(len(n.Beyond)), words.Grouped(len(n.Spread)), n.beyond())
	if percentile == 0 && n.Above == nil {
		text = fmt.Sprintf("%s: %s hosts have a value", n.Metric.Name, words.Grouped(len(n.Spread)))
	}
	if highest, few := tooFew(len(n.Spread), percentile); few && n.Above == nil {
		text = n.call.advised(text+"; of so few nobody can be", ", ", hint.TooFewHosts, fmt.Sprint(highest))
	}
	if silent := total - len(n.Spread); silent > 0 {
		text += fmt.Sprintf("; not known of %s", words.Grouped(silent))
	}
	n.call.tell(Note{Text: text})
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
func (n *networked) nobody() string {
	switch {
	case n.Counter != "":
		return n.call.advised("no host has a counter "+n.Metric.Name, "; ", hint.NoHostCounts)
	case n.Ratio != "":
		return n.call.advised("no host has both counters of "+n.Metric.Name, "; ", hint.NoHostCounts)
	case n.Server != "":
		return n.call.advised("no host has interacted with a server "+n.Server, "; ", hint.NoHostInteracts)
	}
	return "no host has a record of interaction times: agents keep one with interaction_times: true in the config"
}

// sharedClusters asks which clusters the hosts beyond share.
func (n *networked) sharedClusters(ctx context.Context) ([]network.Group, error) {
	source := n.call.Clusters
	from, err := source.Expander()
	if err != nil {
		return nil, err
	}
	groups, alone, err := n.Fleet.Clusters(n.Threshold,
		func(hosts []string) ([]string, error) { return source.ClustersOf(ctx, hosts) },
		func(cluster string) ([]string, error) { return from.Expand(ctx, clusterExpression(cluster)) },
		func(err error) { n.call.tell(Note{Text: err.Error(), Warning: true}) })
	if alone > 0 {
		n.call.tell(Note{Text: fmt.Sprintf("hosts %s in no cluster: %s", n.beyond(), words.Grouped(alone))})
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
