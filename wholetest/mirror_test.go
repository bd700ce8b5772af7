package wholetest_test

import (
	"context"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestObjectsByNameComeInTheOrderOfNames(t *testing.T) {
	c := connect(t, redistest.Start(t).URL())
	for _, host := range []string{"web2", "web1", "db1"} {
		publish(t, c, snapshotOf(host, text("/etc/b", "b of "+host), text("/etc/a", "a of "+host), text("/only/"+host, host)))
	}
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil {
		t.Fatal(err)
	}
	all := []string{
		"db1#/etc/a", "web1#/etc/a", "web2#/etc/a", "db1#/etc/b", "web1#/etc/b", "web2#/etc/b", "db1#/only/db1", "web1#/only/web1", "web2#/only/web2",
	}
	for range 2 { // an answer may be read more than once
		var asked, got []string
		wanted := func(v sysops.Recorded) bool {
			asked = append(asked, v.Key.String())
			if v.Site != "default" || v.Core != "default" || !v.Known {
				t.Errorf("the version of %s is %+v", v.Key, v)
			}
			return v.Host != "web1"
		}
		for o, err := range a.ObjectsByName(t.Context(), wanted, sysops.Contents, sysops.StatOf) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Key.String())
			if o.Site != "default" || o.Stat == nil || len(o.Contents) == 0 {
				t.Errorf("%s was read as %+v", o.Key, o)
			}
		}
		if !slices.Equal(asked, all) {
			t.Errorf("asked whether %q are wanted, not %q", asked, all)
		}
		want := []string{all[0], all[2], all[3], all[5], all[6], all[8]}
		if !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	var got []string
	for o, err := range a.ObjectsByName(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key.String())
	}
	if !slices.Equal(got, all) {
		t.Errorf("without wanted: read %q, want %q", got, all)
	}
}

// What is unreadable of one name counts when the others have been read too.
func TestObjectsByNameKeepCountOfWhatIsUnreadable(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for _, host := range []string{"web1", "web2"} {
		publish(t, c, snapshotOf(host, text("/etc/a", "a"), text("/etc/b", "b"), text("/etc/c", "c")))
	}
	server.Must("LSET", "web1#/etc/a", "0", "garbage")
	server.Must("LSET", "web2#/etc/c", "0", "garbage")
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, err := range a.ObjectsByName(t.Context(), func(sysops.Recorded) bool { return true }) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if n := len(a.Completeness().Unreadable); read != 4 || n != 2 {
		t.Errorf("%d objects were read and %d were not, want 4 and 2", read, n)
	}
}

func TestAVersionChangesWithContentsAndStat(t *testing.T) {
	c := connect(t, redistest.Start(t).URL())
	version := func(s *snapshot.Stat, contents string) (v sysops.Recorded) {
		source := snapshot.Source{Name: "/etc/motd"}
		source.Read = func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte(contents), Stat: s}, nil
		}
		publish(t, c, snapshotOf("web1", source))
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
		if err != nil {
			t.Fatal(err)
		}
		for range a.ObjectsByName(t.Context(), func(one sysops.Recorded) bool { v = one; return false }) {
			t.Error("an object that is not wanted was read")
		}
		return v
	}
	first := version(&snapshot.Stat{Mode: 0o100644, Size: 2, Mtime: 1}, "hi")
	if first.Sum != sha256.Sum256([]byte("hi")) {
		t.Errorf("the sum is %x", first.Sum)
	}
	if again := version(&snapshot.Stat{Mode: 0o100644, Size: 2, Mtime: 1, Ino: 7}, "hi"); again != first {
		t.Errorf("pushed again without a change, %+v became %+v", first, again)
	}
	if later := version(&snapshot.Stat{Mode: 0o100644, Size: 2, Mtime: 2}, "hi"); later.Sum != first.Sum || later.Stat == first.Stat {
		t.Errorf("with another mtime, %+v became %+v", first, later)
	}
	if other := version(&snapshot.Stat{Mode: 0o100644, Size: 2, Mtime: 1}, "ho"); other.Sum == first.Sum || other.Stat != first.Stat {
		t.Errorf("with other contents, %+v became %+v", first, other)
	}
}

func TestTheOriginalsObjectsHaveNoVersion(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	a, err := connect(t, server.URL()).Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, err := range a.ObjectsByName(t.Context(), func(v sysops.Recorded) bool { asked++; return v.Known }) {
		t.Errorf("a version is known: %v", err)
	}
	if asked != len(legacyKeys) {
		t.Errorf("asked of %d objects, want %d", asked, len(legacyKeys))
	}
	if a.Gone("default", "default", sysops.Key{Host: "web03.example.com", Name: "/etc/passwd"}) {
		t.Error("of a cache without an index, something is proven to be gone")
	}
}

