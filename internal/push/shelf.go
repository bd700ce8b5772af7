package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// A shelf keeps what a publisher knows of bases: which are offered for a name, and
// their frames, on disk where it has a folder, so that each is downloaded once. It
// is safe for concurrent use.
type shelf struct {
	folder string // "": in memory alone
	open   *frame.Cache

	mu     sync.Mutex
	loaded bool
	offers map[string]*offer
	frames map[frame.ID][]byte // without a folder, all; with one, none
	sizes  map[string]int      // of the files in folder, by name
	dirty  bool                // offers are not as they are on disk
}

// An offer is the bases of one name.
type offer struct {
	IDs   []frame.ID
	Asked time.Time // when servers were asked last
}

const (
	openBytes   = 12 << 20 // of unpacked bases that a publisher keeps
	shelfBytes  = 64 << 20 // of frames that it keeps, on disk or in memory
	offersBytes = 16 << 20 // of the file that says which are offered
	offersFresh = time.Hour
	offersFile  = "offers.json"
)

func newShelf(folder string) *shelf {
	return &shelf{folder: folder, open: frame.NewCache(openBytes), offers: make(map[string]*offer), frames: make(map[frame.ID][]byte)}
}

// load reads what an earlier process left. What is damaged is as good as absent.
func (s *shelf) load() {
	if s.loaded || s.folder == "" {
		return
	}
	s.loaded = true
	s.survey() // what cannot be read is as good as absent
	var saved map[string]struct {
		IDs   []store.ID `json:"bases"`
		Asked time.Time  `json:"asked"`
	}
	text := readSmall(filepath.Join(s.folder, offersFile), offersBytes)
	if json.Unmarshal(text, &saved) != nil {
		return
	}
	for name, o := range saved {
		s.offers[name] = &offer{Asked: o.Asked}
		for _, id := range o.IDs {
			s.offers[name].IDs = append(s.offers[name].IDs, frame.ID(id))
		}
	}
}

// survey notes what lies in the folder.
func (s *shelf) survey() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(s.folder)
	s.sizes = make(map[string]int, len(entries))
	var files []fs.FileInfo
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() { // or else it is gone meanwhile
			s.sizes[fi.Name()] = int(fi.Size())
			files = append(files, fi)
		}
	}
	return files, err
}

// size returns how many bytes the shelf takes, on disk or in memory.
func (s *shelf) size() int {
	total := 0
	for _, n := range s.sizes {
		total += n
	}
	for _, packed := range s.frames {
		total += len(packed)
	}
	return total
}

// readSmall reads a file, nil where there is none, or something else in its place.
func readSmall(path string, most int64) []byte {
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > most {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return data
}

// stale returns those of the names whose bases servers have not been asked about
// lately.
func (s *shelf) stale(names []string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		o := s.offers[name]
		return o != nil && now.Sub(o.Asked) < offersFresh && !now.Before(o.Asked)
	})
}

// offered notes the bases of a name, in place of those known before.
func (s *shelf) offered(name string, ids []frame.ID, now time.Time) {
	slices.SortFunc(ids, func(a, b frame.ID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers[name] = &offer{IDs: ids, Asked: now}
	s.dirty = true
}

// outdated has servers asked about the bases of a name with the next push.
func (s *shelf) outdated(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.offers[name]; o != nil {
		o.Asked = time.Now().Add(-offersFresh)
		s.dirty = true
	}
}

// forget takes a base off all offers: whoever offers it does not have it.
func (s *shelf) forget(id frame.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if i := slices.Index(o.IDs, id); i >= 0 {
			o.IDs = slices.Delete(slices.Clone(o.IDs), i, i+1)
			s.dirty = true
		}
	}
}

// claimed adds a base to those of a name.
func (s *shelf) claimed(name string, id frame.ID, packed []byte) {
	s.keep(id, packed)
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.offers[name]
	if o == nil {
		o = &offer{Asked: time.Now()}
		s.offers[name] = o
	}
	if !slices.Contains(o.IDs, id) {
		o.IDs = append(slices.Clone(o.IDs), id)
		slices.SortFunc(o.IDs, func(a, b frame.ID) int { return bytes.Compare(a[:], b[:]) })
		s.dirty = true
	}
}

// of returns the bases of a name, sorted.
func (s *shelf) of(name string) []frame.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if o := s.offers[name]; o != nil {
		return o.IDs
	}
	return nil
}

func (s *shelf) path(id frame.ID) string {
	return filepath.Join(s.folder, store.ID(id).String())
}

