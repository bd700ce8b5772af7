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

// SayBehind prints a line for people behind what each of the lines begins with that it is
// wrapped into, such as the sign of a comment.
func SayBehind(w io.Writer, prefix, text string) {
	p := paragraph{screen: Width(w), indent: prefix, at: len(prefix)}
	fmt.Fprintf(w, "%s%s\n", prefix, p.add(SafeText(text)))
}

// Begin prints the beginning of a line for people: of what takes a while. The function
// that it returns ends the line when it is over.
func Begin(w io.Writer, text string) (end func(rest string)) {
	p := paragraph{screen: Width(w), indent: indent}
	fmt.Fprint(w, p.add(SafeText(text)))
	return func(rest string) { fmt.Fprintf(w, "%s\n", p.add(SafeText(rest))) }
}

// told is text that quotes theirs, such as a name that holds a newline: what comes after
// one, and what goes on below, is set apart, so that no host writes a warning or a
// completeness of its own.
func told(w io.Writer, text string) string {
	var b strings.Builder
	p := paragraph{screen: Width(w), indent: indent}
	for i, line := range strings.Split(SafeText(strings.TrimSpace(text)), "\n") {
		if i > 0 {
			b.WriteString(p.next())
		}
		b.WriteString(p.add(line))
	}
	return b.String()
}

// A paragraph wraps what is added to it between words, where the next has no room on the
// screen. A word that is wider than the screen is left to the terminal, which wraps it in
// a way that can be copied.
type paragraph struct {
	screen int    // its columns; 0: there is none, and nothing is wrapped
	indent string // of the lines after the first
	at     int    // the column where it goes on
}

// next begins a line.
func (p *paragraph) next() string {
	p.at = Columns(p.indent)
	return "\n" + p.indent
}

// add goes on with harmless text that has no newline.
func (p *paragraph) add(text string) string {
	if p.screen == 0 {
		return text
	}
	var b strings.Builder
	for text = untabbed(text, Columns); text != ""; {
		word := strings.TrimLeft(text, " ")
		blank := len(text) - len(word)
		if end := strings.IndexByte(word, ' '); end >= 0 {
			word = word[:end]
		}
		columns := Columns(word)
		if p.at > Columns(p.indent) && p.at+blank+columns > p.screen {
			b.WriteString(p.next())
		} else {
			b.WriteString(text[:blank])
			p.at += blank
		}
		b.WriteString(word)
		p.at += columns
		text = text[blank+len(word):]
	}
	return b.String()
}
