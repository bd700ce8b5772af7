package wholetest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/mask"
)

func deviations(t testing.TB, a *sysops.Answer, o sysops.DeviationOptions) []sysops.Deviations {
	t.Helper()
	var out []sysops.Deviations
	for d, err := range a.Deviations(t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// describe returns deviations as lines: the name and its counts, then what deviates.
func describe(list []sysops.Deviations) []string {
	var out []string
	for i := range list {
		d := &list[i]
		out = append(out, fmt.Sprintf("%s: %d objects, %d binary, %d lines common, %d left out", d.Name, d.Objects, d.Binary, d.Common, d.LeftOut))
		for j := range d.Lines {
			v := &d.Lines[j]
			sign := "+"
			if v.Lacking {
				sign = "-"
			}
			out = append(out, fmt.Sprintf("%d of %d %s%q %v", v.Count, v.Of, sign, v.Line, v.Hosts(0)))
		}
	}
	return out
}

// deviations is describe of what Deviations should find, by Masks.Text of the objects
// that count.
func (f *oddFleet) deviations(m *mask.Set, most int, counts func(key string) bool) []string {
	var list []string
	for _, name := range slices.Sorted(slices.Values(randomNames)) {
		objects, binary, there := 0, 0, false
		having := make(map[string][]string)
		var hosts []string
		for _, host := range f.hosts {
			contents, has := f.objects[host+"#"+name]
			there = there || has
			switch {
			case !has || !counts(host+"#"+name):
				continue
			case strings.Contains(contents, "\x00"):
				binary++
				continue
			}
			objects++
			hosts = append(hosts, host)
			lines := make(map[string]bool)
			for line := range strings.Lines(string(m.Text(name, []byte(contents)))) {
				lines[strings.TrimSuffix(line, "\n")] = true
			}
			for line := range lines {
				having[line] = append(having[line], host)
			}
		}
		if !there {
			continue
		}
		type row struct {
			count int
			line  string
			text  string
		}
		var rows []row
		common, left := 0, 0
		for _, line := range slices.Sorted(maps.Keys(having)) {
			deviating, sign := having[line], "+"
			if 2*len(deviating) > objects {
				sign = "-"
				deviating = slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return slices.Contains(having[line], h) })
			}
			switch n := len(deviating); {
			case n == 0:
				common++
			case most > 0 && n > most:
				left++
			default:
				rows = append(rows, row{n, line, fmt.Sprintf("%d of %d %s%q %v", n, objects, sign, line, deviating)})
			}
		}
		slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(y.count, x.count) })
		list = append(list, fmt.Sprintf("%s: %d objects, %d binary, %d lines common, %d left out", name, objects, binary, common, left))
		for _, r := range rows {
			list = append(list, r.text)
		}
	}
	return list
}

// Whatever contents, rules and frames are, the lines in which objects deviate are those
// of their texts; what nobody can read counts as neither having nor lacking any.
func TestDeviationsAreThoseOfTheTexts(t *testing.T) {
	t.Parallel()
	deltas := 0
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 13))
		f := newOddFleet(random, 14)
		servers := redistest.Core(t, 2)
		c := connect(t, redistest.URLs(servers)...)
		deltas += f.push(t, c, servers[0])
		damaged := make(map[string]bool)
		if seed%2 == 1 {
			for _, key := range slices.Sorted(maps.Keys(f.objects)) {
				if random.IntN(5) > 0 {
					continue
				}
				damaged[key] = true
				for _, s := range servers {
					s.Must("LSET", key, "0", "garbage")
				}
			}
		}
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
		for round := range 6 {
			m := f.masks(t)
			most := random.IntN(4)
			seen := 0
			got := deviations(t, a, sysops.DeviationOptions{Masks: m, Most: most, Progress: func() { seen++ }})
			if seen != len(f.objects)-len(damaged) {
				t.Errorf("seed %d: the progress counts %d of %d objects", seed, seen, len(f.objects)-len(damaged))
			}
			equalLists(t, fmt.Sprintf("seed %d, masks %d, most %d", seed, round, most), describe(got), f.deviations(m, most, func(key string) bool { return !damaged[key] }))
		}
		if n := len(a.Completeness().Unreadable); seed%2 == 1 && n == 0 {
			t.Errorf("seed %d: what cannot be read is not told", seed)
		}
	}
	if deltas == 0 {
		t.Error("no object is kept against a base: the test tests little")
	}
}

// A line counts for an object once, although its base or the frame has it several times,
// or the frame copies a part of the base twice.
func TestADeviationCountsObjectsNotLines(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	block := strings.Repeat("server {\n}\n", 3) + strings.Join(strings.Fields(strings.Repeat("listen 80 index root allow deny proxy ", 30)), "\n") + "\n"
	var body bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&body, "location /%d {\n}\n", i)
	}
	texts := map[string]string{
		"h1": body.String() + block,
		"h2": body.String() + block + block,
		"h3": block + body.String() + "listen 443\nlisten 443\n}\n",
		"h4": body.String() + body.String(),
	}
	for range 2 {
		for _, host := range slices.Sorted(maps.Keys(texts)) {
			publish(t, c, snapshotOf(host, text("/etc/nginx.conf", texts[host])))
		}
	}
	got := describe(deviations(t, ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/nginx.conf")}), sysops.DeviationOptions{}))
	want := []string{"/etc/nginx.conf: 4 objects, 0 binary, 301 lines common, 0 left out"}
	for _, line := range []string{"80", "allow", "deny", "index", "listen"} {
		want = append(want, fmt.Sprintf("1 of 4 -%q [h4]", line))
	}
	want = append(want, `1 of 4 +"listen 443" [h3]`)
	for _, line := range []string{"proxy", "root", "server {"} {
		want = append(want, fmt.Sprintf("1 of 4 -%q [h4]", line))
	}
	equalLists(t, "nginx.conf", got, want)
}
