package wholetest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A counting is a LineCount that tests can compare.
type counting struct {
	what   string
	count  int
	hosts  []string
	binary bool
}

func (c counting) String() string {
	return fmt.Sprintf("%d × %.80q %v at %v", c.count, c.what, c.binary, c.hosts)
}

// inOrder sorts counts as CountLines does: the most frequent first, equally frequent
// ones by their text; binary objects have none.
func inOrder(counts map[string]*counting) []string {
	list := slices.SortedFunc(maps.Values(counts), func(x, y *counting) int {
		return cmp.Or(cmp.Compare(y.count, x.count), strings.Compare(x.what, y.what))
	})
	var out []string
	for _, c := range list {
		slices.Sort(c.hosts)
		c.hosts = slices.Compact(c.hosts)
		out = append(out, c.String())
	}
	return out
}

func countOne(counts map[string]*counting, what, host string, binary bool) {
	key := fmt.Sprint(binary, what)
	if counts[key] == nil {
		counts[key] = &counting{what: what, binary: binary}
	}
	counts[key].count++
	counts[key].hosts = append(counts[key].hosts, host)
}

// byGrep counts what Grep finds.
func byGrep(t testing.TB, a *sysops.Answer, x *sysops.Expr) []string {
	t.Helper()
	counts := make(map[string]*counting)
	for m, err := range a.Grep(t.Context(), x) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Binary && m.Count > 0 {
			countOne(counts, "", m.Host, true)
		}
		for _, line := range m.Lines {
			countOne(counts, string(line), m.Host, false)
		}
	}
	return inOrder(counts)
}

// byHand counts the lines of whole contents with Go's regexp, of which Grep knows nothing.
func byHand(t testing.TB, a *sysops.Answer, expr string, o sysops.GrepOptions) []string {
	t.Helper()
	if o.IgnoreCase {
		expr = "(?i)" + expr
	}
	x := regexp.MustCompile(expr)
	counts := make(map[string]*counting)
	for obj, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		binary := bytes.IndexByte(obj.Contents, 0) >= 0 && !o.Text
		emit := func(part string) {
			if found++; !binary && (o.MaxCount == 0 || found <= o.MaxCount) {
				countOne(counts, part, obj.Host, false)
			}
		}
		for line := range strings.Lines(string(obj.Contents)) {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case !o.OnlyMatching:
				if x.MatchString(line) != o.Invert {
					emit(line)
				}
			default:
				for _, m := range x.FindAllString(line, -1) {
					if m != "" {
						emit(m)
					}
				}
			}
		}
		if binary && found > 0 {
			countOne(counts, "", obj.Host, true)
		}
	}
	return inOrder(counts)
}

func countedLines(t testing.TB, a *sysops.Answer, x *sysops.Expr, o sysops.CountOptions) []string {
	t.Helper()
	list, err := a.CountLines(t.Context(), x, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		hosts := c.Hosts()
		if o.Hosts && !slices.IsSorted(hosts) {
			t.Errorf("the hosts of %q are not sorted: %q", c.Line, hosts)
		}
		out = append(out, counting{string(c.Line), c.Count, hosts, c.Binary}.String())
	}
	return out
}

// randomFleet pushes hosts whose objects share many lines, as bases, deltas and by
// themselves, with what is special about lines.
func randomFleet(t testing.TB, servers []*redistest.Server, random *rand.Rand) {
	t.Helper()
	long := strings.Repeat("a long line ", 200)
	pool := []string{"", "", "a = 1", "a = 2", "A = 1", "b", "b\r", "\r", " ", "net.ipv4.ip_forward = 0", "caf\xe9", "a = 1 a = 22", long, "x" + long}
	line := func() string {
		if random.IntN(3) == 0 {
			return fmt.Sprintf("key%d = %d", random.IntN(40), random.IntN(4))
		}
		return pool[random.IntN(len(pool))]
	}
	names := []string{"/etc/a", "/etc/b", "/etc/c@d", "/etc/private"}
	texts := make(map[string][]string)
	for _, n := range names {
		for range 60 {
			texts[n] = append(texts[n], line())
		}
	}
	for h := range 14 {
		var sources []snapshot.Source
		for _, n := range names {
			if random.IntN(6) == 0 {
				continue // this host has none
			}
			lines := slices.Clone(texts[n])
			for range random.IntN(12) {
				switch i := random.IntN(len(lines)); random.IntN(3) {
				case 0:
					lines[i] = line()
				case 1:
					lines = slices.Insert(lines, i, line(), line())
				case 2:
					lines = slices.Delete(lines, i, i+1)
				}
			}
			body := strings.Join(lines, "\n")
			switch random.IntN(8) {
			case 0:
				body = ""
			case 1:
				body += "\x00\n"
			case 2, 3, 4:
				body += "\n"
			}
			src := text(n, body)
			src.Private = n == "/etc/private"
			sources = append(sources, src)
		}
		sources = append(sources, text("/etc/always", "x\n"))
		o := sysops.Options{NoBases: random.IntN(5) == 0}
		c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), o)
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", h), sources...))
	}
}

