package wholetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/mask"
)

// noisyFleet publishes hosts whose contents all differ in what is masked, and some of
// which have a line that nobody else has.
func noisyFleet(t *testing.T, c *sysops.Client, hosts int, planted map[int]string) {
	t.Helper()
	for i := range hosts {
		var w strings.Builder
		for line := range 300 {
			fmt.Fprintf(&w, "key.%03d = %d\n", line, line*line)
			if line%60 == 9 {
				fmt.Fprintf(&w, "kernel.random.uuid = %d-%d\nfs.file-nr = %d\t0\t9\n", line, i, i)
			}
		}
		publish(t, c, snapshotOf(fmt.Sprintf("h%03d", i), text("/hw.json@sysctl-a", w.String()+planted[i]), text("/etc/motd", "same\n")))
	}
}

// Every host differs; under the masks, the variants are the planted ones.
func TestVariantsUnderMasks(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	noisyFleet(t, c, 60, map[int]string{7: "vm.swappiness = 1\n", 21: "vm.swappiness = 1\n", 40: "vm.swappiness = 2\n"})
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
	count := func(o sysops.VariantOptions) []sysops.Variant {
		progress := 0
		o.Progress = func() { progress++ }
		variants, err := a.Variants(t.Context(), o)
		if err != nil || progress != 120 {
			t.Fatalf("%v; progress was told %d times", err, progress)
		}
		return variants
	}
	if all := count(sysops.VariantOptions{ByName: true}); len(all) != 61 {
		t.Errorf("%d variants without masks, want 61", len(all))
	}
	m := masks(t, mask.Options{Rules: mask.Default()})
	variants := count(sysops.VariantOptions{ByName: true, Masks: m})
	var got []string
	for _, v := range variants {
		got = append(got, fmt.Sprintf("%s %d of %d, %d contents, sum %v, %s", v.Name, v.Count, v.Of, v.Sums, v.Sum != "", v.Example.Host))
	}
	equalLists(t, "masked", got, []string{
		"/etc/motd 60 of 60, 1 contents, sum true, h000",
		"/hw.json@sysctl-a 57 of 60, 57 contents, sum false, h000",
		"/hw.json@sysctl-a 2 of 60, 2 contents, sum false, h007",
		"/hw.json@sysctl-a 1 of 60, 1 contents, sum true, h040",
	})
	if hosts := variants[2].Hosts(); !slices.Equal(hosts, []string{"h007", "h021"}) {
		t.Errorf("the planted line is on %v", hosts)
	}
	// the noise of the example is no difference, and after a push the next holder is read
	publish(t, c, snapshotOf("h007", text("/hw.json@sysctl-a", "new\n")))
	got = nil
	for found, err := range a.CompareVariants(t.Context(), &variants[1], variants[2:], sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(&found))
	}
	equalLists(t, "differences", got, []string{
		`h021#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 1\n"`,
		`h040#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 2\n"`,
	})
}

// What many hosts hold is judged by one of them, which may have pushed since, or be
// unreadable.
func TestMaskedVariantsOfContentsThatMove(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	truth := true
	m := masks(t, mask.Options{Rules: []mask.Rule{{Names: []string{"/etc/a"}, Set: &truth}}})
	for host, a := range map[string]string{"h1": "1\n2\n", "h2": "1\n2\n", "h3": "2\n1\n", "h4": "2\n1\n", "h5": "3\n"} {
		publish(t, c, snapshotOf(host, text("/etc/a", a)))
	}
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a"), Where: sysops.Where{Partial: true}})
	pushed := false
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{ByName: true, Masks: m, Progress: func() {
		if !pushed { // between the index and the contents, or after: both must do
			pushed = true
			publish(t, c, snapshotOf("h1", text("/etc/a", "new\n")))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	equalLists(t, "variants", listed(variants), []string{
		`"/etc/a" 4/5 h1#/etc/a [h1 h2 h3 h4]`, `"/etc/a" 1/5 h5#/etc/a [h5]`,
	})
}

// With masks, what is equal but for noise is identical, and said to be so.
func TestCompareUnderMasks(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	noisyFleet(t, c, 3, map[int]string{2: "vm.swappiness = 1\n"})
	publish(t, c, snapshotOf("h003", text("/hw.json@sysctl-a", "x\n")))
	m := masks(t, mask.Options{Rules: mask.Default()})
	from := readOne(t, c, pattern(t, "h000#sysctl-a"), sysops.Contents)
	for _, brief := range []bool{false, true} {
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "sysctl-a"), Where: sysops.Where{Hosts: hostSet(t, "h00[0-2]")}})
		var got []string
		for found, err := range a.Compare(t.Context(), from, sysops.CompareOptions{Masks: m, Brief: brief}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s masked %v", told(&found), found.Masked))
		}
		want := []string{"h000#/hw.json@sysctl-a identical masked false", "h001#/hw.json@sysctl-a identical masked true"}
		if brief {
			want = append(want, "h002#/hw.json@sysctl-a differs masked false")
		} else {
			want = append(want, `h002#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 1\n" masked false`)
		}
		equalLists(t, fmt.Sprintf("brief %v", brief), got, want)
	}
}

