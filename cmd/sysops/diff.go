package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// diffFlags say what is compared, and how differences are shown. Which verb that is can be
// told when all of them are known.
type diffFlags struct {
	all, pairs, lines, brief, fold bool
	rare                           int
	verbs.Comparing
	verbs.Style
}

const diffHelp = `Compare object A with each object that B selects, and print the differences as
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

Exit status: 0 nothing differs, 1 something differs, 2 error, 3 the answer is partial.`

func newDiff(u *ui) *cobra.Command {
	q, d := &queryFlags{}, &diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff A B | diff HOST1 HOST2 | diff --all PATTERN",
		Short: "Compare objects or two hosts, or list the variants of an object",
		Long:  diffHelp,
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
			q.grouped = d.all
			return u.run(cmd, q, &chosenVerb{choose: func() (verbs.Verb, error) { return d.verb(cmd, q, args) }})
		},
	}
	q.add(cmd)
	d.add(cmd)
	return cmd
}

func (d *diffFlags) add(cmd *cobra.Command) {
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
	f.StringVar(&d.Element, "element", "contents", "compare contents, md5sum, stat, wordcount or time")
	cli.CompleteWords(cmd, "element", "contents", "md5sum", "stat", "wordcount", "time")
	f.StringArrayVar(&d.Mask, "mask", nil, "what this `regex` matches on a line does not count, or its groups alone; repeatable")
	f.StringArrayVar(&d.Drop, "drop", nil, "lines that this `regex` matches do not count; repeatable")
	f.BoolVar(&d.Set, "set", false, "the order of lines does not count")
	f.BoolVar(&d.JSON, "json", false, "compare all contents that are JSON as JSON, not only those whose name says so")
	cli.CommandLineOnly(cmd, "json") // to the agent, which shares the config, it is a file
	f.BoolVar(&d.NoMask, "no-mask", false, "compare byte for byte, but for what --mask, --drop, --set and --json say")
	f.IntVarP(&d.Context, "unified", "U", verbs.DefaultContext, "show so many equal `lines` around differences")
	f.BoolVarP(&d.SideBySide, "side-by-side", "y", false, "in two columns")
	f.IntVar(&d.Width, "width", 0, "with -y: the `columns` of both together; 0: those of the terminal, else 130")
	f.BoolVar(&d.Words, "word", false, "mark the words that differ, [-so-]{+thus+} or in colour, not whole lines")
}

// verb is what the flags ask for.
func (d *diffFlags) verb(cmd *cobra.Command, q *queryFlags, args []string) (verbs.Verb, error) {
	if err := d.check(q, args); err != nil {
		return nil, err
	}
	style := d.Style
	if style.SideBySide && style.Width == 0 {
		style.Width = columnsOf(cmd)
	}
	switch {
	case d.lines:
		return &verbs.Deviations{Pattern: args[0], Comparing: d.Comparing, Rare: d.rare, Fold: d.fold, Limit: q.limit}, nil
	case d.all:
		return &verbs.Variants{Pattern: args[0], Comparing: d.Comparing, Style: style, Pairs: d.pairs, Brief: d.brief, Fold: d.fold, Limit: q.limit}, nil
	}
	objects := &verbs.Diff{From: args[0], To: args[1], Comparing: d.Comparing, Style: style, Brief: d.brief, Fold: d.fold}
	if !verbs.CouldBeHosts(args...) {
		return objects, nil
	}
	hosts := &verbs.DiffHosts{First: args[0], Second: args[1], Comparing: d.Comparing, Style: style, Brief: d.brief}
	return &hostsOrObjects{objects, hosts, q.misfit}, nil
}

// columnsOf is how wide two columns are beside each other on a terminal; 0: there is none.
func columnsOf(cmd *cobra.Command) int {
	width := terminal.Width(cmd.OutOrStdout())
	if width > 0 {
		width = max(width, verbs.LeastWidth)
	}
	return width
}

// check refuses flags that mean nothing to the verb that others choose.
func (d *diffFlags) check(q *queryFlags, args []string) error {
	switch {
	case d.all && len(args) > 1:
		return fmt.Errorf("cannot run sysops diff --all: it takes one pattern, and got %d", len(args))
	case !d.all && len(args) == 1:
		return hint.To(fmt.Errorf("cannot compare %s with nothing", args[0]),
			"sysops diff A B compares A with B; sysops diff --all PATTERN lists the variants over the fleet")
	case d.pairs && !d.all:
		return hint.To(errors.New("cannot use --pairs: there is one A to compare with"), "--pairs goes with --all")
	case d.all && q.sort != "" && q.misfit("sort"):
		return errors.New("cannot --sort variants: they come most common first, and are numbered so")
	}
	return d.checkLines(q)
}

// checkLines checks --lines and --rare with the other flags.
func (d *diffFlags) checkLines(q *queryFlags) error {
	switch {
	case d.rare != 0 && !d.lines:
		return hint.To(errors.New("cannot use --rare: no lines are counted"), "--rare goes with --all --lines")
	case !d.lines:
		return nil
	case !d.all:
		return hint.To(errors.New("cannot use --lines: there is one A to compare with"), "--lines goes with --all")
	}
	if err := d.Style.Check(); err != nil { // though nothing is shown in it
		return err
	}
	for _, whole := range []struct {
		on   bool
		flag string
	}{{d.pairs, "pairs"}, {d.brief, "brief"}, {d.SideBySide, "side-by-side"}, {d.Words, "word"}} {
		if whole.on && q.misfit(whole.flag) {
			return fmt.Errorf("cannot combine --lines and --%s: that is about whole objects", whole.flag)
		}
	}
	return nil
}
