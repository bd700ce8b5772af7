package wholetest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// fillLegacy writes a cache as the original's inserter did: every element
// packed with bzip2 (by Python, see testdata/legacy.json), Python's texts for
// stat, wordcount and time, a TTL, and no index.
func fillLegacy(t testing.TB, s *redistest.Server) {
	t.Helper()
	fillLegacyBy(t, s.Must)
}

// fillLegacyBy is fillLegacy for whatever runs commands.
func fillLegacyBy(t testing.TB, must func(args ...string) any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/legacy.json")
	if err != nil {
		t.Fatal(err)
	}
	var objects map[string][]string
	if err := json.Unmarshal(raw, &objects); err != nil {
		t.Fatal(err)
	}
	for key, elements := range objects {
		args := []string{"RPUSH", key}
		for _, e := range elements {
			b, err := base64.StdEncoding.DecodeString(e)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, string(b))
		}
		must(args...)
		must("EXPIRE", key, "21600")
	}
}

var legacyKeys = []string{
	"web01.example.com#/etc/hardware_identification.json@sysctl-a", "web01.example.com#/etc/passwd",
	"web02.example.com#/bin/blob", "web02.example.com#/etc/empty", "web02.example.com#/etc/passwd",
}

func scans(t testing.TB, s *redistest.Server) string {
	t.Helper()
	for line := range strings.Lines(s.Must("INFO", "commandstats").(string)) {
		if strings.HasPrefix(line, "cmdstat_scan:") {
			return line
		}
	}
	return ""
}

func TestALegacyCacheIsRead(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	c := connect(t, server.URL())
	t.Run("find", func(t *testing.T) {
		for str, want := range map[string][]string{
			"e": legacyKeys, "*#*": legacyKeys, "sysctl-a": legacyKeys[:1], "web02*#/etc/*": legacyKeys[3:], "nothing": {},
		} {
			if got := keys(t, c, sysops.Query{Pattern: search(t, str)}); !slices.Equal(got, want) {
				t.Errorf("find %q: %q, want %q", str, got, want)
			}
		}
	})
	t.Run("patterns", func(t *testing.T) {
		if got := keys(t, c, sysops.Query{Pattern: pattern(t, "web01.example.com#/etc/passwd")}); !slices.Equal(got, legacyKeys[1:2]) {
			t.Errorf("%q", got)
		}
		if got := keys(t, c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Hosts: hostSet(t, "web01.example.com")}}); !slices.Equal(got, legacyKeys[:2]) {
			t.Errorf("narrowed: %q", got)
		}
	})
	t.Run("elements", func(t *testing.T) {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
		if err != nil {
			t.Fatal(err)
		}
		passwd := "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/false\n"
		want := []sysops.Object{
			{Contents: []byte("net.core.netdev_budget = 300\nvm.swappiness = 60\n"), Time: time.Unix(1389225701, 0)},
			{
				Contents: []byte(passwd), Time: time.UnixMilli(1389225700250),
				Stat: &snapshot.Stat{Mode: 0o100644, Ino: 1183747, Dev: 2306, Nlink: 1, GID: 4, Size: int64(len(passwd)), Mtime: 1389225601, Ctime: 1389225602},
			},
			{
				Contents: []byte("binary \x00\xff\xfe no newline"), Time: time.UnixMilli(1389225704750),
				Stat: &snapshot.Stat{Mode: 0o100600, Ino: 77, Dev: 2306, Nlink: 2, UID: 5, GID: 6, Size: 21, Mtime: 1389225611, Ctime: 1389225612},
			},
			{
				Contents: []byte{}, Time: time.Unix(1389225703, 0),
				Stat: &snapshot.Stat{Mode: 0o100644, Ino: 1183747, Dev: 2306, Nlink: 1, GID: 4, Mtime: 1389225601, Ctime: 1389225602},
			},
			{
				Contents: []byte(passwd + "x\n"), Time: time.UnixMilli(1389225702500),
				Stat: &snapshot.Stat{Mode: 0o100600, Ino: 77, Dev: 2306, Nlink: 2, UID: 5, GID: 6, Size: int64(len(passwd)) + 2, Mtime: 1389225611, Ctime: 1389225612},
			},
		}
		i := 0
		for o, err := range a.Objects(t.Context(), sysops.Contents, sysops.MD5Sum, sysops.StatOf, sysops.CountsOf, sysops.TimeOf) {
			if err != nil {
				t.Fatal(err)
			}
			w := want[i]
			if o.Key.String() != legacyKeys[i] || string(o.Contents) != string(w.Contents) || o.MD5Sum != md5Of(w.Contents) || !o.Time.Equal(w.Time) {
				t.Errorf("%s is %q, %s, %v; want %q, %s, %v", o.Key, o.Contents, o.MD5Sum, o.Time, w.Contents, md5Of(w.Contents), w.Time)
			}
			if o.Words.Lines != int64(strings.Count(string(w.Contents), "\n")) || o.Words.Bytes != int64(len(w.Contents)) || o.Words.Words != int64(len(strings.Fields(string(w.Contents)))) {
				t.Errorf("%s: wordcount %+v", o.Key, o.Words)
			}
			if (o.Stat == nil) != (w.Stat == nil) || o.Stat != nil && *o.Stat != *w.Stat {
				t.Errorf("%s: stat %+v, want %+v", o.Key, o.Stat, w.Stat)
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%d objects", i)
		}
	})
	t.Run("completeness", func(t *testing.T) {
		_, complete := contents(t, c, sysops.Query{Pattern: search(t, "passwd")})
		if complete.Partial() || complete.Answered != 2 || len(complete.Missing) > 0 {
			t.Errorf("%s", complete)
		}
	})
}

