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
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// A baseCache keeps what a publisher knows of bases: which servers list for a name, and
// their frames, on disk where it has a folder, so that each is downloaded once. It
// is safe for concurrent use.
type baseCache struct {
	folder string // "": in memory alone
	opened *frame.Cache

	mu       sync.Mutex
	loaded   bool
	listings map[string]*listing
	servers  map[string]*serverNote // by the server's name
	frames   map[frame.ID][]byte    // without a folder, all; with one, none
	sizes    map[string]int         // of the files in folder, by name
	dirty    bool                   // listings are not as they are on disk
}

// A listing is the bases of one name.
type listing struct {
	IDs    []frame.ID
	Chosen []frame.ID // those of them that gc has chosen, and that stay
	Asked  time.Time  // when servers were asked last
}

// A serverNote is what is known of one server.
type serverNote struct {
	Fixed     time.Time // when it turned out that hosts may not write bases there; zero: they may
	Claimless time.Time // the same of claims alone
	Chosen    string    // what it said with the last whole push; see store.HostState
}

// refusedFor is how long a server is not asked again whether hosts may write bases.
const refusedFor = 24 * time.Hour

const (
	openedBytes   = 12 << 20 // of unpacked bases that a publisher keeps
	cacheBytes    = 64 << 20 // of frames that it keeps, on disk or in memory
	listingsBytes = 16 << 20 // of the file that has the listings
	listingFresh  = time.Hour
	listingsFile  = "offers.json"
	serverPrefix  = "$server " // of the keys there that are servers and not names
)

func newBaseCache(folder string) *baseCache {
	return &baseCache{folder: folder, opened: frame.NewCache(openedBytes), listings: make(map[string]*listing), servers: make(map[string]*serverNote), frames: make(map[frame.ID][]byte)}
}

// load reads what an earlier process left. What is damaged is as good as absent.
func (s *baseCache) load() {
	if s.loaded || s.folder == "" {
		return
	}
	s.loaded = true
	s.survey() // what cannot be read is as good as absent
	var saved map[string]savedListing
	text := readSmall(filepath.Join(s.folder, listingsFile), listingsBytes)
	if json.Unmarshal(text, &saved) != nil {
		return
	}
	for name, o := range saved {
		if server, ok := strings.CutPrefix(name, serverPrefix); ok {
			s.servers[server] = &serverNote{Fixed: o.Asked, Claimless: o.Claimless, Chosen: o.Version}
			continue
		}
		s.listings[name] = &listing{IDs: convert[frame.ID](o.IDs), Chosen: convert[frame.ID](o.Chosen), Asked: o.Asked}
	}
}

// A savedListing is a listing on disk, or in its place the note of a server.
type savedListing struct {
	IDs       []store.ID `json:"bases,omitempty"`
	Chosen    []store.ID `json:"chosen,omitempty"`
	Asked     time.Time  `json:"asked"`
	Claimless time.Time  `json:"claimless,omitzero"`
	Version   string     `json:"version,omitempty"`
}

func convert[To, From ~[32]byte](ids []From) []To {
	var out []To
	for _, id := range ids {
		out = append(out, To(id))
	}
	return out
}

// survey notes what lies in the folder.
func (s *baseCache) survey() ([]fs.FileInfo, error) {
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

// size returns how many bytes the cache takes, on disk or in memory.
func (s *baseCache) size() int {
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
func (s *baseCache) stale(names []string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		o := s.listings[name]
		return o != nil && now.Sub(o.Asked) < listingFresh && !now.Before(o.Asked)
	})
}

