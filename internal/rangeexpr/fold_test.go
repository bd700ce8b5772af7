package rangeexpr

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestFold(t *testing.T) {
	for _, row := range []struct{ what, hosts, want string }{
		{"nothing", "", ""},
		{"one host", "web1", "web1"},
		{"names without numbers", "web db", "db,web"},
		{"a run", "web1 web2 web3", "web1..3"},
		{"any order, twice", "web3 web1 web2 web1 web3", "web1..3"},
		{"two are a run", "web1 web2", "web1..2"},
		{"zeros in front", "web08 web09 web10 web11", "web08..11"},
		{"no zeros in front", "web8 web9 web10 web11", "web8..11"},
		{"both", "web8 web9 web10 web08 web09", "web08..10,web8..9"},
		{"more digits than zeros", "web099 web100 web999 web1000", "web099..100,web999..1000"},
		{"numbers by value", "web10 web9 web100 web1", "web1,web9..10,web100"},
		{"a domain", "web001.example.com web002.example.com web003.example.com", "web001..003.example.com"},
		{"gaps", "web1.x web2.x web3.x web7.x", "web1..3.x,web7.x"},
		{"several names", "web1 web2 db1 db2 mail", "db1..2,mail,web1..2"},
		{"only a number", "1 2 3", "1..3"},
		{"a number after -", "db-esv4-017 db-esv4-018", "db-esv4-017..018"},
		{"addresses", "10.0.0.9 10.0.0.10 10.0.1.1", "10.0.0.9..10,10.0.1.1"},
		{"the number that folds most", "r1n1 r1n2 r2n1 r2n2", "r1n1..2,r2n1..2"},
		{"a number before the domain's", "web1.dc1.x web2.dc1.x web3.dc1.x web1.dc2.x web2.dc2.x web3.dc2.x", "web1..3.dc1.x,web1..3.dc2.x"},
		{"the domain's number", "web.dc1.x web.dc2.x", "web.dc1..2.x"},
		{"many gaps", "web1.example.com web3.example.com web5.example.com web6.example.com", "web{1,3,5,6}.example.com"},
		{"no more gaps than that", "web1.example.com web3.example.com", "web1.example.com,web3.example.com"},
		{"racks", "r1n1.example.com r1n2.example.com r2n1.example.com r2n2.example.com r3n1.example.com r3n2.example.com r4n1.example.com r4n2.example.com", "r{1..4}n{1,2}.example.com"},
		{"a letter after the number", "web1a.x web2a.x web3a.x web4a.x", "web{1..4}a.x"},
		{"two with a letter after it", "web1a.x web2a.x", "web1a.x,web2a.x"},
		{"colons", "fe80::1 fe80::2 fe80::3 fe80::4", "fe80::{1..4}"},
		{"a dot at the end", "web1. web2. web3. web4. web5.", "web{1..5}."},
		{"a - after the number", "web1-a web2-a web3-a web4-a", "web1-a,web2-a,web3-a,web4-a"},
		{"another number, without a -", "web1-r1 web2-r1 web1-r2", "web1-r1..2,web2-r1"},
		{"the case", "Web1 web2 WEB3", "WEB3,Web1,web2"},
		{"what Range would read with another number", "r1.n1.n1 r1.n2.n1", "r1.n1.n1,r1.n2.n1"},
		{"three of those", "r1.n1.n1 r1.n2.n1 r1.n3.n1", "r1.n{1..3}.n1"},
		{"a sequence that would be longer", "1 2 7 8 9", "1,2,7..9"},
		{"a name like a sequence", "web1..3 web1", `web1,"web1..3"`},
		{"a name with dots", "a..c b", `"a..c",b`},
		{"a name that begins with -", "-b a", `"-b",a`},
		{"a date", "log20260101235958 log20260101235959 log20260102000000", "log20260101235958..9,log20260102000000"},
		{"ten digits that differ", "h0999999999 h1000000000", "h0999999999,h1000000000"},
		{"more digits than Range counts with", "h999999999 h1000000000", "h999999999,h1000000000"},
		{"numbers beyond 64 bits", "h99999999999999999998 h99999999999999999999 h100000000000000000000", "h99999999999999999998..9,h100000000000000000000"},
	} {
		t.Run(row.what, func(t *testing.T) {
			if got := Fold(strings.Fields(row.hosts)); got != row.want {
				t.Errorf("%s folds to\n %s, want\n %s", row.hosts, got, row.want)
			}
			checkFold(t, strings.Fields(row.hosts))
		})
	}
	if got, want := Fold([]string{"", "a b", `a"\`}), `"","a b","a\"\\"`; got != want {
		t.Errorf("names that are none fold to %s, want %s", got, want)
	}
}

func TestFoldLeavesItsArgumentAlone(t *testing.T) {
	hosts := []string{"b2", "b1", "a"}
	Fold(hosts)
	if !slices.Equal(hosts, []string{"b2", "b1", "a"}) {
		t.Errorf("%q", hosts)
	}
}

// checkFold demands that the expression stands for exactly the hosts, whatever
// their order, and that Range would read it as Expand does.
func checkFold(t *testing.T, hosts []string) string {
	t.Helper()
	folded := Fold(hosts)
	want := slices.Clone(hosts)
	slices.Sort(want)
	want = slices.Compact(want)
	got, err := expand(folded)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q folds to %s, which is %q (%v)", want, folded, got, err)
	}
	if again := Fold(want); again != folded {
		t.Fatalf("%q in order folds to %s, else to %s", want, again, folded)
	}
	if listed := len(strings.Join(want, ",")); len(folded) > listed && !strings.Contains(folded, `"`) {
		t.Fatalf("%q fold to the longer %s", want, folded)
	}
	checkRange(t, folded)
	return folded
}

var quotedName = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// checkRange demands what Range does beside the rules of sequences: a '-' neither
// begins a word nor comes after a brace, there is no white space, and the numbers of
// a sequence have at most 9 digits, since it counts in 32 bits.
func checkRange(t *testing.T, folded string) {
	t.Helper()
	bare := quotedName.ReplaceAllString(folded, "quoted")
	if regexp.MustCompile(`}-|(^|[,{])-|\s|{}|,,`).MatchString(bare) {
		t.Fatalf("Range cannot read %s", folded)
	}
	for _, word := range strings.FieldsFunc(bare, func(r rune) bool { return strings.ContainsRune(",{}", r) }) {
		if s, ok := parseSequence(word); ok && (len(s.last) > 9 || s.count < 2) {
			t.Fatalf("Range cannot count from %s to %s in %s", s.first, s.last, folded)
		}
	}
}

// fragments make names that are hard to fold.
var fragments = []string{
	"web", "r", "n", "a", "-", "_", ".", "..", ":", ".x", ".n1", "q", "X",
	"0", "1", "2", "3", "8", "9", "10", "11", "00", "01", "08", "09", "099", "100", "101", "999999999", "1000000000", "20260101000009",
}

func TestFoldedHostsExpandToThemselves(t *testing.T) {
	random := rand.New(rand.NewPCG(2013, 9))
	for range redistest.Cases(t, 5000) {
		var parts []string // few, so that many names differ in one alone
		for range 1 + random.IntN(6) {
			parts = append(parts, fragments[random.IntN(len(fragments))])
		}
		var hosts []string
		for range random.IntN(40) {
			var name strings.Builder
			for range 1 + random.IntN(4) {
				name.WriteString(parts[random.IntN(len(parts))])
				if random.IntN(3) == 0 {
					fmt.Fprint(&name, random.IntN(12))
				}
			}
			hosts = append(hosts, name.String())
		}
		checkFold(t, hosts)
	}
}

// fleet is 24,247 hosts of six roles, as many as the fleet of the benchmarks has.
func fleet() []string {
	var hosts []string
	for i := range 24_247 {
		role := []string{"web", "app", "db", "cache", "lb", "log"}[i%6]
		site := []string{"esv4", "eat1", "lva1", "ltx1"}[i/6%4]
		hosts = append(hosts, fmt.Sprintf("%s%04d.%s.prod.example.com", role, i/6, site))
	}
	return hosts
}

func fleets() map[string][]string {
	random := rand.New(rand.NewPCG(1, 2))
	out := map[string][]string{"fleet": fleet()}
	for _, h := range fleet() {
		if random.IntN(3) == 0 {
			out["third"] = append(out["third"], h)
		}
	}
	for i := range 24_247 {
		out["whole"] = append(out["whole"], fmt.Sprintf("web%05d.prod.example.com", i))
		out["racks"] = append(out["racks"], fmt.Sprintf("r%dn%02d.dc%d.example.com", i/32%256, i%32, i/32/256))
		out["addresses"] = append(out["addresses"], fmt.Sprintf("10.%d.%d.%d", random.IntN(4), random.IntN(256), random.IntN(256)))
		out["instances"] = append(out["instances"], fmt.Sprintf("i-%016x.compute.example.com", random.Uint64()))
	}
	return out
}

// Whatever the names, a fleet folds and comes back; see BenchmarkFold for the time.
func TestFleetsFold(t *testing.T) {
	longest := map[string]int{"whole": 33, "fleet": 130_000, "third": 60_000, "racks": 150}
	for name, hosts := range fleets() {
		folded := checkFold(t, hosts)
		if most, ok := longest[name]; ok && len(folded) > most {
			t.Errorf("%s folds to %d bytes, want at most %d: %.200s", name, len(folded), most, folded)
		}
		t.Logf("%s: %d bytes of %d: %.100s", name, len(folded), len(strings.Join(hosts, ",")), folded)
	}
}

func BenchmarkFold(b *testing.B) {
	for name, hosts := range fleets() {
		rand.New(rand.NewPCG(3, 4)).Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Fold(hosts)
			}
		})
	}
}

func BenchmarkExpand(b *testing.B) {
	expr := Fold(fleet())
	for b.Loop() {
		if _, err := expand(expr); err != nil {
			b.Fatal(err)
		}
	}
}
