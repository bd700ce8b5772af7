package directory

import (
	"context"
	"sync"
	"time"
)

// freshFor is how long an answer that holds much more than was asked is used for the
// next questions. One query asks for sites, cores and the servers of each core; it
// should see one state of the directory, and not pay for twenty.
const freshFor = 3 * time.Second

// A cache keeps what a fetch brought, for each key, for freshFor. Failures are not
// kept. It is safe for concurrent use.
type cache[T any] struct {
	now func() time.Time // the clock; nil: time.Now

	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	busy  chan struct{} // holds one token while somebody fetches
	value T
	until time.Time // the value is fresh; guarded by busy
}

// get returns what is kept of the key, or else fetches it. Others that want the same
// meanwhile wait, each no longer than its own context: if the fetch fails because its
// caller's time is over, the next one fetches.
func (c *cache[T]) get(ctx context.Context, key string, fetch func(context.Context) (T, error)) (T, error) {
	var none T
	e := c.entry(key)
	select {
	case e.busy <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	defer func() { <-e.busy }()
	now := c.now
	if now == nil {
		now = time.Now
	}
	if now().Before(e.until) {
		return e.value, nil
	}
	value, err := fetch(ctx)
	if err != nil {
		return none, err
	}
	e.value, e.until = value, now().Add(freshFor)
	return value, nil
}

func (c *cache[T]) entry(key string) *entry[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[string]*entry[T])
	}
	e := c.entries[key]
	if e == nil {
		e = &entry[T]{busy: make(chan struct{}, 1)}
		c.entries[key] = e
	}
	return e
}