func TestCountLinesIsWhatCountingByHandIs(t *testing.T) {
	t.Parallel()
	exprs := []struct {
		expr string
		o    sysops.GrepOptions
	}{
		{"", sysops.GrepOptions{}},
		{"", sysops.GrepOptions{Text: true}},
		{"^$", sysops.GrepOptions{}},
		{"a", sysops.GrepOptions{}},
		{"^a = ", sysops.GrepOptions{IgnoreCase: true}},
		{"key[0-9]", sysops.GrepOptions{Invert: true}},
		{"[0-9]+", sysops.GrepOptions{OnlyMatching: true}},
		{"[0-9]*", sysops.GrepOptions{OnlyMatching: true}},
		{"a = .", sysops.GrepOptions{OnlyMatching: true, Text: true}},
		{"key", sysops.GrepOptions{MaxCount: 2}},
		{"a", sysops.GrepOptions{MaxCount: 1, Invert: true, Text: true}},
		{"[0-9]", sysops.GrepOptions{MaxCount: 3, OnlyMatching: true}},
		{"never", sysops.GrepOptions{}},
		{"\r$", sysops.GrepOptions{}},
	}
	servers := redistest.Core(t, 2)
	for seed := range uint64(redistest.Cases(t, 1)) {
		for _, s := range servers {
			s.Must("FLUSHALL")
		}
		random := rand.New(rand.NewPCG(seed, 21))
		randomFleet(t, servers, random)
		c := connect(t, redistest.URLs(servers)...)
		for _, q := range []sysops.Query{{Pattern: pattern(t, "*#*")}, {Pattern: pattern(t, "/etc/a")}, {Pattern: pattern(t, "*#*"), EveryServer: true}} {
			for _, row := range exprs {
				x, err := sysops.CompileExpr(row.expr, row.o)
				if err != nil {
					t.Fatal(err)
				}
				a := ask(t, c, q)
				progress := 0
				got := countedLines(t, a, x, sysops.CountOptions{Hosts: true, Progress: func() { progress++ }})
				what := fmt.Sprintf("seed %d, %s, %q %+v", seed, q.Pattern, row.expr, row.o)
				if want := byHand(t, a, row.expr, row.o); !slices.Equal(got, want) {
					t.Errorf("%s: not what counting by hand is:\n%s", what, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
				}
				if want := byGrep(t, a, x); !slices.Equal(got, want) {
					t.Errorf("%s: not what Grep finds:\n%s", what, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
				}
				if progress != a.Len() {
					t.Errorf("%s: progress was told %d times of %d objects", what, progress, a.Len())
				}
				again := countedLines(t, a, x, sysops.CountOptions{})
				for i := range again {
					if head, _, _ := strings.Cut(got[i], " at ["); again[i] != head+" at []" {
						t.Errorf("%s: without Hosts it is %s, with them %s", what, again[i], got[i])
					}
				}
			}
		}
	}
}

// Groups are what Grep knows of them.
func TestCountLinesCountsGroupsAsGrepDoes(t *testing.T) {
	servers := redistest.Core(t, 1)
	randomFleet(t, servers, rand.New(rand.NewPCG(5, 21)))
	c := connect(t, redistest.URLs(servers)...)
	for _, row := range []struct {
		expr string
		o    sysops.GrepOptions
	}{
		{"key([0-9]+) = ", sysops.GrepOptions{OnlyMatching: true, Group: true}},
		{"(a)|b", sysops.GrepOptions{OnlyMatching: true, Group: true}},
		{"= ([0-9])", sysops.GrepOptions{OnlyMatching: true, Group: true, MaxCount: 2}},
		{"key7", sysops.GrepOptions{Fixed: true, Word: true}},
		{"A", sysops.GrepOptions{Fixed: true, IgnoreCase: true, OnlyMatching: true}},
	} {
		x, err := sysops.CompileExpr(row.expr, row.o)
		if err != nil {
			t.Fatal(err)
		}
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
		got := countedLines(t, a, x, sysops.CountOptions{Hosts: true})
		if want := byGrep(t, a, x); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%q %+v: not what Grep finds:\n%s", row.expr, row.o, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
	}
}

func TestWhatIsCountedStaysWhenMoreIs(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	publish(t, c, snapshotOf("web01", text("/etc/a", strings.Repeat("x\n", 200)+"one\n"), text("/etc/b", "x\ntwo\n")))
	x, err := sysops.CompileExpr("", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "web01#*")})
	first := countedLines(t, a, x, sysops.CountOptions{Hosts: true})
	for range 20 {
		if again := countedLines(t, a, x, sysops.CountOptions{Hosts: true}); !slices.Equal(first, again) {
			t.Fatalf("%q, and then %q", first, again)
		}
	}
	if want := []string{`201 × "x" false at [web01]`, `1 × "one" false at [web01]`, `1 × "two" false at [web01]`}; !slices.Equal(first, want) {
		t.Errorf("%q, want %q", first, want)
	}
}

