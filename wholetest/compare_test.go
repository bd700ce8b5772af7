package wholetest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/diff"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestUnified(t *testing.T) {
	tests := []struct {
		name, a, b string
		context    int
		want       string
	}{
		{"equal", "x\n", "x\n", 3, ""},
		{"a line changed", "1\n2\n3\n4\n5\n", "1\n2\nx\n4\n5\n", 1, "@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n"},
		{"no context", "1\n2\n3\n", "1\nx\n3\n", 0, "@@ -2 +2 @@\n-2\n+x\n"},
		{"no context, a line more", "1\n2\n", "1\nx\n2\n", 0, "@@ -1,0 +2 @@\n+x\n"},
		{"no context, a line less", "1\nx\n2\n", "1\n2\n", 0, "@@ -2 +1,0 @@\n-x\n"},
		{"from nothing", "", "x\ny\n", 3, "@@ -0,0 +1,2 @@\n+x\n+y\n"},
		{"to nothing", "x\n", "", 3, "@@ -1 +0,0 @@\n-x\n"},
		{"no newline in one", "x\ny", "x\ny\n", 3, "@@ -1,2 +1,2 @@\n x\n-y\n\\ No newline at end of file\n+y\n"},
		{"no newline in either", "1\nx", "2\nx", 3, "@@ -1,2 +1,2 @@\n-1\n+2\n x\n\\ No newline at end of file\n"},
		{
			"far apart", "1\n2\n3\n4\n5\n6\n7\n", "x\n2\n3\n4\n5\n6\ny\n", 2,
			"@@ -1,3 +1,3 @@\n-1\n+x\n 2\n 3\n@@ -5,3 +5,3 @@\n 5\n 6\n-7\n+y\n",
		},
		{
			"near enough for one hunk", "1\n2\n3\n4\n5\n", "x\n2\n3\n4\ny\n", 2,
			"@@ -1,5 +1,5 @@\n-1\n+x\n 2\n 3\n 4\n-5\n+y\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := diff.Lines([]byte(tt.a), []byte(tt.b))
			if got := string(d.Unified(tt.context)); got != tt.want || d.Equal() != (tt.want == "") {
				t.Errorf("%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// What Unified writes is what patch(1) reads.
func TestPatchTakesUnified(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Fatal("this test needs patch(1): apt-get install patch")
	}
	dir := t.TempDir()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 4))
		a, b := randomTexts(random)
		d := diff.Lines([]byte(a), []byte(b))
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, []byte(a), 0o600); err != nil {
			t.Fatal(err)
		}
		unified := "--- file\n+++ file\n" + string(d.Unified(random.IntN(4)))
		cmd := exec.Command(patch, "--unified", "--fuzz=0", "--no-backup-if-mismatch", file)
		cmd.Stdin = strings.NewReader(unified)
		if !d.Equal() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("seed %d: %v: %s\n%s", seed, err, out, unified)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil && (b != "" || !errors.Is(err, os.ErrNotExist)) { // patch removes what becomes empty
			t.Fatal(err)
		}
		if string(got) != b {
			t.Errorf("seed %d: patch makes %q of it, want %q:\n%s", seed, got, b, unified)
		}
	}
}

// randomTexts returns two texts with lines in common, some without a newline at the end.
func randomTexts(random *rand.Rand) (a, b string) {
	for range random.IntN(40) {
		line := fmt.Sprintf("line %d\n", random.IntN(30))
		if random.IntN(5) > 0 {
			a += line
		}
		if random.IntN(5) > 0 {
			b += line
		}
	}
	if random.IntN(3) == 0 {
		a = strings.TrimSuffix(a, "\n")
	}
	if random.IntN(3) == 0 {
		b = strings.TrimSuffix(b, "\n")
	}
	return a, b
}

func TestDiffWordsAreTheWholeTexts(t *testing.T) {
	for seed := range uint64(60) {
		a, b := randomTexts(rand.New(rand.NewPCG(seed, 5)))
		gotA, gotB := "", ""
		for _, p := range diff.Words([]byte(a), []byte(b)) {
			if p.Same != (string(p.A) == string(p.B)) {
				t.Errorf("seed %d: %q and %q, same %v", seed, p.A, p.B, p.Same)
			}
			gotA, gotB = gotA+string(p.A), gotB+string(p.B)
		}
		if gotA != a || gotB != b {
			t.Errorf("seed %d: the parts make %q and %q, want %q and %q", seed, gotA, gotB, a, b)
		}
	}
}

