package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

// grepFlags are the switches of grep(1), and those that make one answer of a
// whole fleet.
type grepFlags struct {
	sysops.GrepOptions
	count, list, without, uniq bool
	prefix                     bool
}

func newGrep(u *ui) *cobra.Command {
	q := &queryFlags{}
	g := &grepFlags{}
	cmd := &cobra.Command{
		Use:   "grep REGEX PATTERN",
		Short: "Print matching lines, or count them over the fleet, or say who lacks them",
		Long: `Print the lines of the selected objects that match REGEX (Go's syntax, RE2).
As with grep and several files, the key is put before each line where more than
one object is searched; -H and -H=false decide.

--uniq counts identical lines over the fleet, most frequent first.
-L prints the hosts that lack the line: "no line" where the object has none,
"no object" where a live host does not have the object, "missing" where the host
has no live snapshot. The host is the first word of each line, so that the list
can go back into --hosts-file.`,
		Example: `  sysops grep 10.132.40.56 ss-anp --scope global
  sysops grep --uniq net.core.netdev_budget sysctl-a
  sysops grep -L '^PermitRootLogin no' /etc/ssh/sshd_config`,
		Args: cli.Args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.check(); err != nil {
				return err
			}
			g.CountOnly = g.count || g.list || g.without
			expr, err := sysops.CompileExpr(args[0], g.GrepOptions)
			if err != nil {
				return err
			}
			return u.ask(cmd, q, sysops.ParsePattern, args[1], func(ctx context.Context, in *inquiry) error {
				if !cmd.Flags().Changed("prefix-hostnames") {
					g.prefix = in.answer.Len() > 1
				}
				return g.print(ctx, in, expr)
			})
		},
	}
	q.add(cmd)
	f := cmd.Flags()
	f.BoolVarP(&g.Invert, "invert-match", "v", false, "lines that do not match")
	f.BoolVarP(&g.IgnoreCase, "ignore-case", "i", false, "case does not matter")
	f.BoolVarP(&g.Fixed, "fixed-strings", "F", false, "REGEX is text, not an expression")
	f.BoolVarP(&g.Word, "word-regexp", "w", false, "no word character on either side of the match")
	f.BoolVarP(&g.OnlyMatching, "only-matching", "o", false, "each non-empty match, in place of its line")
	f.BoolVarP(&g.Text, "text", "a", false, "search contents with NUL bytes like text")
	f.BoolVarP(&g.count, "count", "c", false, "the number of lines, for each object")
	f.BoolVarP(&g.list, "files-with-matches", "l", false, "only the keys of objects with such a line")
	f.BoolVarP(&g.without, "files-without-match", "L", false, "only the hosts that lack such a line, and why")
	f.BoolVar(&g.uniq, "uniq", false, "identical lines counted over the fleet, most frequent first")
	f.BoolVar(&g.without, "lacks", false, "the same as -L")
	addPrefixFlag(cmd, &g.prefix, false)
	return cmd
}

func (g *grepFlags) check() error {
	var set []string
	for name, on := range map[string]bool{"--count": g.count, "--files-with-matches": g.list, "--files-without-match": g.without, "--uniq": g.uniq} {
		if on {
			set = append(set, name)
		}
	}
	if len(set) > 1 {
		slices.Sort(set)
		return fmt.Errorf("cannot combine %s: each is an answer of its own", strings.Join(set, " and "))
	}
	return nil
}

// each runs f on what grep finds in every object.
func (g *grepFlags) each(ctx context.Context, in *inquiry, expr *sysops.Expr, f func(*sysops.Match) error) error {
	bar := in.progress("objects", in.answer.Len())
	defer bar.done()
	for m, err := range in.answer.Grep(ctx, expr) {
		if err != nil {
			return err
		}
		bar.step()
		if err := f(&m); err != nil {
			return err
		}
	}
	return nil
}

func (g *grepFlags) print(ctx context.Context, in *inquiry, expr *sysops.Expr) error {
	switch {
	case g.uniq:
		return g.printUniq(ctx, in, expr)
	case g.without:
		return g.printLacking(ctx, in, expr)
	case g.count:
		return g.each(ctx, in, expr, func(m *sysops.Match) error {
			if m.Count > 0 {
				in.rows++
			}
			return in.out.row(fmt.Appendf(nil, "%s:%d\n", m.Key, m.Count), append(keyFields(m.Key), field{"count", m.Count})...)
		})
	case g.list:
		return g.each(ctx, in, expr, func(m *sysops.Match) error {
			if m.Count == 0 {
				return nil
			}
			in.rows++
			return in.out.row([]byte(m.Key.String()+"\n"), keyFields(m.Key)...)
		})
	}
	return g.each(ctx, in, expr, func(m *sysops.Match) error { return g.printLines(in, expr, m) })
}

func (g *grepFlags) printLines(in *inquiry, expr *sysops.Expr, m *sysops.Match) error {
	in.rows += m.Count
	if m.Binary && m.Count > 0 {
		return in.out.row(fmt.Appendf(nil, "%s: binary matches\n", m.Key), append(keyFields(m.Key), field{"line", "binary matches"})...)
	}
	prefix := ""
	if g.prefix {
		prefix = m.Key.String()
	}
	for _, line := range m.Lines {
		if err := g.printLine(in, expr, prefix, m.Key, line); err != nil {
			return err
		}
	}
	return nil
}

func (g *grepFlags) printLine(in *inquiry, expr *sysops.Expr, prefix string, key sysops.Key, line []byte) error {
	if in.colored() {
		var spans [][2]int
		if !g.Invert {
			spans = expr.Spans(line)
		}
		return in.printColored(prefix, line, spans)
	}
	text := make([]byte, 0, len(prefix)+len(line)+2)
	if prefix != "" {
		text = append(append(text, prefix...), ':')
	}
	text = append(append(text, line...), '\n')
	return in.out.row(text, append(keyFields(key), field{"line", line})...)
}

// printUniq counts lines, as "sort | uniq -c | sort -rn" would; lines that are
// equally frequent come in their own order.
func (g *grepFlags) printUniq(ctx context.Context, in *inquiry, expr *sysops.Expr) error {
	counts := make(map[string]int)
	err := g.each(ctx, in, expr, func(m *sysops.Match) error {
		if m.Binary && m.Count > 0 {
			counts["binary matches"]++
		}
		for _, line := range m.Lines {
			counts[string(line)]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	lines := make([]string, 0, len(counts))
	for l := range counts {
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for _, l := range lines {
		in.rows++
		if err := in.out.row(fmt.Appendf(nil, "%7d %s\n", counts[l], l), field{"count", counts[l]}, field{"line", []byte(l)}); err != nil {
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
)

// printLacking prints each host that has an object without the line, has no
// object, or has no live snapshot.
func (g *grepFlags) printLacking(ctx context.Context, in *inquiry, expr *sysops.Expr) error {
	why := make(map[string]string)
	err := g.each(ctx, in, expr, func(m *sysops.Match) error {
		if m.Count == 0 {
			why[m.Host] = lacksLine
		}
		return nil
	})
	if err != nil {
		return err
	}
	complete := in.answer.Completeness()
	if in.answer.Len() == 0 && len(complete.Lacking) == 0 {
		return &sysops.HintedError{
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
	hosts := make([]string, 0, len(why))
	for h := range why {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		in.rows++
		if err := in.out.row(fmt.Appendf(nil, "%-40s %s\n", h, why[h]), field{"host", h}, field{"lacks", why[h]}); err != nil {
			return err
		}
	}
	return nil
}
