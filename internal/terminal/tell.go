package terminal

import (
	"fmt"
	"io"
	"slices"
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

// WarnOf prints warnings that are errors, and on lines of their own what to do about them:
// once for those that follow each other and have the same hint.
func WarnOf(w io.Writer, warnings ...error) {
	for i, err := range warnings {
		Warn(w, "%v", err)
		var next []string
		if i+1 < len(warnings) {
			next = Hints(warnings[i+1])
		}
		for _, h := range Hints(err) {
			if !slices.Contains(next, h) {
				Hint(w, h)
			}
		}
	}
}
