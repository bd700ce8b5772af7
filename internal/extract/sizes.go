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

// coreSizes remembers how many hosts each core had when gc had told, or all its servers
// answered. That is for cores where no server that answers has a roster: one that restarted
// empty does not know that it is not whole. It is safe for concurrent use; of several
// processes that share the file, the last to write it wins.
type coreSizes struct {
	path string // of a file; empty: what is remembered ends with the process

	mu   sync.Mutex
	of   map[string]coreSize // by the core's servers; nil: not read yet
	said map[string]coreSize // as the file has it
}

type coreSize struct {
	Hosts    int  `json:"hosts"`
	Verified bool `json:"verified,omitempty"` // a server had a roster
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

// get returns how many hosts the core had; none: nobody remembers.
func (z *coreSizes) get(k *coreState) coreSize {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.read()
	return z.of[k.sizeKey()]
}

// note remembers how many hosts the core has.
func (z *coreSizes) note(k *coreState, size coreSize) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.read()
	z.of[k.sizeKey()] = size
}

// read reads the file once. One that cannot be read, is damaged, or can be another user's
// doing is as good as none: that user would choose what passes for a whole core.
func (z *coreSizes) read() {
	if z.of != nil {
		return
	}
	z.of, z.said = make(map[string]coreSize), make(map[string]coreSize)
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
	for _, m := range []map[string]coreSize{z.of, z.said} {
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
	for core, now := range z.of {
		said := z.said[core]
		apart := max(now.Hosts-said.Hosts, said.Hosts-now.Hosts)
		changed = changed || now.Verified != said.Verified || apart*coldShare > now.Hosts
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
