package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// diffFlags say what is compared, and how differences are shown.
type diffFlags struct {
	all, pairs, lines, brief, fold bool
	rare                           int
	element                        string
	maskFlags
	diffStyle

	from     sysops.Pattern // A; not with --all
	compared sysops.Element
	summary  string // what goes to stderr in the end
}

func newDiff(u *ui) *cobra.Command {
	q := &queryFlags{}
	d := &diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff A B | diff HOST1 HOST2 | diff --all PATTERN",
		Short: "Compare objects or two hosts, or list the variants of an object",
		Long: `Compare object A with each object that B selects, and print the differences as
diff -u does. A must select one object, and is looked for on all hosts: --hosts,
--exclude, --range-query and --max-age narrow B alone. Objects that are identical are
counted on stderr, not printed.

HOST1 HOST2 compares all that two hosts have: which names only one of them has, and how
the others differ. A host's short name will do where only one host has it.

--all prints which variants there are of the objects that PATTERN selects, the most
common first, and how the others differ from that; --pairs, how every two differ.
Objects of different names have variants of their own. --lines prints no variants
but the lines in which objects differ from most of them, and on which hosts: those
lack it (-) or have it (+). The most common come first, the odd ones last.

What differs on any two machines and means nothing is masked: it is an asterisk in what
is compared and shown. There are rules for the counters, process ids, uptimes and
timestamps in what the agent collects; mask: in the config adds others. The order of
lines does not count in sysctl -a and lists of packages, modules, processes and
connections. What is named *.json is compared as JSON, value by value. --no-mask compares byte for byte.

--fold puts the hosts of each variant into one expression that --hosts takes back. It
is what follows the last tab of a line: "hosts" in the other formats.

Contents with NUL bytes, or with more differences than anybody reads, are said to
differ, no more. Where contents are so large or so different that the fewest
differences are too dear to find, they are shown coarsely, and that is said.

Exit status: 0 nothing differs, 1 something differs, 2 error, 3 the answer is partial.`,
		Example: `  sysops diff web01.example.com#/etc/ssh/sshd_config /etc/ssh/sshd_config
  sysops diff web01.example.com#sysctl-a web02.example.com#sysctl-a --word
  sysops diff web01 web02 --brief
  sysops diff --all /etc/ssh/sshd_config --scope global
  sysops diff --all sysctl-a --limit 10
  sysops diff --all sysctl-a --lines --rare 10
  sysops diff --all /etc/hosts --set --drop '^#' --mask '^10\.\S+'
  sysops diff --all /etc/resolv.conf --brief --fold
  sysops diff --all /etc/shadow --element stat`,
		Args: cli.Args(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.terminalWidth = func() int { return terminal.Width(cmd.OutOrStdout()) }
			q.check = func() error { return d.settle(q, args) }
			print := d.printAgainst
			if d.all {
				print = d.printVariants
			}
			if d.lines {
				print = d.printLines
			}
			err := errNotHosts
			if first, second, ok := hostArguments(args); ok && !d.all {
				q.columns = func() []output.Field { return append(d.columns(), output.Field{Name: "only_on", Value: ""}) } // or those of objects: see printHosts
				parse := func(string) (sysops.Pattern, error) { return hostsPattern(first, second) }
				err = u.ask(cmd, q, parse, "", func(ctx context.Context, in *inquiry) error { return d.printHosts(ctx, in, first, second) })
			}
			if errors.Is(err, errNotHosts) {
				q.columns = d.columns
				err = u.ask(cmd, q, sysops.ParsePattern, args[len(args)-1], print)
			}
			if err == nil && !q.quiet && d.summary != "" {
				fmt.Fprintln(u.stderr, terminal.SafeText(d.summary))
			}
			return err
		},
	}
	q.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&d.all, "all", false, "the variants of the objects that PATTERN selects, most common first")
	f.BoolVar(&d.pairs, "pairs", false, "with --all: how every two variants differ, not only from the most common one")
	f.BoolVar(&d.lines, "lines", false, "with --all: which lines some objects have (+) or lack (-), unlike most")
	f.IntVar(&d.rare, "rare", 0, "with --lines: only where at most so many `objects` deviate; 0: all")
	for _, name := range []string{"all", "pairs", "lines", "rare"} {
		cli.CommandLineOnly(cmd, name) // each makes another question of it; to queries, lines are a number
	}
	f.BoolVar(&d.brief, "brief", false, "only which objects differ or, with --all, only the list of variants")
	f.BoolVar(&d.fold, "fold", false, "with --all or --brief: the hosts as one expression")
	f.StringVar(&d.element, "element", "contents", "compare contents, md5sum, stat, wordcount or time")
	cli.CompleteWords(cmd, "element", "contents", "md5sum", "stat", "wordcount", "time")
	d.maskFlags.add(cmd)
	f.IntVarP(&d.context, "unified", "U", defaultContext, "show so many equal `lines` around differences")
	f.BoolVarP(&d.side, "side-by-side", "y", false, "in two columns")
	f.IntVar(&d.width, "width", 0, "with -y: the `columns` of both together; 0: those of the terminal, else 130")
	f.BoolVar(&d.words, "word", false, "mark the words that differ, [-so-]{+thus+} or in colour, not whole lines")
	return cmd
}