// keep puts a frame on the shelf, if there is room. It has been verified.
func (s *shelf) keep(id frame.ID, packed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if s.frames[id] != nil || s.size()+len(packed) > shelfBytes {
		return
	}
	if s.folder == "" {
		s.frames[id] = packed
		return
	}
	if s.onDisk(id) {
		return
	}
	os.Remove(s.path(id)) // whatever else may be in its place

	// A full disk is no reason not to push, and what a loss of power damages is verified
	// before it is used.
	if wholefile.Write(s.path(id), packed, wholefile.Options{Unsynced: true, Unswept: true}) == nil {
		s.sizes[filepath.Base(s.path(id))] = len(packed)
	}
}

// usable reports whether there is a place for bases. Without one, a push would read them
// from a server every time, which costs more than they save.
func (s *shelf) usable() error {
	if s.folder == "" {
		return nil
	}
	if err := wholefile.MkdirAll(nil, s.folder, 0o700); err != nil {
		return fmt.Errorf("cannot keep the bases on disk: %w", err)
	}
	return nil
}

// has reports whether a base's frame is on the shelf.
func (s *shelf) has(id frame.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == "" {
		return s.frames[id] != nil
	}
	return s.onDisk(id)
}

func (s *shelf) onDisk(id frame.ID) bool {
	fi, err := os.Lstat(s.path(id))
	return err == nil && fi.Mode().IsRegular()
}

// frame returns the frame of a base, nil where it is not on the shelf.
func (s *shelf) frame(id frame.ID) []byte {
	if s.folder == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.frames[id]
	}
	return readSmall(s.path(id), store.MaxBaseFrame)
}

// base returns a base, nil where it is not on the shelf, or damaged there.
func (s *shelf) base(id frame.ID) *frame.Base {
	if b := s.open.Get(id); b != nil {
		return b
	}
	packed := s.frame(id)
	if packed == nil {
		return nil
	}
	b, err := frame.OpenBase(id, packed)
	if err != nil {
		s.drop(id)
		return nil
	}
	s.open.Put(b)
	return b
}

// verified returns the frame of a base that it has opened, nil where there is none.
func (s *shelf) verified(id frame.ID) []byte {
	packed := s.frame(id)
	if packed == nil {
		return nil
	}
	if _, err := frame.OpenBase(id, packed); err != nil {
		s.drop(id) // so that it is read from a server again
		return nil
	}
	return packed
}

// available returns the bases of a name that are on the shelf, sorted.
func (s *shelf) available(name string) []frame.ID {
	return slices.DeleteFunc(slices.Clone(s.of(name)), func(id frame.ID) bool { return !s.has(id) })
}

// drop takes a frame off the shelf.
func (s *shelf) drop(id frame.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.frames, id)
	if s.folder != "" {
		os.Remove(s.path(id))
		delete(s.sizes, filepath.Base(s.path(id)))
	}
}

// save writes the offers to disk, and removes what nobody offers any more.
func (s *shelf) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	offered := make(map[frame.ID]bool)
	for name, o := range s.offers {
		if time.Since(o.Asked) > 48*offersFresh {
			delete(s.offers, name) // this host has no such object any more
			continue
		}
		for _, id := range o.IDs {
			offered[id] = true
		}
	}
	if s.folder != "" {
		if err := s.saveFolder(offered); err != nil {
			return fmt.Errorf("cannot keep the bases on disk: %w", err)
		}
	}
	for id := range s.frames {
		if !offered[id] {
			delete(s.frames, id)
		}
	}
	s.dirty = false
	return nil
}

// saveFolder is save for what is on disk.
func (s *shelf) saveFolder(offered map[frame.ID]bool) error {
	saved := make(map[string]any, len(s.offers))
	for name, o := range s.offers {
		ids := make([]store.ID, len(o.IDs))
		for i, id := range o.IDs {
			ids[i] = store.ID(id)
		}
		saved[name] = map[string]any{"bases": ids, "asked": o.Asked}
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	if err := wholefile.MkdirAll(nil, s.folder, 0o700); err != nil {
		return err
	}
	if err := wholefile.Write(filepath.Join(s.folder, offersFile), text, wholefile.Options{Unsynced: true, Unswept: true}); err != nil {
		return err
	}
	wholefile.Sweep(s.folder)
	files, err := s.survey()
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		var id store.ID
		if id.UnmarshalText([]byte(f.Name())) != nil || offered[frame.ID(id)] || time.Since(f.ModTime()) <= offersFresh {
			continue // it is not ours, or may be wanted yet
		}
		err := os.Remove(filepath.Join(s.folder, f.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		delete(s.sizes, f.Name())
	}
	return errors.Join(errs...)
}
