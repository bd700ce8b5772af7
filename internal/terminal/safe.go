package terminal

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// A safeWriter makes contents of hosts, which may be hostile, harmless on a
// terminal: control characters, which could move the cursor, change the title or
// answer for the user, are shown instead of sent.
type safeWriter struct {
	w io.Writer
}

// SafeWriter returns a writer that neutralises what goes to w, a terminal.
func SafeWriter(w io.Writer) io.Writer { return &safeWriter{w} }

func (s *safeWriter) Write(p []byte) (int, error) {
	if _, err := s.w.Write(neutral(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SafeText is neutral for text of ours that quotes theirs.
func SafeText(s string) string {
	return string(neutral([]byte(s)))
}

// neutral returns p with control characters in caret notation, other invisible
// or direction-changing characters and bytes that are no UTF-8 as escapes. It
// returns p itself where there is nothing to change. A character that is split
// over two writes comes out as escapes, which is harmless.
func neutral(p []byte) []byte {
	clean := 0
	for clean < len(p) && (p[clean] >= ' ' && p[clean] < 0x7f || p[clean] == '\n' || p[clean] == '\t') {
		clean++
	}
	if clean == len(p) {
		return p
	}
	var b bytes.Buffer
	b.Write(p[:clean])
	for rest := p[clean:]; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(rest[0])
		case r < ' ' || r == 0x7f:
			b.WriteByte('^')
			b.WriteByte(rest[0] ^ 0x40)
		case r == utf8.RuneError && size <= 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case r > 0xffff && !unicode.IsGraphic(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsGraphic(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.Write(rest[:size])
		}
		rest = rest[size:]
	}
	return b.Bytes()
}
