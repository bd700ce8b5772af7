package store

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// A Record is what $of:<host> says of one object: enough for the host to see
// that nothing changed without reading the object back.
type Record struct {
	Sum     [32]byte  // SHA-256 of the contents
	StatSum uint64    // digest of the stat fields that count as a change
	Seen    time.Time // element 4 of the object: first seen, by the server's clock

	Packed int    // length of the frame
	Choice uint32 // digest of the bases that were considered for it
	Base   ID     // the base that the frame refers to; zero: it stands by itself

	MayBase   bool      // the contents may serve as a base, which every host can read
	Cut       bool      // the contents are not all that the host has
	Unsure    bool      // a write of the object has not been confirmed: its frame may be another than this says
	Collected time.Time // when the host collected them, where not with its other objects; zero: with them
}

// A record's bytes: its version (03), Sum, StatSum, Seen in unix seconds, Packed,
// Choice and flags, all little endian, and Base and Collected where the flags say so.
// docs/format/keyspace.md draws it. Version 02 had no flags, and Base where there is one;
// version 01 ended after Seen, and its objects stand by themselves.
const (
	recordV1    = 0x01
	recordV2    = 0x02
	recordV3    = 0x03
	recordV1Len = 1 + 32 + 8 + 8
	recordV2Len = recordV1Len + 4 + 4
	recordV3Len = recordV2Len + 1
)

// The flags of a record. Of those that are not here a reader knows nothing; what they
// add comes last.
const (
	recordHasBase = 1 << iota
	recordHasCollected
	recordMayBase
	recordCut
	recordUnsure
)

func (r Record) encode() []byte {
	var flags byte
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	set(recordHasBase, r.Base != ID{})
	set(recordHasCollected, !r.Collected.IsZero())
	set(recordMayBase, r.MayBase)
	set(recordCut, r.Cut)
	set(recordUnsure, r.Unsure)
	b := make([]byte, 0, recordV3Len+len(r.Base)+8)
	b = append(b, recordV3)
	b = append(b, r.Sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.StatSum)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Seen.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Packed))
	b = binary.LittleEndian.AppendUint32(b, r.Choice)
	b = append(b, flags)
	if flags&recordHasBase != 0 {
		b = append(b, r.Base[:]...)
	}
	if flags&recordHasCollected != 0 {
		b = binary.LittleEndian.AppendUint64(b, uint64(r.Collected.Unix()))
	}
	return b
}

// decodeRecord reports false for a record of another version or a damaged one;
// its object is then written anew.
func decodeRecord(b string) (Record, bool) {
	var r Record
	switch n := len(b); {
	case n == recordV1Len && b[0] == recordV1:
	case n == recordV2Len && b[0] == recordV2:
	case n == recordV2Len+len(r.Base) && b[0] == recordV2:
		copy(r.Base[:], b[recordV2Len:])
	case n >= recordV3Len && b[0] == recordV3:
		if !r.decodeFlags(b[recordV2Len], b[recordV3Len:]) {
			return Record{}, false
		}
	default:
		return Record{}, false
	}
	copy(r.Sum[:], b[1:])
	r.StatSum = binary.LittleEndian.Uint64([]byte(b[33:41]))
	r.Seen = time.Unix(int64(binary.LittleEndian.Uint64([]byte(b[41:49]))), 0)
	if b[0] != recordV1 {
		r.Packed = int(binary.LittleEndian.Uint32([]byte(b[49:53])))
		r.Choice = binary.LittleEndian.Uint32([]byte(b[53:57]))
	}
	return r, true
}

// decodeFlags reads what version 03 added. It reports false where rest is too short for
// what the flags announce.
func (r *Record) decodeFlags(flags byte, rest string) bool {
	r.MayBase, r.Cut, r.Unsure = flags&recordMayBase != 0, flags&recordCut != 0, flags&recordUnsure != 0
	if flags&recordHasBase != 0 {
		if len(rest) < len(r.Base) {
			return false
		}
		copy(r.Base[:], rest)
		rest = rest[len(r.Base):]
	}
	if flags&recordHasCollected != 0 {
		if len(rest) < 8 {
			return false
		}
		r.Collected = time.Unix(int64(binary.LittleEndian.Uint64([]byte(rest[:8]))), 0)
		rest = rest[8:]
	}
	return rest == "" || flags > recordHasBase|recordHasCollected|recordMayBase|recordCut|recordUnsure
}

// Records reads what $of:<host> says of each object, in one request: the one value of
// each Entry, which ParseRecord reads.
func (s *Server) Records(ctx context.Context, objects []Ref) ([]Entry, error) {
	q := newRequest(len(objects))
	for _, o := range objects {
		q.add("HGET", keyOf(o.Host), o.Name)
	}
	entries := make([]Entry, len(objects))
	err := s.do(ctx, q, func(r replies) error {
		space := newByteBlock(len(entries))
		for i := range entries {
			b, err := space.read(r)
			switch {
			case kindOf(err) == ErrWrongType: // any host can do that to itself
				entries[i].Err = s.wrap(err)
			case err != nil:
				return err
			}
			entries[i].Values, entries[i].Missing = [][]byte{b}, b == nil
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read the index")
	}
	return entries, nil
}

// ParseRecord reads what Records returns of an object, false where that does not say.
func ParseRecord(record []byte) (Record, bool) { return decodeRecord(string(record)) }

// RecordsOf reads all records of each host, by name. One that cannot be read, such as
// that of an adopted object, is zero.
func (s *Server) RecordsOf(ctx context.Context, hosts []string) ([]map[string]Record, error) {
	lists, err := s.fieldsOf(ctx, "HGETALL", hosts, 64)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]Record, len(lists))
	for i, l := range lists {
		out[i] = make(map[string]Record, len(l.Members)/2)
		for pair := range slices.Chunk(l.Members, 2) {
			if len(pair) == 2 && !strings.HasPrefix(pair[0], "$") {
				out[i][pair[0]], _ = decodeRecord(pair[1])
			}
		}
	}
	return out, nil
}
