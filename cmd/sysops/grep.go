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
)

// grepFlags are the switches of grep(1), and those that make one answer of a
// whole fleet.
type grepFlags struct {
	sysops.GrepOptions
	count, list, without, uniq bool
	fold                       bool
	prefix                     bool
	marked                     bool // what matched is told: it takes time, and only colours show it

	expr *sysops.Expr
}

func newGrep(u *ui) *cobra.Command {
	q := &queryFlags{}
	g := &grepFlags{}
	cmd := &cobra.Command{
		Use:   "grep REGEX PATTERN",
		Short: "Print or count matching lines, or say which hosts lack them",
		Long: `Print the lines of the selected objects that match REGEX (Go's syntax, RE2).
As with grep and several files, the key is put before each line where more than
one object is searched; -H and -H=false decide.

--uniq counts identical lines over the fleet, most frequent first. With -o it counts
the matches or, where REGEX has a group in parentheses, what the first group matched;
(?:...) is a group that does not count.

-L prints the hosts that lack the line: "no line" where no selected object of the
host has it, "no object" where a live host does not have the object, "missing" where
the host has no live snapshot and, with --partial, "unreadable" where that may be so
because an object could not be read. The host is the first word of each line, so that
the list can go back into --hosts-file.

--fold puts all hosts into one expression that --hosts takes back: with --uniq for
each line, with -L for each reason, with -l for each name. It is what follows the last
tab of a line: "hosts" in the other formats.`,
		Example: `  sysops grep 10.132.40.56 ss-anp --scope global
  sysops grep --uniq net.core.netdev_budget sysctl-a
  sysops grep --uniq --fold -o '^net.core.netdev_budget = (.*)' sysctl-a
  sysops grep -L '^PermitRootLogin no' /etc/ssh/sshd_config
  sysops grep -L --fold '^PermitRootLogin no' /etc/ssh/sshd_config
  sysops grep -m 1 -i error /var/log/syslog --sort line --limit 20`,
		Args: cli.Args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.check = func() error { return g.settle(q, args[0]) }
			return u.ask(cmd, q, sysops.ParsePattern, args[1], func(ctx context.Context, in *inquiry) error {
				if !cmd.Flags().Changed("prefix-hostnames") {
					g.prefix = in.answer.Len() > 1
				}
				g.marked = in.colored()
				return g.print(ctx, in)
			})
		},
	}
	q.columns = g.columns
	q.add(cmd)
	f := cmd.Flags()
	f.BoolVarP(&g.Invert, "invert-match", "v", false, "lines that do not match")
	f.BoolVarP(&g.IgnoreCase, "ignore-case", "i", false, "case does not matter")
	f.BoolVarP(&g.Fixed, "fixed-strings", "F", false, "REGEX is text, not an expression")
	f.BoolVarP(&g.Word, "word-regexp", "w", false, "no word character on either side of the match")
	f.BoolVarP(&g.OnlyMatching, "only-matching", "o", false, "each non-empty match, in place of its line")
	f.BoolVarP(&g.Text, "text", "a", false, "search contents with NUL bytes like text")
	f.IntVarP(&g.MaxCount, "max-count", "m", 0, "stop after so many `lines` of each object; 0: never")
	f.BoolVarP(&g.count, "count", "c", false, "the number of lines, for each object")
	f.BoolVarP(&g.list, "files-with-matches", "l", false, "only the keys of objects with such a line")
	f.BoolVarP(&g.without, "files-without-match", "L", false, "only the hosts that lack such a line, and why")
	f.BoolVar(&g.uniq, "uniq", false, "identical lines counted over the fleet, most frequent first")
	f.BoolVar(&g.without, "lacks", false, "the same as -L")
	f.BoolVar(&g.fold, "fold", false, "with --uniq, -l or -L: the hosts of each line, name or reason as one expression")
	addPrefixFlag(cmd, &g.prefix, false)
	return cmd
}

// settle checks the flags when all of them are known, and compiles the expression.
func (g *grepFlags) settle(q *queryFlags, regex string) error {
	if err := g.check(q); err != nil {
		return err
	}
	o := g.GrepOptions
	o.CountOnly = g.count || g.list || g.without
	o.Group = g.uniq && g.OnlyMatching
	if g.list || g.without {
		o.MaxCount = 1 // the first line decides
	}
	var err error
	g.expr, err = sysops.CompileExpr(regex, o)
	return err
}

