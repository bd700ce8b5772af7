package push

import (
	"slices"
	"sync"
	"time"
)

// sightings are when the contents of a push were first seen: one value for all servers, since the
// one that is asked must not decide how old something is.
type sightings struct {
	mu      sync.Mutex
	present time.Time // that contents are seen now which nobody has seen before; zero: not yet decided
	first   map[sighted]time.Time
}

// sighted are contents under a name.
type sighted struct {
	name string
	sum  [32]byte
}

// firstSeen is the earliest time that a sibling recorded, if that is not of the future, or
// else the present. Who comes to the push later, or has lost the object, gets the same.
func (p *push) firstSeen(obj *packedObject, siblings []*offering) time.Time {
	s := &p.sightings
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sighted{obj.name, obj.sum}
	if seen, ok := s.first[key]; ok {
		return seen
	}
	if s.first == nil {
		s.first = make(map[sighted]time.Time)
	}
	if s.present.IsZero() {
		s.present = present(siblings)
	}
	seen := s.present
	for _, other := range siblings {
		if r, ok := other.state.Records[obj.name]; ok && r.Sum == obj.sum && r.Seen.Before(seen) {
			seen = r.Seen
		}
	}
	s.first[key] = seen
	return seen
}

// goOn has what is seen from now on be of now. What has been seen stays.
func (s *sightings) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.present = time.Time{}
}

// present is the time by the clock in the middle, so that one that is wrong does not count where
// there are others, in whole seconds, as it is recorded. Between two servers our own clock decides.
func present(siblings []*offering) time.Time {
	var clocks []time.Time
	for _, o := range siblings {
		clocks = append(clocks, o.state.Now)
	}
	if len(clocks)%2 == 0 {
		clocks = append(clocks, time.Now())
	}
	slices.SortFunc(clocks, time.Time.Compare)
	return clocks[len(clocks)/2].Truncate(time.Second)
}
