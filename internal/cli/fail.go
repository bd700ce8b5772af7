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
	fmt.Fprintf(w, "%s: error: %s\n", program, told(err.Error()))
	for _, h := range Hints(err) {
		Hint(w, h)
	}
}

// Hint prints what to do about something.
func Hint(w io.Writer, text string) { fmt.Fprintf(w, "hint: %s\n", told(text)) }

// Warn prints something that the user should know and that stopped nothing.
func Warn(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "warning: %s\n", told(fmt.Sprintf(format, args...)))
}

// told is text that quotes theirs, such as a name that holds a newline: what comes after
// one is set apart, so that no host writes a warning or a completeness of its own.
func told(text string) string {
	return strings.ReplaceAll(SafeText(strings.TrimSpace(text)), "\n", "\n  ")
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