// readOne reads the only object of an answer as Compare wants it.
func readOne(t *testing.T, c *sysops.Client, p sysops.Pattern, elements ...sysops.Element) *sysops.Object {
	t.Helper()
	var out *sysops.Object
	for o, err := range ask(t, c, sysops.Query{Pattern: p}).Objects(t.Context(), append(elements, sysops.TimeOf)...) {
		if err != nil || out != nil {
			t.Fatalf("%v, or more than one", err)
		}
		out = &o
	}
	return out
}

// told is a comparison as text.
func told(c *sysops.Comparison) string {
	switch {
	case c.Identical:
		return c.Key.String() + " identical"
	case c.Binary:
		return c.Key.String() + " binary"
	case c.Moved:
		return c.Key.String() + " moved"
	case c.Diff == nil:
		return c.Key.String() + " differs"
	}
	return fmt.Sprintf("%s %q", c.Key, c.Diff.Unified(0))
}

func comparisons(t *testing.T, a *sysops.Answer, from *sysops.Object, o sysops.CompareOptions) []string {
	t.Helper()
	var out []string
	for c, err := range a.Compare(t.Context(), from, o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, told(&c))
	}
	return out
}

func TestCompare(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	publish(t, c, snapshotOf("web01", text("/etc/a", "x\ny\n")))
	publish(t, c, snapshotOf("web02", text("/etc/a", "x\nz\n")))
	publish(t, c, snapshotOf("web03", text("/etc/a", "x\ny\n")))
	publish(t, c, snapshotOf("web04", text("/etc/a", "x\x00\n")))
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a")})
	from := readOne(t, c, pattern(t, "web01#/etc/a"), sysops.Contents)
	progress := 0
	equalLists(t, "contents", comparisons(t, a, from, sysops.CompareOptions{Progress: func() { progress++ }}), []string{
		"web01#/etc/a identical", "web03#/etc/a identical",
		`web02#/etc/a "@@ -2 +2 @@\n-y\n+z\n"`, "web04#/etc/a binary",
	})
	if progress != 4 {
		t.Errorf("progress was told %d times of 4 objects", progress)
	}
	equalLists(t, "brief", comparisons(t, a, from, sysops.CompareOptions{Brief: true}), []string{
		"web01#/etc/a identical", "web02#/etc/a differs", "web03#/etc/a identical", "web04#/etc/a differs",
	})
	if found := a.Completeness().Cost; found.Unpacked != int64(len("x\nz\n")+len("x\x00\n")) {
		t.Errorf("%d bytes were unpacked: contents that the index knows to be identical are not to be fetched", found.Unpacked)
	}
	from = readOne(t, c, pattern(t, "web01#/etc/a"), sysops.CountsOf)
	equalLists(t, "word counts", comparisons(t, a, from, sysops.CompareOptions{Element: sysops.CountsOf}), []string{
		"web01#/etc/a identical", "web02#/etc/a identical", "web03#/etc/a identical",
		`web04#/etc/a "@@ -1,3 +1,3 @@\n-lines 2\n-words 2\n-bytes 4\n+lines 1\n+words 1\n+bytes 3\n"`,
	})
	s.Kill()
	for _, err := range a.Compare(t.Context(), from, sysops.CompareOptions{}) {
		if !errors.Is(err, sysops.ErrIncomplete) {
			t.Errorf("with the server gone: %v", err)
		}
	}
}

