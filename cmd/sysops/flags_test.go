package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api/internal/cli"
)

// A variable such as SYSOPS_HOSTS is for every command that has the flag: where one name
// is a number here and a word there, one of them is for the command line alone.
func TestAVariableSuitsEveryCommand(t *testing.T) {
	users := make(map[string]map[string][]string) // of each flag's types
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if cli.IsCommandLineOnly(f) {
				return
			}
			if users[f.Name] == nil {
				users[f.Name] = make(map[string][]string)
			}
			users[f.Name][f.Value.Type()] = append(users[f.Name][f.Value.Type()], cmd.CommandPath())
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(newUI(strings.NewReader(""), nil, nil)))
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if len(users[name]) > 1 {
			t.Errorf("--%s has several types: %v", name, users[name])
		}
	}
	if len(users) < 20 {
		t.Errorf("only %d flags were looked at", len(users))
	}
}
