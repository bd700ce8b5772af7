// Package frame packs an object's contents into a frame and unpacks it again.
//
// Its goals, in this order: contents come back byte for byte or not at all; a
// frame from a hostile host costs no more memory than the reader allows; the
// frame is small. It knows neither Redis nor hosts: contents in, bytes out.
//
// The bytes of every kind of frame are drawn in docs/format/frames.md.
package frame

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Kind is how a frame's contents are packed. It is told by the frame's first bytes.
type Kind string

// The kinds of frame that this version reads. It writes all but Bzip2.
const (
	Stored Kind = "stored" // 00, length, the contents, XXH64
	Same   Kind = "same"   // 01, a base's ID, length, XXH64: the contents are the base's
	Delta  Kind = "delta"  // 02, a base's ID, length, edits, XXH64
	Zstd   Kind = "zstd"   // one zstd frame (RFC 8878) with its content checksum
	Bzip2  Kind = "bzip2"  // what the original's inserter wrote; read only
)

// The first bytes of the frames that are ours alone.
const (
	stored = 0x00
	same   = 0x01
	delta  = 0x02
)

// magics lists the first bytes of every kind. A new kind is a new line here, a
// case in Decoder.Decode, a drawing in docs/format and a golden frame in testdata.
var magics = []struct {
	kind  Kind
	magic []byte
}{
	{Stored, []byte{stored}},
	{Same, []byte{same}},
	{Delta, []byte{delta}},
	{Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd}},
	{Bzip2, []byte("BZh")},
}

// Errors that Decode returns, wrapped.
var (
	// ErrUnknownKind: the first bytes are those of no kind that this version knows.
	ErrUnknownKind = errors.New("frame of unknown kind")

	// ErrDamaged: the frame is truncated or its checksum is wrong.
	ErrDamaged = errors.New("damaged frame")

	// ErrTooLarge: the contents are longer than the limit.
	ErrTooLarge = errors.New("contents too large")

	// ErrNoBase: the frame refers to a base that is not at hand.
	ErrNoBase = errors.New("frame without its base")

	// ErrTooManyMatches: a line has so many matches that they are not told one by one.
	// It is of a search alone.
	ErrTooManyMatches = errors.New("too many matches on one line")
)

// DefaultLimit is how long unpacked contents may be: 64 MiB.
const DefaultLimit = 64 << 20

// KindOf tells a frame's kind by its first bytes.
func KindOf(frame []byte) (Kind, error) {
	for _, m := range magics {
		if bytes.HasPrefix(frame, m.magic) {
			return m.kind, nil
		}
	}
	return "", fmt.Errorf("%w: it begins with % x", ErrUnknownKind, frame[:min(4, len(frame))])
}

// Begins reports whether frame begins as those of this kind do.
func (k Kind) Begins(frame []byte) bool {
	for _, m := range magics {
		if m.kind == k {
			return bytes.HasPrefix(frame, m.magic)
		}
	}
	return false
}

const (
	sumLen = 8 // XXH64, little endian, as zstd writes it

	longest = min(1<<40, math.MaxInt) // contents that a frame may declare: they must fit an int

	// minZstd is the length below which zstd is not tried: its header and
	// checksum would eat what it saves.
	minZstd = 64
)

// An Encoder packs contents. It is safe for concurrent use, one object at a time;
// each holds a few megabytes.
type Encoder struct {
	zstd *zstd.Encoder
}

// NewEncoder returns an Encoder that uses little memory: an agent runs beside
// what the machine is for.
func NewEncoder() *Encoder {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20),
		zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	if err != nil {
		panic(err) // the options are constants: they are right or never were
	}
	return &Encoder{zstd: z}
}

// Encode returns the smaller of the stored and the zstd frame of contents.
func (e *Encoder) Encode(contents []byte) []byte {
	if len(contents) >= minZstd {
		packed := e.zstd.EncodeAll(contents, nil)
		if len(packed) < len(contents) {
			return packed
		}
	}
	return store(contents)
}

func store(contents []byte) []byte {
	frame := make([]byte, 0, 1+binary.MaxVarintLen64+len(contents)+sumLen)
	frame = append(frame, stored)
	frame = binary.AppendUvarint(frame, uint64(len(contents)))
	return seal(append(frame, contents...))
}

// A Decoder unpacks frames. It is safe for concurrent use.
type Decoder struct {
	limit int
	zstd  *zstd.Decoder
}

// NewDecoder returns a Decoder that refuses contents of more than limit bytes;
// 0 means DefaultLimit.
func NewDecoder(limit int) *Decoder {
	if limit <= 0 {
		limit = DefaultLimit
	}
	memory := max(uint64(limit), zstd.MinWindowSize) // short frames have that window, too
	z, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(memory), zstd.WithDecoderMaxWindow(memory))
	if err != nil {
		panic(fmt.Sprintf("codec: limit %d: %v", limit, err))
	}
	return &Decoder{limit: limit, zstd: z}
}

