package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/export"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

// exportFlags say what the export is and how often it is made.
type exportFlags struct {
	format              string
	link, purge, dryRun bool
	modeText            string
	watch               time.Duration

	to   string // DIR or FILE; "-" is stdout
	mode fs.FileMode
	tree *export.Tree       // of the format tree
	bar  *terminal.Progress // of the round at hand
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
			e.to = args[0]
			pattern := "*#*"
			if len(args) > 1 {
				pattern = args[1]
			}
			return e.run(u, cmd, q, pattern)
		},
	}
	q.addQuestionFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&e.format, "format", "tree", "tree, tar or parquet")
	cli.CompleteWords(cmd, "format", "tree", "tar", "parquet")
	cli.CommandLineOnly(cmd, "format")
	f.BoolVar(&e.link, "link", false, "identical contents of a name are one file with hard links; it has the mtime of one of them")
	f.BoolVar(&e.purge, "purge", false, "remove the files of objects that are gone")
	cli.CommandLineOnly(cmd, "purge")
	f.BoolVar(&e.dryRun, "dry-run", false, "print what would be written and purged, and change nothing")
	cli.CommandLineOnly(cmd, "dry-run")
	f.StringVar(&e.modeText, "mode", "0600", "the `mode` of the files, in octal; folders may be entered by who may read")
	cli.CommandLineOnly(cmd, "mode")
	f.DurationVar(&e.watch, "watch", 0, "export again after so `long`, such as 20m, until interrupted")
	cli.CommandLineOnly(cmd, "watch")
	return cmd
}

// settle checks the flags when all of them are known.
func (e *exportFlags) settle(q *queryFlags) error {
	tree := e.format == "tree"
	switch {
	case !tree && e.format != "tar" && e.format != "parquet":
		return &sysops.HintedError{Err: fmt.Errorf("cannot export as %q", e.format), Hint: "the formats are tree, tar and parquet"}
	case !tree && (e.link || e.purge || e.dryRun):
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot export as %s so: the whole file is written each time", e.format),
			Hint: "--link, --purge and --dry-run go with --format tree",
		}
	case tree && e.to == "-":
		return &sysops.HintedError{Err: errors.New("cannot export a tree to stdout"), Hint: "--format tar writes an archive of it; ./- is a folder"}
	case e.to == "":
		return errors.New("cannot export to nowhere: its name is empty")
	case e.watch < 0:
		return fmt.Errorf("cannot use --watch %v: it is negative", e.watch)
	case e.watch > 0 && e.to == "-":
		return errors.New("cannot combine --watch and stdout: each export is a file of its own")
	case e.watch > 0 && e.dryRun:
		return errors.New("cannot combine --watch and --dry-run: nothing would change")
	case e.watch > 0 && q.file == "-":
		return errors.New("cannot combine --watch and --hosts-file -: stdin can be read once")
	}
	mode, err := strconv.ParseUint(e.modeText, 8, 32)
	if err != nil || mode&^0o777 != 0 || mode&0o600 != 0o600 {
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot use --mode %s", e.modeText),
			Hint: "it is octal, has no setuid, setgid or sticky bit, and the owner may read and write: 0600, 0640, 0644",
		}
	}
	e.mode = fs.FileMode(mode)
	return nil
}

