// Command sysops-agent makes a host's files and command outputs known: it runs a
// catalogue of commands (collect), and pushes them with the files that the
// outgoing directory chooses into the servers of the host's core (push).
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func main() {
	// The machine is for something else: rather a little more CPU than twice
	// the memory.
	debug.SetGCPercent(40)
	debug.SetMemoryLimit(40 << 20)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not heed the first
	code := run(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit statuses.
const (
	exitOK     = 0
	exitUnwell = 1 // of status
	exitError  = 2 // also: a server does not have all of the push
	exitSignal = 130
)

// run executes the command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args[1:])
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && forCFEngine(args) && !errors.As(err, new(toldError)) {
		err = tellCFEngine(stdout, nil, err, nil) // the command line itself is wrong
	}
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(unwellError)):
		return exitUnwell
	case errors.As(err, new(toldError)):
		return exitError
	case ctx.Err() != nil:
		io.WriteString(stderr, "sysops-agent: interrupted\n") //nolint:errcheck // nobody is left to tell
		return exitSignal
	}
	terminal.Fail(stderr, "sysops-agent", err)
	return exitError
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "sysops-agent",
		Version: cli.ThisBuild().String(),
		Short:   "Push this host's files and command outputs into Redis",
		Long: `sysops-agent makes this host's files and command outputs known to sysops: it runs a
catalogue of commands, and pushes their output, and the files that the outgoing
directory links to, into the Redis servers of the host's core.

It works as root, and as any user with what that user may read. Each flag can be
an environment variable (--ttl: SYSOPS_TTL) or a line of the config
(agent: {ttl: 6h}).`,
		Example: `  sysops-agent init                                 choose files
  sysops-agent check --server redis://mps01:6379/1  is everything in place?
  sysops-agent run --server redis://mps01:6379/1    push every 20 minutes`,
	}
	cli.AddConnectionFlags(root)
	cli.Prepare(root)
	f := root.PersistentFlags()
	f.String("host", "", "push as this host; default: the machine's name")
	f.String("outgoing", "", "`directory` of links to what is pushed; default /var/lib/sysops/outgoing")
	f.String("json", "", "`file` for the output of commands; default /etc/hardware_identification.json")
	f.String("state", "", "`directory` for what is kept between two pushes; default /var/lib/sysops/state")
	root.AddCommand(newInit(), newCollect(), newPush(), newRun(), newCheck(), newStatus(), newLeave(), newSNMP(), cli.NewVersion("sysops-agent"), cli.NewMan("sysops-agent"))
	cli.AddCompletions(root, nil)
	return root
}