// list notes the bases of a name, in place of those known before.
func (s *baseCache) list(name string, ids []frame.ID, now time.Time) {
	slices.SortFunc(ids, func(a, b frame.ID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listings[name] = &listing{IDs: ids, Asked: now}
	s.dirty = true
}

// listChosen notes which of the bases of a name gc has chosen.
func (s *baseCache) listChosen(name string, ids []frame.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.listings[name]; o != nil {
		o.Chosen = ids
	}
}

// stays reports whether a base of a name is one that gc has chosen.
func (s *baseCache) stays(name string, id frame.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	o := s.listings[name]
	return o != nil && slices.Contains(o.Chosen, id)
}

// server returns what is known of a server. What hosts may not do there is tried again after
// a day.
func (s *baseCache) server(name string) serverNote {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	note := s.servers[name]
	if note == nil {
		return serverNote{}
	}
	known := *note
	for _, at := range []*time.Time{&known.Fixed, &known.Claimless} {
		if age := time.Since(*at); age > refusedFor || age < 0 {
			*at = time.Time{}
		}
	}
	return known
}

// note takes down what is known of a server.
func (s *baseCache) note(name string, known serverNote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.servers[name]; old == nil && known == (serverNote{}) || old != nil && *old == known {
		return
	}
	s.servers[name], s.dirty = &known, true
}

// outdated has servers asked about the bases of a name with the next push.
func (s *baseCache) outdated(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.listings[name]; o != nil {
		o.Asked = time.Now().Add(-listingFresh)
		s.dirty = true
	}
}

// forget takes a base off all listings: whoever lists it does not have it.
func (s *baseCache) forget(id frame.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.listings {
		if i := slices.Index(o.IDs, id); i >= 0 {
			o.IDs = slices.Delete(slices.Clone(o.IDs), i, i+1)
			s.dirty = true
		}
	}
}

// claimed adds a base to those of a name.
func (s *baseCache) claimed(name string, id frame.ID, packed []byte) {
	s.keep(id, packed)
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.listings[name]
	if o == nil {
		o = &listing{Asked: time.Now()}
		s.listings[name] = o
	}
	if !slices.Contains(o.IDs, id) {
		o.IDs = append(slices.Clone(o.IDs), id)
		slices.SortFunc(o.IDs, func(a, b frame.ID) int { return bytes.Compare(a[:], b[:]) })
		s.dirty = true
	}
}

// listed returns the bases of a name, sorted.
func (s *baseCache) listed(name string) []frame.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if o := s.listings[name]; o != nil {
		return o.IDs
	}
	return nil
}

func (s *baseCache) path(id frame.ID) string {
	return filepath.Join(s.folder, store.ID(id).String())
}

// keep puts a frame in the cache, if there is room. It has been verified.
func (s *baseCache) keep(id frame.ID, packed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	if s.frames[id] != nil || s.size()+len(packed) > cacheBytes {
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
func (s *baseCache) usable() error {
	if s.folder == "" {
		return nil
	}
	if err := wholefile.MkdirAll(nil, s.folder, 0o700); err != nil {
		return fmt.Errorf("cannot keep the bases on disk: %w", err)
	}
	return nil
}

// has reports whether a base's frame is in the cache.
func (s *baseCache) has(id frame.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == "" {
		return s.frames[id] != nil
	}
	return s.onDisk(id)
}

func (s *baseCache) onDisk(id frame.ID) bool {
	fi, err := os.Lstat(s.path(id))
	return err == nil && fi.Mode().IsRegular()
}

// frame returns the frame of a base, nil where it is not in the cache.
func (s *baseCache) frame(id frame.ID) []byte {
	if s.folder == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.frames[id]
	}
	return readSmall(s.path(id), store.MaxBaseFrame)
}

// base returns a base, nil where it is not in the cache, or damaged there.
func (s *baseCache) base(id frame.ID) *frame.Base {
	if b := s.opened.Get(id); b != nil {
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
	s.opened.Put(b)
	return b
}

// verified returns the frame of a base that it has opened, nil where there is none.
func (s *baseCache) verified(id frame.ID) []byte {
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

// available returns the bases of a name that are in the cache, sorted.
func (s *baseCache) available(name string) []frame.ID {
	return slices.DeleteFunc(slices.Clone(s.listed(name)), func(id frame.ID) bool { return !s.has(id) })
}

// drop takes a frame out of the cache.
func (s *baseCache) drop(id frame.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.frames, id)
	if s.folder != "" {
		os.Remove(s.path(id))
		delete(s.sizes, filepath.Base(s.path(id)))
	}
}

// save writes the listings to disk, and removes what nobody lists any more.
func (s *baseCache) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	listed := make(map[frame.ID]bool)
	for name, o := range s.listings {
		if time.Since(o.Asked) > 48*listingFresh {
			delete(s.listings, name) // this host has no such object any more
			continue
		}
		for _, id := range o.IDs {
			listed[id] = true
		}
	}
	if s.folder != "" {
		if err := s.saveFolder(listed); err != nil {
			return fmt.Errorf("cannot keep the bases on disk: %w", err)
		}
	}
	for id := range s.frames {
		if !listed[id] {
			delete(s.frames, id)
		}
	}
	s.dirty = false
	return nil
}

// saveFolder is save for what is on disk.
func (s *baseCache) saveFolder(listed map[frame.ID]bool) error {
	saved := make(map[string]savedListing, len(s.listings)+len(s.servers))
	for name, o := range s.listings {
		saved[name] = savedListing{IDs: convert[store.ID](o.IDs), Chosen: convert[store.ID](o.Chosen), Asked: o.Asked}
	}
	for name, note := range s.servers {
		saved[serverPrefix+name] = savedListing{Asked: note.Fixed, Claimless: note.Claimless, Version: note.Chosen}
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	if err := wholefile.MkdirAll(nil, s.folder, 0o700); err != nil {
		return err
	}
	if err := wholefile.Write(filepath.Join(s.folder, listingsFile), text, wholefile.Options{Unsynced: true, Unswept: true}); err != nil {
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
		if id.UnmarshalText([]byte(f.Name())) != nil || listed[frame.ID(id)] || time.Since(f.ModTime()) <= listingFresh {
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
