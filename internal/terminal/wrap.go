package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Say prints a line for people. On a terminal, it is wrapped between words.
func Say(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "%s\n", told(w, fmt.Sprintf(format, args...)))
}

// told is text that quotes theirs, such as a name that holds a newline: what comes after
// one, and what goes on below, is set apart, so that no host writes a warning or a
// completeness of its own.
func told(w io.Writer, text string) string {
	lines := strings.Split(SafeText(strings.TrimSpace(text)), "\n")
	if width := Width(w); width > 0 {
		for i, line := range lines {
			lines[i] = wrapped(line, width, min(i, 1)*len(indent))
		}
	}
	return strings.Join(lines, "\n"+indent)
}

// wrapped breaks a line between words where the next has no room on a screen of this
// width, of which the line begins at a column. A word that is wider than the screen is
// left to the terminal, which wraps it in a way that can be copied.
func wrapped(line string, width, at int) string {
	var b strings.Builder
	line = untabbed(line, Columns)
	for len(line) > 0 {
		word := strings.TrimLeft(line, " ")
		blank := len(line) - len(word)
		if end := strings.IndexByte(word, ' '); end >= 0 {
			word = word[:end]
		}
		columns := Columns(word)
		if b.Len() > 0 && at+blank+columns > width {
			b.WriteString("\n" + indent)
			at = len(indent)
		} else {
			b.WriteString(line[:blank])
			at += blank
		}
		b.WriteString(word)
		at += columns
		line = line[blank+len(word):]
	}
	return b.String()
}
