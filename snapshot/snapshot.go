// Package snapshot is what one host publishes, and what became of it.
//
// A Snapshot holds all objects of a host, each as a Source: a function that the caller
// gives, which reads the object when it is needed. It promises nothing of its own: how
// sources are read, packed and sent is the matter of Client.Publish.
package snapshot

import (
	"context"
	"errors"
	"time"
)

// ErrUnknown is the error of a Source that could not look at its object, so that nobody
// knows whether there is one.
var ErrUnknown = errors.New("it could not be looked at")

// DefaultTTL is how long a snapshot lives unless it is renewed: 6 h.
const DefaultTTL = 6 * time.Hour

// A Snapshot is what a host publishes: all of its objects, each time.
type Snapshot struct {
	Host    string        // see ParseHost
	Machine string        // tells two machines of one name apart; "" if unknown
	TTL     time.Duration // default DefaultTTL
	Sources []Source

	// Keep names objects that could not be looked at this time: what a server has of
	// them lives on as long as the snapshot. A name stands for the object, for its
	// sections (name@section) and for all below it (name/more): what it was is not known
	// either. A name that a Source has is no longer one.
	Keep []string

	// TakeOver publishes although another machine has pushed under this host's
	// name and its snapshot has not expired.
	TakeOver bool

	// Retry is for how long servers are tried again at which the push failed for a reason
	// that passes by itself: one that is down, hangs, loads its data or has no connection
	// left. The pauses are random and grow, up to a quarter of Retry, so that the hosts of
	// a fleet that failed together do not come back together. Default: they are not tried
	// again.
	Retry time.Duration

	// Retrying, where it is not nil, is called once, with what became of the push so far,
	// before servers are tried again.
	Retrying func(*Report)

	// MaxBytes is how many bytes of contents a snapshot may have; default 256 MiB.
	// Objects beyond it are left out, and reported.
	MaxBytes int64
}

// Source is one object that a host has to publish.
type Source struct {
	Name string

	// Private: the contents must never become a base, which every host may read.
	// What others cannot read on its own host (by its Stat) is private in any case.
	Private bool

	// Read returns the object as it is now. It is called at most a few times a
	// push, by one goroutine at a time; its Content is not kept longer than it
	// takes to pack it. An error that is [fs.ErrNotExist] says that the object
	// has vanished; any error leaves the object out of the snapshot and is
	// reported. One that is ErrUnknown does as if Keep named the object.
	Read func(ctx context.Context) (Content, error)
}

// Content is what a Source read.
type Content struct {
	Name string // if not empty, the object's name in place of Source.Name
	Data []byte
	Stat *Stat // nil where there is no file behind the object
}
