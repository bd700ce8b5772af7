package rangeexpr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestCompress(t *testing.T) {
	for _, row := range []struct{ nodes, want string }{
		{"", ""},
		{"a", "a"},
		{"b a b", "a,b"},
		{"host11 host10 host9 host8", "host8..9,host10..1"},
		{"host01 host02 host03", "host01..3"},
		{"host08 host09 host10 host11", "host08..11"},
		{"host099 host100 host101", "host099..101"},
		{"host1 host2 host4", "host1..2,host4"},
		{"foo100 foo101", "foo100..1"},
		{"h1.x h2.x h1.y h2.y", "h1..2.x,h1..2.y"},
		{"h1.dc1.x h2.dc1.x", "h1..2.dc1.x"},
		{"web.dc1.x web.dc2.x", "web.dc1..2.x"},
		{"10.0.0.8 10.0.0.9 10.0.1.1", "10.0.0.8..9,10.0.1.1"},
		{"r1n1 r1n2 r2n1", "r1n1..2,r2n1"},
		{"r1.n1.n1 r1.n2.n1", "r1.n1.n1,r1.n2.n1"}, // else it would be r1.n1.n1 and r2.n1.n1
		{"a1-b a2-b", "a1-b,a2-b"},
		{"2001:db8::1 2001:db8::2", "2001:db8::1,2001:db8::2"},
		{"1 2 3", "1..3"},
		{"h0999999999 h1000000000", "h0999999999,h1000000000"}, // Range counts in 32 bits
		{"h20260101000009 h20260101000010", "h20260101000009..10"},
		{"-a1 -a2 a..c", `"-a1","-a2","a..c"`},
	} {
		if got := Compress(fields(row.nodes)); got != row.want {
			t.Errorf("%s is compressed to %s, want %s", row.nodes, got, row.want)
		}
		checkCompress(t, strings.Fields(row.nodes))
	}
}

// checkCompress demands that the nodes come back, whatever their order.
func checkCompress(t *testing.T, nodes []string) {
	t.Helper()
	want := slices.Clone(nodes)
	slices.Sort(want)
	want = slices.Compact(want)
	compressed := Compress(nodes)
	if got, err := expand(compressed); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q is compressed to %s, which is %q (%v)", want, compressed, got, err)
	}
	if again := Compress(want); again != compressed {
		t.Fatalf("%q is compressed to %s in order, else to %s", want, again, compressed)
	}
	checkRange(t, compressed)
}

func TestCompressedNodesExpandToThemselves(t *testing.T) {
	random := rand.New(rand.NewPCG(2011, 4))
	for range redistest.Cases(t, 1500) {
		var nodes []string
		for range random.IntN(30) {
			var name strings.Builder
			for range 1 + random.IntN(3) {
				name.WriteString(fragments[random.IntN(len(fragments))])
				if random.IntN(2) == 0 {
					fmt.Fprint(&name, random.IntN(12))
				}
			}
			nodes = append(nodes, name.String())
		}
		checkCompress(t, nodes)
	}
	for _, hosts := range fleets() {
		checkCompress(t, hosts)
	}
}

func TestCompressLeavesItsArgumentAlone(t *testing.T) {
	nodes := []string{"b2", "b1", "a"}
	Compress(nodes)
	if !slices.Equal(nodes, []string{"b2", "b1", "a"}) {
		t.Errorf("%q", nodes)
	}
}
