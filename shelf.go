package sysops

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
	bytes  int                 // of frames, or of the files in folder
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
	files, _ := os.ReadDir(s.folder)
	for _, f := range files {
		if fi, err := f.Info(); err == nil {
			s.bytes += int(fi.Size())
		}
	}
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
	if s.frames[id] != nil || s.bytes+len(packed) > shelfBytes {
		return
	}
	if s.folder == "" {
		s.frames[id] = packed
		s.bytes += len(packed)
		return
	}
	if s.onDisk(id) {
		return
	}
	os.Remove(s.path(id)) // whatever else may be in its place

	if writeWhole(s.folder, s.path(id), packed) == nil { // a full disk is no reason not to push
		s.bytes += len(packed)
	}
}

// newFile is what the names of files begin with that are not whole yet.
const newFile = ".new-"

// usable reports whether there is a place for bases. Without one, a push would read them
// from a server every time, which costs more than they save.
func (s *shelf) usable() error {
	if s.folder == "" {
		return nil
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return fmt.Errorf("cannot keep the bases on disk: %w", err)
	}
	return nil
}

// writeWhole writes a file so that a reader sees all of it or none.
func writeWhole(folder, path string, data []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, newFile+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
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
	for id, packed := range s.frames {
		if !offered[id] {
			delete(s.frames, id)
			s.bytes -= len(packed)
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
	if err := writeWhole(s.folder, filepath.Join(s.folder, offersFile), text); err != nil {
		return err
	}
	files, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	s.bytes = 0
	var errs []error
	for _, f := range files {
		fi, err := f.Info()
		var id store.ID
		isBase := id.UnmarshalText([]byte(f.Name())) == nil
		if err != nil || f.IsDir() || !isBase && !strings.HasPrefix(f.Name(), newFile) {
			continue // it is gone meanwhile, or not ours
		}
		if !offered[frame.ID(id)] && time.Since(fi.ModTime()) > offersFresh {
			if err := os.Remove(filepath.Join(s.folder, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
			continue
		}
		s.bytes += int(fi.Size())
	}
	return errors.Join(errs...)
}