func TestLegacyNeverFindsNothingAndSaysSo(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: sysops.LegacyNever})
	if _, err := c.Ask(t.Context(), sysops.Query{Pattern: search(t, "passwd")}); !errors.Is(err, sysops.ErrIncomplete) {
		t.Errorf("%v; want ErrIncomplete", err)
	}
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: search(t, "passwd"), Where: sysops.Where{Partial: true}})
	if err != nil || a.Len() != 0 || !a.Completeness().Partial() {
		t.Errorf("with Partial: %v", err)
	}
	if s := scans(t, server); s != "" {
		t.Errorf("it was scanned: %s", s)
	}
}

func TestAdoptedObjectsAreFoundWithoutScan(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	server.Must("SET", "unrelated", "x")
	server.Must("SET", "no#list", "x")
	admin := connect(t, server.URL())
	changes, err := admin.Adopt(t.Context(), sysops.Where{})
	if err != nil || len(changes) != 1 || changes[0].Entries != len(legacyKeys) {
		t.Fatalf("%+v, %v", changes, err)
	}
	server.Must("CONFIG", "RESETSTAT")
	for _, mode := range []string{sysops.LegacyNever, sysops.LegacyAuto} {
		c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: mode})
		for _, ask := range []string{"*#*", "web0*#/*", "e"} {
			if got := keys(t, c, sysops.Query{Pattern: pattern(t, ask)}); !slices.Equal(got, legacyKeys) {
				t.Errorf("%s: %q selects %q", mode, ask, got)
			}
		}
		got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "sysctl-a")})
		if len(got) != 1 || !strings.HasSuffix(got[0], "vm.swappiness = 60\n") || complete.Partial() || complete.Expected != 2 || len(complete.Lacking) != 1 {
			t.Errorf("%s: %q, %s", mode, got, complete)
		}
	}
	if s := scans(t, server); s != "" {
		t.Errorf("it was scanned: %s", s)
	}
	changes, err = admin.Adopt(t.Context(), sysops.Where{})
	if err != nil || changes[0].Entries != 0 {
		t.Errorf("a second time: %+v, %v", changes, err)
	}
}

// The original's inserter kept the case of the node's name. SCAN finds such a
// host; adopting it must not lose it.
func TestAdoptingAHostInCapitalsDoesNotLoseIt(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	server.Must("RENAME", "web02.example.com#/etc/passwd", "WEB03#/etc/passwd")
	c := connect(t, server.URL())
	before := keys(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
	if !slices.Contains(before, "WEB03#/etc/passwd") {
		t.Errorf("SCAN finds %q", before)
	}
	if _, err := c.Adopt(t.Context(), sysops.Where{}); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{sysops.LegacyAuto, sysops.LegacyNever, sysops.LegacyAlways} {
		c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: mode})
		if after := keys(t, c, sysops.Query{Pattern: pattern(t, "*#*")}); !slices.Equal(after, before) {
			t.Errorf("%s: before it was adopted %q were found, then %q", mode, before, after)
		}
	}
}

