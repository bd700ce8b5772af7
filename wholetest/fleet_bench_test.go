//go:build unix

package wholetest_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/store"
)

// The fleet of the design's headline question.
const (
	fleetHosts = 24_247
	fleetName  = "/etc/x"
	fleetNames = 60 // in $names
)

func fleetHost(i int) string { return fmt.Sprintf("esv4-app%05d.prod.example.com", i) }

// loadFleet fills servers of one core with hosts from … to-1, each with one small
// object: as the publisher does, but with pushes of the last 20 minutes, a few
// milliseconds apart from server to server.
func loadFleet(b *testing.B, from, to int, urls ...string) {
	b.Helper()
	now := time.Now()
	for n, url := range urls {
		db, err := store.Open(url, store.Options{Conns: 8})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := from + worker; i < to; i += 8 {
					if err := pushFleetHost(b, db, i, n, now); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func pushFleetHost(b *testing.B, db *store.Server, i, server int, now time.Time) error {
	random := rand.New(rand.NewPCG(2013, uint64(i)))
	pushed := now.Add(-time.Duration(random.Int64N(int64(20 * time.Minute))))
	mark := store.Mark(pushed)
	for range server {
		pushed = pushed.Add(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
	}
	contents := strconv.Itoa(i)
	sum := md5.Sum([]byte(contents))
	batch := db.NewBatch(fleetHost(i), 6*time.Hour)
	batch.Replace(store.Object{
		Name: fleetName, Frame: []byte(contents), MD5Sum: hex.EncodeToString(sum[:]),
		Stat: "null", WordCount: `{"lines":1,"words":1,"bytes":6}`, Seen: pushed,
	})
	batch.PutRecord(fleetName, store.Record{Seen: pushed})
	names := []string{fleetName}
	if i%1000 == 0 {
		for n := range fleetNames - 1 {
			names = append(names, fmt.Sprintf("/etc/conf.d/%d", n))
		}
	}
	batch.Commit(store.Commit{Names: names, Score: store.PushScore(pushed, mark), Expires: pushed.Add(6 * time.Hour)})
	_, err := batch.Send(b.Context())
	return err
}

// BenchmarkFleet asks what find and md5sum ask of 24,247 hosts. CPU is this process'
// own; the servers' is not in it, but competes for the same cores.
func BenchmarkFleet(b *testing.B) {
	urls := redistest.URLs(redistest.Core(b, 4))
	loadFleet(b, 0, fleetHosts, urls...)
	for _, servers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("find/servers=%d", servers), func(b *testing.B) {
			c := connect(b, urls[:servers]...)
			metered(b, func() { findFleet(b, c) })
		})
	}
	for _, servers := range []int{1, 4} {
		b.Run(fmt.Sprintf("md5sum/servers=%d", servers), func(b *testing.B) {
			c := connect(b, urls[:servers]...)
			metered(b, func() { sumFleet(b, c) })
		})
	}
	db, err := store.Open(urls[0], store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.Run("store/index", func(b *testing.B) {
		metered(b, func() {
			if x, err := db.Index(b.Context(), time.Hour); err != nil || len(x.Pushed) != fleetHosts {
				b.Fatal(err)
			}
		})
	})
	b.Run("store/holders", func(b *testing.B) {
		metered(b, func() {
			if lists, err := db.Holders(b.Context(), []string{fleetName}, fleetHosts); err != nil || len(lists[0].Members) != fleetHosts {
				b.Fatal(err)
			}
		})
	})
	refs := make([]store.Ref, fleetHosts)
	for i := range refs {
		refs[i] = store.Ref{Host: fleetHost(i), Name: fleetName}
	}
	b.Run("store/elements", func(b *testing.B) {
		metered(b, func() {
			for part := range slices.Chunk(refs, 512) {
				if entries, err := db.Elements(b.Context(), part, []int{store.MD5Sum}, false); err != nil || entries[0].Missing {
					b.Fatal(err)
				}
			}
		})
	})
}

// metered runs work b.N times, and reports its CPU and allocations.
func metered(b *testing.B, work func()) {
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		work()
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e6, "ms-CPU/op")
}

func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func findFleet(b *testing.B, c *sysops.Client) {
	a, err := c.Ask(b.Context(), sysops.Query{Pattern: search(b, fleetName)})
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for range a.Keys() {
		found++
	}
	if found != fleetHosts {
		b.Fatalf("%d keys; %v", found, a.Completeness())
	}
}

func sumFleet(b *testing.B, c *sysops.Client) {
	a, err := c.Ask(b.Context(), sysops.Query{Pattern: search(b, fleetName)})
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for o, err := range a.Objects(b.Context(), sysops.MD5Sum) {
		if err != nil || o.MD5Sum == "" {
			b.Fatal(err)
		}
		found++
	}
	if found != fleetHosts {
		b.Fatalf("%d objects; %v", found, a.Completeness())
	}
}
