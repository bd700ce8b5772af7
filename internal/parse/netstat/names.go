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

// number returns the number of a counter, a negative one for a counter beyond the bounds.
func (n *Names) number(group, name []byte) int {
	if len(group)+len(name) > parse.MaxName {
		return -1
	}
	key := append(append(append(make([]byte, 0, parse.MaxName+1), group...), '.'), name...)
	if id, ok := n.id(key, len(group)); ok {
		return id
	}
	return -1
}

// id is false for a counter beyond the bound.
func (n *Names) id(key []byte, group int) (int, bool) {
	n.mu.RLock()
	id, ok := n.ids[string(key)]
	n.mu.RUnlock()
	if ok {
		return id, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok = n.ids[string(key)]
	if !ok && len(n.counters) < n.most {
		id, ok = len(n.counters), true
		name := strings.ToValidUTF8(string(key), "?")
		n.ids[string(key)] = id
		n.counters = append(n.counters, Counter{name[:min(group, len(name))], name[min(group+1, len(name)):]})
	}
	return id, ok
}
