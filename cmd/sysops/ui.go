package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
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
	stdout *terminal.Writer
	stderr io.Writer

	args []string // of the command line, for the record of queries

	status int // of a command that returned no error
}

// originalStatus marks a command whose users know status 1 for everything that
// goes wrong.
const originalStatus = "original status"

func newUI(stdin io.Reader, stdout, stderr io.Writer) *ui {
	return &ui{stdin: stdin, stdout: terminal.NewWriter(stdout), stderr: stderr}
}

// finish flushes stdout, prints what went wrong, and returns the exit status of
// cmd, the command that ran.
func (u *ui) finish(cmd *cobra.Command, err error) int {
	if flushErr := u.stdout.Flush(); err == nil {
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
		err = hint.To(err, "--partial answers without it, and says so")
	}
	terminal.Fail(u.stderr, name, err)
	if cmd.Annotations[originalStatus] != "" {
		return exitNothing
	}
	return exitError
}

func (u *ui) warn(format string, args ...any) { terminal.Warn(u.stderr, format, args...) }

// progress is a bar beside rows that are being printed.
func (u *ui) progress(what string, total int) *terminal.Progress {
	return terminal.BesideRows(u.stdout, u.stderr, what, total)
}

// progressBefore is a bar of what is done before rows are printed.
func (u *ui) progressBefore(what string, total int) *terminal.Progress {
	return terminal.BeforeRows(u.stderr, what, total)
}
