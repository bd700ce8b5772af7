package frame

import (
	"container/list"
	"fmt"
	"sync"
)

// A Cache keeps bases in memory, those used last, up to a number of bytes. It is
// safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	most  int
	size  int
	bases map[ID]*list.Element // of cached
	order list.List            // the one used last is in front
}

type cached struct {
	base *Base
	size int
}

// NewCache returns a Cache for most bytes of bases; one base may exceed them.
func NewCache(most int) *Cache {
	return &Cache{most: most, bases: make(map[ID]*list.Element)}
}

// Get returns the base of that ID, nil where it is not kept.
func (c *Cache) Get(id ID) *Base {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.bases[id]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).base
}

// Put keeps a base, and lets go of those that were used longest ago.
func (c *Cache) Put(b *Base) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bases[b.ID] != nil {
		return
	}
	c.bases[b.ID] = c.order.PushFront(cached{b, b.Size()})
	c.size += b.Size()
	for c.size > c.most && c.order.Len() > 1 {
		oldest := c.order.Back()
		old := c.order.Remove(oldest).(cached)
		delete(c.bases, old.base.ID)
		c.size -= old.size
	}
}

// baseDecoder unpacks bases. What is longer than 1 MiB is none: hundreds of them are
// in memory at a time, and any host may write some.
var baseDecoder = NewDecoder(1 << 20)

// OpenBase unpacks the frame of a base, and makes sure that it is the one that id
// names.
func OpenBase(id ID, packed []byte) (*Base, error) {
	if _, refers := BaseOf(packed); refers {
		return nil, fmt.Errorf("base %x refers to another", id[:4])
	}
	contents, err := baseDecoder.Decode(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("base %x: %w", id[:4], err)
	}
	b := NewBase(contents)
	if b == nil || b.ID != id {
		return nil, fmt.Errorf("base %x is forged: its contents have another SHA-256", id[:4])
	}
	return b, nil
}
