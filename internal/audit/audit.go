// Package audit has what the audits share. An audit answers one question of
// administrators or auditors over the whole fleet, out of several objects of each
// host: which settings would change at the next boot, who may become root where. Each
// is a small package of its own below this one, over the library. docs/audits.md shows
// how to write another.
package audit

import (
	"iter"

	"github.com/sysops-api/sysops-api"
)

// A Host is what was made of the objects of one host, in the order of their names.
type Host[T any] struct {
	Name    string
	Objects []sysops.Mapped[T]
}

// Bounded lets go of what a host has beyond most, of which size tells how much a value
// is: instead comes in its place. A host may send thousands of objects, and what is
// made of them is held until the last has come.
func Bounded[T any](objects iter.Seq2[sysops.Mapped[T], error], most int, size func(T) int, instead T) iter.Seq2[sysops.Mapped[T], error] {
	return func(yield func(sysops.Mapped[T], error) bool) {
		host, sum := "", 0
		for o, err := range objects {
			if o.Host != host {
				host, sum = o.Host, 0
			}
			if sum += size(o.Value); sum > most {
				o.Value = instead
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// ByHost puts together what belongs to one host. Only one host is held at a time; its
// Objects may be kept.
func ByHost[T any](objects iter.Seq2[sysops.Mapped[T], error]) iter.Seq2[Host[T], error] {
	return func(yield func(Host[T], error) bool) {
		var h Host[T]
		for o, err := range objects {
			if err != nil {
				yield(Host[T]{}, err)
				return
			}
			if o.Host != h.Name && h.Objects != nil {
				if !yield(h, nil) {
					return
				}
				h = Host[T]{}
			}
			h.Name = o.Host
			h.Objects = append(h.Objects, o)
		}
		if h.Objects != nil {
			yield(h, nil)
		}
	}
}
