package extract

import (
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// costs counts what an answer has cost so far, beside its servers' traffic.
type costs struct {
	keys, packed, unpacked atomic.Int64
}

// add counts one object, in total and for the server that gave it: how long its frame
// was, and its contents.
func (c *costs) add(from *member, packed, unpacked int) {
	for _, c := range []*costs{c, &from.cost} {
		c.keys.Add(1)
		c.packed.Add(int64(packed))
		c.unpacked.Add(int64(unpacked))
	}
}

// A Cost is what an answer has cost so far.
type Cost struct {
	Keys             int   // objects that the request selects
	Packed, Unpacked int64 // bytes of the contents that were read
	Took             time.Duration
	Servers          []ServerCost
}

// A ServerCost is what one server's connections carried since a survey began, and what of
// the contents it gave. Other questions of the same Servers at the same time are counted in
// what was carried, too.
type ServerCost struct {
	Server                 string
	Keys, Packed, Unpacked int64 // of the contents that it gave
	store.Traffic
}
