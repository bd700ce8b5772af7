//go:build unix

package sysops_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/codec"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/store"
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
	encoder := codec.NewEncoder()
	now := time.Now()
	var objects []store.Object
	var records []store.Record
	for n := range fleetVariants {
		contents := []byte(fleetVariant(n))
		frame := encoder.Encode(contents)
		objects = append(objects, store.Object{Name: fleetName, Frame: frame, MD5Sum: "-", Stat: "null", WordCount: "{}", Seen: now})
		records = append(records, store.Record{Sum: sha256.Sum256(contents), Seen: now, Packed: len(frame)})
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < fleetHosts; i += 8 {
				batch := db.NewBatch(fleetHost(i), 6*time.Hour)
				batch.Replace(objects[fleetVariantOf(i)])
				batch.PutRecord(fleetName, records[fleetVariantOf(i)])
				batch.Commit([]string{fleetName}, "", store.PushScore(now, 1), now.Add(6*time.Hour), fleetHosts)
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
