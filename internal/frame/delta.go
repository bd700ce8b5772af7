package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// The head of a frame that refers to a base: its first byte and the base's ID.
const refLen = 1 + len(ID{})

// BaseOf returns the base that a frame refers to, false for a frame that stands
// by itself.
func BaseOf(frame []byte) (ID, bool) {
	if len(frame) < refLen || frame[0] != same && frame[0] != delta {
		return ID{}, false
	}
	return ID(frame[1:refLen]), true
}

// seal appends the checksum of all that frame holds.
func seal(frame []byte) []byte {
	return binary.LittleEndian.AppendUint64(frame, xxhash.Sum64(frame))
}

// unseal returns what is between the first bytes of frame, head of them, and the checksum
// at its end, which vouches for all of it.
func unseal(kind Kind, frame []byte, head int) ([]byte, error) {
	end := len(frame) - sumLen
	if end < head || binary.LittleEndian.Uint64(frame[end:]) != xxhash.Sum64(frame[:end]) {
		return nil, fmt.Errorf("%w: %s of %d bytes with a wrong checksum", ErrDamaged, kind, len(frame))
	}
	return frame[head:end], nil
}

// SameAs returns the frame of contents of that length that are a base's own.
func SameAs(base ID, length int) []byte {
	frame := make([]byte, 0, refLen+binary.MaxVarintLen64+sumLen)
	frame = append(append(frame, same), base[:]...)
	return seal(binary.AppendUvarint(frame, uint64(length)))
}

// delta returns the frame of p against b: the base's ID, the length of the
// contents, and edits. An edit copies a run of the base's lines and then inserts
// lines of its own, each of which may begin like another line. docs/format/frames.md
// draws the bytes.
func (p *Packing) delta(b *Base) []byte {
	b.lookup()
	frame := make([]byte, 0, 512)
	frame = append(append(frame, delta), b.ID[:]...)
	frame = binary.AppendUvarint(frame, uint64(len(p.contents()))<<1|bit(p.open))
	cursor := 0 // the base's line after the last that was copied
	for i := 0; i < len(p.hashes); {
		from, n := cursor, 0
		if at := b.find(p.line(i), p.hashes[i], cursor); at >= 0 {
			from = at
			for n = 1; i+n < len(p.hashes) && from+n < b.lines() && string(p.line(i+n)) == string(b.line(from+n)); n++ {
			}
		}
		frame = binary.AppendVarint(frame, int64(from-cursor))
		frame = binary.AppendUvarint(frame, uint64(n))
		cursor = from + n
		i += n
		last := i
		for last < len(p.hashes) && b.find(p.line(last), p.hashes[last], cursor) < 0 {
			last++
		}
		frame = binary.AppendUvarint(frame, uint64(last-i))
		var previous []byte
		if n > 0 {
			previous = b.line(cursor - 1)
		}
		for j := 0; i < last; i, j = i+1, j+1 {
			line := p.line(i)
			shared, with := commonPrefix(line, previous), withPrevious
			if cursor+j < b.lines() {
				if n := commonPrefix(line, b.line(cursor+j)); n >= shared {
					shared, with = n, withBase
				}
			}
			frame = binary.AppendUvarint(frame, uint64(shared)<<1|with)
			frame = binary.AppendUvarint(frame, uint64(len(line)-shared))
			frame = append(frame, line[shared:]...)
			previous = line
		}
	}
	return seal(frame)
}

// What an inserted line begins like: the line before it, or the base's line that it
// stands in the place of, counted from the last that was copied.
const (
	withPrevious uint64 = 0
	withBase     uint64 = 1
)

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// An edit copies the base's lines from … to-1 and then inserts lines, which are in
// edits.inserted up to end.
type edit struct {
	from, to int
	end      int
}

// Edits are what a delta frame does to its base, with the inserted lines put
// together. Their memory is used again by the next frame.
type edits struct {
	list     []edit
	inserted []byte // each line with its newline
	length   int    // of the contents
	open     bool   // their last line has no newline

	// whole: what is copied is put into inserted as well, which is then the contents, and
	// list stays empty.
	whole bool
}

// mostEdits is how many edits are looked at one by one: a list of more would take many times
// what the frame does.
const mostEdits = 1 << 17

// errManyEdits: the frame has more edits than that, and has to be unpacked.
var errManyEdits = errors.New("too many edits to be looked at one by one")

