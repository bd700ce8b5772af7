package cli

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Prepare makes a program's root command tell its errors as Fail does: it prints
// none itself, and a misspelt verb or flag comes with what was likely meant.
func Prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.DisableSuggestions = true
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	if root.RunE != nil {
		return // a root that does something itself takes its own arguments
	}
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownVerb(cmd, args[0])
	}
}

func unknownVerb(cmd *cobra.Command, verb string) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		verbs = append(verbs, c.Name())
	}
	advice := cmd.CommandPath() + " --help lists them"
	if near := words.Nearest(verb, verbs); near != "" {
		advice = fmt.Sprintf("did you mean %s %s?", cmd.CommandPath(), near)
	}
	return hint.To(fmt.Errorf("cannot run %s: %s has no such command", verb, cmd.CommandPath()), advice)
}

func flagError(cmd *cobra.Command, err error) error {
	err = fmt.Errorf("cannot run %s: %w", cmd.CommandPath(), err)
	advice := cmd.CommandPath() + " --help lists its flags"
	if _, name, ok := strings.Cut(err.Error(), "unknown flag: --"); ok {
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		if near := words.Nearest(name, flags); near != "" {
			advice = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return hint.To(err, advice)
}

// helpWidth is how wide help is: as a terminal that nobody has widened.
const helpWidth = 80

func help(cmd *cobra.Command, _ []string) {
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n", fill(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short))))
	cmd.SetOut(cmd.OutOrStdout())
	cmd.Usage() //nolint:errcheck // nobody is left to tell
}

// fill breaks the lines of paragraphs anew, so that they are no wider than helpWidth.
// Lines that begin with a space stay as they are, as in the manual.
func fill(text string) string {
	var b strings.Builder
	width := 0 // of the line, which may go on; 0: begin one
	for _, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == ' ' {
			if width > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(line + "\n")
			width = 0
			continue
		}
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case width == 0:
			case width+1+n > helpWidth:
				b.WriteByte('\n')
				width = 0
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += n
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// usage prints what cobra's own would, but for flags: they fit on a terminal, and those
// of a group stand apart, so that the few of a verb are not lost among those of all.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, g := range append(cmd.Groups(), &cobra.Group{Title: "Commands:"}) { // those of no group last
		title := "\n" + g.Title + "\n"
		for _, c := range cmd.Commands() {
			if c.GroupID == g.ID && (c.IsAvailableCommand() || c.Name() == "help") {
				fmt.Fprintf(&b, "%s  %-*s %s\n", title, c.NamePadding(), c.Name(), c.Short)
				title = ""
			}
		}
	}
	for _, g := range flagGroups(cmd) {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s [command] --help tells more of a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// A flagGroup is what help and manual print under one heading.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// groupAnnotation is where GroupFlags keeps a flag's heading.
const groupAnnotation = "sysops-group"

// GroupFlags has help and manual print the flags that add gives to cmd under a heading
// of their own.
func GroupFlags(cmd *cobra.Command, title string, add func()) {
	had := make(map[string]bool)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { had[f.Name] = true })
	add()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !had[f.Name] {
			if f.Annotations == nil {
				f.Annotations = make(map[string][]string)
			}
			f.Annotations[groupAnnotation] = []string{title}
		}
	})
}

// flagGroups returns the flags of cmd: its own, those of groups, those that it has from
// the commands above it. No group is empty.
func flagGroups(cmd *cobra.Command) []flagGroup {
	groups := []flagGroup{{"Flags", pflag.NewFlagSet("", pflag.ContinueOnError)}}
	put := func(title string) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			title := title
			if group := f.Annotations[groupAnnotation]; len(group) > 0 {
				title = group[0]
			}
			at := slices.IndexFunc(groups, func(g flagGroup) bool { return g.title == title })
			if at < 0 {
				at = len(groups)
				groups = append(groups, flagGroup{title, pflag.NewFlagSet("", pflag.ContinueOnError)})
			}
			groups[at].flags.AddFlag(f)
		}
	}
	cmd.LocalFlags().VisitAll(put("Flags"))
	cmd.InheritedFlags().VisitAll(put("Global flags"))
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return !g.flags.HasAvailableFlags() })
}

// Args checks that a command gets between least and most arguments.
func Args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		if cmd.HasSubCommands() && len(args) > most {
			return unknownVerb(cmd, args[0])
		}
		takes := fmt.Sprintf("%d arguments", least)
		switch {
		case most == math.MaxInt:
			takes = fmt.Sprintf("%d or more arguments", least)
		case most != least:
			takes = fmt.Sprintf("%d to %d arguments", least, most)
		case most == 0:
			takes = "no arguments"
		case most == 1:
			takes = "one argument"
		}
		return hint.To(fmt.Errorf("cannot run %s: it takes %s, and got %d", cmd.CommandPath(), takes, len(args)), "usage: "+cmd.UseLine())
	}
}
