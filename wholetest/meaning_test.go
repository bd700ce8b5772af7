package wholetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A fleet of 120 hosts, of which each has four objects, and three one more.
func manyHosts(t *testing.T, c *sysops.Client) {
	t.Helper()
	for i := range 120 {
		sources := []snapshot.Source{
			text("/etc/passwd", "root\n"), text("/etc/ssh/sshd_config", "Port 22\n"),
			text("/var/hw.json@sysctl-a", "net.core = 1\n"), text(fmt.Sprintf("/var/%d.json@lspci", i), "card\n"),
		}
		if i < 3 {
			sources = append(sources, text("/etc/rare", "rare\n"), text("/etc/rare.d/x", "x\n"))
		}
		publish(t, c, snapshotOf(fmt.Sprintf("web%03d", i), sources...))
	}
}

// meant is what a pattern turned out to mean, but for the host evil.
type meant struct{ rows, lacking []string }

func meaningOf(t *testing.T, c *sysops.Client, p string) meant {
	t.Helper()
	evil := func(s string) bool { return strings.HasPrefix(s, "evil") }
	rows, complete := contents(t, c, sysops.Query{Pattern: pattern(t, p), Where: sysops.Where{Patient: true}})
	return meant{slices.DeleteFunc(rows, evil), slices.DeleteFunc(slices.Clone(complete.Lacking), evil)}
}

// What a pattern means does not depend on what one host calls its objects, nor on what it
// says that others have.
func TestANameThatFewHostsHaveDecidesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	manyHosts(t, c)
	publish(t, c, snapshotOf("evil", text("/etc/passwd", "root\n")))
	patterns := []string{
		"passwd", "/etc/ssh", "/etc/", "sysctl-a", "lspci", "*#sysctl-a", "*#lspci", "web00*#sysctl-a", "*passwd", "*#/etc/*",
		"rare", "/etc/rare", "web001",
	}
	before := make(map[string]meant)
	for _, p := range patterns {
		if before[p] = meaningOf(t, c, p); len(before[p].rows) == 0 {
			t.Fatalf("%s means nothing", p)
		}
	}
	names := []string{"passwd", "/etc/ssh", "/etc/", "sysctl-a", "lspci", "x@passwd", "x@web001", "*passwd", "/etc/*", "rare", "web001"}
	sources := []snapshot.Source{text("/etc/passwd", "root\n")}
	for _, n := range names {
		sources = append(sources, text(n, "evil\n"))
	}
	publish(t, c, snapshotOf("evil", sources...))
	check := func(when string) {
		t.Helper()
		for _, p := range patterns {
			if got := meaningOf(t, c, p); !slices.Equal(got.rows, before[p].rows) || !slices.Equal(got.lacking, before[p].lacking) {
				t.Errorf("%s, %s means %d rows, %d hosts lack it; before %d rows and %d hosts", when, p, len(got.rows), len(got.lacking), len(before[p].rows), len(before[p].lacking))
			}
		}
	}
	check("when one host has these names")
	for _, n := range names {
		for i := range 120 {
			server.Must("SADD", "$on:"+n, fmt.Sprintf("web%03d", i))
		}
	}
	check("when it says that all have them")
}

// In a small fleet one host is enough, and in a large one three are.
func TestANameThatSomeHostsHaveDecides(t *testing.T) {
	t.Parallel()
	for _, hosts := range []int{1, 2, 50, 100} {
		c := connect(t, redistest.Start(t).URL())
		for i := range hosts {
			sources := []snapshot.Source{text("/etc/passwd", "root\n")}
			if i == 0 {
				sources = append(sources, text("passwd", "mine\n"), text("/var/x.json@uname", "Linux\n"), text("/etc/uname", "-\n"))
			}
			publish(t, c, snapshotOf(fmt.Sprintf("web%03d", i), sources...))
		}
		for p, want := range map[string]string{"passwd": "web000#passwd: mine\n", "uname": "web000#/var/x.json@uname: Linux\n"} {
			if got := meaningOf(t, c, p); !slices.Equal(got.rows, []string{want}) || len(got.lacking) != hosts-1 {
				t.Errorf("of %d hosts, %s: %q, %d lack it", hosts, p, got.rows, len(got.lacking))
			}
		}
	}
}
