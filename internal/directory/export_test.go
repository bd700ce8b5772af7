package directory

import (
	"testing"
	"time"
)

// A Faulty is a service of the suite, for tests that need more than this package: it
// says what EachService was told, until it is made to fail.
type Faulty struct {
	Name string
	URL  func(timeout time.Duration) string

	// Faults are what may happen to server i of two or, where Servers is 1, to the
	// only source.
	Servers int
	Faults  map[string]func(i int)
}

// EachService runs test with a constructor of every service that says these sites.
func EachService(t *testing.T, sites map[string]map[string][]string, test func(t *testing.T, serve func(t *testing.T) Faulty)) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		test(t, func(t *testing.T) Faulty {
			b := s.serve(t, world{sites: sites})
			url := func(timeout time.Duration) string { return withParams(b.url, "timeout="+timeout.String()) }
			f := Faulty{Name: s.name, URL: url, Servers: 1, Faults: make(map[string]func(int))}
			if s.replicated {
				f.Servers = 2
				f.Faults["killed"], f.Faults["hung"] = b.kill, b.hang
			}
			for _, g := range b.garbles {
				f.Faults[g.name] = g.do
			}
			return f
		})
	})
}