func (g *grepFlags) check(q *queryFlags) error {
	var set []string
	for name, on := range map[string]bool{"--count": g.count, "--files-with-matches": g.list, "--files-without-match": g.without, "--uniq": g.uniq} {
		if on {
			set = append(set, name)
		}
	}
	switch {
	case len(set) > 1:
		slices.Sort(set)
		return fmt.Errorf("cannot combine %s: each is an answer of its own", strings.Join(set, " and "))
	case g.fold && !g.uniq && !g.list && !g.without && q.misfit("fold"):
		return &sysops.HintedError{
			Err:  errors.New("cannot --fold the hosts of lines that are not counted"),
			Hint: "--fold goes with --uniq, -l or -L",
		}
	case g.Invert && g.OnlyMatching:
		return errors.New("cannot combine --invert-match and --only-matching: a line without a match has no part that matches")
	case g.MaxCount < 0:
		return fmt.Errorf("cannot stop after %d lines: the number is negative", g.MaxCount)
	}
	return nil
}

// columns are the fields of the rows that print prints.
func (g *grepFlags) columns() []output.Field {
	var fields []output.Field
	switch {
	case g.uniq:
		fields = output.Fields("count", 0, "line", "")
	case g.without && g.fold:
		fields = output.Fields("lacks", "")
	case g.without:
		return output.Fields("host", "", "lacks", "")
	case g.list && g.fold:
		fields = output.Fields("name", "")
	case g.list:
		return keyColumns()
	case g.count:
		return append(keyColumns(), output.Field{Name: "count", Value: 0})
	default:
		return append(keyColumns(), output.Field{Name: "line", Value: ""})
	}
	if g.fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

// each runs f on what grep finds in every object.
func (g *grepFlags) each(ctx context.Context, in *inquiry, f func(*sysops.Match) error) error {
	bar := in.progress("objects", in.answer.Len())
	defer bar.Done()
	for m, err := range in.answer.Grep(ctx, g.expr) {
		if err != nil {
			return err
		}
		bar.Step()
		if err := f(&m); err != nil {
			return err
		}
	}
	return nil
}

func (g *grepFlags) print(ctx context.Context, in *inquiry) error {
	switch {
	case g.uniq:
		return g.printUniq(ctx, in)
	case g.without:
		return g.printLacking(ctx, in)
	case g.count:
		return g.each(ctx, in, func(m *sysops.Match) error {
			if m.Count > 0 {
				in.rows++
			}
			return in.row(fmt.Appendf(nil, "%s:%d\n", keyText(m.Key), m.Count), append(keyFields(m.Key), output.Field{Name: "count", Value: m.Count})...)
		})
	case g.list && g.fold:
		return g.printFoldedList(ctx, in)
	case g.list:
		return g.each(ctx, in, func(m *sysops.Match) error {
			if m.Count == 0 {
				return nil
			}
			in.rows++
			return in.row(keyLine(m.Key), keyFields(m.Key)...)
		})
	}
	return g.each(ctx, in, func(m *sysops.Match) error { return g.printLines(in, m) })
}

func (g *grepFlags) printLines(in *inquiry, m *sysops.Match) error {
	in.rows += m.Count
	if m.Binary && m.Count > 0 {
		return in.row(fmt.Appendf(nil, "%s: %s\n", keyText(m.Key), binaryMatches), append(keyFields(m.Key), output.Field{Name: "line", Value: binaryMatches})...)
	}
	prefix := ""
	if g.prefix {
		prefix = keyText(m.Key)
	}
	for _, line := range m.Lines {
		if err := g.printLine(in, prefix, m.Key, line); err != nil {
			return err
		}
	}
	return nil
}

// binaryMatches stands in for the lines of an object that is no text.
const binaryMatches = "binary matches"

func (g *grepFlags) printLine(in *inquiry, prefix string, key sysops.Key, line []byte) error {
	fields := append(keyFields(key), output.Field{Name: "line", Value: line})
	text := output.Painter{Text: make([]byte, 0, len(prefix)+len(line)+2), Marks: make([]output.Mark, 0, 3)}
	if prefix != "" {
		text.Add(output.Key, prefix)
		text.Add(output.Colon, ":")
	}
	at := 0
	if g.marked && !g.Invert {
		for _, s := range g.expr.Spans(line) {
			text.AddBytes(output.Plain, line[at:s[0]])
			text.AddBytes(output.Match, line[s[0]:s[1]])
			at = s[1]
		}
	}
	text.AddBytes(output.Plain, line[at:])
	text.Add(output.Plain, "\n")
	return in.out.Add(text.Row(fields...))
}

// printUniq counts lines, as "sort | uniq -c | sort -rn" would; lines that are
// equally frequent come in their own order.
func (g *grepFlags) printUniq(ctx context.Context, in *inquiry) error {
	bar := in.progressBefore("objects", in.answer.Len())
	counts, err := in.answer.CountLines(ctx, g.expr, sysops.CountOptions{Hosts: g.fold, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	for _, c := range counts {
		line := c.Line
		if c.Binary {
			line = []byte(binaryMatches)
		}
		in.rows++
		if err := in.printCount(c.Count, line, g.fold, c.Hosts(), output.Field{Name: "count", Value: c.Count}, output.Field{Name: "line", Value: line}); err != nil {
			return err
		}
	}
	return nil
}

// printFoldedList prints each name of an object with a matching line, and its hosts.
func (g *grepFlags) printFoldedList(ctx context.Context, in *inquiry) error {
	hosts := make(map[string][]string)
	err := g.each(ctx, in, func(m *sysops.Match) error {
		if m.Count > 0 {
			hosts[m.Name] = append(hosts[m.Name], m.Host)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		in.rows++
		if err := in.printCount(len(hosts[name]), []byte(output.OneLine(name)), true, hosts[name], output.Field{Name: "name", Value: name}); err != nil {
			return err
		}
	}
	return nil
}

// Why a host is on the list of -L.
const (
	lacksLine   = "no line"
	lacksObject = "no object"
	lacksHost   = "missing"
	lacksProof  = "unreadable" // with --partial: an object that could not be read may have the line
)

// printLacking prints each host that has no object with the line, no object at all,
// or no live snapshot.
func (g *grepFlags) printLacking(ctx context.Context, in *inquiry) error {
	why, err := g.lacking(ctx, in)
	if err != nil {
		return err
	}
	if !g.fold {
		for _, h := range slices.Sorted(maps.Keys(why)) {
			in.rows++
			if err := in.row(fmt.Appendf(nil, "%-40s %s\n", h, why[h]), output.Field{Name: "host", Value: h}, output.Field{Name: "lacks", Value: why[h]}); err != nil {
				return err
			}
		}
		return nil
	}
	hosts := make(map[string][]string)
	for h, reason := range why {
		hosts[reason] = append(hosts[reason], h)
	}
	for _, reason := range []string{lacksLine, lacksObject, lacksHost, lacksProof} {
		if len(hosts[reason]) == 0 {
			continue
		}
		slices.Sort(hosts[reason])
		in.rows++
		if err := in.printCount(len(hosts[reason]), []byte(reason), true, hosts[reason], output.Field{Name: "lacks", Value: reason}); err != nil {
			return err
		}
	}
	return nil
}

// lacking returns the hosts of which no object has the line, and why. One object with
// it is enough: PATTERN may select several of a host.
func (g *grepFlags) lacking(ctx context.Context, in *inquiry) (map[string]string, error) {
	why := make(map[string]string)
	has := make(map[string]bool)
	err := g.each(ctx, in, func(m *sysops.Match) error {
		if m.Count > 0 {
			has[m.Host] = true
			delete(why, m.Host)
		} else if !has[m.Host] {
			why[m.Host] = lacksLine
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	complete := in.answer.Completeness()
	if in.answer.Len() == 0 && len(complete.Lacking) == 0 {
		return nil, &sysops.HintedError{
			Err:  fmt.Errorf("cannot say who lacks the line: no live host has an object that matches %s", in.query.Pattern),
			Hint: "sysops ls lists the names, sysops hosts the hosts",
		}
	}
	for _, h := range complete.Lacking {
		why[h] = lacksObject
	}
	for _, h := range complete.Missing {
		why[h] = lacksHost
	}
	for _, o := range complete.Unreadable {
		if key, ok := sysops.ParseKey(o.Key); ok && !has[key.Host] {
			why[key.Host] = lacksProof
		}
	}
	return why, nil
}
