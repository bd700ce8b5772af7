package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/config"
)

// AddCompletions has the shell complete the values of flags: words, sites and cores,
// files and folders. words has the values of flags that take one of a few, by the
// flags' names; a flag that has a completion keeps it. Nothing but the config file is
// read, no server and no directory service is asked. To be called when root has all
// its commands.
func AddCompletions(root *cobra.Command, words map[string][]string) {
	for _, cmd := range append(root.Commands(), root) {
		if cmd != root {
			AddCompletions(cmd, words)
		}
		for name, values := range words {
			CompleteWords(cmd, name, values...)
		}
		completeFlag(cmd, "site", completeSites)
		completeFlag(cmd, "core", completeCores)
		for _, name := range []string{"clusters", "outgoing", "state", "tree"} {
			completeFlag(cmd, name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			})
		}
		for _, name := range []string{"server", "directory", "host", "hosts", "exclude"} {
			completeFlag(cmd, name, cobra.NoFileCompletions)
		}
	}
}

// CompleteWords has the shell complete the values of a flag of cmd, which takes one of a
// few. It does nothing where cmd has no such flag, or completes it already.
func CompleteWords(cmd *cobra.Command, flag string, words ...string) {
	completeFlag(cmd, flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeFlag does nothing where cmd has no such flag, or completes it already.
func completeFlag(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if cmd.Flag(flag) == nil {
		return
	}
	if _, has := cmd.GetFlagCompletionFunc(flag); has {
		return
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the flag is there: a mistake of the program
	}
}

func completeSites(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return slices.Sorted(maps.Keys(listedSites(cmd))), cobra.ShellCompDirectiveNoFileComp
}

// completeCores are those of --site, where it is given.
func completeCores(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var cores []string
	only := cmd.Flag("site")
	for site, of := range listedSites(cmd) {
		if only == nil || only.Value.String() == "" || only.Value.String() == site {
			cores = slices.AppendSeq(cores, maps.Keys(of))
		}
	}
	slices.Sort(cores)
	return cores, cobra.ShellCompDirectiveNoFileComp
}

// listedSites are the sites and their cores that the config itself lists: none where
// it cannot be read, which is no time to tell so, or where a service knows them.
func listedSites(cmd *cobra.Command) map[string]map[string][]string {
	path := ""
	if f := cmd.Flag("config"); f != nil {
		path = f.Value.String()
	}
	conf, err := config.Load(path, ConfigFlags())
	if err != nil {
		return nil
	}
	return conf.Directory.Sites
}
