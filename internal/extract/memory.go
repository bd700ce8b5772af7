package extract

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/store"
)

// DefaultSample is how many objects of each name, on each server, Memory weighs for
// all of them.
const DefaultSample = 100

// A MemoryUse is how much memory of all servers in a scope one name takes: the sum of
// what Redis' MEMORY USAGE says of its keys. Where Name begins with '$' it is a part
// of the index that belongs to no name.
type MemoryUse struct {
	Name        string
	Bytes       int64 // of objects, bases and index
	Keys        int   // objects, on all servers; of the index, what it has
	Sampled     int   // of Keys, that were weighed for all of them; == Keys: Bytes is exact
	ObjectBytes int64 // of the objects
	Bases       int   // that are offered for the name, on all servers
	BaseBytes   int64 // of the bases
	IndexBytes  int64 // of the rest; large sets are weighed by a few of their elements
}

// Memory tells how much memory of the servers in the scope the objects of each name take,
// the most first. Of each name's objects on each server, sample that are chosen at random
// are weighed for all of them: 0 stands for DefaultSample, a negative number for all. A
// server that does not answer is left out, as the Report tells.
func (s *Servers) Memory(ctx context.Context, q Request, sample int) ([]MemoryUse, *Survey, error) {
	q.Partial, q.Patient = true, true
	sample = max(0, cmp.Or(sample, DefaultSample))
	var mu sync.Mutex
	uses := make(map[string]*MemoryUse)
	found, err := s.surveyHosts(ctx, q, func(k *coreState) {
		ask(ctx, k, nil,
			func(ctx context.Context, m *member) (*store.Memory, error) { return m.Memory(ctx, m.index, sample) },
			func(_ *member, memory *store.Memory) {
				mu.Lock()
				defer mu.Unlock()
				addMemory(uses, memory)
			})
	})
	if err != nil {
		return nil, nil, err
	}
	out := make([]MemoryUse, 0, len(uses))
	for _, u := range uses {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(x, y MemoryUse) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.Name, y.Name))
	})
	return out, found, nil
}

// addMemory adds what one server says.
func addMemory(uses map[string]*MemoryUse, m *store.Memory) {
	of := func(name string) *MemoryUse {
		if uses[name] == nil {
			uses[name] = &MemoryUse{Name: name}
		}
		return uses[name]
	}
	for _, n := range m.Names {
		u := of(n.Name)
		u.Keys += n.Objects.Keys
		u.Sampled += n.Objects.Sampled
		u.ObjectBytes += n.Objects.Bytes
		u.Bases += n.Bases.Keys
		u.BaseBytes += n.Bases.Bytes
		u.IndexBytes += n.Index.Bytes
		u.Bytes += n.Objects.Bytes + n.Bases.Bytes + n.Index.Bytes
	}
	for name, w := range map[string]store.Weight{"$hosts": m.Index, "$of:*": m.Records, "$queries": m.Queries} {
		u := of(name)
		u.Keys += w.Keys
		u.Sampled += w.Sampled
		u.IndexBytes += w.Bytes
		u.Bytes += w.Bytes
	}
}