func TestAPushReplacesWhatWasAdopted(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	c := connect(t, server.URL())
	if _, err := c.Adopt(t.Context(), sysops.Where{}); err != nil {
		t.Fatal(err)
	}
	publish(t, c, snapshotOf("web01.example.com", text("/etc/passwd", "new\n")))
	got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "web01.example.com#*")})
	if want := []string{"web01.example.com#/etc/passwd: new\n"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if server.Must("EXISTS", legacyKeys[0]) != int64(0) {
		t.Error("what the host does not have any more is still there")
	}
}

// A fleet in migration: some hosts push, others still insert.
func TestLegacyAlwaysUnitesBoth(t *testing.T) {
	server := redistest.Start(t)
	fillLegacy(t, server)
	publish(t, connect(t, server.URL()), snapshotOf("web03.example.com", text("/etc/passwd", "three\n")))
	always := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Legacy: sysops.LegacyAlways})
	both := append(slices.Clone(legacyKeys), "web03.example.com#/etc/passwd")
	if got := keys(t, always, sysops.Query{Pattern: search(t, "e")}); !slices.Equal(got, both) {
		t.Errorf("always: %q, want %q", got, both)
	}
	got, complete := contents(t, always, sysops.Query{Pattern: search(t, "/etc/passwd")})
	if len(got) != 3 || !strings.HasSuffix(got[2], ": three\n") || !strings.HasSuffix(got[1], "x\n") || complete.Partial() {
		t.Errorf("always: %q, %s", got, complete)
	}
	auto := connect(t, server.URL())
	if got := keys(t, auto, sysops.Query{Pattern: search(t, "e")}); !slices.Equal(got, both[5:]) {
		t.Errorf("auto, beside an index: %q", got)
	}
}

// An empty sibling of a legacy server has nothing to add and takes nothing away.
func TestALegacyCacheBesideAnEmptySibling(t *testing.T) {
	servers := redistest.Core(t, 2)
	fillLegacy(t, servers[0])
	c := connect(t, redistest.URLs(servers)...)
	for range 6 {
		var got []string
		unhurried(t, func() *sysops.Completeness {
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: search(t, "e")})
			if err != nil && strings.Contains(err.Error(), "is empty") {
				return late
			} else if err != nil {
				t.Fatal(err)
			}
			got = keysOf(a)
			return a.Completeness()
		})
		if !slices.Equal(got, legacyKeys) {
			t.Fatalf("%q", got)
		}
	}
}

// The texts that Pythons of those days wrote, and what no Python wrote.
func TestLegacyElementsThatAreNone(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	server.Must("RPUSH", "web01#x", "BZh junk", "m", "s", "no number", "never")
	for _, e := range []sysops.Element{sysops.Contents, sysops.CountsOf, sysops.TimeOf} {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: search(t, "web01#x")})
		if err != nil {
			t.Fatal(err)
		}
		for o, err := range a.Objects(t.Context(), e) {
			t.Errorf("%s: %+v, %v", e, o, err)
		}
		if u := a.Completeness().Unreadable; len(u) != 1 || !strings.Contains(u[0].Reason, e.String()) {
			t.Errorf("%s: %+v; want one that is unreadable, and which element", e, u)
		}
	}
}

// In a fleet in migration the original's inserter may have refilled a server that
// restarted empty, while its sibling has the same object from our publisher.
func TestAnObjectOfBothInsertersIsThereOnce(t *testing.T) {
	servers := redistest.Core(t, 2)
	publish(t, connect(t, servers[1].URL()), snapshotOf("web01", text("/etc/motd", "ours")))
	servers[0].Must("RPUSH", "web01#/etc/motd", "x", "0123456789abcdef0123456789abcdef", "null", "{}", "1")
	c := connect(t, redistest.URLs(servers)...)
	got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "web01#/etc/motd")})
	if want := []string{"web01#/etc/motd: ours"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
