package verbs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Findings say how an audit tells what it finds on hosts, which is counted over the fleet.
type Findings struct {
	Fold   bool     // the hosts of each row as one expression
	ByHost bool     // a row for each host, in place of one for all that have it in common
	States []string // only rows in these states
}

// check refuses states that are none of these.
func (f *Findings) check(states []string) error {
	if f.Fold && f.ByHost {
		return foldByHost()
	}
	for _, s := range f.States {
		if !slices.Contains(states, s) {
			return hint.To(fmt.Errorf("cannot print rows in state %q: there is no such state", s), "the states are "+strings.Join(states, ", "))
		}
	}
	return nil
}

// foldByHost says why the hosts of rows that have one each are not folded.
func foldByHost() error {
	return moot("audit fold", "fold", "cannot fold the hosts of rows that have one each")
}

// columns are the fields of the rows; of is what each finding has.
func (f *Findings) columns(of []output.Field) []output.Field {
	switch {
	case f.ByHost:
		return append(output.Fields("host", ""), of...)
	case f.Fold:
		return append(append(output.Fields("count", 0), of...), foldFields(nil)...)
	}
	return append(output.Fields("count", 0), of...)
}

// A finding is a row of an audit that is the same on several hosts.
type finding struct {
	state  string
	text   string
	fields []output.Field
	hosts  []string // sorted
}

// emit yields those in the states that are asked for, in their order or by host.
func (f *Findings) emit(call *Call, o *Outcome, findings []finding) error {
	findings = slices.DeleteFunc(findings, func(x finding) bool { return !slices.Contains(f.States, x.state) })
	if f.ByHost {
		return emitByHost(call, o, findings)
	}
	for _, x := range findings {
		o.Matched++
		if err := call.emitCount(len(x.hosts), oneField(x.text), f.Fold, x.hosts, append(output.Fields("count", len(x.hosts)), x.fields...)...); err != nil {
			return err
		}
	}
	return nil
}

func emitByHost(call *Call, o *Outcome, findings []finding) error {
	type one struct {
		host string
		of   *finding
	}
	var all []one
	for i := range findings {
		for _, h := range findings[i].hosts {
			all = append(all, one{h, &findings[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.host, b.host) })
	for _, x := range all {
		o.Matched++
		row := output.Row{Text: fmt.Appendf(nil, "%s: %s\n", x.host, oneField(x.of.text)), Fields: append(output.Fields("host", x.host), x.of.fields...)}
		if err := call.Emit(row); err != nil {
			return err
		}
	}
	return nil
}

// oneField is text as a part of a line whose fields stand between tabs: a host may have
// put anything into it.
func oneField(s string) string { return strings.ReplaceAll(output.OneLine(s), "\t", " ") }

// shown is a value in text, where one could miss that it is empty.
func shown(value string) string {
	if value == "" {
		return `""`
	}
	return value
}
