package sysops

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/codec"
)

// A publisher that runs for months meets more bases than it can keep in memory: those
// that nobody offers any more make room for the others.
func TestAShelfInMemoryIsBoundedAndForgets(t *testing.T) {
	s := newShelf("")
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	stored := codec.NewEncoder().Encode(noise)
	id := func(i int) codec.ID { return sha256.Sum256(fmt.Append(nil, i)) }
	for i := range 100 {
		s.claimed("/etc/a", id(i), stored)
	}
	kept := 0
	for i := range 100 {
		if s.has(id(i)) {
			kept++
		}
	}
	if kept == 0 || kept*len(stored) > shelfBytes || s.bytes != kept*len(stored) {
		t.Errorf("%d bases of %d bytes are kept, and count %d bytes", kept, len(stored), s.bytes)
	}
	if err := s.save(); err != nil || !s.has(id(0)) {
		t.Errorf("a base that is offered is gone, %v", err)
	}
	s.offered("/etc/a", []codec.ID{id(1), id(500)}, time.Now())
	if err := s.save(); err != nil || s.has(id(0)) || !s.has(id(1)) || s.bytes != len(stored) {
		t.Errorf("what is left counts %d bytes, %v", s.bytes, err)
	}
	if s.keep(id(500), stored); !s.has(id(500)) {
		t.Error("there is no room for what is new")
	}
	s.offers["/etc/a"].Asked = time.Now().Add(-72 * time.Hour)
	s.offered("/etc/b", nil, time.Now())
	if err := s.save(); err != nil || s.bytes != 0 || len(s.offers) != 1 {
		t.Errorf("of a name that this host has not had for days %d bytes are kept, %v", s.bytes, err)
	}
}

// What is unpacked is bounded too, and what was used last stays.
func TestACacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache(10_000)
	base := func(i int) *codec.Base { return codec.NewBase(fmt.Appendf(make([]byte, 0, 2000), "%01900d", i)) }
	first := base(0)
	c.put(first)
	for i := range 50 {
		c.put(base(i))
		if c.get(first.ID) != first {
			t.Fatalf("after %d others the one that is used all the time is gone", i)
		}
		if c.size > 10_000 || c.order.Len() != len(c.bases) {
			t.Fatalf("%d bytes, %d in order, %d in the map", c.size, c.order.Len(), len(c.bases))
		}
	}
	large := codec.NewBase(make([]byte, 50_000))
	if c.put(large); c.get(large.ID) != large || c.order.Len() != 1 {
		t.Errorf("one that is larger than the cache is kept beside %d others", c.order.Len()-1)
	}
}