func (e *exportFlags) run(u *ui, cmd *cobra.Command, q *queryFlags, pattern string) error {
	if _, err := cli.Settings(cmd); err != nil {
		return err
	}
	if err := e.settle(q); err != nil {
		return err
	}
	boundMemory(0)
	if e.watch > 0 { // what is wrong with the command line ends it before the first round
		in, err := u.inquire(cmd, q, func() (sysops.Pattern, error) { return sysops.ParsePattern(pattern) })
		if err != nil {
			return err
		}
		in.client.Close()
	}
	if e.format == "tree" {
		o := export.TreeOptions{Mode: e.mode, Link: e.link, Purge: e.purge, DryRun: e.dryRun, Progress: func() { e.bar.Step() }}
		if e.dryRun {
			o.Changed = func(verb, path string) { fmt.Fprintf(u.stdout, "%-5s %s\n", verb, path) } // the buffer keeps its error
		}
		var err error
		if e.tree, err = export.OpenTree(e.to, o); err != nil {
			return err
		}
		defer e.tree.Close()
		if !q.quiet {
			e.hintBarred(u)
		}
	}
	for {
		u.status = exitMatch
		err := u.ask(cmd, q, sysops.ParsePattern, pattern, e.round)
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

// hintBarred says that --mode lets others read what they cannot get to.
func (e *exportFlags) hintBarred(u *ui) {
	mode, lacks := e.tree.Barred()
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
		e.to, mode, who, words.ShellQuote(e.to)))
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

// round exports one answer.
func (e *exportFlags) round(ctx context.Context, in *inquiry) error {
	if in.answer.Len() == 0 && !e.purge {
		return nil
	}
	boundMemory(in.answer.Len())
	e.bar = in.progressBefore("objects", in.answer.Len())
	e.bar.Rate = true
	report, err := e.write(ctx, in)
	e.bar.Done()
	if report == nil {
		return err
	}
	in.rows = in.answer.Len() + report.Purged
	e.tell(in, report)
	if report.Refused.Count > 0 {
		in.status = exitPartial
	}
	return err
}

func (e *exportFlags) write(ctx context.Context, in *inquiry) (report *export.Report, err error) {
	if e.format == "tree" {
		return e.tree.Update(ctx, in.answer)
	}
	fill := func(w io.Writer) (err error) {
		o := export.StreamOptions{Mode: e.mode, Progress: e.bar.Step}
		if e.format == "tar" {
			report, err = export.WriteTar(ctx, w, in.answer, o)
		} else {
			report, err = export.WriteParquet(ctx, w, in.answer, o)
		}
		return err
	}
	switch {
	case e.to != "-":
		err = export.WriteFile(e.to, e.mode, fill)
	case in.stdout.Terminal():
		err = &sysops.HintedError{Err: fmt.Errorf("cannot write a %s file to a terminal", e.format), Hint: "name a file, or send it through a pipe"}
	default:
		err = fill(in.stdout.Raw())
	}
	return report, err
}

// tell prints what was done, and what was left alone.
func (e *exportFlags) tell(in *inquiry, r *export.Report) {
	warnEach := func(list *export.Refusals, format string) {
		for _, one := range list.First {
			in.warn(format, one.What, one.Reason)
		}
		if more := list.Count - len(list.First); more > 0 {
			in.warn("… and so are %d more", more)
		}
	}
	warnEach(&r.Refused, "%s is refused: %s")
	warnEach(&r.Kept, "%s is gone, but kept: %s")
	if e.purge && slices.ContainsFunc(in.answer.Completeness().Cores, func(k sysops.CoreReport) bool { return k.Error != "" || k.Short > 0 }) {
		in.warn("nothing is purged: the answer does not tell what is gone and what is only left out")
	}
	if in.quiet {
		return
	}
	would := ""
	if e.dryRun {
		would = "would be "
	}
	fmt.Fprintf(in.stderr, "%d %swritten", r.Written, would)
	if !e.dryRun {
		fmt.Fprintf(in.stderr, " (%s)", byteCount(r.Bytes))
	}
	for _, n := range []struct {
		count int
		what  string
	}{{r.Linked, "linked"}, {r.Touched, "with another time or mode"}, {r.Purged, would + "purged"}, {r.Kept.Count, "kept"}, {r.Refused.Count, "refused"}} {
		if n.count > 0 {
			fmt.Fprintf(in.stderr, ", %d %s", n.count, n.what)
		}
	}
	if e.format == "tree" {
		fmt.Fprintf(in.stderr, ", %d unchanged", r.Unchanged)
	}
	fmt.Fprintln(in.stderr)
}

// byteCount writes a number of bytes as people read it.
func byteCount(n int64) string {
	value, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	for value >= 1000 && len(units) > 1 {
		value, units = value/1000, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[0])
}
