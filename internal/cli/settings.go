// Package cli is what the commands sysops and sysops-agent share: where a flag's
// value comes from, which build it is, and what help, manual pages and completions are
// made of. What a person is shown while a command runs is left to internal/terminal.
package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// AddConnectionFlags adds what every command needs to reach the servers.
func AddConnectionFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("config", "", "config `file`, in place of the user's and the system's")
	f.String("directory", "", "`URL` of the directory that lists sites, cores and servers, in place of the config's: range://r1,r2, dns://example.com, …")
	f.Duration("directory-cache-age", 24*time.Hour, "how old what the directory said may be to be used while it is down; 0: not at all")
	f.Var(&serverURLs{}, "server", "`URL` of a server, redis://host:port/db, rediss:// for TLS; repeated: the servers of one core, in place of a directory")
}

// Directory returns the directory that --server, --directory or, without them, the
// config describes. Its warnings go to stderr. keepIn is the folder for what it said
// last; empty: one of the user's.
func Directory(cmd *cobra.Command, conf *config.Config, keepIn string) (sysops.Directory, error) {
	if urls := Servers(cmd); len(urls) > 0 {
		return sysops.ServerList(urls...), nil
	}
	f := cmd.Flags()
	url, err := f.GetString("directory")
	if err != nil {
		return nil, err
	}
	if url != "" {
		conf.Directory.URL, conf.Directory.Sites = url, nil
	}
	o := directory.KeepOptions{CacheFolder: keepIn, Warn: func(err error) { terminal.WarnOf(cmd.ErrOrStderr(), err) }}
	if o.CacheAge, err = f.GetDuration("directory-cache-age"); err != nil {
		return nil, err
	}
	return conf.OpenDirectory(o)
}

// Servers returns the URLs of --server.
func Servers(cmd *cobra.Command) []string {
	return *cmd.Flags().Lookup("server").Value.(*serverURLs)
}

// serverURLs is the value of --server: URLs, several of which may stand in one text with
// commas between them. It takes every text, because an error of a flag repeats what it was
// given, and one that is no URL may hold a password.
type serverURLs []string

// Set adds URLs. A comma that no scheme follows is part of a URL.
func (s *serverURLs) Set(text string) error {
	for i, part := range strings.Split(text, ",") {
		switch {
		case i > 0 && !strings.Contains(part, "://"):
			(*s)[len(*s)-1] += "," + part
		case text != "":
			*s = append(*s, part)
		}
	}
	return nil
}

func (s *serverURLs) String() string { return strings.Join(*s, ",") }

// Type is what pflag calls such a list.
func (*serverURLs) Type() string { return "strings" }

// Settings gives each flag that the command line does not set its value from the
// environment, else from the config, and returns the config.
func Settings(cmd *cobra.Command) (*config.Config, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	conf, err := config.Load(path, ConfigFlags())
	if err != nil {
		return nil, err
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil || f.Name == "config" || f.Name == "help" || IsCommandLineOnly(f) {
			return
		}
		name := "SYSOPS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok && v != "" {
			if err := setDefault(cmd, f, v); err != nil {
				failed = fmt.Errorf("cannot use %s=%q from the environment: %w", name, v, err)
			}
			return
		}
		for _, c := range slices.Backward(conf.Flags) {
			if c.Name == f.Name {
				if err := setDefault(cmd, f, strings.Trim(c.Value, `"'`)); err != nil {
					failed = fmt.Errorf("cannot read the config: %s: %w", c.Where, err)
				}
				return
			}
		}
	})
	return conf, failed
}

// asDefault annotates flags that the environment or the config has set.
const asDefault = "set as a default"

func setDefault(cmd *cobra.Command, f *pflag.Flag, value string) error {
	if err := cmd.Flags().Set(f.Name, value); err != nil {
		return err
	}
	return cmd.Flags().SetAnnotation(f.Name, asDefault, []string{})
}

// Misfit is asked of a flag that does not go with the others. It reports whether the
// command line says it, which is an error. What the environment or the config says is
// meant for the questions that it fits: it is taken back.
func Misfit(cmd *cobra.Command, flag string) bool {
	f := cmd.Flags().Lookup(flag)
	if f.Annotations[asDefault] == nil {
		return true
	}
	if err := f.Value.Set(f.DefValue); err != nil {
		panic(err) // it was there before
	}
	f.Changed = false
	return false
}

// commandLineOnly annotates flags that neither the environment nor the config sets.
const commandLineOnly = "command line only"

// CommandLineOnly keeps a flag of cmd from being set by the environment or the
// config: because the same name means something else to the other commands, or
// because it must be meant each time.
func CommandLineOnly(cmd *cobra.Command, flag string) {
	if err := cmd.Flags().SetAnnotation(flag, commandLineOnly, []string{}); err != nil {
		panic(err) // there is no such flag: a mistake of the program
	}
}

// IsCommandLineOnly reports whether CommandLineOnly was called for a flag.
func IsCommandLineOnly(f *pflag.Flag) bool { return f.Annotations[commandLineOnly] != nil }
