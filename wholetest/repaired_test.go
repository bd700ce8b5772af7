package wholetest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A reading of an answer tells what it could not read itself, and each of that once: not
// what another reading of the same answer could not, however often it met that.
func TestACleanReadingAfterADamagedOneTellsItsOwnCount(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for i := range 4 {
		publish(t, c, snapshotOf(fmt.Sprintf("web%d", i), text("/etc/motd", fmt.Sprint(i))))
	}
	server.Must("LSET", "web3#/etc/motd", "0", "junk of a kind")
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Partial: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{ByName: true})
	if err != nil || len(variants) != 4 {
		t.Fatalf("%d variants, %v", len(variants), err)
	}
	moved := 0
	for i := range variants[:3] {
		for c, err := range a.CompareVariants(t.Context(), &variants[i], variants[i+1:], sysops.CompareOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if c.Moved {
				moved++
			}
		}
	}
	if complete := a.Completeness(); moved != 3 || len(complete.Unreadable) != 1 || complete.Unreadable[0].Key != "web3#/etc/motd" || complete.Answered != 3 || !complete.Partial() {
		t.Errorf("met %d times, a damaged object is %v: %s", moved, complete.Unreadable, complete)
	}
	server.Must("DEL", "web3#/etc/motd") // a frame with the right md5sum is not replaced
	publish(t, c, snapshotOf("web3", text("/etc/motd", "3")))
	var got []string
	for o, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(o.Contents))
	}
	complete := a.Completeness()
	if !slices.Equal(got, []string{"0", "1", "2", "3"}) || len(complete.Unreadable) != 0 || complete.Answered != 4 || complete.Partial() {
		t.Errorf("repaired, %q are read: %s", got, complete)
	}
}
