package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
	"github.com/sysops-api/sysops-api/internal/words"
)

// exportFlags are those of the export that are not its fields as they are.
type exportFlags struct {
	verbs.Export
	watch time.Duration
}

func newExport(u *ui) *cobra.Command {
	q := &queryFlags{}
	e := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export DIR [PATTERN] | export --format tar FILE [PATTERN]",
		Short: "Write the cache to files: a tree, a tar archive or a Parquet file",
		Long: `Write the objects that PATTERN selects (all, without one) to DIR/site/host/name, one
file an object. A later export into the same DIR writes only what has changed since; one
that was killed goes on where it was. DIR must be new, empty or an export.

Files are written under another name and renamed, so there is never half a file. They
belong to who runs the command, have --mode whatever their mode was on the host, and
the host's mtime; what a command printed has the time since when the cache has it. A
host or name that is no path below DIR (.., an empty part, a control character, over
255 bytes) is refused and named; the exit status is then 3.

--purge removes the files of objects that are gone. It removes nothing where a core is
down, of hosts that are missing or outside of what is asked, nor what somebody has
changed since it was exported.

--format tar writes an archive, --format parquet a table with a row an object, to FILE;
- is stdout.

Exit status: 0 exported, 1 nothing matched, 2 error, 3 the answer is partial or
something was refused.`,
		Example: `  sysops export /srv/fleet --scope global
  sysops export /srv/fleet --purge --link --watch 20m
  sysops export /srv/fleet '*#/etc/*' --dry-run
  sysops export --format tar - /etc/ssh/sshd_config | zstd > sshd.tar.zst
  sysops export --format parquet fleet.parquet --scope global`,
		Args: cli.Args(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if e.To = args[0]; e.To == "-" {
				e.Stream = u.stdout.Raw()
			}
			if len(args) > 1 {
				e.Pattern = args[1]
			}
			return e.run(u, cmd, q)
		},
	}
	q.addQuestionFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&e.Format, "format", "tree", "tree, tar or parquet")
	cli.CompleteWords(cmd, "format", "tree", "tar", "parquet")
	cli.CommandLineOnly(cmd, "format")
	f.BoolVar(&e.Link, "link", false, "identical contents of a name are one file with hard links; it has the mtime of one of them")
	f.BoolVar(&e.Purge, "purge", false, "remove the files of objects that are gone")
	cli.CommandLineOnly(cmd, "purge")
	f.BoolVar(&e.DryRun, "dry-run", false, "print what would be written and purged, and change nothing")
	cli.CommandLineOnly(cmd, "dry-run")
	f.StringVar(&e.Mode, "mode", "0600", "the `mode` of the files, in octal; folders may be entered by who may read")
	cli.CommandLineOnly(cmd, "mode")
	f.DurationVar(&e.watch, "watch", 0, "export again after so `long`, such as 20m, until interrupted")
	cli.CommandLineOnly(cmd, "watch")
	return cmd
}

// run exports once or, with --watch, until it is interrupted. What is wrong with the
// command line, or with the folder, ends it before the first round.
func (e *exportFlags) run(u *ui, cmd *cobra.Command, q *queryFlags) error {
	if _, err := cli.Settings(cmd); err != nil {
		return err
	}
	if err := e.settle(u, cmd, q); err != nil {
		return err
	}
	boundMemory(0)
	e.Objects = boundMemory
	if e.watch > 0 {
		in, err := u.inquire(cmd, q)
		if err != nil {
			return err
		}
		in.client.Close()
	}
	if err := e.Open(); err != nil {
		return err
	}
	defer e.Close()
	if !q.quiet {
		e.hintBarred(u)
	}
	for {
		u.status = exitMatch
		err := u.run(cmd, q, &e.Export)
		if e.watch == 0 {
			return err
		}
		if interrupted := context.Cause(cmd.Context()); interrupted != nil { // which a round that was all but done need not notice
			return cmp.Or(err, interrupted)
		}
		if err != nil {
			u.warn("%v; trying again in %v", err, e.watch)
		}
		select {
		case <-time.After(e.watch):
		case <-cmd.Context().Done():
			return context.Cause(cmd.Context())
		}
	}
}

// settle checks the flags when all of them are known.
func (e *exportFlags) settle(u *ui, cmd *cobra.Command, q *queryFlags) error {
	if err := settle(cmd, &e.Export); err != nil {
		return err
	}
	switch {
	case e.watch < 0:
		return fmt.Errorf("cannot use --watch %v: it is negative", e.watch)
	case e.watch > 0 && e.Stream != nil:
		return errors.New("cannot combine --watch and stdout: each export is a file of its own")
	case e.watch > 0 && e.DryRun:
		return errors.New("cannot combine --watch and --dry-run: nothing would change")
	case e.watch > 0 && q.file == "-":
		return errors.New("cannot combine --watch and --hosts-file -: stdin can be read once")
	case e.Stream != nil && u.stdout.Terminal():
		return hint.To(fmt.Errorf("cannot write a %s file to a terminal", e.Format), "name a file, or send it through a pipe")
	}
	return nil
}

// hintBarred says that --mode lets others read what they cannot get to.
func (e *exportFlags) hintBarred(u *ui) {
	mode, lacks := e.Barred()
	if lacks == 0 {
		return
	}
	who := ""
	if lacks&0o010 != 0 {
		who += "g"
	}
	if lacks&0o001 != 0 {
		who += "o"
	}
	terminal.Hint(u.stderr, fmt.Sprintf("others may read the files and cannot enter %s, which was there before and keeps its mode %04o: chmod %s+rx %s lets them",
		e.To, mode, who, words.ShellQuote(e.To)))
}

// boundMemory takes back what hasten gave: an export waits for disks, not for the
// garbage collector, and may have little memory beside what else the machine does. Of
// each object, something is in memory; where that is much, a limit below it would have
// the collector run without end.
func boundMemory(objects int) {
	const least, each = 96 << 20, 512
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(least, each*int64(objects)))
	}
}
