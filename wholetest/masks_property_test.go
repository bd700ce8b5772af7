package wholetest_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/mask"
	"github.com/sysops-api/sysops-api/snapshot"
)

// randomNames are those of oddFleet: objects of hosts that have much in common, with
// noise; JSON; and small texts that are full of odd ends.
var randomNames = []string{"/etc/big", "/etc/a.json", "/etc/odd", "/hw.json@sysctl-a"}

// A oddFleet is what hosts hold: by key.
type oddFleet struct {
	random  *rand.Rand
	objects map[string]string
	hosts   []string
}

func newOddFleet(random *rand.Rand, hosts int) *oddFleet {
	f := &oddFleet{random: random, objects: make(map[string]string)}
	for i := range hosts {
		host := fmt.Sprintf("h%02d", i)
		f.hosts = append(f.hosts, host)
		for _, name := range randomNames {
			if random.IntN(8) > 0 {
				f.objects[host+"#"+name] = f.contents(name)
			}
		}
	}
	return f
}

func (f *oddFleet) contents(name string) string {
	pick := func(list ...string) string { return list[f.random.IntN(len(list))] }
	switch name {
	case "/etc/odd":
		var w strings.Builder
		for range f.random.IntN(5) {
			w.WriteString(pick("a\n", "b\n", "a", "\n", "# x\n", "12\n", "3\n", "\x00", "\xff\n", "{}\n", "*\n", "\r\n"))
		}
		return w.String()
	case "/etc/a.json":
		members := []string{`"a": ` + pick("1", "2", "1.0"), `"b": [` + pick("", "1", "1,2", `"x","y"`) + `]`, `"c": ` + pick("null", "{}", `"é"`, `"\u00e9"`, `"\ud800"`)}
		f.random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		return pick("", " ", "\n") + pick("{", "{ ", "[{") + strings.Join(members, pick(",", ",\n ")) + pick("}", "}\n", "}]", "")
	}
	var lines []string
	for i := range 150 {
		lines = append(lines, fmt.Sprintf("kernel.key.%03d = %d", i, i*i))
	}
	for range f.random.IntN(3) {
		lines[f.random.IntN(3)*70] = pick("vm.swappiness = 1", "vm.swappiness = 60", "# comment", "")
	}
	lines = append(lines, fmt.Sprintf("kernel.random.uuid = %d", f.random.IntN(1000)))
	if i := f.random.IntN(4); i > 0 {
		lines[i], lines[i+1] = lines[i+1], lines[i]
	}
	return strings.Join(lines, "\n") + pick("\n", "\n", "")
}

// push publishes the fleet, and returns how many objects the server holds against a base.
func (f *oddFleet) push(t *testing.T, c *sysops.Client, s *redistest.Server) (deltas int) {
	t.Helper()
	for range 2 { // what the first hosts were pushed by themselves has a base by now
		for _, host := range f.hosts {
			var sources []snapshot.Source
			for _, name := range randomNames {
				if contents, has := f.objects[host+"#"+name]; has {
					sources = append(sources, text(name, contents))
				}
			}
			publish(t, c, snapshotOf(host, sources...))
		}
	}
	for key := range f.objects {
		if _, kind, _ := frameOf(t, s, key); kind == frame.Delta {
			deltas++
		}
	}
	return deltas
}

// masks draws rules and options.
func (f *oddFleet) masks(t *testing.T) *mask.Set {
	some := func(list ...string) (out []string) {
		for _, x := range list {
			if f.random.IntN(3) == 0 {
				out = append(out, x)
			}
		}
		return out
	}
	var o mask.Options
	if f.random.IntN(3) > 0 {
		o.Rules = mask.Default()
	}
	for _, name := range randomNames {
		r := mask.Rule{
			Names: []string{name}, Instead: f.random.IntN(4) == 0,
			Mask: some(`\d+`, `= (.*)`, `^`, `(a)|b`, `x*`), Drop: some(`^#`, `^$`, `swap`),
		}
		for _, to := range []**bool{&r.Set, &r.JSON} {
			if truth := f.random.IntN(2) == 0; f.random.IntN(2) == 0 {
				*to = &truth
			}
		}
		o.Rules = append(o.Rules, r)
	}
	o.Mask, o.Drop = some(`\d`), some(`^kernel\.key\.1`)
	o.Set, o.JSON = f.random.IntN(4) == 0, f.random.IntN(4) == 0
	return masks(t, o)
}