// removals is a fleet of three cores some of whose hosts have moved, and one has expired. The
// servers are those of e1, e2 and w1.
func removals(t *testing.T) ([]*redistest.Server, *sysops.Client) {
	t.Helper()
	servers := redistest.Core(t, 3)
	dir := &fleet{
		sites:     map[string][]string{"east": {"e1", "e2"}, "west": {"w1"}},
		cores:     map[string][]string{"e1": {servers[0].URL()}, "e2": {servers[1].URL()}, "w1": {servers[2].URL()}},
		localSite: "east", localCore: "e1",
	}
	c := connectTo(t, dir, sysops.Options{})
	push := func(core string, snap snapshot.Snapshot) {
		t.Helper()
		if _, err := c.Publish(t.Context(), core, snap); err != nil {
			t.Fatal(err)
		}
	}
	push("e1", snapshotOf("web1", text("/etc/a", "a"), text("/etc/b", "b")))
	push("e1", snapshotOf("moved-west", text("/etc/a", "a")))
	push("e1", snapshotOf("moved-within", text("/etc/a", "a")))
	push("e2", snapshotOf("web2", text("/etc/a", "a")))
	push("w1", snapshotOf("web3", text("/etc/a", "a")))
	brief := snapshotOf("expired", text("/etc/a", "a"))
	brief.TTL = time.Second
	push("e1", brief)
	time.Sleep(20 * time.Millisecond) // so that the next pushes are the later ones
	push("w1", snapshotOf("moved-west", text("/etc/a", "a")))
	push("e2", snapshotOf("moved-within", text("/etc/a", "a")))
	redistest.WaitFor(t, "a host expires", func() bool {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/a"), Where: sysops.Where{Scope: sysops.Global}})
		return err == nil && slices.Contains(a.Completeness().Missing, "expired")
	})
	return servers, c
}

// Gone is what a purge rests on: it must be true of what is gone, and of nothing else.
func TestGone(t *testing.T) {
	t.Parallel()
	servers, c := removals(t)
	all := sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Scope: sysops.Global}}
	with := func(change func(*sysops.Query)) sysops.Query {
		q := all
		change(&q)
		return q
	}
	for _, row := range []struct {
		name             string
		q                sysops.Query
		site, core, host string
		object           string
		want             bool
	}{
		{"it is there", all, "east", "e1", "web1", "/etc/a", false},
		{"its host has it no more", all, "east", "e1", "web1", "/etc/gone", true},
		{"nobody knows its host", all, "east", "e1", "web9", "/etc/a", true},
		{"its host is missing", all, "east", "e1", "expired", "/etc/a", false},
		{"its host has moved to another site", all, "east", "e1", "moved-west", "/etc/a", true},
		{"that is where it is", all, "west", "w1", "moved-west", "/etc/a", false},
		{"its host has moved within the site", all, "east", "e1", "moved-within", "/etc/a", false},
		{"its site is not there any more", all, "north", "n1", "web1", "/etc/a", false},
		{"its core was not asked", with(func(q *sysops.Query) { q.Core = "e1" }), "east", "e2", "web9", "/etc/a", false},
		{"its site was not asked", with(func(q *sysops.Query) { q.Site = "east" }), "west", "w1", "web9", "/etc/a", false},
		{"another name was asked for", with(func(q *sysops.Query) { q.Pattern = pattern(t, "/etc/b") }), "east", "e1", "web9", "/etc/a", false},
		{"the name was asked for", with(func(q *sysops.Query) { q.Pattern = pattern(t, "/etc/b") }), "east", "e1", "web2", "/etc/b", true},
		{"other hosts were asked for", with(func(q *sysops.Query) { q.Hosts = hostSet(t, "web1") }), "east", "e1", "web9", "/etc/a", false},
		{"its host is excluded", with(func(q *sysops.Query) { q.Exclude = hostSet(t, "web9") }), "east", "e1", "web9", "/etc/a", false},
		{"its host is too old", with(func(q *sysops.Query) { q.MaxAge = time.Nanosecond }), "east", "e1", "web1", "/etc/gone", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := c.Ask(t.Context(), row.q)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Gone(row.site, row.core, sysops.Key{Host: row.host, Name: row.object}); got != row.want {
				t.Errorf("gone: %v, want %v", got, row.want)
			}
		})
	}
	t.Run("a core is down", func(t *testing.T) {
		servers[2].Kill()
		a, err := c.Ask(t.Context(), with(func(q *sysops.Query) { q.Partial = true }))
		if err != nil {
			t.Fatal(err)
		}
		for _, core := range []string{"e1", "w1"} {
			if site := map[string]string{"e1": "east", "w1": "west"}[core]; a.Gone(site, core, sysops.Key{Host: "web9", Name: "/etc/a"}) {
				t.Errorf("something of %s is proven to be gone", core)
			}
		}
	})
}
