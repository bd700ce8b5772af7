package push

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
)

// A publisher that runs for months meets more bases than it can keep in memory: those
// that nobody offers any more make room for the others.
func TestAShelfInMemoryIsBoundedAndForgets(t *testing.T) {
	s := newBaseCache("")
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
	if kept == 0 || kept*len(stored) > cacheBytes || s.size() != kept*len(stored) {
		t.Errorf("%d bases of %d bytes are kept, and count %d bytes", kept, len(stored), s.size())
	}
	if err := s.save(); err != nil || !s.has(id(0)) {
		t.Errorf("a base that is offered is gone, %v", err)
	}
	s.list("/etc/a", []frame.ID{id(1), id(500)}, time.Now())
	if err := s.save(); err != nil || s.has(id(0)) || !s.has(id(1)) || s.size() != len(stored) {
		t.Errorf("what is left counts %d bytes, %v", s.size(), err)
	}
	if s.keep(id(500), stored); !s.has(id(500)) {
		t.Error("there is no room for what is new")
	}
	s.listings["/etc/a"].Asked = time.Now().Add(-72 * time.Hour)
	s.list("/etc/b", nil, time.Now())
	if err := s.save(); err != nil || s.size() != 0 || len(s.listings) != 1 {
		t.Errorf("of a name that this host has not had for days %d bytes are kept, %v", s.size(), err)
	}
}

// What a cache counts is what lies on the disk, whatever became of the bases: one that
// counts what is gone has no room left one day.
func TestAShelfCountsWhatLiesOnTheDisk(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	folder := t.TempDir()
	s := newBaseCache(folder)
	id := func() frame.ID { return sha256.Sum256(fmt.Append(nil, rng.IntN(20))) }
	var done []string
	for step := range 3000 {
		switch b := id(); rng.IntN(8) {
		case 0, 1:
			s.keep(b, make([]byte, rng.IntN(5000)))
			done = append(done, "keep")
		case 2:
			s.claimed("/etc/a", b, make([]byte, rng.IntN(5000)))
			done = append(done, "claimed")
		case 3:
			s.drop(b)
			done = append(done, "drop")
		case 4:
			s.base(b) // which is damaged, and dropped
			done = append(done, "base")
		case 5:
			old := time.Now().Add(-2 * listingFresh)
			os.Chtimes(s.path(b), old, old) // so that nobody's are removed with save
			s.list("/etc/a", []frame.ID{id(), id()}, time.Now())
			done = append(done, "offered")
		case 6:
			if err := s.save(); err != nil {
				t.Fatal(err)
			}
			done = append(done, "save")
		case 7:
			s = newBaseCache(folder) // another process
			s.load()
			done = append(done, "load")
		}
		onDisk := 0
		files, err := os.ReadDir(folder)
		for _, f := range files {
			fi, err := f.Info()
			if err != nil {
				t.Fatal(err)
			}
			onDisk += int(fi.Size())
		}
		if err != nil || s.size() != onDisk {
			t.Fatalf("step %d, after %q: %d bytes lie on the disk, and %d count, %v", step, done[max(0, len(done)-5):], onDisk, s.size(), err)
		}
	}
}
