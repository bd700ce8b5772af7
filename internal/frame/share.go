package frame

import (
	"fmt"
	"hash/maphash"
)

// What is held of what is found in one object, whatever its contents are: no answer is read
// that has more of one host, and 64 MiB of contents can have 64 million lines.
const (
	mostParts    = 1 << 18
	mostPartText = 16 << 20
)

// A Share is what one object may take of what a reader holds. The zero value is all of it.
type Share struct{ parts, text int }

// Take takes room for parts of an object, of so many bytes together. Its error says that
// there is not enough: the object is then of no use.
func (s *Share) Take(parts, text int) error {
	s.parts += parts
	s.text += text
	if s.parts > mostParts || s.text > mostPartText {
		return fmt.Errorf("it has more to be told than %d lines, or %d MiB of them", mostParts, mostPartText>>20)
	}
	return nil
}

// TakeDifferent takes room for what differs among parts, which each calls its argument
// with until that returns false. It spends 8 MiB on finding that out.
func (s *Share) TakeDifferent(each func(func(part []byte) bool)) error {
	seed := maphash.MakeSeed() // so that no host can choose parts whose hashes are equal
	seen := make(map[uint64]struct{})
	var err error
	each(func(part []byte) bool {
		hash := maphash.Bytes(seed, part)
		if _, known := seen[hash]; !known {
			seen[hash] = struct{}{}
			err = s.Take(1, len(part))
		}
		return err == nil
	})
	return err
}
