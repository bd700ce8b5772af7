package terminal

import (
	"os"
	"strconv"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// IsTerminal reports whether w is a terminal, or a Writer to one.
func IsTerminal(w any) bool { return terminalOf(w) != nil }

// terminalOf returns the terminal that w is, nil where it is none.
func terminalOf(w any) *os.File {
	if out, ok := w.(*Writer); ok {
		w = out.file
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// Width returns the columns of a terminal, 0 where w is none, or none that is known.
// COLUMNS counts where the terminal itself does not say, such as a serial line.
func Width(w any) int {
	f := terminalOf(w)
	if f == nil {
		return 0
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	width, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || width < 0 {
		return 0
	}
	return width
}

// screen measures characters as terminals draw them: a character of Chinese takes two
// columns, a combining mark none. What the environment says of ambiguous ones is not
// asked: they take one, as on nearly all terminals.
var screen = runewidth.Condition{StrictEmojiNeutral: true}

// Columns returns how many columns of a terminal a text takes that is harmless: see
// SafeText.
func Columns(text string) int { return screen.StringWidth(text) }
