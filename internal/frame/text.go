package frame

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// A text is contents, cut into lines: at each newline, and at the end where that is
// none. Empty contents have no lines.
type text struct {
	all    []byte   // the contents, with a newline at the end in any case
	open   bool     // the contents themselves do not end in one
	starts []uint32 // of the lines in all, and its length
}

var newline = []byte{'\n'}

// newText cuts contents, which must be shorter than 4 GiB. It copies them where they
// do not end in a newline.
func newText(contents []byte) text {
	t := text{all: contents}
	if n := len(contents); n > 0 && contents[n-1] != '\n' {
		t.all, t.open = make([]byte, n+1), true
		copy(t.all, contents)
		t.all[n] = '\n'
	}
	t.starts = make([]uint32, 1, 1+bytes.Count(t.all, newline))
	for pos := 0; pos < len(t.all); {
		pos += bytes.IndexByte(t.all[pos:], '\n') + 1
		t.starts = append(t.starts, uint32(pos))
	}
	return t
}

// contents returns what was cut. It must not be changed.
func (t *text) contents() []byte {
	n := len(t.all) - int(bit(t.open))
	return t.all[:n:n]
}

func (t *text) lines() int { return len(t.starts) - 1 }

// line returns line i without its newline.
func (t *text) line(i int) []byte { return t.all[t.starts[i] : t.starts[i+1]-1] }

// span returns the lines from … to-1, each with its newline.
func (t *text) span(from, to int) []byte { return t.all[t.starts[from]:t.starts[to]] }

func (t *text) lineHashes() []uint64 {
	hashes := make([]uint64, t.lines())
	for i := range hashes {
		hashes[i] = xxhash.Sum64(t.line(i))
	}
	return hashes
}