// What the index knows no digest of is fetched and compared.
func TestCompareWithTheOriginalsInserter(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: sysops.LegacyAlways})
	from := readOne(t, c, search(t, "web01.example.com#/etc/passwd"), sysops.Contents)
	publish(t, connect(t, server.URL()), snapshotOf("web09.example.com", text("/etc/passwd", string(from.Contents))))
	a := ask(t, c, sysops.Query{Pattern: search(t, "*#/etc/passwd")})
	for _, brief := range []bool{false, true} {
		got := strings.Join(comparisons(t, a, from, sysops.CompareOptions{Brief: brief}), "\n")
		for _, want := range []string{"web01.example.com#/etc/passwd identical", "web09.example.com#/etc/passwd identical"} {
			if !strings.Contains(got, want) {
				t.Errorf("brief %v: %s is not in\n%s", brief, want, got)
			}
		}
	}
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{})
	if err != nil {
		t.Fatal(err)
	}
	both := slices.ContainsFunc(variants, func(v sysops.Variant) bool {
		hosts := v.Hosts()
		return slices.Contains(hosts, "web01.example.com") && slices.Contains(hosts, "web09.example.com") && v.Count == len(hosts)
	})
	if !both {
		t.Errorf("what both inserters wrote is no variant of both: %q", listed(variants))
	}
}

// listed is variants as text.
func listed(variants []sysops.Variant) []string {
	var out []string
	for _, v := range variants {
		out = append(out, fmt.Sprintf("%q %d/%d %s %v", v.Name, v.Count, v.Of, v.Example, v.Hosts()))
	}
	return out
}

func TestVariants(t *testing.T) {
	c := connect(t, redistest.Start(t).URL())
	for host, b := range map[string]string{"web01": "one\n", "web02": "two\n", "web03": "two\n", "web04": "three\n"} {
		publish(t, c, snapshotOf(host, text("/etc/a", "same\n"), text("/etc/b", b)))
	}
	publish(t, c, snapshotOf("web05", text("/etc/b", "same\n")))
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
	byName, err := a.Variants(t.Context(), sysops.VariantOptions{ByName: true})
	if err != nil {
		t.Fatal(err)
	}
	equalLists(t, "by name", listed(byName), []string{
		`"/etc/a" 4/4 web01#/etc/a [web01 web02 web03 web04]`,
		`"/etc/b" 2/5 web02#/etc/b [web02 web03]`,
		`"/etc/b" 1/5 web01#/etc/b [web01]`,
		`"/etc/b" 1/5 web04#/etc/b [web04]`,
		`"/etc/b" 1/5 web05#/etc/b [web05]`,
	})
	if got := byName[1].Share(); got != 0.4 {
		t.Errorf("the share is %v, want 0.4", got)
	}
	progress := 0
	all, err := a.Variants(t.Context(), sysops.VariantOptions{Progress: func() { progress++ }})
	if err != nil || progress != 9 {
		t.Fatalf("%v; progress was told %d times of 9 objects", err, progress)
	}
	equalLists(t, "all names", listed(all), []string{
		`"" 5/9 web01#/etc/a [web01 web02 web03 web04 web05]`,
		`"" 2/9 web02#/etc/b [web02 web03]`,
		`"" 1/9 web01#/etc/b [web01]`,
		`"" 1/9 web04#/etc/b [web04]`,
	})
	words, err := a.Variants(t.Context(), sysops.VariantOptions{Element: sysops.CountsOf})
	if err != nil {
		t.Fatal(err)
	}
	equalLists(t, "word counts", listed(words), []string{
		`"" 5/9 web01#/etc/a [web01 web02 web03 web04 web05]`,
		`"" 3/9 web01#/etc/b [web01 web02 web03]`,
		`"" 1/9 web04#/etc/b [web04]`,
	})
	var got []string
	for found, err := range a.CompareVariants(t.Context(), &byName[1], byName[2:], sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(&found))
	}
	equalLists(t, "the rarer ones", got, []string{
		`web01#/etc/b "@@ -1 +1 @@\n-two\n+one\n"`, `web04#/etc/b "@@ -1 +1 @@\n-two\n+three\n"`, `web05#/etc/b "@@ -1 +1 @@\n-two\n+same\n"`,
	})
	got = nil
	for found, err := range a.CompareVariants(t.Context(), &words[0], words[1:], sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(&found))
	}
	equalLists(t, "the rarer word counts", got, []string{
		`web01#/etc/b "@@ -3 +3 @@\n-bytes 5\n+bytes 4\n"`, `web04#/etc/b "@@ -3 +3 @@\n-bytes 5\n+bytes 6\n"`,
	})
}

