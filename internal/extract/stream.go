package extract

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Limits of what a query holds in memory at a time, whatever its scope holds.
const (
	chunkObjects = 512      // in one round of requests
	chunkBytes   = 1 << 20  // of frames in one round, as far as sizes are known
	chunksAhead  = 4        // rounds under way
	unitObjects  = 64       // unpacked or searched by one worker at a time
	unitBytes    = 1 << 18  // of unpacked contents in a unit, if it has several objects
	aheadBytes   = 32 << 20 // unpacked and not yet handed on; one object may exceed it
)

// A unit is a few items that a worker processes together.
type unit[T any] struct {
	items   []Item
	results []T
	keep    []bool // whether results[i] is to be handed on
	errs    []error
	bytes   int
	done    chan struct{}
}

// A Reading says what is read of objects, and what is made of it.
type Reading[T any] struct {
	// Elements are what is read of each object; none: what the index records of it, see
	// Item.Record.
	Elements []Element

	// Packed: Work looks at frames, and unpacks none that refers to a base.
	Packed bool

	// Work makes something of an item. It is called by all CPUs at once. It returns false
	// to leave the object out. Its error is about that object's bytes; a sibling is then
	// tried.
	Work func(*Item) (v T, keep bool, err error)
}

// Stream fetches the targets, has r make something of each, by all CPUs, and hands the
// results on in the order of the targets while the next ones are under way. An object that
// stays unreadable is taken down by the pass and left out. The sequence ends with an error
// where a core went down, unless Request.Partial is set, and where ctx ended. Breaking off
// the loop, or ending ctx, ends the fetching.
func Stream[T any](ctx context.Context, p *Pass, targets []Target, r Reading[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer func() { p.ended = time.Now() }()
		r.Elements = slices.Sorted(slices.Values(r.Elements)) // the contents first: their size governs the pace
		s := &streaming[T]{
			Reading: r, targets: targets, fetch: newFetch(p.survey, r.Elements), sizes: sizes{seen: make(map[string]sizeMean)},
			jobs: make(chan *unit[T], runtime.GOMAXPROCS(0)), order: make(chan *unit[T], 64),
			ahead: newBudget(aheadBytes),
		}
		s.start(ctx)
		var none T
		for u := range s.order {
			select {
			case <-u.done:
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // what was not read then is not unreadable
				yield(none, fmt.Errorf("cannot go on: %w", context.Cause(ctx)))
				return
			}
			for i := range u.items {
				if u.items[i].gone {
					p.gone(&u.items[i])
				} else if err := u.errs[i]; err != nil {
					if fatal := p.note(&u.items[i], err); fatal != nil {
						yield(none, fatal)
						return
					}
				} else if u.keep[i] && !yield(u.results[i], nil) {
					return
				}
			}
			s.ahead.release(u.bytes)
		}
		if err := ctx.Err(); err != nil {
			yield(none, fmt.Errorf("cannot go on: %w", context.Cause(ctx)))
		}
	}
}

type streaming[T any] struct {
	Reading[T]
	targets []Target
	fetch   *fetch
	sizes   sizes
	jobs    chan *unit[T] // to the workers
	order   chan *unit[T] // to the consumer
	ahead   *budget
}

