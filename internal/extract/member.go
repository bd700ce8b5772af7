package extract

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// How long a core's servers are waited for. One that sends nothing for
// ProbeWait is left out; so is one that has not answered SiblingGrace, and as
// long as the fastest took, after its fastest sibling: a hung server must cost
// nobody a second. Where the fastest know that they are not whole, the others
// have ProbeWait in place of SiblingGrace.
const (
	ProbeWait    = time.Second
	SiblingGrace = 100 * time.Millisecond
)

// maxServers is how many servers a core may have: sets of them are kept as the
// bits of a word.
const maxServers = 64

// A coreState is a core in the course of one query.
type coreState struct {
	place
	members   []*member
	hosts     hostTable
	united    int   // how many members hosts was made of
	preferred int   // the member that is read from throughout, while it answers
	err       error // why the core is left out
	short     int   // hosts that its servers know of and do not have
	partial   error // why its answer is not whole, though it is not left out

	patient bool // its servers are waited for as long as they may take

	basing sync.Mutex // held while bases are read
}

// A member is one server of a core in the course of one query. What it knows is
// written before the fetch begins; the atomic fields change during it.
type member struct {
	*store.Server
	bit uint64
	err error // why it is left out; nil while it answers

	index   *store.Index
	told    map[string]bool     // hosts whose expiry it was asked for one by one
	lines   []indexLine         // of the index: what was asked for
	scanned map[naming.Key]bool // every key that SCAN found → whether it was asked for
	lacks   int                 // hosts of the core whose latest push it does not have

	cost costs                 // of the contents that it gave
	down atomic.Pointer[error] // why it failed during the fetch
	slow atomic.Bool           // a sibling overtook it during the fetch
	pace atomic.Int64          // the longest batch so far, in nanoseconds
}

// An indexLine is one line of the index: the hosts of one name, or the names of one host.
type indexLine struct {
	label
	list []string
}

// label is what a line of the index is about: one of the two is empty.
type label struct{ name, host string }

var errLate = errors.New("did not answer in the time that its siblings took")

// ask puts one question to every member of k that is still in, at once, and
// hands take each answer, in the caller's goroutine. A member that fails is
// left out, with its error. grace is how much longer than the fastest the others
// may take; it is asked again with each answer. nil, or where k is patient: as long as
// ctx and the server's timeout allow.
func ask[T any](ctx context.Context, k *coreState, grace func() time.Duration, question func(context.Context, *member) (T, error), take func(*member, T)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if k.patient {
		grace = nil
	}
	type reply struct {
		m   *member
		v   T
		err error
	}
	replies := make(chan reply, len(k.members))
	waiting := make(map[*member]int64) // → bytes received so far
	for _, m := range k.left() {
		waiting[m] = m.Traffic().Received
		go func() {
			v, err := question(ctx, m)
			replies <- reply{m, v, err}
		}()
	}
	drop := func(m *member, why error) {
		delete(waiting, m)
		m.err = fmt.Errorf("server %s %w", m.Name(), why)
	}
	began := time.Now()
	var first time.Duration // that the fastest took
	var late <-chan time.Time
	pulse := time.NewTicker(ProbeWait)
	defer pulse.Stop()
	for len(waiting) > 0 {
		select {
		case r := <-replies:
			delete(waiting, r.m)
			if r.m.err = r.err; r.err != nil {
				continue
			}
			take(r.m, r.v)
			if first == 0 {
				first = time.Since(began)
			}
			if grace != nil {
				late = time.After(time.Until(began.Add(2*first + grace())))
			}
		case <-pulse.C:
			for m, before := range waiting {
				now := m.Traffic().Received
				if waiting[m] = now; now == before && grace != nil {
					drop(m, store.ErrTimeout)
				}
			}
		case <-late:
			for m := range waiting {
				drop(m, errLate)
			}
		case <-ctx.Done():
			for m := range waiting {
				drop(m, context.Cause(ctx))
			}
		}
	}
}

// left returns the members that still answer.
func (k *coreState) left() []*member {
	var out []*member
	for _, m := range k.members {
		if m.err == nil {
			out = append(out, m)
		}
	}
	return out
}
