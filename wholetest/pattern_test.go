package wholetest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// The forms of PATTERN, over one small cache.
func TestPatternForms(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/passwd", ""), text("/etc/passwd-", ""), text("/etc/hw.json@sysctl-a", ""), text("x#y", "")))
	publish(t, c, snapshotOf("web02", text("/etc/passwd", ""), text("/opt/hw.json@sysctl-a", ""), text("/var/log@rotate", "")))
	publish(t, c, snapshotOf("passwd-server", text("/etc/group", ""), text("/srv/web01", ""), text("[x]", "")))
	for _, row := range []struct {
		name, pattern string
		want          []string
	}{
		{"a whole name means exactly that name", "/etc/passwd", []string{"web01#/etc/passwd", "web02#/etc/passwd"}},
		{"a section means that section, whatever object it is of", "sysctl-a", []string{"web01#/etc/hw.json@sysctl-a", "web02#/opt/hw.json@sysctl-a"}},
		{"a whole name with its section", "/opt/hw.json@sysctl-a", []string{"web02#/opt/hw.json@sysctl-a"}},
		{"a part of a section is a part of a key", "sysctl", []string{"web01#/etc/hw.json@sysctl-a", "web02#/opt/hw.json@sysctl-a"}},
		{"a part of keys, of their hosts as well", "passwd", []string{
			"passwd-server#/etc/group", "passwd-server#/srv/web01", "passwd-server#[x]",
			"web01#/etc/passwd", "web01#/etc/passwd-", "web02#/etc/passwd",
		}},
		{"a part with a glob", "etc/pass*-", []string{"web01#/etc/passwd-"}},
		{"a name that is also a part of a host", "web01", []string{"passwd-server#/srv/web01", "web01#/etc/hw.json@sysctl-a", "web01#/etc/passwd", "web01#/etc/passwd-", "web01#x#y"}},
		{"host and name", "web01#/etc/passwd", []string{"web01#/etc/passwd"}},
		{"a host's name is not a part", "web0#/etc/passwd", nil},
		{"a name after the hash is not a part", "web01#passwd", nil},
		{"globs on both sides", "web*#/etc/passwd*", []string{"web01#/etc/passwd", "web01#/etc/passwd-", "web02#/etc/passwd"}},
		{"all of a host", "web02#*", []string{"web02#/etc/passwd", "web02#/opt/hw.json@sysctl-a", "web02#/var/log@rotate"}},
		{"the first hash divides", "web01#x#y", []string{"web01#x#y"}},
		{"a class", "web0[2-9]#/etc/passwd", []string{"web02#/etc/passwd"}},
		{"a negated class", "web0[^2]#/etc/passwd", []string{"web01#/etc/passwd"}},
		{"quoted brackets are a name's own", `*#\[x\]`, []string{"passwd-server#[x]"}},
		{"what no key holds", "nothing-of-that-name", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := keys(t, c, sysops.Query{Pattern: pattern(t, row.pattern)}); !slices.Equal(got, row.want) {
				t.Errorf("%q selects\n %q, want\n %q", row.pattern, got, row.want)
			}
		})
	}
}

// Several patterns select what any of them does, each object once; and a host lacks the
// answer that has no object of any.
func TestPatternsTogether(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/sysctl.conf", ""), text("/etc/sysctl.d/1.conf", ""), text("/etc/hw.json@sysctl-a", ""), text("/etc/sysctl.conf.bak", "")))
	publish(t, c, snapshotOf("web02", text("/etc/sysctl.d/2.conf", ""), text("/etc/sysctl.d/2.conf.bak", "")))
	publish(t, c, snapshotOf("web03", text("/etc/group", "")))
	names, err := sysops.Names("/etc/sysctl.conf", "/etc/sysctl.d/*.conf", "sysctl-a", "/etc/absent", "*/1.conf")
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: names})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"web01#/etc/hw.json@sysctl-a", "web01#/etc/sysctl.conf", "web01#/etc/sysctl.d/1.conf", "web02#/etc/sysctl.d/2.conf"}
	if got := keysOf(a); !slices.Equal(got, want) {
		t.Errorf("selects %q, want %q", got, want)
	}
	if got := a.Completeness(); got.Answered != 2 || !slices.Equal(got.Lacking, []string{"web03"}) {
		t.Errorf("%d hosts answered, %q lack it", got.Answered, got.Lacking)
	}
	hosts := sysops.AnyOf(pattern(t, "web01#/etc/group"), pattern(t, "web03#/etc/group"), pattern(t, "web02#/etc/sysctl.conf"), pattern(t, "web*#/etc/*.bak"))
	want = []string{"web01#/etc/sysctl.conf.bak", "web02#/etc/sysctl.d/2.conf.bak", "web03#/etc/group"}
	if got := keys(t, c, sysops.Query{Pattern: hosts}); !slices.Equal(got, want) {
		t.Errorf("selects %q, want %q", got, want)
	}
	if _, err := c.Ask(t.Context(), sysops.Query{Pattern: sysops.AnyOf()}); !errors.Is(err, sysops.ErrBadPattern) {
		t.Errorf("no pattern: %v", err)
	}
	if _, err := sysops.Names("/etc/passwd", "/etc/[a"); !errors.Is(err, sysops.ErrBadPattern) {
		t.Errorf("a bad glob: %v", err)
	}
}

// What is made of objects comes in their order, whichever CPU made it.
func TestMake(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for i := range 300 {
		publish(t, c, snapshotOf(fmt.Sprintf("h%03d", i), text("/a", strings.Repeat("x", i)), text("/b", "b")))
	}
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "h*#*")})
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for made, err := range sysops.Map(t.Context(), a, func(o *sysops.Object) int { return len(o.Contents) }) {
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if i%2 == 0 {
			want = i / 2
		}
		if host := fmt.Sprintf("h%03d", i/2); made.Host != host || made.Value != want || made.Contents != nil {
			t.Fatalf("%d: %s made %d of it, want %s and %d", i, made.Key, made.Value, host, want)
		}
		i++
	}
	if i != 600 {
		t.Errorf("%d results, want 600", i)
	}
}

func TestAQueryWithoutPatternIsAnError(t *testing.T) {
	c := connect(t, "redis://127.0.0.1:1")
	if _, err := c.Ask(t.Context(), sysops.Query{}); !errors.Is(err, sysops.ErrBadPattern) {
		t.Errorf("%v", err)
	}
}