// settle checks the flags when all of them are known.
func (d *diffFlags) settle(q *queryFlags, args []string) error {
	switch {
	case d.all && len(args) > 1:
		return fmt.Errorf("cannot run sysops diff --all: it takes one pattern, and got %d", len(args))
	case !d.all && len(args) == 1:
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot compare %s with nothing", args[0]),
			Hint: "sysops diff A B compares A with B; sysops diff --all PATTERN lists the variants over the fleet",
		}
	case d.pairs && !d.all:
		return &sysops.HintedError{Err: errors.New("cannot use --pairs: there is one A to compare with"), Hint: "--pairs goes with --all"}
	case d.pairs && d.brief && q.misfit("brief"):
		return errors.New("cannot combine --pairs and --brief: one asks for more differences, the other for none")
	case d.fold && !d.all && !d.brief && q.misfit("fold"):
		return &sysops.HintedError{Err: errors.New("cannot --fold the hosts of differences that are printed one by one"), Hint: "--fold goes with --all or --brief"}
	case d.all && q.sort != "" && q.misfit("sort"):
		return errors.New("cannot --sort variants: they come most common first, and are numbered so")
	}
	if err := d.diffStyle.check(q); err != nil {
		return err
	}
	var err error
	if d.compared, err = parseElement(d.element); err != nil {
		return err
	}
	if err := d.checkLines(q); err != nil {
		return err
	}
	if err := d.maskFlags.check(d.compared); err != nil || d.all {
		return err
	}
	d.from, err = sysops.ParsePattern(args[0])
	return err
}

func parseElement(name string) (sysops.Element, error) {
	all := []sysops.Element{sysops.Contents, sysops.MD5Sum, sysops.StatOf, sysops.CountsOf, sysops.TimeOf}
	for _, e := range all {
		if e.String() == name {
			return e, nil
		}
	}
	return 0, &sysops.HintedError{Err: fmt.Errorf("cannot compare element %q", name), Hint: "the elements are contents, md5sum, stat, wordcount and time"}
}

// columns are the fields of the rows that are printed.
func (d *diffFlags) columns() []output.Field {
	switch {
	case d.all:
		return nil // see settle
	case d.brief && d.fold:
		return append(output.Fields("name", ""), foldFields(nil)...)
	case d.brief:
		return append(keyColumns(), output.Field{Name: "from", Value: ""})
	}
	return append(append(keyColumns(), output.Field{Name: "from", Value: ""}), changeFields(&sysops.Comparison{})...)
}

// changeFields say how much differs.
func changeFields(c *sysops.Comparison) []output.Field {
	removed, added, coarse := 0, 0, false
	if c.Diff != nil {
		removed, added = c.Diff.Changes()
		coarse = c.Diff.Coarse
	}
	return output.Fields("binary", c.Binary, "removed", removed, "added", added, "coarse", coarse)
}

