package wholetest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Over a slow line what is asked and answered takes several times as long as a server may be
// silent. It flows all the time, so nothing is given up: a push and its repair, a question of
// each kind, and gc, with one server and with two.
func TestASlowLineIsNoSilence(t *testing.T) {
	t.Parallel()
	const (
		timeout = 2 * time.Second
		pace    = 1 << 20 // bytes a second
		large   = 5 << 20 // bytes, which do not compress
	)
	for _, servers := range []int{1, 2} {
		t.Run(fmt.Sprint(servers, " servers"), func(t *testing.T) {
			t.Parallel()
			core := redistest.Core(t, servers)
			var urls []string
			var lines []*redistest.Proxy
			for _, s := range core {
				p := redistest.NewProxy(t, s.Addr())
				p.Pace(pace)
				lines, urls = append(lines, p), append(urls, p.URL())
			}
			c := connectTo(t, sysops.ServerList(urls...), sysops.Options{Timeout: timeout})
			body := noise(large, 1)
			publish(t, c, snapshotOf("web01", text("/var/large", body)))
			for _, s := range core {
				s.Must("DEL", "web01#/var/large")
			}
			if r := publish(t, c, snapshotOf("web01", text("/var/large", body))); r.Servers[0].Repaired != 1 {
				t.Errorf("the repair says %+v", r.Servers[0])
			}
			got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/var/large")})
			if want := []string{"web01#/var/large: " + body}; !slices.Equal(got, want) || complete.Partial() {
				t.Errorf("%d objects, %v", len(got), complete)
			}
			if _, err := c.GC(t.Context(), sysops.Where{}, 7*24*time.Hour); err != nil {
				t.Errorf("gc: %v", err)
			}
			for _, p := range lines {
				p.Stall()
			}
			if _, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/var/large", body))); !errors.Is(err, sysops.ErrServerTimeout) {
				t.Errorf("of servers that are silent a push says: %v", err)
			}
		})
	}
}
