package terminal

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
)

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
	var h *hint.Error
	if errors.As(err, &h) {
		if text := advice(h); text != "" {
			out = append(out, text)
		}
	}
	return append(out, sysops.ServerHints(err)...)
}

// words are what to do about a cause for somebody at a command line, who has flags. They
// are a format of the cause's arguments.
var words = map[hint.Cause]string{}

func advice(h *hint.Error) string {
	if h.Hint != "" {
		return h.Hint
	}
	args := make([]any, len(h.Args))
	for i, a := range h.Args {
		args[i] = a
	}
	if format := words[h.Cause]; format != "" {
		return fmt.Sprintf(format, args...)
	}
	return ""
}
