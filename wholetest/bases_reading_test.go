package wholetest_test

// What bases cost a reader: requests, time beside a server that hangs, and memory.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A server that hangs when it is asked for bases holds a reader up for the grace that
// siblings have, not for its timeout.
func TestAServerThatHangsWhileBasesAreRead(t *testing.T) {
	servers := redistest.Core(t, 2)
	b := newBased(t, servers, keeping[0])
	for h := range 30 {
		host := fmt.Sprintf("web1%02d", h)
		b.body[host] = settings(1, 100+h)
		b.push(t, host)
	}
	hung := 0
	for range 8 { // the server is drawn
		g := newGate(t, b.servers[0].Addr())
		g.hang("getrange")
		c := connectTo(t, sysops.ServerList(g.url(), b.servers[1].URL()), sysops.Options{Timeout: time.Hour})
		redistest.Within(t, "a reader beside a server that hangs", func() {
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
			if err != nil || len(got) != 33 || complete.Partial() {
				t.Errorf("%d objects, %v, %s", len(got), err, complete)
			}
		})
		if g.hangs() {
			hung++
		}
	}
	if hung == 0 {
		t.Error("the server never hung")
	}
}

var getranges = regexp.MustCompile(`cmdstat_getrange:calls=(\d+)`)

func TestBasesAreReadOnceAQuery(t *testing.T) {
	s := redistest.Start(t)
	const families = 3
	for h := range 60 {
		c := connect(t, s.URL())
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", h), text(ctl, settings(h%families, h)), text("/etc/x", settings(10, h))))
		c.Close()
	}
	reads := func() int {
		t.Helper()
		m := getranges.FindStringSubmatch(s.Must("INFO", "commandstats").(string))
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(m[1])
		return n
	}
	all := len(bases(t, s))
	x, err := sysops.CompileExpr("025", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"Objects", "Grep", "CountLines"} {
		s.Must("CONFIG", "RESETSTAT")
		c := connect(t, s.URL())
		for _, most := range []int{all, all} { // a client remembers them for its next query
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			switch way {
			case "Objects":
				for _, err = range a.Objects(t.Context()) {
					n++
				}
			case "Grep":
				for _, err = range a.Grep(t.Context(), x) {
					n++
				}
			case "CountLines":
				_, err = a.CountLines(t.Context(), x, sysops.CountOptions{Progress: func() { n++ }})
			}
			if err != nil || n != 120 {
				t.Errorf("%s: %d objects, %v", way, n, err)
			}
			if got := reads(); got > most || got == 0 {
				t.Errorf("%s: %d bases were read %d times", way, all, got)
			}
		}
	}
}

// heap runs work and returns the most memory that the heap had in use meanwhile, beyond
// what it had before, with the collector that users have.
func heap(work func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			runtime.ReadMemStats(&now)
			most.Store(max(most.Load(), int64(now.HeapInuse)-int64(before.HeapInuse)))
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	work()
	close(done)
	<-ended
	return most.Load()
}

// hostile makes a host whose n objects each refer to another base of 1 MiB of short
// lines, and two honest ones whose objects come before and after in the same rounds.
func hostile(t *testing.T, s *redistest.Server, n int, line string) {
	t.Helper()
	c := connect(t, s.URL())
	var sources []snapshot.Source
	for i := range n {
		sources = append(sources, private(text(fmt.Sprintf("/x/%04d", i), "x")))
	}
	publish(t, c, snapshotOf("web02", sources...))
	e := frame.NewEncoder()
	for i := range n {
		head := fmt.Sprintf("base %04d\n", i)
		contents := []byte(head + strings.Repeat(line+"\n", (1<<20-len(head))/(len(line)+1)))
		id := sha256.Sum256(contents)
		s.Must("SET", "$base:"+hex.EncodeToString(id[:]), string(e.Encode(contents)))
		s.Must("LSET", fmt.Sprintf("web02#/x/%04d", i), "0", string(frame.SameAs(id, len(contents))))
	}
	for _, h := range []string{"web01", "web03"} {
		var sources []snapshot.Source
		for i := range 8 {
			sources = append(sources, text(fmt.Sprintf("/x/%04d", i), settings(i, len(h))))
		}
		publish(t, connect(t, s.URL()), snapshotOf(h, sources...))
	}
}

// Nor do they make the honest hosts' objects unreadable that are read in the same rounds.
func TestAReaderOfHostileBasesStaysBounded(t *testing.T) {
	const objects, bound = 64, 384 << 20 // without bounds it takes gigabytes
	for _, row := range []struct {
		name, line, expr string
		o                sysops.GrepOptions
		count            int // of a hostile object
	}{
		{"a line among a million", "", "^base", sysops.GrepOptions{}, 1},
		{"all lines", "net.ipv4.conf.all.forwarding = 0", "", sysops.GrepOptions{}, 31775},
	} {
		s := redistest.Start(t)
		hostile(t, s, objects, row.line)
		ask := func(t *testing.T) *sysops.Answer {
			t.Helper()
			a, err := connect(t, s.URL()).Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#/x/*")})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		x, err := sysops.CompileExpr(row.expr, row.o)
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []struct {
			name string
			read func(t *testing.T) int // returns how many objects
		}{
			{"Objects", func(t *testing.T) int {
				n := 0
				for o, err := range ask(t).Objects(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; o.Host != "web02" && !bytes.HasPrefix(o.Contents, []byte("net.ipv4.setting_000 = ")) {
						t.Errorf("%s holds %.40q", o.Key, o.Contents)
					}
				}
				return n
			}},
			{"Grep", func(t *testing.T) int {
				n := 0
				for m, err := range ask(t).Grep(t.Context(), x) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; m.Host == "web02" && m.Count != row.count {
						t.Errorf("%s: %d lines", m.Key, m.Count)
					}
				}
				return n
			}},
			{"CountLines", func(t *testing.T) int {
				n := 0
				counts, err := ask(t).CountLines(t.Context(), x, sysops.CountOptions{Hosts: true, Progress: func() { n++ }})
				if err != nil {
					t.Fatal(err)
				}
				if want := (row.count - 1) * objects; row.line != "" && (counts[0].Count != want || string(counts[0].Line) != row.line) {
					t.Errorf("%d times %.80q", counts[0].Count, counts[0].Line)
				}
				return n
			}},
		} {
			t.Run(row.name+", "+way.name, func(t *testing.T) {
				t.Log(row.name)
				n := 0
				most := heap(func() { n = way.read(t) })
				t.Logf("%d MiB", most>>20)
				if n != objects+16 || most > bound {
					t.Errorf("%d objects in %d MiB", n, most>>20)
				}
			})
		}
	}
}
