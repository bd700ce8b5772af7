package sudoers

// A Cache keeps what one policy says whatever the host is, for one goroutine: on most
// hosts of a fleet the same users find the same rules.
type Cache struct {
	rules   map[rulesKey][]*userSpec
	entries map[entriesKey][]Entry
	size    int // of both, about
}

// maxCacheSize bounds what is kept of one policy.
const maxCacheSize = 2 << 20

// A rulesKey is all that decides which rules are for somebody.
type rulesKey struct {
	person   string
	settings settings
}

// An entriesKey is all that decides how the entries of a privilege read.
type entriesKey struct {
	privilege    *privilege
	runasDefault string
	exempt       bool
	self         string // empty where the entries do not name the user
}

// NewCache returns an empty one.
func NewCache() *Cache {
	return &Cache{rules: make(map[rulesKey][]*userSpec), entries: make(map[entriesKey][]Entry)}
}

// Len is how many answers are kept.
func (c *Cache) Len() int { return len(c.rules) + len(c.entries) }

// room reports whether there is room for something of this size.
func (c *Cache) room(size int) bool {
	if c.size+size > maxCacheSize {
		return false
	}
	c.size += size
	return true
}
