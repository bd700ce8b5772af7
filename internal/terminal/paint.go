package terminal

import (
	"bytes"
	"fmt"
	"os"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// colors are the escapes of roles: those of grep(1) and of diff(1).
var colors = [...]string{
	output.Key:         "\x1b[35m",
	output.Colon:       "\x1b[36m",
	output.Match:       "\x1b[1;31m",
	output.Title:       "\x1b[1m",
	output.Hunk:        "\x1b[36m",
	output.Removed:     "\x1b[31m",
	output.Added:       "\x1b[32m",
	output.RemovedWord: "\x1b[31m",
	output.AddedWord:   "\x1b[32m",
	output.Faint:       "\x1b[2m",
}

const colorOff = "\x1b[0m"

// Colored reports whether text on a terminal, or elsewhere, is to be coloured: always,
// never, or "auto" ("" is the same), which is on terminals, unless the environment says
// that nobody wants it (NO_COLOR, set and not empty) or that it cannot be had (TERM=dumb).
func Colored(when string, terminal bool) (bool, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto", "":
		return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", nil
	}
	return false, hint.To(fmt.Errorf("cannot use --color %s", when), "the choices are auto, always and never")
}

// paint returns text with the colours of its marks. What comes from hosts is neutralised
// piece by piece, so that the only escapes are ours.
func paint(text []byte, marks []output.Mark) []byte {
	var b bytes.Buffer
	b.Grow(len(text) + 16*len(marks))
	at := 0
	for _, m := range marks {
		b.Write(neutral(text[at:m.From]))
		if piece := text[m.From:m.To]; len(piece) > 0 {
			b.WriteString(colors[m.Role])
			b.Write(neutral(piece))
			b.WriteString(colorOff)
		}
		at = m.To
	}
	b.Write(neutral(text[at:]))
	return b.Bytes()
}

// bracket returns text with the words that were removed or added between the brackets of
// wdiff(1).
func bracket(text []byte, marks []output.Mark) []byte {
	var b []byte
	at := 0
	for _, m := range marks {
		switch m.Role {
		case output.RemovedWord:
			b = append(append(append(append(b, text[at:m.From]...), "[-"...), text[m.From:m.To]...), "-]"...)
		case output.AddedWord:
			b = append(append(append(append(b, text[at:m.From]...), "{+"...), text[m.From:m.To]...), "+}"...)
		default:
			continue
		}
		at = m.To
	}
	if at == 0 {
		return text
	}
	return append(b, text[at:]...)
}