// All that two hosts have is compared, name by name.
func TestCompareHosts(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web1", text("/a", "1\n"), text("/b", "same\n"), text("/d", "x\ny\n"), text("/only1", ""), text("/e.json", `{"a":1,"b":2}`), text("/z", "1\n")))
	publish(t, c, snapshotOf("web2", text("/a", "2\n"), text("/b", "same\n"), text("/c", "only 2\n"), text("/d", "y\nx\n"), text("/e.json", `{"b":2,"a":1}`), text("/z", "2\n")))
	publish(t, c, snapshotOf("web3", text("/a", "3\n"), text("/only3", "")))
	truth := true
	m := masks(t, mask.Options{Rules: append(mask.Default(), mask.Rule{Names: []string{"/d"}, Set: &truth})})
	compare := func(o sysops.CompareOptions, first, second string) []string {
		var got []string
		for d, err := range ask(t, c, sysops.Query{Pattern: pattern(t, "web*#*")}).CompareHosts(t.Context(), first, second, o) {
			switch {
			case err != nil:
				t.Fatal(err)
			case d.OnlyOn != "":
				got = append(got, d.Name+" only on "+d.OnlyOn)
			default:
				got = append(got, fmt.Sprintf("%s %s masked %v", d.From.Key, told(&d.Comparison), d.Masked))
			}
		}
		return got
	}
	equalLists(t, "masked", compare(sysops.CompareOptions{Masks: m}, "web1", "web2"), []string{
		`web1#/a web2#/a "@@ -1 +1 @@\n-1\n+2\n" masked false`,
		"web1#/b web2#/b identical masked false",
		"/c only on web2",
		"web1#/d web2#/d identical masked true",
		"web1#/e.json web2#/e.json identical masked true",
		"/only1 only on web1",
		`web1#/z web2#/z "@@ -1 +1 @@\n-1\n+2\n" masked false`,
	})
	equalLists(t, "byte for byte, in brief", compare(sysops.CompareOptions{Brief: true}, "web2", "web1"), []string{
		"web2#/a web1#/a differs masked false", "web2#/b web1#/b identical masked false", "/c only on web2", "web2#/d web1#/d differs masked false",
		"web2#/e.json web1#/e.json differs masked false", "/only1 only on web1", "web2#/z web1#/z differs masked false",
	})
	equalLists(t, "word counts", compare(sysops.CompareOptions{Element: sysops.CountsOf}, "web1", "web3"), []string{
		"web1#/a web3#/a identical masked false", "/b only on web1", "/d only on web1", "/e.json only on web1", "/only1 only on web1", "/only3 only on web3", "/z only on web1",
	})
	// an object that cannot be read is left out, and told
	server.Do("LSET", "web1#/a", "0", "garbage")
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "web*#*"), Where: sysops.Where{Partial: true}})
	names := ""
	for d, err := range a.CompareHosts(t.Context(), "web1", "web2", sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names += d.Name + " "
	}
	if names != "/b /c /d /e.json /only1 /z " || len(a.Completeness().Unreadable) != 1 {
		t.Errorf("compared %s; unreadable %v", names, a.Completeness().Unreadable)
	}
}
