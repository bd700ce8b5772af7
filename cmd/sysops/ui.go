package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
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
	stdout *bufio.Writer // neutralises what could do harm on a terminal
	raw    *bufio.Writer // does not: for text that holds escapes of ours
	stderr io.Writer

	outTerminal, errTerminal bool

	args []string // of the command line, for the record of queries

	status int // of a command that returned no error
}

// originalStatus marks a command whose users know status 1 for everything that
// goes wrong.
const originalStatus = "original status"

func newUI(stdin io.Reader, stdout, stderr io.Writer) *ui {
	u := &ui{stdin: stdin, stderr: stderr, outTerminal: cli.IsTerminal(stdout), errTerminal: cli.IsTerminal(stderr)}
	u.raw = bufio.NewWriterSize(stdout, 64<<10)
	if u.outTerminal {
		stdout = cli.SafeWriter(stdout)
	}
	u.stdout = bufio.NewWriterSize(stdout, 64<<10)
	return u
}

// finish flushes stdout, prints what went wrong, and returns the exit status of
// cmd, the command that ran.
func (u *ui) finish(cmd *cobra.Command, err error) int {
	if flushErr := u.flush(); err == nil {
		err = flushErr
	}
	name := cmd.Root().Name()
	switch {
	case err == nil:
		return u.status
	case cmd.Context() != nil && cmd.Context().Err() != nil:
		fmt.Fprintf(u.stderr, "%s: interrupted\n", name)
		return exitSignal
	}
	if errors.Is(err, sysops.ErrIncomplete) && cmd.Flags().Lookup("partial") != nil {
		hint := "--partial answers without it, and says so"
		if errors.Is(err, sysops.ErrUnreadable) {
			hint += "; the host's next push repairs the object"
		}
		err = &sysops.HintedError{Err: err, Hint: hint}
	}
	cli.Fail(u.stderr, name, err)
	if cmd.Annotations[originalStatus] != "" {
		return exitNothing
	}
	return exitError
}

// flush writes out what was printed. A command prints on one of the two.
func (u *ui) flush() error { return errors.Join(u.stdout.Flush(), u.raw.Flush()) }

func (u *ui) warn(format string, args ...any) { cli.Warn(u.stderr, format, args...) }
