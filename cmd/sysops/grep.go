package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newGrep(u *ui) *cobra.Command {
	q, g := &queryFlags{}, &verbs.Grep{}
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
the host has no live snapshot, and "unreadable" where that may be so because an object
could not be read. The host is the first word of each line, so that
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
			g.Regex, g.Pattern = args[0], args[1]
			return u.run(cmd, q, g)
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
	f.IntVarP(&g.MaxCount, "max-count", "m", 0, "stop after so many `lines` of each object; 0: never")
	f.BoolVarP(&g.Count, "count", "c", false, "the number of lines, for each object")
	f.BoolVarP(&g.List, "files-with-matches", "l", false, "only the keys of objects with such a line")
	f.BoolVarP(&g.Without, "files-without-match", "L", false, "only the hosts that lack such a line, and why")
	f.BoolVar(&g.Uniq, "uniq", false, "identical lines counted over the fleet, most frequent first")
	f.BoolVar(&g.Without, "lacks", false, "the same as -L")
	f.BoolVar(&g.Fold, "fold", false, "with --uniq, -l or -L: the hosts of each line, name or reason as one expression")
	optionalBool(cmd, &g.Prefix, prefixFlag, "H", prefixUsage)
	return cmd
}