// read reads a delta frame against its base. It verifies all that unpacking would.
func (e *edits) read(frame []byte, b *Base, limit int) error {
	if err := fits(frame, b); err != nil {
		return err
	}
	body, err := unseal(Delta, frame, refLen)
	if err != nil {
		return err
	}
	r := reader{body: body}
	head := r.uvarint()
	if head>>1 > uint64(limit) {
		return tooLarge(head>>1, limit)
	}
	e.length = int(head >> 1)
	e.open = head&1 == 1
	room := e.length + int(head&1) // as if it had one
	list, inserted := e.list[:0], e.inserted[:0]
	if e.whole {
		inserted = make([]byte, 0, min(room, short))
	} else if cap(inserted) > 4*short { // one large object must not hold memory from then on
		inserted = nil
	}
	cursor, lines := 0, 0 // the base's line after the last that was copied; lines in inserted
	var previous []byte   // the last line
	for r.left() > 0 {
		from := int64(cursor) + r.varint()
		copied := r.uvarint()
		inserts := r.uvarint()
		if r.bad || from < 0 || from > int64(b.lines()) || copied > uint64(b.lines())-uint64(from) ||
			inserts > uint64(r.left()) || copied|inserts == 0 {
			return e.damaged(len(frame))
		}
		cursor = int(from) + int(copied)
		if copied > 0 {
			previous = b.line(cursor - 1)
		}
		span := b.span(int(from), cursor)
		if room -= len(span); room < 0 {
			return e.damaged(len(frame))
		}
		if e.whole {
			inserted = append(earned(inserted, len(span), room), span...)
			lines += int(copied)
		}
		for j := range int(inserts) {
			start := len(inserted)
			if inserted = r.line(inserted, previous, b, cursor+j, room); inserted == nil {
				return e.damaged(len(frame))
			}
			previous = inserted[start : len(inserted)-1]
			room -= len(previous) + 1
		}
		lines += int(inserts)
		if e.whole {
			continue
		}
		if len(list) == mostEdits {
			return errManyEdits
		}
		list = append(list, edit{int(from), cursor, len(inserted)})
	}
	e.list, e.inserted = list, inserted
	// No line is empty and without its newline; none that is inserted holds another.
	if r.bad || room != 0 || e.open && len(previous) == 0 || bytes.Count(inserted, newline) != lines {
		return e.damaged(len(frame))
	}
	return nil
}

// short are contents that get the memory they claim.
const short = 1 << 20

// earned returns text with room for n more bytes. What is short grows as slices do; beyond
// that it gets room for all that may follow, rest more bytes, at once: a slice that grows is
// in memory twice each time. A frame whose contents have become so long has earned what it
// claims.
func earned(text []byte, n, rest int) []byte {
	if need := len(text) + n; need > cap(text) && need > short {
		return slices.Grow(text, n+rest)
	}
	return text
}

// undelta returns the contents of a delta frame.
func undelta(frame []byte, b *Base, limit int) ([]byte, error) {
	e := edits{whole: true}
	if err := e.read(frame, b, limit); err != nil {
		return nil, err
	}
	return e.inserted[:e.length:e.length], nil
}

func (e *edits) damaged(size int) error {
	return fmt.Errorf("%w: %s of %d bytes does not fit its base", ErrDamaged, Delta, size)
}

// firstByte returns the first byte of contents that are not empty.
func (e *edits) firstByte(b *Base) byte {
	if first := e.list[0]; first.to > first.from {
		return b.all[b.starts[first.from]]
	}
	return e.inserted[0]
}

// A reader takes numbers and bytes off a body. After bad, all it returns is zero. It
// moves a number, not a slice: the garbage collector need not be told of that.
type reader struct {
	body []byte
	at   int
	bad  bool
}

func (r *reader) left() int { return len(r.body) - r.at }

func (r *reader) uvarint() uint64 {
	if r.at < len(r.body) && r.body[r.at] < 0x80 { // most are small
		r.at++
		return uint64(r.body[r.at-1])
	}
	return r.longUvarint()
}

func (r *reader) longUvarint() uint64 {
	v, n := binary.Uvarint(r.body[r.at:])
	if n <= 0 {
		r.bad, r.at = true, len(r.body)
		return 0
	}
	r.at += n
	return v
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(r.left()) {
		r.bad, r.at = true, len(r.body)
		return nil
	}
	r.at += int(n)
	return r.body[r.at-int(n) : r.at]
}

// line appends an inserted line to lines: nil where it is damaged, or there is no room for
// it. It may begin like previous, or like the base's line place, which it stands for.
func (r *reader) line(lines, previous []byte, b *Base, place, room int) []byte {
	shared := r.uvarint()
	rest := r.bytes(r.uvarint())
	like := previous
	if shared&1 == withBase {
		if like = nil; place < b.lines() {
			like = b.line(place)
		}
	}
	shared >>= 1
	if r.bad || shared > uint64(len(like)) || int(shared)+len(rest) >= room {
		return nil
	}
	size := int(shared) + len(rest) + 1
	return append(append(append(earned(lines, size, room-size), like[:shared]...), rest...), '\n')
}
