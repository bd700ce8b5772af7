package main

import (
	"bytes"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

// The colours of grep(1): the key, the colon behind it, the match.
const (
	colorKey   = "\x1b[35m"
	colorColon = "\x1b[36m"
	colorMatch = "\x1b[1;31m"
	colorOff   = "\x1b[0m"
)

// colored reports whether text is to be coloured.
func (in *inquiry) colored() bool {
	return in.format == "text" && (in.color == "always" || in.color == "auto" && in.outTerminal)
}

func checkColor(when string) error {
	switch when {
	case "auto", "always", "never", "":
		return nil
	}
	return &sysops.HintedError{Err: fmt.Errorf("cannot use --color %s", when), Hint: "the choices are auto, always and never"}
}

// paint returns a line of grep with its matches highlighted. What comes from hosts
// is neutralised piece by piece, so that the only escapes are ours.
func paint(prefix string, line []byte, spans [][2]int) []byte {
	var w bytes.Buffer
	if prefix != "" {
		fmt.Fprintf(&w, "%s%s%s%s:%s", colorKey, cli.SafeText(prefix), colorOff, colorColon, colorOff)
	}
	at := 0
	for _, s := range spans {
		fmt.Fprintf(&w, "%s%s%s%s", cli.SafeText(string(line[at:s[0]])), colorMatch, cli.SafeText(string(line[s[0]:s[1]])), colorOff)
		at = s[1]
	}
	fmt.Fprintf(&w, "%s\n", cli.SafeText(string(line[at:])))
	return w.Bytes()
}
