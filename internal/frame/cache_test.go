package frame

import (
	"fmt"
	"testing"
)

// What is unpacked is bounded too, and what was used last stays.
func TestACacheKeepsWhatWasUsedLast(t *testing.T) {
	c := NewCache(10_000)
	base := func(i int) *Base { return NewBase(fmt.Appendf(make([]byte, 0, 2000), "%01900d", i)) }
	first := base(0)
	c.Put(first)
	for i := range 50 {
		c.Put(base(i))
		if c.Get(first.ID) != first {
			t.Fatalf("after %d others the one that is used all the time is gone", i)
		}
		if c.size > 10_000 || c.order.Len() != len(c.bases) {
			t.Fatalf("%d bytes, %d in order, %d in the map", c.size, c.order.Len(), len(c.bases))
		}
	}
	large := NewBase(make([]byte, 50_000))
	if c.Put(large); c.Get(large.ID) != large || c.order.Len() != 1 {
		t.Errorf("one that is larger than the cache is kept beside %d others", c.order.Len()-1)
	}
}
