package extract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// coreSizes remembers how many hosts each core had when all its servers answered. That is
// for cores where gc has not run, and left no roster: a server that restarted empty does
// not know that it is not whole. It is safe for concurrent use; of several processes that
// share the file, the last to write it wins.
type coreSizes struct {
	path string // of a file; empty: what is remembered ends with the process

	mu   sync.Mutex
	of   map[string]int // core, by its servers → hosts; nil: not read yet
	said map[string]int // as the file has it
}

const (
	sizesFile  = "sizes.json"
	sizesLimit = 1 << 20 // bytes of the file; a longer one is damaged
)

func newCoreSizes(folder string) *coreSizes {
	z := &coreSizes{}
	if folder != "" {
		z.path = filepath.Join(folder, sizesFile)
	}
	return z
}

// sizeKey names a core by its servers: directories give the same name to different cores.
func (k *coreState) sizeKey() string {
	names := make([]string, len(k.members))
	for i, m := range k.members {
		names[i] = m.Name()
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// get returns how many hosts the core had; 0: nobody remembers.
func (z *coreSizes) get(k *coreState) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.read()
	return z.of[k.sizeKey()]
}

// note remembers how many hosts the core has.
func (z *coreSizes) note(k *coreState, hosts int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.read()
	z.of[k.sizeKey()] = hosts
}

// read reads the file once. One that cannot be read, is damaged, or can be another user's
// doing is as good as none: that user would choose what passes for a whole core.
func (z *coreSizes) read() {
	if z.of != nil {
		return
	}
	z.of, z.said = make(map[string]int), make(map[string]int)
	if z.path == "" {
		return
	}
	if fi, err := os.Stat(z.path); err != nil || !fi.Mode().IsRegular() || fi.Size() > sizesLimit {
		return
	}
	text, err := trust.Read(z.path, sizesLimit)
	if err != nil {
		return
	}
	for _, m := range []map[string]int{z.of, z.said} {
		if json.Unmarshal(text, &m) != nil {
			clear(m)
		}
	}
}

// save writes the file where something in it has changed by more than a hundredth, which
// is what makes a core short. It is of little worth: where it cannot be written, nothing is
// remembered.
func (z *coreSizes) save() {
	z.mu.Lock()
	defer z.mu.Unlock()
	changed := false
	for core, n := range z.of {
		changed = changed || (n-z.said[core])*coldShare > n || (z.said[core]-n)*coldShare > n
	}
	if z.path == "" || !changed {
		return
	}
	text, err := json.Marshal(z.of)
	if err != nil {
		return
	}
	if err := wholefile.MkdirAll(nil, filepath.Dir(z.path), 0o700); err != nil {
		return
	}
	_ = wholefile.Write(z.path, append(text, '\n'), wholefile.Options{Unsynced: true})
}
