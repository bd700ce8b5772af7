package main

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// run has a verb answer, whose fields the flags have filled by now: its rows go to stdout,
// what a person should know beside them to stderr, and its outcome becomes the exit status.
func (u *ui) run(cmd *cobra.Command, q *queryFlags, v verbs.Verb) error {
	q.check = func() error { return settle(cmd, v) }
	q.columns = v.Columns
	in, err := u.inquire(cmd, q)
	if err != nil {
		return err
	}
	if in.client != nil {
		defer in.client.Close()
	}
	ctx := cmd.Context()
	call := &verbs.Call{
		Client: in.client, Query: in.query, Rules: in.conf.MaskRules(),
		Emit: in.out.Add, Form: in.form(), Sorted: len(in.out.Sort) > 0, Marked: in.colored(),
		Fields:   func(fields []output.Field) error { return q.sortBy(in.out, fields) },
		Flush:    u.stdout.Flush,
		Progress: u.stage, Tell: in.note, Advice: terminal.Advice,
	}
	if call.Clusters, err = in.clusterSource(in.directory); err != nil {
		return err
	}
	outcome, err := v.Run(ctx, call)
	if outcome != nil {
		terminal.WarnOf(u.stderr, outcome.Warnings...)
	}
	if err != nil {
		return err
	}
	return in.tell(outcome)
}

// note tells a person what is no row.
func (in *inquiry) note(n verbs.Note) {
	switch {
	case n.Warning:
		in.warn("%s", n.Text)
	case in.quiet:
	case n.Heading == nil:
		terminal.Say(in.stderr, "%s", n.Text)
	case in.format == "text" && in.stdout.Terminal(): // where the rows are, which share its columns
		_ = in.out.Sink.Write(n.Heading) // what is wrong with stdout, the rows will find
	case in.format == "text":
		w := terminal.NewWriter(in.stderr)
		_ = terminal.NewText(w, false).Write(n.Heading) // as with all that goes to stderr
		_ = w.Flush()
	}
}

// stage shows how far a part of a verb is.
func (u *ui) stage(s verbs.Stage) verbs.Steps {
	bar := u.progressBefore(s.What, s.Total)
	if s.Rows {
		bar = u.progress(s.What, s.Total)
	}
	bar.Rate = s.Rate
	return bar
}

// form is what of the rows the format needs.
func (q *queryFlags) form() verbs.Form {
	switch q.format {
	case "text":
		return verbs.AsText
	case "csv":
		return verbs.AsCells
	}
	return verbs.AsValues
}

// settle checks the parameters of a verb when all flags are known. What the environment or
// the config says is for the verbs that it fits: what means nothing here is taken back.
func settle(cmd *cobra.Command, v verbs.Verb) error {
	taken := make(map[string]bool)
	for {
		err := v.Check()
		bad, ok := errors.AsType[*verbs.Misuse](err)
		if !ok {
			return err
		}
		name := bad.Params[0]
		if !bad.Moot || taken[name] || cli.Misfit(cmd, name) {
			return inFlags(bad)
		}
		taken[name] = true
	}
}

// inFlags says in the words of the command line what a misuse is. A text may name the
// parameters at fault as %s, and the value that one has as %v.
func inFlags(bad *verbs.Misuse) error {
	words, ok := misuses[bad.Code]
	if !ok {
		return bad
	}
	flags := make([]string, len(bad.Params))
	for i, p := range bad.Params {
		flags[i] = "--" + p
	}
	text := strings.NewReplacer("%s", strings.Join(flags, " and "), "%v", bad.Value).Replace(words.text)
	if words.advice == "" {
		return errors.New(text)
	}
	return hint.To(errors.New(text), words.advice)
}

// tell prints what goes after the rows, and decides the exit status.
func (in *inquiry) tell(o *verbs.Outcome) error {
	var tail *output.Tail
	if o.Complete != nil {
		tail = &output.Tail{Complete: o.Complete, LeftOut: o.LeftOut}
	}
	in.out.Cut += o.Cut
	if err := in.out.End(tail); err != nil {
		return err
	}
	if err := in.stdout.Flush(); err != nil {
		return err
	}
	leftOut := reasoned(o.LeftOut, o.Complete)
	in.reportRows(leftOut)
	if o.Complete != nil {
		in.reportCompleteness(in.queryFlags, o.Complete, leftOut)
		in.tellEmpty(o)
	}
	if err := in.tellCost(o); err != nil {
		return err
	}
	if !in.quiet {
		for _, n := range o.Notes {
			in.note(n)
		}
	}
	switch {
	case o.Failed != nil:
		return o.Failed
	case o.Partial(in.requireComplete):
		in.status = exitPartial
	case o.Complete != nil && o.Matched == 0 || o.Differs || o.Unwell:
		in.status = cmp.Or(in.status, exitNothing)
	}
	return nil
}

// tellCost prints what the answer cost, where that is asked for.
func (in *inquiry) tellCost(o *verbs.Outcome) error {
	switch {
	case !in.cost:
		return nil
	case o.Cost != nil:
		return in.printCost(*o.Cost)
	case o.Complete != nil:
		return in.printCost(o.Complete.Cost)
	}
	return nil
}

// tellEmpty says why there are no rows, where no object is selected.
func (in *inquiry) tellEmpty(o *verbs.Outcome) {
	switch {
	case !o.Empty || in.quiet:
	case o.Complete.Expected == len(o.Complete.Missing):
		terminal.Say(in.stderr, "no live host is selected; sysops hosts lists them")
	case o.Pattern != "":
		terminal.Say(in.stderr, "nothing matches %s; sysops ls lists the names", o.Pattern)
	}
}
