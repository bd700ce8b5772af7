package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/sysops-api/sysops-api/internal/hint"
)

// What packages are built with (-ldflags "-X …/internal/cli.version=0.1.0"), which
// wins over what Go recorded: that is nothing in a work tree of git or without git.
var version, commit, commitTime, modified string

// A Build tells which source a program was built of, and for what.
type Build struct {
	Version  string `json:"version"`     // of the package, else of the module; "(devel)": neither
	Commit   string `json:"commit"`      // of the repository; empty: it was not built in one
	Modified bool   `json:"modified"`    // there were changes beside the commit
	Time     string `json:"commit_time"` // RFC 3339, UTC; empty where Commit is
	Go       string `json:"go"`          // the compiler's version
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// ThisBuild returns the build that is running.
func ThisBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()} // not built as a module
	}
	b := buildOf(info)
	if version != "" {
		b.Version = version
	}
	if commit != "" {
		b.Commit, b.Time, b.Modified = commit, commitTime, modified == "true"
	}
	return b
}

func buildOf(info *debug.BuildInfo) Build {
	b := Build{Version: "(devel)", Go: info.GoVersion, OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info.Main.Version != "" {
		b.Version = strings.TrimPrefix(info.Main.Version, "v")
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time = s.Value
		}
	}
	return b
}

// String is one line: what --version prints after the program's name.
func (b Build) String() string {
	commit := "no commit known"
	if b.Commit != "" {
		commit = "commit " + b.Commit[:min(12, len(b.Commit))]
	}
	if b.Modified {
		commit += ", modified"
	}
	return fmt.Sprintf("%s (%s, %s, %s/%s)", b.Version, commit, b.Go, b.OS, b.Arch)
}

// lines is the same in full, a line for each thing.
func (b Build) lines(program string) string {
	commit, at := "unknown", "unknown"
	if b.Commit != "" {
		commit, at = b.Commit, b.Time
	}
	if b.Modified {
		commit += ", with changes that are not committed"
	}
	return fmt.Sprintf("%-12s  %s\ncommit        %s\ncommitted     %s\ngo            %s\nplatform      %s/%s\n",
		program, b.Version, commit, at, b.Go, b.OS, b.Arch)
}

// NewVersion makes the verb that tells the build of a program. It reads no config: it is for times
// when something is wrong.
func NewVersion(program string) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell which build this is",
		Long: `Tell which build this is: its version, the commit that it was built of and when that
was made, Go's version, operating system and architecture.`,
		Example: "  " + program + " version --format json",
		Args:    Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := ThisBuild()
			switch format {
			case "text":
				_, err := fmt.Fprint(cmd.OutOrStdout(), b.lines(cmd.Root().Name()))
				return err
			case "json":
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(b)
			}
			return hint.To(fmt.Errorf("cannot write format %q", format), "the formats are text and json")
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	CompleteWords(cmd, "format", "text", "json")
	return cmd
}