// Len returns how long the frame says its contents are, without unpacking them.
// It reports false where the frame does not say.
func Len(frame []byte) (int, bool) {
	kind, err := KindOf(frame)
	if err != nil {
		return 0, false
	}
	return declared(kind, frame)
}

// declared is Len of a frame of that kind.
func declared(kind Kind, frame []byte) (int, bool) {
	switch kind {
	case Stored:
		n, width := binary.Uvarint(frame[1:])
		return int(n), width > 0 && n <= uint64(len(frame))
	case Same, Delta:
		if len(frame) < refLen+sumLen {
			return 0, false
		}
		n, width := binary.Uvarint(frame[refLen : len(frame)-sumLen])
		if kind == Delta {
			n >>= 1 // the lowest bit tells of the last newline
		}
		return int(n), width > 0 && n <= longest
	case Zstd:
		var h zstd.Header
		if err := h.Decode(frame); err != nil || !h.HasFCS || h.FrameContentSize > longest {
			return 0, false
		}
		return int(h.FrameContentSize), true
	}
	return 0, false
}

// Decode returns the contents of frame. base is the one that BaseOf names; nil
// where there is none. The error is ErrUnknownKind, ErrDamaged, ErrTooLarge or
// ErrNoBase. The contents may share memory with frame and with base.
func (d *Decoder) Decode(frame []byte, base *Base) ([]byte, error) {
	kind, err := d.kind(frame)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Stored:
		return unstore(frame)
	case Same:
		return unsame(frame, base)
	case Delta:
		return undelta(frame, base, d.limit)
	case Zstd:
		return d.unzstd(frame)
	default:
		return d.unbzip2(frame)
	}
}

// kind tells a frame's kind, and refuses one that says it is longer than the limit.
func (d *Decoder) kind(frame []byte) (Kind, error) {
	kind, err := KindOf(frame)
	if err != nil {
		return "", err
	}
	if n, ok := declared(kind, frame); ok && n > d.limit {
		return "", tooLarge(uint64(n), d.limit)
	}
	return kind, nil
}

func tooLarge(length uint64, limit int) error {
	return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, length, limit)
}

func unstore(frame []byte) ([]byte, error) {
	body, err := unseal(Stored, frame, 1)
	if err != nil {
		return nil, err
	}
	n, width := binary.Uvarint(body)
	if width <= 0 || n != uint64(len(body)-width) {
		return nil, fmt.Errorf("%w: %s of %d bytes declares another length", ErrDamaged, Stored, len(frame))
	}
	return body[width:len(body):len(body)], nil
}

// fits reports whether base is the one that frame refers to.
func fits(frame []byte, base *Base) error {
	id, ok := BaseOf(frame)
	switch {
	case !ok:
		return fmt.Errorf("%w: %d bytes are too few for the ID of a base", ErrDamaged, len(frame))
	case base == nil || base.ID != id:
		return fmt.Errorf("%w: %x", ErrNoBase, id)
	}
	return nil
}

func unsame(frame []byte, base *Base) ([]byte, error) {
	if err := fits(frame, base); err != nil {
		return nil, err
	}
	body, err := unseal(Same, frame, refLen)
	if err != nil {
		return nil, err
	}
	contents := base.Contents()
	if n, width := binary.Uvarint(body); width <= 0 || width != len(body) || n != uint64(len(contents)) {
		return nil, fmt.Errorf("%w: %s declares another length than its base's %d bytes", ErrDamaged, Same, len(contents))
	}
	return contents, nil
}

func (d *Decoder) unzstd(frame []byte) ([]byte, error) {
	n, ok := Len(frame)
	if !ok {
		// All of ours do, and whoever reads many counts on it to bound memory.
		return nil, fmt.Errorf("%w: %s without the length of its contents", ErrDamaged, Zstd)
	}
	var room []byte
	if n <= short {
		room = make([]byte, 0, n) // a larger claim has to be earned first
	}
	contents, err := d.zstd.DecodeAll(frame, room)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(contents) > d.limit:
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, d.limit)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, Zstd, err)
	}
	if n != len(contents) {
		return nil, fmt.Errorf("%w: %s is followed by something else", ErrDamaged, Zstd)
	}
	return contents, nil
}

func (d *Decoder) unbzip2(frame []byte) ([]byte, error) {
	r := io.LimitReader(bzip2.NewReader(bytes.NewReader(frame)), int64(d.limit)+1)
	contents, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, Bzip2, err)
	}
	if len(contents) > d.limit {
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, d.limit)
	}
	return contents, nil
}

// readAll is io.ReadAll of what may be long: it reads in pieces, for a slice that grows is
// in memory twice each time, and then lies about as garbage.
func readAll(r io.Reader) ([]byte, error) {
	const most = 1 << 20
	var pieces [][]byte
	for size := 4 << 10; ; size = min(2*size, most) {
		piece := make([]byte, size)
		n := 0
		for n < size {
			read, err := r.Read(piece[n:])
			n += read
			if err == io.EOF {
				return slices.Concat(append(pieces, piece[:n])...), nil
			}
			if err != nil {
				return nil, err
			}
		}
		pieces = append(pieces, piece)
	}
}
