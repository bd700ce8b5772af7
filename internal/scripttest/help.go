package scripttest

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// HelpFits checks that the help of a command and of each of its verbs fits on a terminal
// of 80 columns, and gives an example. run runs a command line.
func HelpFits(t *testing.T, root *cobra.Command, run func(args []string, stdout, stderr io.Writer) (status int)) {
	t.Helper()
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		var stdout, stderr strings.Builder
		args := append(strings.Fields(cmd.CommandPath()), "--help")
		if status := run(args, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
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
