package store

import (
	"encoding/binary"
	"time"
)

// A Record is what $of:<host> says of one object: enough for the host to see
// that nothing changed without reading the object back.
type Record struct {
	Sum     [32]byte  // SHA-256 of the contents
	StatSum uint64    // digest of the stat fields that count as a change
	Seen    time.Time // element 4 of the object: first seen, by the server's clock
}

// A record's bytes: its version (01), Sum, StatSum and Seen in unix seconds,
// both little endian. A base's id will follow in a later version.
const (
	recordVersion = 0x01
	recordLen     = 1 + 32 + 8 + 8
)

func (r Record) encode() []byte {
	b := make([]byte, 0, recordLen)
	b = append(b, recordVersion)
	b = append(b, r.Sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.StatSum)
	return binary.LittleEndian.AppendUint64(b, uint64(r.Seen.Unix()))
}

// decodeRecord reports false for a record of another version or a damaged one;
// its object is then written anew.
func decodeRecord(b string) (Record, bool) {
	if len(b) != recordLen || b[0] != recordVersion {
		return Record{}, false
	}
	var r Record
	copy(r.Sum[:], b[1:])
	r.StatSum = binary.LittleEndian.Uint64([]byte(b[33:41]))
	r.Seen = time.Unix(int64(binary.LittleEndian.Uint64([]byte(b[41:49]))), 0)
	return r, true
}
