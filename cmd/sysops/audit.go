package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

func newAudit(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Audit every host: kernel settings, accounts, sudo, network",
		Long: `Answer one question of administrators or auditors about every host, out of several
objects of each. An audit prints what it found, counted over the fleet, and on stderr
how many hosts it could tell of, and of how many it could not.`,
		Example: "  sysops audit sysctl --scope global\n  sysops audit access --user deploy --state has --fold\n  sysops audit sudo --user deploy\n  sysops audit network --report",
		Args:    cli.Args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.FParseErrWhitelist.UnknownFlags = true // so that of a misspelt audit the name is what is told
	cmd.AddCommand(newAuditSysctl(u), newAuditAccess(u), newAuditSudo(u), newAuditNetwork(u))
	return cmd
}

// auditFlags are those of audits whose findings are counted over the fleet.
type auditFlags struct {
	fold, byHost bool
	states       []string
}

// add adds the flags. states are those that a finding can have; usual, those that are
// printed where none is chosen.
func (f *auditFlags) add(cmd *cobra.Command, q *queryFlags, states, usual []string, settle func() error) {
	cmd.Flags().BoolVar(&f.fold, "fold", false, "the hosts of each row as one expression, which --hosts takes")
	cmd.Flags().BoolVar(&f.byHost, "by-host", false, "a row for each host, in place of one for all that have it in common")
	cmd.Flags().StringSliceVar(&f.states, "state", usual, "only rows in these `states`: "+strings.Join(states, ", "))
	cli.CompleteWords(cmd, "state", states...)
	cli.CommandLineOnly(cmd, "state") // to the agent, which shares the config, it is a folder
	q.check = func() error {
		if f.fold && f.byHost && q.misfit("fold") {
			return &sysops.HintedError{Err: errors.New("cannot --fold the hosts of rows that have one each"), Hint: "leave out --by-host"}
		}
		for _, s := range f.states {
			if !slices.Contains(states, s) {
				return &sysops.HintedError{Err: fmt.Errorf("cannot print rows in state %q: there is no such state", s), Hint: "the states are " + strings.Join(states, ", ")}
			}
		}
		if settle != nil {
			return settle()
		}
		return nil
	}
}

// A finding is a row of an audit that is the same on several hosts.
type finding struct {
	state  string
	text   string
	fields []output.Field
	hosts  []string // sorted
}

// columns are the fields of the rows; of is what each finding has.
func (f *auditFlags) columns(of []output.Field) []output.Field {
	switch {
	case f.byHost:
		return append(output.Fields("host", ""), of...)
	case f.fold:
		return append(append(output.Fields("count", 0), of...), foldFields(nil)...)
	}
	return append(output.Fields("count", 0), of...)
}

// printFindings prints those in the states that are asked for, in their order or, with
// --by-host, by host.
func (in *inquiry) printFindings(f *auditFlags, findings []finding) error {
	findings = slices.DeleteFunc(findings, func(x finding) bool { return !slices.Contains(f.states, x.state) })
	if f.byHost {
		return in.printFindingsByHost(findings)
	}
	for _, x := range findings {
		in.rows++
		if err := in.printCount(len(x.hosts), []byte(x.text), f.fold, x.hosts, append(output.Fields("count", len(x.hosts)), x.fields...)...); err != nil {
			return err
		}
	}
	return nil
}

func (in *inquiry) printFindingsByHost(findings []finding) error {
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
	for _, o := range all {
		in.rows++
		if err := in.row(fmt.Appendf(nil, "%s: %s\n", o.host, o.of.text), append(output.Fields("host", o.host), o.of.fields...)...); err != nil {
			return err
		}
	}
	return nil
}

// oneLine is a value as a part of a line of text: a host may have put anything into it.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", " ", "\r", `\r`).Replace(s)
}
