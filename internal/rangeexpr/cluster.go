package rangeexpr

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
)

// ErrNoCluster is what a Source returns, wrapped, for a cluster that is not there.
var ErrNoCluster = errors.New("no such cluster")

// A Source has the clusters that expressions name. It is safe for concurrent use.
type Source interface {
	// Clusters returns the names of all clusters, sorted. The caller does not change them.
	Clusters() ([]string, error)

	// Cluster returns one, or an error that wraps ErrNoCluster, which any text that is
	// in nobody's files is. Any other error means that the cluster cannot be read; a
	// *FileError says where.
	Cluster(name string) (*Cluster, error)
}

// A Cluster is what one cluster file defines. It is neither changed nor copied after
// its first use, and then safe for concurrent use.
type Cluster struct {
	File string // for errors
	Keys map[string][]Item

	mu   sync.Mutex
	read map[string]*readKey
}

// An Item is one expression of a key. What a key's items stand for is united.
type Item struct {
	Text string
	Line int // in the file, from 1; for errors
}

// A readKey is a key whose items are read: most are names, which are sorted once and
// not evaluated again.
type readKey struct {
	names []string
	exprs []readItem
	err   error // of the first item that cannot be read
}

type readItem struct {
	Item
	node node
}

// keys returns the names of the keys, sorted.
func (c *Cluster) keys() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.Keys)), func(k string) bool { return k == keyOfKeys })
}

// has reports whether %name:key is no error.
func (c *Cluster) has(key string) bool {
	_, ok := c.Keys[key]
	return ok || key == defaultKey || key == keyOfKeys
}

// The keys that every cluster has. A cluster without CLUSTER stands for nothing; KEYS
// cannot be defined by a file.
const (
	defaultKey = "CLUSTER"
	keyOfKeys  = "KEYS"
)

func (c *Cluster) key(name string) *readKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.read[name]
	if !ok {
		k = c.readKey(name)
		if c.read == nil {
			c.read = make(map[string]*readKey)
		}
		c.read[name] = k
	}
	return k
}

func (c *Cluster) readKey(name string) *readKey {
	k := &readKey{}
	for _, item := range c.Keys[name] {
		text := strings.TrimSpace(item.Text)
		if isPlain(text) {
			k.names = append(k.names, text)
			continue
		}
		n, err := parse(item.Text, MaxExpr, false)
		if err != nil {
			return &readKey{err: &FileError{File: c.File, Line: item.Line, Key: name, Err: err}}
		}
		k.exprs = append(k.exprs, readItem{item, n})
	}
	k.names = sortNames(k.names)
	return k
}
