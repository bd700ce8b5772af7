package sysops

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
)

// A publisher that runs for months meets more bases than it can keep in memory: those
// that nobody offers any more make room for the others.
func TestAShelfInMemoryIsBoundedAndForgets(t *testing.T) {
	s := newShelf("")
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	stored := frame.NewEncoder().Encode(noise)
	id := func(i int) frame.ID { return sha256.Sum256(fmt.Append(nil, i)) }
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
	s.offered("/etc/a", []frame.ID{id(1), id(500)}, time.Now())
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
