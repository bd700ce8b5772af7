package extract

import (
	"context"
	"fmt"
	"slices"
	"sync"
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

// Cost returns what the survey, and reading it, have cost so far.
func (s *Survey) Cost() Cost {
	c := Cost{Keys: len(s.targets), Packed: s.cost.packed.Load(), Unpacked: s.cost.unpacked.Load(), Took: time.Since(s.began)}
	for m, before := range s.traffic {
		c.Servers = append(c.Servers, ServerCost{
			Server: m.Name(), Keys: m.cost.keys.Load(), Packed: m.cost.packed.Load(), Unpacked: m.cost.unpacked.Load(),
			Traffic: m.Traffic().Since(before),
		})
	}
	return c
}

// Metered returns what counts, from now on, the traffic of all servers: for questions that
// make no survey.
func (s *Servers) Metered() func() Cost {
	began, before := time.Now(), make(map[*store.Server]store.Traffic)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.byURL {
		before[one] = one.Traffic()
	}
	return func() Cost {
		c := Cost{Took: time.Since(began)}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range s.byURL {
			c.Servers = append(c.Servers, ServerCost{Server: one.Name(), Traffic: one.Traffic().Since(before[one])})
		}
		return c
	}
}

// Began is when the survey did.
func (s *Survey) Began() time.Time { return s.began }

// Record has the servers that were asked record the question, and publish it. Its error
// tells where that was refused (a replica, an ACL).
func (s *Survey) Record(ctx context.Context, entry []byte) error {
	refused := make([][]error, len(s.cores))
	var wg sync.WaitGroup
	for i, k := range s.cores {
		wg.Go(func() {
			ask(ctx, k, quick,
				func(ctx context.Context, m *member) (error, error) {
					if m.down.Load() != nil || m.slow.Load() {
						return nil, nil
					}
					return m.Record(ctx, entry), nil
				},
				func(_ *member, err error) {
					if err != nil {
						refused[i] = append(refused[i], err)
					}
				})
		})
	}
	wg.Wait()
	if all := slices.Concat(refused...); len(all) > 0 {
		return fmt.Errorf("cannot record the query: %w", JoinLine(all))
	}
	return nil
}
