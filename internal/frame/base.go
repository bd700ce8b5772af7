package frame

import (
	"bytes"
	"crypto/sha256"
	"sync"
)

// An ID names contents: their SHA-256.
type ID [sha256.Size]byte

// Sum returns the ID of contents.
func Sum(contents []byte) ID { return sha256.Sum256(contents) }

// A Base is contents that others are packed against: one host's, most often, in
// place of which the others then only say where they differ. It is safe for
// concurrent use.
type Base struct {
	ID ID
	text
	nuls []uint32 // how many of the lines before this one hold NUL; nil: none does

	hashing sync.Once
	hashes  []uint64 // of the lines

	index  sync.Once
	first  map[uint64]uint32 // hash of a line → the first such line, plus 1
	repeat []uint32          // line → the next line of the same hash, plus 1
}

// NewBase returns contents as a base. Contents of 4 GiB and more are none: nil.
// The caller compares ID with the one that it asked for.
func NewBase(contents []byte) *Base {
	if uint64(len(contents)) >= 1<<32-1 {
		return nil
	}
	b := &Base{ID: Sum(contents), text: newText(contents)}
	if IsBinary(b.all) {
		b.nuls = make([]uint32, len(b.starts))
		for i := range b.lines() {
			b.nuls[i+1] = b.nuls[i]
			if IsBinary(b.line(i)) {
				b.nuls[i+1]++
			}
		}
	}
	return b
}

// Size is about how many bytes the base holds in memory, once it has been packed
// against.
func (b *Base) Size() int { return len(b.all) + 4*len(b.nuls) + 40*len(b.starts) }

// Contents returns the contents. They must not be changed.
func (b *Base) Contents() []byte { return b.contents() }

// binary reports whether one of the lines from … to-1 holds NUL.
func (b *Base) binary(from, to int) bool { return b.nuls != nil && b.nuls[to] > b.nuls[from] }

// hashed returns the hashes of the lines: all that it takes to see how much of other
// contents the base has. Readers do not need them.
func (b *Base) hashed() []uint64 {
	b.hashing.Do(func() { b.hashes = b.lineHashes() })
	return b.hashes
}

// lookup prepares the base to be packed against.
func (b *Base) lookup() {
	b.index.Do(func() {
		b.first = make(map[uint64]uint32, b.lines())
		b.repeat = make([]uint32, b.lines())
		hashes := b.hashed()
		for i := b.lines() - 1; i >= 0; i-- {
			h := hashes[i]
			b.repeat[i] = b.first[h]
			b.first[h] = uint32(i) + 1
		}
	})
}

// tries bounds how many equal lines are looked at: a text of a million empty lines
// must not take a million times as long.
const tries = 32

// find returns the line of b that equals line and has this hash: at the cursor or
// soonest after it, else the first. It returns -1 where there is none.
func (b *Base) find(line []byte, hash uint64, cursor int) int {
	if cursor < b.lines() && bytes.Equal(b.line(cursor), line) {
		return cursor
	}
	before := -1
	for n, at := 0, b.first[hash]; at > 0 && n < tries; n, at = n+1, b.repeat[at-1] {
		i := int(at) - 1
		if !bytes.Equal(b.line(i), line) {
			continue
		}
		if i >= cursor {
			return i
		}
		if before < 0 {
			before = i
		}
	}
	return before
}
