package main

import (
	"io"
	"testing"

	"github.com/sysops-api/sysops-api/internal/scripttest"
)

func TestHelpFitsOnATerminal(t *testing.T) {
	scripttest.HelpFits(t, newRoot(), func(args []string, stdout, stderr io.Writer) int {
		return run(t.Context(), args, stdout, stderr)
	})
}
