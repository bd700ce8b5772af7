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
	root := newRoot(newUI(strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		var stdout, stderr strings.Builder
		args := append(strings.Fields(cmd.CommandPath()), "--help")
		if status := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); status != exitMatch || stderr.Len() > 0 {
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

// The flags of one verb do not drown among those of all.
func TestHelpGroupsFlags(t *testing.T) {
	var stdout, stderr strings.Builder
	run(context.Background(), []string{"sysops", "audit", "access", "--help"}, strings.NewReader(""), &stdout, &stderr)
	own, rest, _ := strings.Cut(stdout.String(), "\nFlags of most questions:\n")
	shared, global, _ := strings.Cut(rest, "\nGlobal flags:\n")
	for text, flag := range map[string]string{own: "--user", shared: "--hosts-file", global: "--server"} {
		if strings.Count(stdout.String(), flag+" ") == 0 || !strings.Contains(text, "  "+flag+" ") {
			t.Errorf("%s is not where it belongs in:\n%s", flag, stdout.String())
		}
	}
}
