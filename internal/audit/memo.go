package audit

import "sync"

// A Memo keeps what was made of contents that many hosts have alike: of some MiB of
// contents, because what is made of them is many times as large. When it is full, it
// begins anew. It may be used by several goroutines at a time.
type Memo[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]V
	size int // of the contents
}

const (
	maxMemo   = 4 << 20
	memoEntry = 256 // bytes that count for one, however small its contents
)

// NewMemo returns an empty one.
func NewMemo[K comparable, V any]() *Memo[K, V] { return &Memo[K, V]{kept: make(map[K]V)} }

// Get returns what work makes of contents of this size.
func (m *Memo[K, V]) Get(key K, size int, work func() V) V {
	m.mu.Lock()
	v, ok := m.kept[key]
	m.mu.Unlock()
	if ok {
		return v
	}
	v = work()
	m.mu.Lock()
	defer m.mu.Unlock()
	size += memoEntry
	if m.size += size; m.size > maxMemo {
		clear(m.kept)
		m.size = size
	}
	m.kept[key] = v
	return v
}
