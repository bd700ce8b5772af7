package lines

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A lineTable is a map: with so many lines that hashes collide, with lines longer than
// its pieces of text, and though the lines that it is given are overwritten.
func TestALineTableIsAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 23))
	for _, distinct := range []int{0, 1, 511, 512, 513, 1024, 1025, 300_000} {
		var table lineTable
		want := make(map[string]int)
		var order []string
		buf := make([]byte, 0, 1<<20)
		for i := range 2 * distinct {
			n := random.IntN(max(distinct, 1))
			buf = fmt.Appendf(buf[:0], "line %d", n)
			if n%10_000 == 7 {
				buf = append(buf, strings.Repeat("long", textBlock/3+n%5)...)
			}
			if n == 3 {
				buf = buf[:0]
			}
			if want[string(buf)] == 0 {
				order = append(order, string(buf))
			}
			want[string(buf)]++
			table.entry(buf).add(1, uint32(i%3), i%2 == 0)
			for j := range min(len(buf), 8) {
				buf[j] = '#' // a scanner uses its memory again
			}
		}
		var got []string
		for e := range table.all {
			got = append(got, string(e.line))
			if e.n != want[string(e.line)] {
				t.Errorf("%d lines: %.40q is counted %d times, want %d", distinct, e.line, e.n, want[string(e.line)])
			}
			if hosts := slices.Compact(slices.Sorted(slices.Values(e.hosts))); len(hosts) > 3 {
				t.Errorf("%d lines: %.40q has the hosts %v", distinct, e.line, hosts)
			}
		}
		if !slices.Equal(got, order) || table.count != len(want) {
			t.Errorf("%d lines: %d of %d come back, or in another order", distinct, len(got), len(want))
		}
		n := 0
		for range table.all {
			if n++; n == 2 {
				break
			}
		}
	}
}

// Lines whose hashes are all the same are told apart by their text.
func TestALineTableOfOneHash(t *testing.T) {
	var table lineTable
	first := table.entry([]byte("first"))
	for i := range 2000 {
		e := table.entry([]byte(fmt.Sprint("line ", i)))
		e.hash = first.hash
	}
	table.grow() // puts all of them in one row
	table.grow()
	for i := range 2000 {
		e := &lineEntry{}
		for at := first.hash & uint32(len(table.slots)-1); table.slots[at] != 0; at = (at + 1) & uint32(len(table.slots)-1) {
			if e = table.at(int(table.slots[at]) - 1); string(e.line) == fmt.Sprint("line ", i) {
				break
			}
		}
		if string(e.line) != fmt.Sprint("line ", i) {
			t.Fatalf("line %d is not in the row of its hash", i)
		}
	}
}