// start begins the pipeline: chunks are fetched, some at a time; cut into units
// in key order; processed by workers. It ends by itself, or with ctx.
func (s *streaming[T]) start(ctx context.Context) {
	chunks := make(chan chan []Item, chunksAhead-1)
	go func() {
		defer close(chunks)
		for rest := s.targets; len(rest) > 0; {
			n := s.sizes.fit(rest, s.fetch.packed)
			chunk := rest[:n]
			rest = rest[n:]
			result := make(chan []Item, 1)
			select {
			case chunks <- result:
			case <-ctx.Done():
				return
			}
			go func() { result <- s.fetchChunk(ctx, chunk) }()
		}
	}()
	go func() {
		defer close(s.order)
		defer close(s.jobs)
		for result := range chunks {
			select {
			case items := <-result:
				if !s.dispatch(ctx, items) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for u := range s.jobs {
				if ctx.Err() == nil {
					s.process(ctx, u)
				}
				close(u.done)
			}
		}()
	}
}

// fetchChunk reads a run of targets, whichever cores they are of.
func (s *streaming[T]) fetchChunk(ctx context.Context, targets []Target) []Item {
	items := make([]Item, len(targets))
	cores := make(map[*coreState][]int)
	for i := range targets {
		items[i].Target, items[i].by = &targets[i], s.fetch
		cores[targets[i].core] = append(cores[targets[i].core], i)
	}
	var wg sync.WaitGroup
	for k, positions := range cores {
		wg.Go(func() {
			wants := make([]want, len(positions))
			for j, i := range positions {
				wants[j] = items[i].want
			}
			for j, g := range s.fetch.read(ctx, k, wants) {
				items[positions[j]].got = g
			}
		})
	}
	wg.Wait()
	s.sizes.learn(items)
	return items
}

// dispatch cuts items into units and gives them to the workers and, in order, to
// the consumer, as fast as the consumer allows.
func (s *streaming[T]) dispatch(ctx context.Context, items []Item) bool {
	for len(items) > 0 {
		n, bytes := 0, 0
		for n < len(items) && n < unitObjects {
			size, declared := items[n].size(s.Packed)
			if n > 0 && (bytes+size > unitBytes || !declared) {
				break
			}
			bytes += size
			n++
			if !declared {
				break // alone: what it turns out to be is charged before the next
			}
		}
		u := &unit[T]{
			items: items[:n], results: make([]T, n), keep: make([]bool, n), errs: make([]error, n),
			bytes: bytes, done: make(chan struct{}),
		}
		items = items[n:]
		if !s.ahead.acquire(ctx, bytes) {
			return false
		}
		select {
		case s.jobs <- u:
		case <-ctx.Done():
			return false
		}
		select {
		case s.order <- u:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// process works on the items of a unit. What cannot be unpacked is read again
// from a sibling, until none is left.
func (s *streaming[T]) process(ctx context.Context, u *unit[T]) {
	held := 0
	for i := range u.items {
		it := &u.items[i]
		for it.err == nil && !it.gone {
			if _, wants := it.wantsBase(); wants { // its round had no room for that
				s.fetch.findBases(ctx, it.core, it.from, []*got{&it.got})
			}
			v, keep, err := s.Work(it)
			if err != nil && it.noBase != nil {
				err = fmt.Errorf("%w: %w", err, it.noBase)
			}
			if err == nil {
				u.results[i], u.keep[i] = v, keep
				break
			}
			damage := fmt.Errorf("%s: %w", it.from.Name(), err)
			it.want.tried |= it.from.bit
			it.got = s.fetch.read(ctx, it.core, []want{it.want})[0]
			if it.err != nil && !errors.Is(it.err, errNoServer) {
				it.err = damage
			}
		}
		u.errs[i] = it.err
		it.values, it.base = nil, nil // not needed any more
		held += it.held
	}
	if held > u.bytes { // more than was declared
		s.ahead.take(held - u.bytes)
		u.bytes = held
	}
}

// sizes remembers how large the frames of each name are, to ask for about chunkBytes
// at a time.
type sizes struct {
	mu   sync.Mutex
	seen map[string]sizeMean
}

// A sizeMean is the mean of the frames of a name so far.
type sizeMean struct{ bytes, frames int }

const (
	unknownSize = 64 << 10 // assumed of a name that has not been read yet
	elementSize = 256      // of elements that are not the contents
)

// fit returns how many of the targets to ask for in one round.
func (z *sizes) fit(targets []Target, packed bool) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	bytes := 0
	for i := range min(len(targets), chunkObjects) {
		size := elementSize
		if packed {
			size = unknownSize
			if m := z.seen[targets[i].name]; m.frames > 0 {
				size = m.bytes / m.frames
			}
		}
		if bytes += size; bytes > chunkBytes && i > 0 {
			return i
		}
	}
	return min(len(targets), chunkObjects)
}

func (z *sizes) learn(items []Item) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for i := range items {
		if v := items[i].values; len(v) > 0 {
			m := z.seen[items[i].name]
			z.seen[items[i].name] = sizeMean{m.bytes + len(v[0]), m.frames + 1}
		}
	}
}

// A budget bounds the bytes that are held at a time. One goroutine acquires.
type budget struct {
	mu     sync.Mutex
	total  int
	free   int
	change chan struct{}
}

func newBudget(total int) *budget {
	return &budget{total: total, free: total, change: make(chan struct{}, 1)}
}

// acquire waits until n bytes are free, or everything is. It reports false if
// ctx ends first.
func (b *budget) acquire(ctx context.Context, n int) bool {
	for {
		b.mu.Lock()
		ok := b.free >= n || b.free == b.total
		if ok {
			b.free -= n
		}
		b.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-b.change:
		case <-ctx.Done():
			return false
		}
	}
}

// take takes n bytes without waiting: they are held already. The next acquire waits
// for them.
func (b *budget) take(n int) {
	b.mu.Lock()
	b.free -= n
	b.mu.Unlock()
}

func (b *budget) release(n int) {
	b.mu.Lock()
	b.free += n
	b.mu.Unlock()
	select {
	case b.change <- struct{}{}:
	default:
	}
}
