package terminal

import (
	"fmt"
	"io"
	"strings"
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

// WarnOf prints a warning that is an error, and on lines of their own what to do about it.
func WarnOf(w io.Writer, err error) {
	Warn(w, "%v", err)
	for _, h := range Hints(err) {
		Hint(w, h)
	}
}

// told is text that quotes theirs, such as a name that holds a newline: what comes after
// one is set apart, so that no host writes a warning or a completeness of its own.
func told(text string) string {
	return strings.ReplaceAll(SafeText(strings.TrimSpace(text)), "\n", "\n  ")
}