// Hosts push while the question is asked. A variant is read from whoever still has it,
// and is never what its host has by now.
func TestVariantsAreReadFromWhoStillHasThem(t *testing.T) {
	c := connect(t, redistest.Start(t).URL())
	for host, a := range map[string]string{"web01": "one\n", "web02": "one\n", "web03": "one\n", "web04": "two\n", "web05": "two\n", "web06": "three\n"} {
		publish(t, c, snapshotOf(host, text("/etc/a", a)))
	}
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a")})
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"web01", "web04", "web06"} {
		publish(t, c, snapshotOf(host, text("/etc/a", "new\n")))
	}
	var got []string
	for found, err := range a.CompareVariants(t.Context(), &variants[0], variants[1:], sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, found.From.Key.String()+" "+told(&found))
	}
	equalLists(t, "after the pushes", got, []string{
		`web02#/etc/a web05#/etc/a "@@ -1 +1 @@\n-one\n+two\n"`, "web02#/etc/a web06#/etc/a moved",
	})
	for found, err := range a.CompareVariants(t.Context(), &variants[2], variants[:1], sysops.CompareOptions{}) {
		if err == nil {
			t.Errorf("what nobody has any more was compared: %s", told(&found))
		}
	}
}

// A damaged object is passed over in favour of another with the same contents, and told.
func TestVariantsPassOverWhatIsUnreadable(t *testing.T) {
	s := redistest.Start(t)
	c := connect(t, s.URL())
	for host, a := range map[string]string{"web01": "one\n", "web02": "one\n", "web03": "two\n", "web04": "two\n"} {
		publish(t, c, snapshotOf(host, text("/etc/a", a)))
	}
	s.Must("LSET", "web01#/etc/a", "0", "garbage")
	s.Must("LSET", "web03#/etc/a", "0", "garbage")
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a")})
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for found, err := range a.CompareVariants(t.Context(), &variants[0], variants[1:], sysops.CompareOptions{}) {
			if err != nil || found.From.Host != "web02" || found.Host != "web04" || found.Diff == nil {
				t.Errorf("%s against %+v: %v", told(&found), found.From, err)
			}
		}
	}
	if complete := a.Completeness(); len(complete.Unreadable) != 2 {
		t.Errorf("%d objects are told to be unreadable, want each of 2 once", len(complete.Unreadable))
	}
}

func TestComparingEndsWithItsContext(t *testing.T) {
	c := connect(t, redistest.Start(t).URL())
	publish(t, c, snapshotOf("web01", text("/etc/a", "x\n")))
	publish(t, c, snapshotOf("web02", text("/etc/a", "y\n")))
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a")})
	from := readOne(t, c, pattern(t, "web01#/etc/a"), sysops.Contents)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range a.Compare(ctx, from, sysops.CompareOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
	}
	if _, err := a.Variants(ctx, sysops.VariantOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestTextOfElements(t *testing.T) {
	o := &sysops.Object{
		Contents: []byte("x"), MD5Sum: "0cc1", Words: snapshot.Counts{Lines: 1, Words: 2, Bytes: 3}, Time: time.Unix(0, 0),
		Stat: &snapshot.Stat{Mode: 0o100640, Ino: 1, Dev: 2, Nlink: 3, UID: 4, GID: 5, Size: 6, Mtime: 7, Ctime: 8},
	}
	for e, want := range map[sysops.Element]string{
		sysops.Contents: "x",
		sysops.MD5Sum:   "0cc1\n",
		sysops.StatOf:   "mode -rw-r----- 100640\nnlink 3\nuid 4\ngid 5\nsize 6\nmtime 1970-01-01T00:00:07Z\n",
		sysops.CountsOf: "lines 1\nwords 2\nbytes 3\n",
		sysops.TimeOf:   "1970-01-01T00:00:00Z\n",
	} {
		if got := string(o.Text(e)); got != want {
			t.Errorf("%s is %q, want %q", e, got, want)
		}
	}
	if got := string((&sysops.Object{}).Text(sysops.StatOf)); got != "no stat available\n" {
		t.Errorf("no stat is %q", got)
	}
}
