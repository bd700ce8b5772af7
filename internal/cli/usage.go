package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api"
)

// Prepare makes a program's root command tell its errors as Fail does: it prints
// none itself, and a misspelt verb or flag comes with what was likely meant.
func Prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.DisableSuggestions = true
	root.SetFlagErrorFunc(flagError)
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
	hint := cmd.CommandPath() + " --help lists them"
	if near := sysops.Nearest(verb, verbs); near != "" {
		hint = fmt.Sprintf("did you mean %s %s?", cmd.CommandPath(), near)
	}
	return &sysops.HintedError{Err: fmt.Errorf("cannot %s: %s has no such command", verb, cmd.CommandPath()), Hint: hint}
}

func flagError(cmd *cobra.Command, err error) error {
	err = fmt.Errorf("cannot run %s: %w", cmd.CommandPath(), err)
	hint := cmd.CommandPath() + " --help lists its flags"
	if _, name, ok := strings.Cut(err.Error(), "unknown flag: --"); ok {
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		if near := sysops.Nearest(name, flags); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return &sysops.HintedError{Err: err, Hint: hint}
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
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot run %s: it takes %s, and got %d", cmd.CommandPath(), takes, len(args)),
			Hint: "usage: " + cmd.UseLine(),
		}
	}
}