// groups returns what hosts are equal in each name by Masks.Text: "name: hosts", sorted.
func (f *oddFleet) groups(m *mask.Set, counts func(key string) bool) []string {
	hosts := make(map[[2]string][]string)
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		host, name, _ := strings.Cut(key, "#")
		if counts(key) {
			group := [2]string{name, string(m.Text(name, []byte(f.objects[key])))}
			hosts[group] = append(hosts[group], host)
		}
	}
	var out []string
	for group, list := range hosts {
		out = append(out, fmt.Sprint(group[0], ": ", list))
	}
	slices.Sort(out)
	return out
}

// compare checks Compare and CompareHosts against what Masks.Text says of all objects
// that count.
func (f *oddFleet) compare(t *testing.T, what string, a *sysops.Answer, from *sysops.Object, m *mask.Set, counts func(key string) bool) {
	t.Helper()
	equal := func(x, y string) bool { // in the form of the first
		_, name, _ := strings.Cut(x, "#")
		return string(m.Text(name, []byte(f.objects[x]))) == string(m.Text(name, []byte(f.objects[y])))
	}
	for _, brief := range []bool{false, true} {
		o := sysops.CompareOptions{Masks: m, Brief: brief}
		var got, want []string
		for c, err := range a.Compare(t.Context(), from, o) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			key := c.Key.String()
			if c.Diff != nil && c.Diff.Equal() || c.Masked && f.objects[key] == f.objects[from.Key.String()] {
				t.Errorf("%s: %s: masked %v, a difference without any", what, key, c.Masked)
			}
			got = append(got, fmt.Sprint(key, " ", c.Identical))
		}
		for key := range f.objects {
			if counts(key) {
				want = append(want, fmt.Sprint(key, " ", equal(from.Key.String(), key)))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		equalLists(t, fmt.Sprintf("%s: compared with %s, brief %v", what, from.Key, brief), got, want)
		first, second := f.hosts[f.random.IntN(len(f.hosts))], ""
		for second = first; second == first; {
			second = f.hosts[f.random.IntN(len(f.hosts))]
		}
		got, want = nil, nil
		for d, err := range a.CompareHosts(t.Context(), first, second, o) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got = append(got, fmt.Sprintf("%s %q %v", d.Name, d.OnlyOn, d.Identical))
		}
		for _, name := range slices.Sorted(slices.Values(randomNames)) {
			x, y := first+"#"+name, second+"#"+name
			_, hasFirst := f.objects[x]
			_, hasSecond := f.objects[y]
			switch {
			case hasFirst && hasSecond && f.objects[x] != f.objects[y] && !(counts(x) && counts(y)):
			case hasFirst && hasSecond:
				want = append(want, fmt.Sprintf(`%s "" %v`, name, equal(x, y)))
			case hasFirst:
				want = append(want, fmt.Sprintf("%s %q false", name, first))
			case hasSecond:
				want = append(want, fmt.Sprintf("%s %q false", name, second))
			}
		}
		equalLists(t, fmt.Sprintf("%s: hosts %s and %s, brief %v", what, first, second, brief), got, want)
	}
}

