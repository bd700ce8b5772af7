package netstat

import (
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/parse"
)

// Names numbers the counters of a fleet. It may be used by several goroutines at a time.
type Names struct {
	most int

	mu       sync.RWMutex
	ids      map[string]int
	counters []Counter // by id
}

// NewNames returns an empty one, which numbers the first most counters that it meets:
// hosts may make up any number of them.
func NewNames(most int) *Names { return &Names{most: most, ids: make(map[string]int)} }

// Counters returns the counters that have a number, by their numbers. They must not be
// changed.
func (n *Names) Counters() []Counter {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.counters
}

// number returns the number of a counter, a negative one for a counter beyond the bounds or,
// unless it may be new, for one that has none. isNew: it has its number from now on.
func (n *Names) number(group, name []byte, mayBeNew bool) (id int, isNew bool) {
	if len(group)+len(name) > parse.MaxName {
		return -1, false
	}
	key := append(append(append(make([]byte, 0, parse.MaxName+1), group...), '.'), name...)
	n.mu.RLock()
	id, ok := n.ids[string(key)]
	n.mu.RUnlock()
	switch {
	case ok:
		return id, false
	case !mayBeNew:
		return -1, false
	}
	return n.add(key, len(group))
}

// add numbers a counter, unless it is beyond the bound.
func (n *Names) add(key []byte, group int) (id int, isNew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.ids[string(key)]
	switch {
	case ok:
		return id, false
	case len(n.counters) >= n.most:
		return -1, false
	}
	id = len(n.counters)
	name := strings.ToValidUTF8(string(key), "?")
	n.ids[string(key)] = id
	n.counters = append(n.counters, Counter{name[:min(group, len(name))], name[min(group+1, len(name)):]})
	return id, true
}
