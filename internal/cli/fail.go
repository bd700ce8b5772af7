package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/sysops-api/sysops-api"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Fail prints what went wrong, and on lines of their own what to do about it.
func Fail(w io.Writer, program string, err error) {
	fmt.Fprintf(w, "%s: error: %s\n", program, SafeText(strings.TrimSpace(err.Error())))
	for _, h := range Hints(err) {
		fmt.Fprintf(w, "hint: %s\n", SafeText(h))
	}
}

// Warn prints something that the user should know and that stopped nothing.
func Warn(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "warning: %s\n", SafeText(fmt.Sprintf(format, args...)))
}

// Hints returns what the errors in the tree of err know to do, a line each.
func Hints(err error) []string {
	var out []string
	var h *sysops.HintedError
	if errors.As(err, &h) {
		out = append(out, h.Hint)
	}
	return append(out, sysops.ServerHints(err)...)
}
