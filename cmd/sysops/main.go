// Command sysops asks a fleet of machines questions: who has this line, who
// lacks it, what does this file hold everywhere. One file a verb.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not heed the first
	hasten()
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// hasten trades memory for time: a question is answered in a fraction of a second, of
// which the garbage collector would take a tenth. What the environment says about it goes.
func hasten() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(400)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var adjust func(*[16]byte)
	adjust = func(sentinel *[16]byte) { // after each collection
		metrics.Read(live)
		n := max(live[0].Value.Uint64(), 1)
		debug.SetGCPercent(int(100 * litter(n) / n))
		runtime.SetFinalizer(sentinel, adjust)
	}
	runtime.SetFinalizer(new([16]byte), adjust)
}

// litter is how many bytes may lie about where so many are live. By default it would be as
// many. 96 MiB take less time; one object of 64 MiB, of which a verb holds as much again in
// another form, is to stay below 256 MiB whatever it holds; and of a very large answer, too
// many are live for that.
func litter(live uint64) uint64 {
	const (
		room  = 96 << 20
		least = 32 << 20
		whole = 208 << 20 // with what is live
	)
	switch {
	case live+room <= whole:
		return room
	case live+least <= whole:
		return whole - live
	}
	return live
}

// originalNames are the names of the original's command. Called by one of them,
// sysops is "sysops extract".
var originalNames = []string{"extract_sysops_cache.py", "extract_sysops_cache"}

// run executes the command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	u := newUI(stdin, stdout, stderr)
	u.args = args[1:]
	root := newRoot(u)
	if slices.Contains(originalNames, filepath.Base(args[0])) {
		root = newExtract(u)
		root.Use = filepath.Base(args[0])
		root.Example = strings.ReplaceAll(root.Example, "sysops extract", root.Use)
		cli.AddConnectionFlags(root)
		cli.Prepare(root)
	}
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return u.finish(cmd, err)
}

func newRoot(u *ui) *cobra.Command {
	root := &cobra.Command{
		Use:     "sysops",
		Version: cli.ThisBuild().String(),
		Short:   "Ask a fleet of machines any question, and be answered out of Redis",
		Long: `sysops answers questions about tens of thousands of machines in a fraction of a
second: who has this line, who lacks it, what does this file hold everywhere.
The machines push snapshots of themselves into Redis (sysops-agent); nothing is
executed on them to answer a question.

PATTERN selects objects:
  web*#/etc/passwd   host-glob#name-glob, where it holds a '#'; web01#sysctl-a
  /etc/passwd        a whole name: exactly that one
  sysctl-a           the section of a name: the output of that command
  passwd             anything else: every key that contains it, globs allowed
A name or a section counts where three hosts have it, or one in a hundred.

Exit status: 0 something matched, 1 nothing matched, 2 error, 3 the answer is partial.

Nearly every flag can be an environment variable (--scope: SYSOPS_SCOPE) or a line of
/etc/sysops/config.yaml or ~/.config/sysops/config.yaml (scope: global).`,
		Example: `  sysops demo                                     try it, with nothing installed
  sysops ls                                       which objects are there?
  sysops cat web01.example.com#/etc/resolv.conf   one host's file
  sysops grep --uniq netdev_budget sysctl-a       which values, and how often?
  sysops grep -L '^UsePAM yes' sshd_config        who lacks the line?
  sysops diff --all /etc/ssh/sshd_config          which variants are there?
  sysops audit sudo --user deploy                 what may a user do, and where?`,
	}
	cli.AddConnectionFlags(root)
	cli.Prepare(root)
	root.AddGroup(
		&cobra.Group{ID: "ask", Title: "Questions:"},
		&cobra.Group{ID: "fleet", Title: "The fleet and its servers:"},
		&cobra.Group{ID: "more", Title: "More:"})
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("ask", newFind(u), newLs(u), newCat(u), newGrep(u), newDiff(u), newAudit(u), newStat(u), newMD5Sum(u), newWc(u), newTime(u), newExport(u))
	add("fleet", newHosts(u), newInfo(u), newQueries(u), newGC(u), newIndex(u), newACL(u))
	add("more", newDemo(u), newSimulate(u), newExtract(u), newServeRange(u), cli.NewVersion("sysops"), cli.NewMan("sysops"))
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	cli.AddCompletions(root, choices())
	return root
}
