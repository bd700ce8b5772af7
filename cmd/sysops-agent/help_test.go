package main

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// The help of every verb fits on a terminal of 80 columns, and gives an example.
func TestHelpFitsOnATerminal(t *testing.T) {
	root := newRoot()
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		var stdout, stderr strings.Builder
		args := append(strings.Fields(cmd.CommandPath()), "--help")
		if status := run(context.Background(), args, &stdout, &stderr); status != exitOK || stderr.Len() > 0 {
			t.Errorf("%s: status %d, %s", args, status, stderr.String())
		}
		for line := range strings.Lines(stdout.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s has a line of %d columns: %s", args, n, line)
			}
		}
		if !strings.Contains(stdout.String(), "\nExamples:\n  "+root.Name()+" ") {
			t.Errorf("%s gives no example", args)
		}
		for _, c := range cmd.Commands() {
			check(c)
		}
	}
	check(root)
}
