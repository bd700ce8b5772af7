package wholetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// turnOf is one of several snapshots of a host, which have some objects in common, others with
// different contents, and others alone. What its pushes have read meanwhile takes a moment.
func turnOf(n int) snapshot.Snapshot {
	sources := []snapshot.Source{text("/etc/same", "same\n")}
	for i := range 12 {
		name := fmt.Sprintf("/etc/conf-%02d", i)
		if i%3 == n%3 {
			name += fmt.Sprintf(".%d", n)
		}
		src := text(name, fmt.Sprintf("%d of snapshot %d\n", i, n))
		read := src.Read
		src.Read = func(ctx context.Context) (snapshot.Content, error) {
			time.Sleep(time.Millisecond)
			return read(ctx)
		}
		sources = append(sources, src)
	}
	return snapshotOf("web01", sources...)
}

// Pushes of one host at once, by machines of the same id, take turns: afterwards every server holds
// one of the snapshots, whole, and the same; who had no turn was told.
func TestPushesOfOneHostAtOnceTakeTurns(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(servers, " servers"), func(t *testing.T) {
			t.Parallel()
			core := redistest.Core(t, servers)
			reference := redistest.Start(t)
			for round := range 4 {
				clients := make([]*sysops.Client, 8)
				for i := range clients {
					clients[i] = connect(t, redistest.URLs(core)...)
				}
				errs := make([]error, len(clients))
				var wg sync.WaitGroup
				for i, c := range clients {
					wg.Go(func() { _, errs[i] = c.Publish(t.Context(), "", turnOf(10*round+i)) })
				}
				wg.Wait()
				var could []string // states that pushes lead to that were not refused
				for i, err := range errs {
					switch {
					case err == nil:
						reference.Must("FLUSHALL")
						publish(t, connect(t, reference.URL()), turnOf(10*round+i))
						could = append(could, objectsOf(t, reference))
					case !errors.Is(err, sysops.ErrUnderWay):
						t.Error(err)
					}
				}
				first := objectsOf(t, core[0])
				found := 0
				for _, one := range could {
					if one == first {
						found++
					}
				}
				if found != 1 {
					t.Errorf("round %d: it holds none of the %d snapshots that were pushed:\n%s", round, len(could), first)
				}
				for _, s := range core[1:] {
					if other := objectsOf(t, s); other != first {
						t.Errorf("round %d: siblings differ:\n%s", round, diffOf(first, other))
					}
				}
				for _, s := range core {
					if keys := sortedReply(s.Must("KEYS", "*$push*")); len(keys) > 0 {
						t.Errorf("round %d: %q are left", round, keys)
					}
				}
			}
		})
	}
}

// leaseOfWeb01 is the key by which a push of web01 holds it.
const leaseOfWeb01 = "web01#$push"

// A push that was killed keeps the next one waiting for some seconds, and one that goes on has it
// refused, which writes nothing anywhere.
func TestAPushWaitsForAnother(t *testing.T) {
	t.Parallel()
	for held, refused := range map[string]bool{"by a push that was killed": false, "by one that goes on": true} {
		t.Run(held, func(t *testing.T) {
			t.Parallel()
			servers := redistest.Core(t, 2)
			c := connect(t, redistest.URLs(servers)...)
			publish(t, c, turnOf(1))
			before := objectsOf(t, servers[0])
			servers[1].Must("RPUSH", leaseOfWeb01, "another-1 cafe0123")
			ended := make(chan struct{})
			var renewing sync.WaitGroup
			renewing.Go(func() {
				for tick := time.NewTicker(100 * time.Millisecond); refused; {
					select {
					case <-tick.C:
						servers[1].Do("PEXPIRE", leaseOfWeb01, "60000")
					case <-ended:
						return
					}
				}
			})
			_, err := c.Publish(t.Context(), "", turnOf(2))
			close(ended)
			renewing.Wait()
			if errors.Is(err, sysops.ErrUnderWay) != refused || !refused && err != nil {
				t.Errorf("%v", err)
			}
			for _, s := range servers {
				if got := objectsOf(t, s); (got == before) != refused {
					t.Errorf("it holds\n%s", got)
				}
			}
			if refused && !strings.Contains(err.Error(), "cafe0123") {
				t.Errorf("%v: it does not say which machine", err)
			}
			if n := servers[0].Must("EXISTS", leaseOfWeb01); n != int64(0) {
				t.Error("the lease at the other server is left")
			}
		})
	}
}

// objectsOf is what a server holds of web01, and what its records say: names and md5sums.
func objectsOf(t *testing.T, s *redistest.Server) string {
	t.Helper()
	var lines []string
	for _, key := range sortedReply(s.Must("KEYS", "web01#/*")) {
		lines = append(lines, key+" "+element(t, s, key, 1))
	}
	for _, name := range sortedReply(s.Must("HKEYS", "$of:web01")) {
		if !strings.HasPrefix(name, "$") {
			record := s.Must("HGET", "$of:web01", name).(string)
			lines = append(lines, fmt.Sprintf("%s %x", name, record[1:33]))
		}
	}
	return strings.Join(lines, "\n")
}
