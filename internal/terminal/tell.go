package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Fail prints what went wrong, and on lines of their own what to do about it.
func Fail(w io.Writer, program string, err error) {
	Say(w, "%s: error: %s", program, strings.TrimSpace(err.Error()))
	for _, h := range Hints(err) {
		Hint(w, h)
	}
}

// Hint prints what to do about something.
func Hint(w io.Writer, text string) { Say(w, "hint: %s", strings.TrimSpace(text)) }

// Warn prints something that the user should know and that stopped nothing.
func Warn(w io.Writer, format string, args ...any) {
	Say(w, "warning: %s", strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// WarnOf prints a warning that is an error, and on lines of their own what to do about it.
func WarnOf(w io.Writer, err error) {
	Warn(w, "%v", err)
	for _, h := range Hints(err) {
		Hint(w, h)
	}
}