// Whatever contents, rules and frames are, comparing objects in a form is comparing
// what Masks.Text makes of them.
func TestComparingUnderMasksIsComparingTheirTexts(t *testing.T) {
	t.Parallel()
	deltas := 0
	for seed := range uint64(redistest.Cases(t, 3)) {
		random := rand.New(rand.NewPCG(seed, 11))
		f := newOddFleet(random, 14)
		servers := redistest.Core(t, 2)
		c := connect(t, redistest.URLs(servers)...)
		deltas += f.push(t, c, servers[0])
		all := func(string) bool { return true }
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
		fromKey := slices.Sorted(maps.Keys(f.objects))[random.IntN(len(f.objects))]
		from := readOne(t, c, pattern(t, fromKey), sysops.Contents)
		if random.IntN(2) == 0 {
			servers[random.IntN(2)].Kill() // between the question and its answer
		}
		for round := range 6 {
			m := f.masks(t)
			what := fmt.Sprintf("seed %d, masks %d", seed, round)
			equalLists(t, what, f.variants(t, what, a, m), f.groups(m, all))
			f.compare(t, what, a, from, m, all)
		}
	}
	if deltas == 0 {
		t.Error("no object is kept against a base: the test tests little")
	}
}

// variants returns what hosts Variants says are equal, as groups does.
func (f *oddFleet) variants(t *testing.T, what string, a *sysops.Answer, m *mask.Set) []string {
	t.Helper()
	list, err := a.Variants(t.Context(), sysops.VariantOptions{ByName: true, Masks: m})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var out []string
	for _, v := range list {
		if len(v.Hosts()) != v.Count || v.Example.Host != v.Hosts()[0] {
			t.Errorf("%s: a variant counts %d, is on %v, its example %s", what, v.Count, v.Hosts(), v.Example)
		}
		out = append(out, fmt.Sprint(v.Name, ": ", v.Hosts()))
	}
	slices.Sort(out)
	return out
}

// What nobody can read is left out, and told; all that holds the same as something that
// can be read is grouped with it.
func TestVariantsUnderMasksOfDamagedObjects(t *testing.T) {
	for seed := range uint64(redistest.Cases(t, 3)) {
		random := rand.New(rand.NewPCG(seed, 12))
		f := newOddFleet(random, 14)
		servers := redistest.Core(t, 2)
		c := connect(t, redistest.URLs(servers)...)
		f.push(t, c, servers[0])
		damaged := make(map[string]bool)
		for _, key := range slices.Sorted(maps.Keys(f.objects)) {
			if random.IntN(4) > 0 {
				continue
			}
			damaged[key] = true
			for _, s := range servers {
				if random.IntN(2) == 0 {
					s.Must("LSET", key, "0", "garbage")
				} else {
					s.Must("DEL", key)
				}
			}
		}
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
		for round := range 4 {
			m := f.masks(t)
			what := fmt.Sprintf("seed %d, masks %d", seed, round)
			readable := make(map[string]bool) // contents that somebody holds undamaged, by name
			for key, contents := range f.objects {
				_, name, _ := strings.Cut(key, "#")
				readable[name+"#"+contents] = readable[name+"#"+contents] || !damaged[key] || m.Plain(name)
			}
			equalLists(t, what, f.variants(t, what, a, m), f.groups(m, func(key string) bool {
				_, name, _ := strings.Cut(key, "#")
				return readable[name+"#"+f.objects[key]]
			}))
			if whole := slices.IndexFunc(f.hosts, func(h string) bool { _, has := f.objects[h+"#/etc/big"]; return has && !damaged[h+"#/etc/big"] }); whole >= 0 {
				from := readOne(t, c, pattern(t, f.hosts[whole]+"#/etc/big"), sysops.Contents)
				f.compareDamaged(t, what, c, from, m, damaged)
			}
		}
	}
}

// compareDamaged is compare, where objects that are damaged are told only if their
// contents are those of from.
func (f *oddFleet) compareDamaged(t *testing.T, what string, c *sysops.Client, from *sysops.Object, m *mask.Set, damaged map[string]bool) {
	t.Helper()
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
	_, name := from.Key.Host, from.Key.Name
	for found, err := range a.Compare(t.Context(), from, sysops.CompareOptions{Masks: m}) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		key := found.Key.String()
		if want := string(m.Text(name, []byte(f.objects[key]))) == string(m.Text(name, from.Contents)); found.Identical != want {
			t.Errorf("%s: %s is equal to %s: %v", what, key, from.Key, found.Identical)
		}
		if damaged[key] && f.objects[key] != string(from.Contents) {
			t.Errorf("%s: %s was compared, and cannot be read", what, key)
		}
	}
}
