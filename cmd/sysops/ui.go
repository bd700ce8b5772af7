package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
)

// Exit statuses, as in grep, with 3 added.
const (
	exitMatch   = 0
	exitNothing = 1
	exitError   = 2
	exitPartial = 3
	exitSignal  = 130
)

// A ui is all that a person sees: stdout for data, stderr for people.
type ui struct {
	stdin  io.Reader
	stdout *bufio.Writer
	stderr io.Writer

	outTerminal, errTerminal bool

	args []string // of the command line, for the record of queries

	status int // of a command that returned no error

	// original: extract's users know status 1 for everything that went wrong.
	original bool
}

func newUI(stdin io.Reader, stdout, stderr io.Writer) *ui {
	u := &ui{stdin: stdin, stderr: stderr, outTerminal: cli.IsTerminal(stdout), errTerminal: cli.IsTerminal(stderr)}
	if u.outTerminal {
		stdout = cli.SafeWriter(stdout)
	}
	u.stdout = bufio.NewWriterSize(stdout, 64<<10)
	return u
}

// finish flushes stdout, prints what went wrong, and returns the exit status.
func (u *ui) finish(ctx context.Context, root *cobra.Command, err error) int {
	if flushErr := u.stdout.Flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		return u.status
	}
	name := root.Name()
	if ctx.Err() != nil {
		fmt.Fprintf(u.stderr, "%s: interrupted\n", name)
		return exitSignal
	}
	cli.Fail(u.stderr, name, err)
	if u.original {
		return exitNothing
	}
	return exitError
}

func (u *ui) warn(format string, args ...any) { cli.Warn(u.stderr, format, args...) }
