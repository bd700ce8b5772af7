package wholetest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Over a slow line what is asked and answered takes several times as long as a server may be
// silent. It flows all the time, so nothing is given up: a push and its repair, a question of
// each kind, and gc, with one server, with two, and with a Cluster, of which one master's reply
// takes longer than another may be silent.
func TestASlowLineIsNoSilence(t *testing.T) {
	t.Parallel()
	for what, core := range map[string]func(*testing.T) ([]*redistest.Server, []*redistest.Proxy, sysops.Directory){
		"one server": func(t *testing.T) ([]*redistest.Server, []*redistest.Proxy, sysops.Directory) {
			return proxied(t, redistest.Core(t, 1))
		},
		"two servers": func(t *testing.T) ([]*redistest.Server, []*redistest.Proxy, sysops.Directory) {
			return proxied(t, redistest.Core(t, 2))
		},
		"a Cluster": func(t *testing.T) ([]*redistest.Server, []*redistest.Proxy, sysops.Directory) {
			c := redistest.Cluster(t, 3)
			lines, url := c.Proxied()
			return c.Servers, lines, sysops.ServerList(url)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			servers, lines, list := core(t)
			slowLineIsNoSilence(t, servers, lines, list)
		})
	}
}

func proxied(t *testing.T, core []*redistest.Server) ([]*redistest.Server, []*redistest.Proxy, sysops.Directory) {
	var urls []string
	var lines []*redistest.Proxy
	for _, s := range core {
		p := redistest.NewProxy(t, s.Addr())
		lines, urls = append(lines, p), append(urls, p.URL())
	}
	return core, lines, sysops.ServerList(urls...)
}

func slowLineIsNoSilence(t *testing.T, servers []*redistest.Server, lines []*redistest.Proxy, list sysops.Directory) {
	t.Helper()
	const (
		timeout = 2 * time.Second
		pace    = 1 << 20 // bytes a second
		large   = 5 << 19 // bytes, which do not compress
	)
	for _, p := range lines {
		p.Pace(pace)
	}
	c := connectTo(t, list, sysops.Options{Timeout: timeout})
	names := []string{"/var/large1", "/var/large2"} // in a Cluster, they lie with two masters
	bodies := make(map[string]string)
	var objects []snapshot.Source
	for i, name := range names {
		bodies[name] = noise(large, uint64(i))
		objects = append(objects, text(name, bodies[name]))
	}
	snapshot := snapshotOf("web01", objects...)
	publish(t, c, snapshot)
	for _, s := range servers {
		for _, name := range names {
			_, _ = s.Do("DEL", "web01#"+name) // MOVED, where another master has it
		}
	}
	if r := publish(t, c, snapshot); r.Servers[0].Repaired != len(names) {
		t.Errorf("the repair says %+v", r.Servers[0])
	}
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/var/large*")})
	var want []string
	for _, name := range names {
		want = append(want, "web01#"+name+": "+bodies[name])
	}
	if !slices.Equal(got, want) || complete.Partial() {
		t.Errorf("%d objects, %v", len(got), complete)
	}
	if _, err := c.GC(t.Context(), sysops.Where{}, 7*24*time.Hour); err != nil {
		t.Errorf("gc: %v", err)
	}
	for _, p := range lines {
		p.Stall()
	}
	if _, err := c.Publish(t.Context(), "", snapshot); !errors.Is(err, sysops.ErrServerTimeout) {
		t.Errorf("of servers that are silent a push says: %v", err)
	}
}
