package cli

import (
	"embed"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagLists are the flags of each command, a name a line. One config serves both on the same
// machine, so each must know the flags of the other. The tests of the commands write them:
// UPDATE=1 go test ./cmd/... -run TestTheListOfFlags.
//
//go:embed flags
var flagLists embed.FS

// ConfigFlags are the flags that a line of the config may set, those of both commands.
func ConfigFlags() []string {
	var names []string
	for _, command := range []string{"sysops", "sysops-agent"} {
		list, err := flagLists.ReadFile("flags/" + command)
		if err != nil {
			panic(err) // it is built in
		}
		names = append(names, strings.Fields(string(list))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// FlagNames lists the flags of a command and of those below it that the environment and the
// config may set.
func FlagNames(root *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "version" && f.Name != "config" && !IsCommandLineOnly(f) {
			names = append(names, f.Name)
		}
	}
	root.Flags().VisitAll(add)
	root.PersistentFlags().VisitAll(add)
	for _, cmd := range root.Commands() {
		names = append(names, FlagNames(cmd)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
