package wholetest_test

// How many bases there are where several hosts, or several versions of one, compete for
// their places.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// starting lets many hosts push at the same moment, each as a process of its own.
func starting(t *testing.T, urls []string, clients []*sysops.Client, body func(host int) string) {
	t.Helper()
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	errs := make([]error, len(clients))
	for h := range clients {
		wg.Go(func() {
			if clients[h] == nil {
				clients[h], errs[h] = sysops.New(sysops.ServerList(urls...), sysops.Options{Timeout: redistest.Patience})
			}
			<-barrier
			if errs[h] == nil {
				_, errs[h] = clients[h].Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%03d", h), text(ctl, body(h))))
			}
		})
	}
	close(barrier)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range clients {
			c.Close()
		}
	})
}

// watch reads the whole answer again and again, and fails the test where an object is
// unreadable or wrong. It returns a function that ends it.
func watch(t *testing.T, urls []string, body func(host int) string) (end func()) {
	t.Helper()
	c := connect(t, urls...)
	want := make(map[string]string)
	for h := range 400 {
		want[fmt.Sprintf("web%03d", h)] = body(h)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	reads := 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, ctl), Where: sysops.Where{Partial: true}}) // the core is empty at first
			if err != nil {
				t.Error(err)
				return
			}
			for o, err := range a.Objects(t.Context()) {
				if err != nil {
					t.Error(err)
					return
				}
				reads++
				if string(o.Contents) != want[o.Host] {
					t.Errorf("%s has other contents", o.Key)
				}
			}
			if list := a.Completeness().Unreadable; len(list) > 0 {
				t.Errorf("%d objects are unreadable, such as %+v", len(list), list[0])
				return
			}
		}
	}()
	return func() {
		t.Helper()
		close(done)
		<-ended
		if reads == 0 {
			t.Error("nothing was read meanwhile")
		}
	}
}

// Thousands of hosts that start at once on an empty core must not make thousands of
// bases; and what they then have packed by itself, they pack well with the next push.
func TestARaceOnAnEmptyCoreEndsInFewBases(t *testing.T) {
	t.Parallel()
	const hosts = 300
	servers := redistest.Core(t, 3)
	var urls []string
	for _, s := range servers {
		p := redistest.NewProxy(t, s.Addr())
		p.Delay(100 * time.Millisecond) // so that all have read the lists before the first claim
		urls = append(urls, p.URL())
	}
	body := func(h int) string { return settings(1, h) }
	clients := make([]*sysops.Client, hosts)
	end := watch(t, redistest.URLs(servers), body)
	starting(t, urls, clients, body)
	for i, s := range servers {
		listed, kept := len(claims(t, s, ctl)), len(bases(t, s))
		t.Logf("server %d: %d bases are listed, %d are there", i, listed, kept)
		if listed < 1 || listed > 32 || kept > 40 {
			t.Errorf("server %d: %d bases are listed, %d are there", i, listed, kept)
		}
	}
	starting(t, urls, clients, body)
	end()
	for i, s := range servers {
		if listed := len(claims(t, s, ctl)); listed < 1 || listed > 32 {
			t.Errorf("server %d: after another push of each %d bases are listed", i, listed)
		}
		sum, alone := 0, 0
		for h := range hosts {
			packed, _, base := frameOf(t, s, fmt.Sprintf("web%03d#%s", h, ctl))
			sum += len(packed)
			if base == "" {
				alone++
			}
		}
		t.Logf("server %d: frames of %d bytes in the mean, %d stand by themselves", i, sum/hosts, alone)
		if alone > 0 || sum/hosts > 600 {
			t.Errorf("server %d: after another push of each, frames are of %d bytes in the mean, and %d stand by themselves", i, sum/hosts, alone)
		}
	}
	var want []string
	for h := range hosts {
		want = append(want, fmt.Sprintf("web%03d#%s: %s", h, ctl, body(h)))
	}
	readFromEach(t, servers, want...)
}

func TestARaceOfTheSameContentsEndsInOneBase(t *testing.T) {
	servers := redistest.Core(t, 2)
	urls := redistest.URLs(servers)
	body := func(int) string { return settings(1, 1) }
	end := watch(t, urls, body)
	starting(t, urls, make([]*sysops.Client, 60), body)
	end()
	for _, s := range servers {
		id := baseID(body(0))
		if got := claims(t, s, ctl); !slices.Equal(got, []string{id}) {
			t.Errorf("%q are offered, want %q", got, id)
		}
		if got := bases(t, s); !slices.Equal(got, []string{"$base:" + id}) {
			t.Errorf("%q are there", got)
		}
		for h := range 60 {
			if _, kind, _ := frameOf(t, s, fmt.Sprintf("web%03d#%s", h, ctl)); kind != frame.Same {
				t.Errorf("host %d has a frame %q", h, kind)
			}
		}
	}
}

// Who finds its base listed already, by a host of the same contents, must not take
// that one's place back.
func TestATwinsClaimIsNotTakenBack(t *testing.T) {
	s := redistest.Start(t)
	body := settings(1, 1)
	id := baseID(body)
	g := newGate(t, s.Addr())
	g.when("zadd", func() { // between the reading of the list and the claim, so many others
		s.Must("ZADD", "$bases:"+ctl, "1", id)
		for i := range 20 {
			s.Must("ZADD", "$bases:"+ctl, strconv.FormatInt(time.Now().Unix(), 10), baseID(strconv.Itoa(i)))
		}
	})
	publish(t, connect(t, g.url()), snapshotOf("web01", text(ctl, body)))
	if !slices.Contains(claims(t, s, ctl), id) {
		t.Error("the place of a base that both have is taken back")
	}
	readFromEach(t, []*redistest.Server{s}, "web01#"+ctl+": "+body)
}

// An agent that keeps no bases between its runs, and whose contents change with each,
// must not claim a place for every version of them.
func TestAnAgentWithoutAFolderDoesNotUseUpThePlaces(t *testing.T) {
	s := redistest.Start(t)
	publish(t, connect(t, s.URL()), snapshotOf("web01", text(ctl, settings(1, 1))))
	for v := range 12 {
		publish(t, connect(t, s.URL()), snapshotOf("web02", text(ctl, settings(1, 100+v))))
	}
	if got := claims(t, s, ctl); len(got) > 1 {
		t.Errorf("12 versions of a text that one base suits have %d bases", len(got))
	}
}

// One client that pushes many hosts at a time, as simulate does: while one push reads
// which bases are offered, others claim some.
func TestManyPushesOfOneClient(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			var sources []snapshot.Source
			for name := range 30 {
				sources = append(sources, text(fmt.Sprintf("/etc/%d", name), settings(name, n)))
			}
			<-start
			if _, err := c.Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%02d", n), sources...)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "*#*")}); len(got) != 40*30 || complete.Partial() {
		t.Errorf("%d objects; %s", len(got), complete)
	}
}