// contentsByHand counts identical contents of whole objects.
func contentsByHand(t testing.TB, a *sysops.Answer) []string {
	t.Helper()
	type same struct {
		n     int
		first sysops.Key
		hosts []string
	}
	counts := make(map[string]*same)
	for o, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		sum := baseID(string(o.Contents))
		if counts[sum] == nil {
			counts[sum] = &same{first: o.Key}
		}
		counts[sum].n++
		counts[sum].hosts = append(counts[sum].hosts, o.Host)
	}
	sums := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(cmp.Compare(counts[y].n, counts[x].n), counts[x].first.Compare(counts[y].first))
	})
	var out []string
	for _, sum := range sums {
		n := counts[sum]
		slices.Sort(n.hosts)
		out = append(out, fmt.Sprintf("%d × %.8s of %s at %v", n.n, sum, n.first, slices.Compact(n.hosts)))
	}
	return out
}

func countedContents(t testing.TB, a *sysops.Answer, progress func()) []string {
	t.Helper()
	list, err := a.Variants(t.Context(), sysops.VariantOptions{Progress: progress})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("%d × %.8s of %s at %v", c.Count, c.Sum, c.Example, c.Hosts()))
	}
	return out
}

func TestVariantsAreWhatCountingByHandFinds(t *testing.T) {
	servers := redistest.Core(t, 2)
	for seed := range uint64(redistest.Cases(t, 2)) {
		for _, s := range servers {
			s.Must("FLUSHALL")
		}
		randomFleet(t, servers, rand.New(rand.NewPCG(seed, 22)))
		publish(t, connect(t, redistest.URLs(servers)...), snapshotOf("other", text("/etc/a", "x\n"), text("/etc/b", "x\n")))
		c := connect(t, redistest.URLs(servers)...)
		for _, q := range []sysops.Query{{Pattern: pattern(t, "*#*")}, {Pattern: pattern(t, "/etc/a")}, {Pattern: pattern(t, "*#*"), EveryServer: true}} {
			a := ask(t, c, q)
			progress := 0
			got := countedContents(t, a, func() { progress++ })
			if want := contentsByHand(t, a); !slices.Equal(got, want) {
				t.Errorf("seed %d, %s: not what counting by hand is:\n%s", seed, q.Pattern, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
			}
			if progress != a.Len() {
				t.Errorf("seed %d, %s: progress was told %d times of %d objects", seed, q.Pattern, progress, a.Len())
			}
		}
	}
}

// What the index does not know the sum of is counted by its contents, whoever wrote it.
func TestVariantsOfBothInserters(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	always := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: sysops.LegacyAlways})
	check := func(what string) {
		t.Helper()
		a := ask(t, always, sysops.Query{Pattern: search(t, "e")})
		progress := 0
		got := countedContents(t, a, func() { progress++ })
		if want := contentsByHand(t, a); !slices.Equal(got, want) || progress != a.Len() || a.Len() < 5 {
			t.Errorf("%s: %d of %d objects:\n%s", what, progress, a.Len(), diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
		x, err := sysops.CompileExpr("", sysops.GrepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := countedLines(t, a, x, sysops.CountOptions{Hosts: true}), byGrep(t, a, x); !slices.Equal(got, want) {
			t.Errorf("%s: not what Grep finds:\n%s", what, diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
	}
	check("found by SCAN")
	passwd, _ := contents(t, always, sysops.Query{Pattern: search(t, "web01.example.com#/etc/passwd")})
	_, body, _ := strings.Cut(passwd[0], ": ")
	publish(t, connect(t, server.URL()), snapshotOf("web09.example.com", text("/etc/passwd", body), text(ctl, settings(1, 1))))
	check("beside a publisher's")
	if _, err := always.Adopt(t.Context(), sysops.Where{}); err != nil {
		t.Fatal(err)
	}
	check("adopted")
	server.Must("HSET", "$of:web09.example.com", "/etc/passwd", "\x07junk")
	check("with a record of another version")
}

// A host of the original's inserter that two cores have is one host.
func TestAHostOfTwoCoresIsCountedOnce(t *testing.T) {
	servers := redistest.Core(t, 2)
	for _, s := range servers {
		fillLegacy(t, s)
	}
	c := connectTo(t, &fleet{
		sites: map[string][]string{"s": {"a", "b"}}, localSite: "s", localCore: "a",
		cores: map[string][]string{"a": {servers[0].URL()}, "b": {servers[1].URL()}},
	}, sysops.Options{})
	a := ask(t, c, sysops.Query{Pattern: search(t, "/etc/passwd"), Where: sysops.Where{Scope: sysops.Global}})
	x, err := sysops.CompileExpr("", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := countedLines(t, a, x, sysops.CountOptions{Hosts: true}), byGrep(t, a, x); !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("not what Grep finds:\n%s", diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
	if got, want := countedContents(t, a, nil), contentsByHand(t, a); !slices.Equal(got, want) {
		t.Errorf("not what counting by hand is:\n%s", diffOf(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
}

// Counting contents may take two readings. What the first could not read is told after
// the second, too.
func TestVariantsTellWhatTheyCouldNotRead(t *testing.T) {
	servers := redistest.Core(t, 2)
	fillLegacy(t, servers[1])
	publish(t, connect(t, servers[0].URL()), snapshotOf("web01", text("/etc/passwd", "x")))
	c := connectTo(t, &fleet{
		sites: map[string][]string{"s": {"a", "b"}}, localSite: "s", localCore: "a",
		cores: map[string][]string{"a": {servers[0].URL()}, "b": {servers[1].URL()}},
	}, sysops.Options{})
	a := ask(t, c, sysops.Query{Pattern: search(t, "/etc/passwd"), Where: sysops.Where{Scope: sysops.Global, Partial: true}})
	servers[0].Kill()
	got := countedContents(t, a, nil)
	if complete := a.Completeness(); len(got) != 2 || !complete.Partial() || complete.Answered != 2 || complete.Expected != 3 {
		t.Errorf("%d contents of %d of %d hosts, %s", len(got), complete.Answered, complete.Expected, complete)
	}
	if a := ask(t, c, sysops.Query{Pattern: search(t, "/etc/passwd"), Where: sysops.Where{Scope: sysops.Global, Partial: true}}); a.Len() != 2 {
		t.Errorf("%d objects are left", a.Len())
	}
}

// An unreadable object is left out and told, in counts as elsewhere.
func TestACountTellsWhatItCouldNotRead(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	publish(t, c, snapshotOf("web01", text(ctl, settings(1, 1))))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "x\n")))
	s.Must("DEL", baseKey(settings(1, 1)))
	x, err := sysops.CompileExpr("", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fresh := connect(t, s.URL())
	for _, partial := range []bool{false, true} {
		a := ask(t, fresh, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: partial}})
		got := countedLines(t, a, x, sysops.CountOptions{Hosts: true})
		if complete := a.Completeness(); !slices.Equal(got, []string{`1 × "x" false at [web02]`}) || len(complete.Unreadable) != 1 || complete.Answered != 1 {
			t.Errorf("partial %v: %q, %s", partial, got, complete)
		}
	}
}
