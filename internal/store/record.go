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
}

// A record's bytes: its version (02), Sum, StatSum, Seen in unix seconds, Packed
// and Offer, all little endian, and Base where there is one. docs/format/keyspace.md
// draws it. Version 01 ended after Seen; its objects stand by themselves.
const (
	recordV1    = 0x01
	recordV2    = 0x02
	recordV1Len = 1 + 32 + 8 + 8
	recordV2Len = recordV1Len + 4 + 4
)

func (r Record) encode() []byte {
	b := make([]byte, 0, recordV2Len+len(r.Base))
	b = append(b, recordV2)
	b = append(b, r.Sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.StatSum)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Seen.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Packed))
	b = binary.LittleEndian.AppendUint32(b, r.Choice)
	if r.Base != (ID{}) {
		b = append(b, r.Base[:]...)
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
	default:
		return Record{}, false
	}
	copy(r.Sum[:], b[1:])
	r.StatSum = binary.LittleEndian.Uint64([]byte(b[33:41]))
	r.Seen = time.Unix(int64(binary.LittleEndian.Uint64([]byte(b[41:49]))), 0)
	if b[0] == recordV2 {
		r.Packed = int(binary.LittleEndian.Uint32([]byte(b[49:53])))
		r.Choice = binary.LittleEndian.Uint32([]byte(b[53:57]))
	}
	return r, true
}

// Records reads what $of:<host> says of each object, in one request: the one value of
// each Entry, which ParseSum reads.
func (s *Server) Records(ctx context.Context, objects []Ref) ([]Entry, error) {
	q := newRequest(len(objects))
	for _, o := range objects {
		q.add("HGET", keyOf(o.Host), o.Name)
	}
	entries := make([]Entry, len(objects))
	err := s.do(ctx, q, func(r replies) error {
		space := newByteBlock(len(entries))
		for i := range entries {
			b, err := space.read(r) // nil: what only SCAN knows has no record
			if err != nil {
				return err
			}
			entries[i].Values = [][]byte{b}
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

// ParseSum returns the SHA-256 of an object's contents out of its record, false where
// that does not say.
func ParseSum(record []byte) ([32]byte, bool) {
	r, ok := decodeRecord(string(record))
	return r.Sum, ok
}

// RecordsOf reads all records of each host, by name. One that cannot be read, such as
// that of an adopted object, is zero.
func (s *Server) RecordsOf(ctx context.Context, hosts []string) ([]map[string]Record, error) {
	lists, err := s.lists(ctx, "HGETALL", keyOf, hosts, 64)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]Record, len(lists))
	for i, fields := range lists {
		out[i] = make(map[string]Record, len(fields)/2)
		for pair := range slices.Chunk(fields, 2) {
			if len(pair) == 2 && !strings.HasPrefix(pair[0], "$") {
				out[i][pair[0]], _ = decodeRecord(pair[1])
			}
		}
	}
	return out, nil
}
