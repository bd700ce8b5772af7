package wholetest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What could not be looked at this time is not what is gone: it stays, on every server
// that has it, as long as the rest.
func TestAPushKeepsWhatItNames(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, servers[0].URL(), servers[1].URL())
	shared := snapshot.Source{Name: "shared", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(strings.Repeat("a line that many have\n", 2000)), Stat: &snapshot.Stat{Mode: 0o100644}}, nil
	}}
	publish(t, c, snapshotOf("web01", text("a", "1"), text("b", "2"), text("gone", "3"), shared))
	servers[1].Must("DEL", "web01#b")
	for _, s := range servers {
		s.Must("PEXPIRE", "web01#shared", "60000")
	}
	snap := snapshotOf("web01", text("a", "4"))
	snap.Keep = []string{"a", "b", "shared", "never was"}
	for range 2 {
		publish(t, c, snap)
		got := keys(t, c, sysops.Query{Pattern: search(t, "web01#*")})
		if want := []string{"web01#a", "web01#b", "web01#shared"}; !slices.Equal(got, want) {
			t.Errorf("the host has %v, want %v", got, want)
		}
	}
	lines, _, err := read(t.Context(), c, sysops.Query{Pattern: search(t, "web01#[ab]")})
	if want := []string{"web01#a: 4", "web01#b: 2"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("it reads %q, %v; want %q", lines, err, want)
	}
	for _, s := range servers {
		if left := s.Must("PTTL", "web01#shared").(int64); left <= 60000 {
			t.Errorf("on %s what was kept lives for %d ms", s.Addr(), left)
		}
	}
	if n := servers[1].Must("HEXISTS", "$of:web01", "b"); n != int64(0) {
		t.Error("a server counts an object as its own that it has lost")
	}
	publish(t, c, snapshotOf("web01", text("a", "4")))
	if got := keys(t, c, sysops.Query{Pattern: search(t, "web01#*")}); !slices.Equal(got, []string{"web01#a"}) {
		t.Errorf("what is not kept any more is still there: %v", got)
	}
}

// unknown is a source that cannot look at its object.
func unknown(name string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{}, fmt.Errorf("cannot read %s: its file server is gone: %w", name, snapshot.ErrUnknown)
	}}
}

// What becomes unknown only while it is read is kept too; of what is not known, neither is
// whether it had sections, or anything below it.
func TestAPushKeepsWhatItsSourcesDoNotKnow(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	all := snapshotOf("web01", text("a", "1"), text("dir/x", "2"), text("dir/y/z", "3"), text("b@section", "4"), text("dirty", "5"), text("c", "6"))
	publish(t, c, all)
	snap := snapshotOf("web01", text("a", "1"), text("dir/new", "7"), unknown("b"), unknown("never was"))
	snap.Keep = []string{"dir"}
	report, err := c.Publish(t.Context(), "", snap)
	if err != nil || len(report.Problems) != 2 || report.Servers[0].Deleted != 2 {
		t.Errorf("the report is %+v, %v", report, err)
	}
	want := []string{"web01#a", "web01#b@section", "web01#dir/new", "web01#dir/x", "web01#dir/y/z"}
	if got := keys(t, c, sysops.Query{Pattern: search(t, "web01#*")}); !slices.Equal(got, want) {
		t.Errorf("the host has %v, want %v", got, want)
	}
}

// Nothing is known at all: the host lives on as it was.
func TestAPushOfWhatIsNotKnownKeepsAll(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("a", "1"), text("b/c", "2")))
	server.Must("PEXPIRE", "web01#a", "60000")
	snap := snapshotOf("web01", unknown("a"))
	snap.Keep = []string{"b"}
	publish(t, c, snap)
	want := []string{"web01#a", "web01#b/c"}
	if got := keys(t, c, sysops.Query{Pattern: search(t, "web01#*")}); !slices.Equal(got, want) {
		t.Errorf("the host has %v, want %v", got, want)
	}
	if left := server.Must("PTTL", "web01#a").(int64); left <= 60000 {
		t.Errorf("what was kept lives for %d ms", left)
	}
	if _, err := c.Publish(t.Context(), "", snapshotOf("web02", unknown("a"))); err == nil {
		t.Error("a host appears of which nothing is known")
	}
}

// A base is renewed with what refers to it, and restored; where it is lost for good, so
// is the object.
func TestWhatIsKeptKeepsItsBaseOrGoesWithIt(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	common := func(last string) snapshot.Source {
		return withStat("common", strings.Repeat("a line that many have, and that takes some room\n", 2000)+noise(500, 3)+last, snapshot.Stat{Mode: 0o100644})
	}
	for _, host := range []string{"web01", "web02", "web03"} {
		publish(t, c, snapshotOf(host, text("a", "1"), common(host)))
	}
	bases := server.Must("KEYS", "$base:*").([]any)
	if len(bases) == 0 {
		t.Fatal("there is no base")
	}
	snap := snapshotOf("web02", text("a", "2"))
	snap.Keep = []string{"common"}
	publish(t, c, snap)
	if _, _, err := read(t.Context(), c, sysops.Query{Pattern: search(t, "web02#common")}); err != nil {
		t.Errorf("it cannot be read: %v", err)
	}
	for _, b := range bases {
		server.Must("DEL", b.(string))
	}
	publish(t, c, snap) // which still has the base
	if _, _, err := read(t.Context(), c, sysops.Query{Pattern: search(t, "web02#common")}); err != nil {
		t.Errorf("it cannot be read although the base is there again: %v", err)
	}
	for _, b := range bases {
		server.Must("DEL", b.(string))
	}
	publish(t, connect(t, server.URL()), snap)
	if got := keys(t, c, sysops.Query{Pattern: search(t, "web02#*")}); !slices.Equal(got, []string{"web02#a"}) {
		t.Errorf("the host has %v", got)
	}
}

// Wherever a push is cut, what it keeps can be read before the next and after it.
func TestWhatIsKeptSurvivesAPushCutAnywhere(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	direct := connect(t, server.URL())
	publish(t, direct, snapshotOf("web01", text("a", "0"), text("b", "kept"), text("gone", "1")))
	for n, cuts := int64(0), 0; ; n, cuts = offsets(n), cuts+1 {
		snap := snapshotOf("web01", text("a", fmt.Sprint(n)))
		snap.Keep = []string{"b"}
		proxy.CutAfterSent(n)
		c := connect(t, proxy.URL())
		_, cut := c.Publish(t.Context(), "", snap)
		c.Close()
		if cut != nil {
			kept, _, err := read(t.Context(), direct, sysops.Query{Pattern: search(t, "web01#b")})
			if err != nil || !slices.Equal(kept, []string{"web01#b: kept"}) {
				t.Fatalf("cut after %d bytes, and before the next push: %q, %v", n, kept, err)
			}
			publish(t, direct, snap)
		}
		lines, _, err := read(t.Context(), direct, sysops.Query{Pattern: search(t, "web01#*")})
		if want := []string{fmt.Sprintf("web01#a: %d", n), "web01#b: kept"}; err != nil || !slices.Equal(lines, want) {
			t.Fatalf("cut after %d bytes: %q, %v; want %q", n, lines, err, want)
		}
		if cut == nil {
			if cuts < 40 {
				t.Errorf("only %d pushes were cut", cuts)
			}
			return
		}
	}
}
