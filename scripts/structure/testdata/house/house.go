// Package house is the API of a tiny module, with a fault of every kind. What follows
// the first sentence is not shown.
package house

import "example.com/house/internal/high"

// A Door is a type.
type Door struct{ Width int }

// Open is a method, which does not count.
func (Door) Open() {}

// A Window is an alias, which counts.
type Window = high.Window

// Stairs are neither a type nor hidden.
const Stairs = 12

type cellar struct{ door Door }
