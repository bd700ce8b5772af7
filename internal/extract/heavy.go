package extract

import (
	"cmp"
	"context"
	"slices"

	"github.com/sysops-api/sysops-api/internal/store"
)

// A HeavyHost is one that takes far more of a server than most hosts do: by accident, or
// because it attacks the others.
type HeavyHost struct {
	store.HostWeight
	Usual store.HostWeight // the medians of the server's hosts
}

// A host is heavy that takes heavyTimes what the median host does, and so much at least that
// it matters.
const (
	heavyTimes   = 10
	heavyFields  = 1000
	heavyRecords = 1 << 20  // bytes
	heavyObjects = 16 << 20 // bytes
)

// weighedObjects is how many objects of a server are weighed.
const weighedObjects = 100_000

// heavy finds the hosts that weigh far more at m than most do; none, where the server does not
// say.
func (m *member) heavy(ctx context.Context, hosts []string) ([]HeavyHost, error) {
	list, err := m.HostWeights(ctx, hosts, weighedObjects)
	if store.Answered(err) {
		return nil, nil // it refuses, or does not know how to weigh
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	usual := store.HostWeight{
		Fields:  median(list, func(w store.HostWeight) int { return w.Fields }),
		Records: median(list, func(w store.HostWeight) int64 { return w.Records }),
		Objects: median(list, func(w store.HostWeight) int64 { return w.Objects }),
	}
	var out []HeavyHost
	for _, w := range list {
		if w.Fields >= max(heavyFields, heavyTimes*usual.Fields) ||
			w.Records >= max(heavyRecords, heavyTimes*usual.Records) ||
			w.Objects >= max(heavyObjects, heavyTimes*usual.Objects) {
			out = append(out, HeavyHost{w, usual})
		}
	}
	slices.SortFunc(out, func(x, y HeavyHost) int {
		return cmp.Or(cmp.Compare(y.Records+y.Objects, x.Records+x.Objects), cmp.Compare(x.Host, y.Host))
	})
	return out, nil
}

// median returns the lower median of a number of each host.
func median[T cmp.Ordered](list []store.HostWeight, of func(store.HostWeight) T) T {
	all := make([]T, len(list))
	for i, w := range list {
		all[i] = of(w)
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