// printAgainst compares A with each object of the answer.
func (d *diffFlags) printAgainst(ctx context.Context, in *inquiry) error {
	if in.answer.Len() == 0 {
		return nothingToCompare(in.query.Pattern)
	}
	query := in.query
	query.Pattern, query.Hosts, query.Exclude, query.MaxAge = d.from, nil, nil, 0
	from, partial, err := onlyObject(ctx, in.ui, in.client, query, d.compared)
	if err != nil {
		return err
	}
	masks, err := d.masks(in.conf)
	if err != nil {
		return err
	}
	bar := in.progress("objects", in.answer.Len())
	defer bar.Done()
	identical, masked, different := 0, 0, 0
	hosts := make(map[string][]string) // of objects that differ, for --fold
	for c, err := range in.answer.Compare(ctx, from, sysops.CompareOptions{Element: d.compared, Masks: masks, Brief: d.brief, Progress: bar.Step}) {
		switch {
		case err != nil:
			return err
		case c.Key == from.Key:
			continue
		case c.Masked:
			masked++
			fallthrough
		case c.Identical:
			identical++
			continue
		}
		different++
		if d.brief && d.fold {
			hosts[c.Name] = append(hosts[c.Name], c.Host)
		} else if err := d.printDifference(in, &c); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		slices.Sort(hosts[name])
		if err := in.printCount(len(hosts[name]), []byte(output.OneLine(name)), true, hosts[name], output.Field{Name: "name", Value: name}); err != nil {
			return err
		}
	}
	d.summary = fmt.Sprintf("%d of %d objects differ from %s, %s", different, different+identical, keyText(from.Key), identicalObjects(identical, masked))
	d.conclude(in, different > 0)
	if partial {
		in.status = exitPartial
	}
	return nil
}

// identicalObjects says how many objects are identical, and how many of them only in
// the form in which they are compared.
func identicalObjects(n, masked int) string {
	if masked == 0 {
		return fmt.Sprintf("%d identical", n)
	}
	return fmt.Sprintf("%d identical (%d but for what is masked)", n, masked)
}

// conclude sets the exit status, in the manner of diff(1): what is 1 there is so here,
// although something was found.
func (d *diffFlags) conclude(in *inquiry, different bool) {
	in.rows = max(in.rows, 1)
	if different {
		in.status = exitNothing
	}
	if in.leftOut != nil {
		in.status = exitPartial
	}
}

func nothingToCompare(p sysops.Pattern) error {
	return &sysops.HintedError{Err: fmt.Errorf("cannot compare anything: nothing matches %s", p), Hint: "sysops ls lists the names, sysops hosts the hosts"}
}

// printDifference prints a row of how an object differs.
func (d *diffFlags) printDifference(in *inquiry, c *sysops.Comparison) error {
	fields := append(keyFields(c.Key), output.Field{Name: "from", Value: c.From.Key.String()})
	if d.brief {
		return in.row(keyLine(c.Key), fields...)
	}
	fields = append(fields, changeFields(c)...)
	d.warnCoarse(in, c)
	if in.format == "text" {
		r := d.render(c)
		r.Fields = fields
		return in.out.Add(r)
	}
	if in.format != "csv" {
		fields = append(fields, output.Field{Name: "diff", Value: unifiedText(c, objectLabel, d.context)})
	}
	return in.row(nil, fields...)
}

func (d *diffFlags) warnCoarse(in *inquiry, c *sysops.Comparison) {
	if c.Diff != nil && c.Diff.Coarse && unshown(c, d.context) == nil {
		in.warn("what differs in %s is shown coarsely: it is too large, or too different, for the smallest difference", c.Key)
	}
}

// onlyObject reads the one object that a query selects. partial: the answer leaves
// out a part of the scope.
func onlyObject(ctx context.Context, u *ui, client *sysops.Client, query sysops.Query, element sysops.Element) (from *sysops.Object, partial bool, err error) {
	answer, err := client.Ask(ctx, query)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err := answer.Close(ctx); err != nil && ctx.Err() == nil {
			u.warn("%v", err)
		}
	}()
	if n := answer.Len(); n != 1 {
		return nil, false, notOne(query.Pattern, answer)
	}
	elements := []sysops.Element{element, sysops.TimeOf}
	for o, err := range answer.Objects(ctx, slices.Compact(elements)...) {
		if err != nil {
			return nil, false, err
		}
		from = &o
	}
	if from == nil {
		return nil, false, fmt.Errorf("cannot compare with what matches %s: it is gone, or unreadable", query.Pattern)
	}
	return from, answer.Completeness().Partial(), nil
}

// namedKeys is how many keys are named of those that match and should not.
const namedKeys = 3

func notOne(p sysops.Pattern, answer *sysops.Answer) error {
	if answer.Len() == 0 {
		return nothingToCompare(p)
	}
	var keys []string
	for key := range answer.Keys() {
		if keys = append(keys, key.String()); len(keys) == namedKeys {
			break
		}
	}
	more := ""
	if n := answer.Len() - len(keys); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return &sysops.HintedError{
		Err:  fmt.Errorf("cannot compare with %s: it matches %d objects, and must match one: %s%s", p, answer.Len(), strings.Join(keys, ", "), more),
		Hint: "name the host too: host#name",
	}
}
