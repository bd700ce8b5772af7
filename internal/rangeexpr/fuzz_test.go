package rangeexpr

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Whatever the expression, Expand returns hosts within its limit or says where it
// stops; and what it returns folds and comes back.
func FuzzExpand(f *testing.F) {
	for _, expr := range []string{
		"host8..11", "foo100..10", "h1.example.com..3.example.com", "{a,b}{1..2}", "a{b{1..2},c}d", "q(a b)", `"a\"b"`,
		"web*,db[1-3]", "web{1..3", "a,-b", "%c:{UP,DOWN}", "1..1..1.a..1.a", "{{{{", "h{1..99999}{1..99999}", "é", "\x00\xff",
		"h0..99999999999999999999999999", "web{01..12}-{a,b}.x", "web1..{3,4}",
	} {
		f.Add(expr, false)
		f.Add(expr, true)
	}
	const limit = 10_000
	f.Fuzz(func(t *testing.T, expr string, typed bool) {
		hosts, err := expand(&parser{expr: expr, typed: typed}, limit)
		if err != nil {
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.Column < 1 || bad.Column > len(expr)+1 || len(hosts) > 0 {
				t.Fatalf("%q: %d hosts and %v", expr, len(hosts), err)
			}
			return
		}
		if len(hosts) > limit || !slices.IsSorted(hosts) {
			t.Fatalf("%q: %d hosts", expr, len(hosts))
		}
		checkFold(t, hosts)
	})
}

// Whatever the names, they fold and come back.
func FuzzFold(f *testing.F) {
	f.Add("web1\nweb2\nweb3.x")
	f.Add("08\n8\n9\n09\n10\n010")
	f.Add("r1.n1.n1\nr1.n2.n1\nr1.n3.n1\nr1.n4.n1\nr1.n5.n1")
	f.Add("a1-1\na2-1\na1-2\na-\n-a\n..\n.1\n.2")
	f.Add("::1\n::2\n::3\n::4\n\"\n\\\n\x00\n ")
	f.Add("r1n1\nr1n2\nr2n1\nr2n2\nr3n1\nr3n2\nr4n1\nr4n2\nr5n1\nr5n2")
	f.Add("h999999999\nh1000000000\nh0999999999\nh99999999999999999999\nh100000000000000000000")
	f.Fuzz(func(t *testing.T, names string) {
		checkFold(t, strings.Split(names, "\n"))
	})
}
