//go:build unix

package wholetest_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/mask"
)

// fleetVariants is how many variants of a file there are over the fleet, the last one
// of which only outliers have.
const (
	fleetVariants = 40
	fleetOutliers = 3
)

// fleetVariant is a file of 4 KB, most of it common.
func fleetVariant(n int) string {
	var w strings.Builder
	for i := range 120 {
		value := "a value that all have"
		if i%fleetVariants == n {
			value = fmt.Sprintf("the value of variant %d", n)
		}
		fmt.Fprintf(&w, "Setting%03d %s\n", i, value)
	}
	return w.String()
}

// fleetVariantOf is the variant that host i has: half have the first one, three are
// outliers, and the others are spread.
func fleetVariantOf(i int) int {
	switch {
	case i%(fleetHosts/fleetOutliers) == 7:
		return fleetVariants - 1
	case i%2 == 0:
		return 0
	}
	return i / 2 % (fleetVariants - 1)
}

// loadVariants fills a server with a fleet that has the variants of one file.
func loadVariants(tb testing.TB, url string) {
	tb.Helper()
	db, err := store.Open(url, store.Options{Conns: 8})
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	encoder := frame.NewEncoder()
	now := time.Now()
	var objects []store.Object
	var records []store.Record
	for n := range fleetVariants {
		contents := []byte(fleetVariant(n))
		packed := encoder.Encode(contents)
		objects = append(objects, store.Object{Name: fleetName, Frame: packed, MD5Sum: "-", Stat: "null", WordCount: "{}", Seen: now})
		records = append(records, store.Record{Sum: sha256.Sum256(contents), Seen: now, Packed: len(packed)})
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < fleetHosts; i += 8 {
				batch := db.NewBatch(fleetHost(i), 6*time.Hour)
				batch.Replace(objects[fleetVariantOf(i)])
				batch.PutRecord(fleetName, records[fleetVariantOf(i)])
				batch.Commit(store.Commit{Names: []string{fleetName}, Score: store.PushScore(now, 1), Expires: now.Add(6 * time.Hour)})
				if _, err := batch.Send(tb.Context()); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkVariants asks what sysops diff --all asks: which variants of a file
// 24,247 hosts have, and how the others differ from the most common one.
func BenchmarkVariants(b *testing.B) {
	server := redistest.Start(b)
	loadVariants(b, server.URL())
	c := connect(b, server.URL())
	metered(b, func() {
		a, err := c.Ask(b.Context(), sysops.Query{Pattern: pattern(b, fleetName)})
		if err != nil {
			b.Fatal(err)
		}
		variants, err := a.Variants(b.Context(), sysops.VariantOptions{ByName: true})
		if err != nil || len(variants) != fleetVariants {
			b.Fatalf("%d variants, %v", len(variants), err)
		}
		if last := variants[len(variants)-1]; last.Count != fleetOutliers {
			b.Fatalf("the rarest variant is in %d objects", last.Count)
		}
		for found, err := range a.CompareVariants(b.Context(), &variants[0], variants[1:], sysops.CompareOptions{}) {
			if err != nil || found.Diff == nil || found.Diff.Equal() {
				b.Fatal(found.Key, err)
			}
		}
	})
}

// noisySysctl is host i's sysctl -a: 1,000 settings of which a dozen are different on
// every host, at any time. The last few hosts have one that somebody set.
func noisySysctl(i int) []byte {
	var w bytes.Buffer
	for line := range 1000 {
		if line%80 == 40 {
			fmt.Fprintf(&w, "kernel.random.uuid = %016x\nfs.file-nr = %d\t0\t9223372036854775807\n", uint64(i)*0x9e3779b97f4a7c15+uint64(line), 1000+i*line%7919)
		}
		fmt.Fprintf(&w, "net.ipv4.some.directory.setting_%04d = %d\n", line, line*line%977)
	}
	if i%(fleetHosts/fleetOutliers) == 7 {
		w.WriteString("net.core.netdev_budget = 600\n")
	} else {
		w.WriteString("net.core.netdev_budget = 300\n")
	}
	return w.Bytes()
}

// loadNoisyFleet fills a server with hosts whose sysctl -a all differ, packed against a
// few bases, as the publisher would.
func loadNoisyFleet(tb testing.TB, url string) {
	tb.Helper()
	db, err := store.Open(url, store.Options{Conns: 8})
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	bases := make([]*frame.Base, 5)
	given := db.NewBatch(fleetHost(0), 6*time.Hour)
	for n := range bases {
		bases[n] = frame.NewBase(noisySysctl(n))
		given.GiveBase(store.ID(bases[n].ID), frame.NewEncoder().Encode(bases[n].Contents()))
	}
	if _, err := given.Send(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			encoder := frame.NewEncoder()
			for i := worker; i < fleetHosts; i += 8 {
				contents := noisySysctl(i)
				p := frame.NewPacking(contents)
				p.Offer(bases[i%len(bases)])
				packed, _, _ := encoder.Frame(p)
				batch := db.NewBatch(fleetHost(i), 6*time.Hour)
				batch.Replace(store.Object{Name: noisyName, Frame: packed, MD5Sum: "-", Stat: "null", WordCount: "{}", Seen: now})
				batch.PutRecord(noisyName, store.Record{Sum: sha256.Sum256(contents), Seen: now, Packed: len(packed)})
				batch.Commit(store.Commit{Names: []string{noisyName}, Score: store.PushScore(now, 1), Expires: now.Add(6 * time.Hour)})
				if _, err := batch.Send(tb.Context()); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

const noisyName = "/etc/hardware_identification.json@sysctl-a"

// BenchmarkMaskedVariants asks what sysops diff --all sysctl-a asks, where every host's
// differs: what is left are the settings that somebody made.
func BenchmarkMaskedVariants(b *testing.B) {
	server := redistest.Start(b)
	loadNoisyFleet(b, server.URL())
	c := connect(b, server.URL())
	m := masks(b, mask.Options{Rules: mask.Default()})
	metered(b, func() {
		a, err := c.Ask(b.Context(), sysops.Query{Pattern: pattern(b, "sysctl-a")})
		if err != nil {
			b.Fatal(err)
		}
		variants, err := a.Variants(b.Context(), sysops.VariantOptions{ByName: true, Masks: m})
		if err != nil || len(variants) != 2 || variants[1].Count != fleetOutliers || variants[0].Sums != fleetHosts-fleetOutliers {
			b.Fatalf("%d variants, %v", len(variants), err)
		}
		for found, err := range a.CompareVariants(b.Context(), &variants[0], variants[1:], sysops.CompareOptions{}) {
			if err != nil || found.Diff == nil || found.Diff.Equal() {
				b.Fatal(found.Key, err)
			}
		}
	})
}

// BenchmarkDeviations asks what sysops diff --all --lines sysctl-a asks of that fleet.
func BenchmarkDeviations(b *testing.B) {
	server := redistest.Start(b)
	loadNoisyFleet(b, server.URL())
	c := connect(b, server.URL())
	m := masks(b, mask.Options{Rules: mask.Default()})
	metered(b, func() {
		a, err := c.Ask(b.Context(), sysops.Query{Pattern: pattern(b, "sysctl-a")})
		if err != nil {
			b.Fatal(err)
		}
		found := deviations(b, a, sysops.DeviationOptions{Masks: m})
		if len(found) != 1 || len(found[0].Lines) != 2 || found[0].Lines[1].Count != fleetOutliers || len(found[0].Lines[1].Hosts(0)) != fleetOutliers {
			b.Fatalf("%d names: %s", len(found), describe(found))
		}
	})
}
