package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/scripttest"
)

func TestHelpFitsOnATerminal(t *testing.T) {
	root := newRoot(newUI(strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	scripttest.HelpFits(t, root, func(args []string, stdout, stderr io.Writer) int {
		return run(t.Context(), args, strings.NewReader(""), stdout, stderr)
	})
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
