package wholetest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// fileSource is a file of this machine, as the agent reads it.
func fileSource(t testing.TB, path string) snapshot.Source {
	t.Helper()
	return snapshot.Source{Name: path, Read: func(context.Context) (snapshot.Content, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return snapshot.Content{}, err
		}
		fi, err := os.Stat(path)
		if err != nil {
			return snapshot.Content{}, err
		}
		st, ok := snapshot.StatOf(fi)
		if !ok {
			return snapshot.Content{}, errors.New("no stat")
		}
		return snapshot.Content{Data: data, Stat: st}, nil
	}}
}

// withStat is text with a stat of the test's own.
func withStat(name, contents string, st snapshot.Stat) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(contents), Stat: &st}, nil
	}}
}

// Elements 1 to 4 are plain text that redis-cli and the original's users read.
func TestElementsAreWhatMd5sumWcAndStatSay(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, contents := range map[string]string{
		"empty": "", "newline": "\n", "unterminated": "two words", "blank lines": "\n\n\na\n\n",
		"white space": " a\tb\vc\fd\re  f \n", "control": "\x01\x02 \x1b[0m\n\x7f x\n", "nul": "a\x00b c\x00\x00\n\x00",
		"latin1": "caf\xe9 \xe9 \xa0 x\n", "utf-8": "é — 日本語\u00a0x\n", "noise": noise(100_000, 1), "long": strings.Repeat("word ", 50_000),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(contents), 0o640); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	files = append(files, "/etc/passwd", "/bin/true", "/bin/ls")
	server := redistest.Start(t)
	var sources []snapshot.Source
	for _, f := range files {
		sources = append(sources, fileSource(t, f))
	}
	before := serverTime(t, server)
	publish(t, connect(t, server.URL()), snapshotOf("web01", sources...))
	after := serverTime(t, server)
	for _, file := range files {
		key := "web01#" + file
		if n := server.Must("LLEN", key); n != int64(5) {
			t.Fatalf("%s has %v elements", file, n)
		}
		md5sum := redistest.Run(t, "md5sum", []string{"--", file}, nil).Stdout
		if got := element(t, server, key, 1); len(got) != 32 || !strings.HasPrefix(strings.TrimPrefix(md5sum, `\`), got+" ") {
			t.Errorf("%s: element 1 is %q, md5sum says %q", file, got, md5sum)
		}
		wc := strings.Fields(redistest.Run(t, "wc", []string{"-lwc", "--", file}, []string{"LC_ALL=C"}).Stdout)
		want := fmt.Sprintf(`{"lines":%s,"words":%s,"bytes":%s}`, wc[0], wc[1], wc[2])
		if got := element(t, server, key, 3); got != want {
			t.Errorf("%s: element 3 is %s, wc says %s", file, got, want)
		}
		var st map[string]int64
		if err := json.Unmarshal([]byte(element(t, server, key, 2)), &st); err != nil {
			t.Errorf("%s: element 2 is no JSON: %v", file, err)
		}
		format := "%f %i %d %h %u %g %s %Y %Z"
		said := strings.Fields(redistest.Run(t, "stat", []string{"-L", "-c", format, "--", file}, nil).Stdout)
		for i, field := range []string{"mode", "ino", "dev", "nlink", "uid", "gid", "size", "mtime", "ctime"} {
			base := 10
			if i == 0 {
				base = 16
			}
			if want, _ := strconv.ParseInt(said[i], base, 64); st[field] != want {
				t.Errorf("%s: %s is %d, stat says %d", file, field, st[field], want)
			}
		}
		if seen, err := strconv.ParseInt(element(t, server, key, 4), 10, 64); err != nil || seen < before || seen > after {
			t.Errorf("%s: element 4 is %d, %v; the server's clock ran from %d to %d", file, seen, err, before, after)
		}
	}
}

func TestElementsComeBackAsTheyWere(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	st := snapshot.Stat{Mode: 0o100640, Ino: 1 << 40, Dev: 2049, Nlink: 2, UID: 1000, GID: 4, Size: 6, Mtime: 1700000001, Ctime: 1700000002}
	publish(t, c, snapshotOf("web01", withStat("/etc/motd", "a b\nc\n", st), snapshot.Source{Name: "cmd", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte("output")}, nil
	}}))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*")})
	if err != nil {
		t.Fatal(err)
	}
	var got []sysops.Object
	for o, err := range a.Objects(t.Context(), sysops.TimeOf, sysops.Contents, sysops.CountsOf, sysops.StatOf, sysops.MD5Sum) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o)
	}
	if len(got) != 2 {
		t.Fatalf("%d objects", len(got))
	}
	motd, cmd := got[0], got[1]
	if string(motd.Contents) != "a b\nc\n" || motd.MD5Sum != fmt.Sprintf("%x", md5.Sum(motd.Contents)) || motd.Words != (snapshot.Counts{Lines: 2, Words: 3, Bytes: 6}) {
		t.Errorf("/etc/motd: %+v", motd)
	}
	if motd.Stat == nil || *motd.Stat != st {
		t.Errorf("its stat is %+v, want %+v", motd.Stat, st)
	}
	if motd.Time.Unix() != serverFirstSeen(t, server, "web01#/etc/motd") || time.Since(motd.Time) > time.Hour {
		t.Errorf("its time is %v", motd.Time)
	}
	if cmd.Stat != nil || string(cmd.Contents) != "output" {
		t.Errorf("a command's output: %+v", cmd)
	}
	if motd.Server != server.Addr()+"/0" || motd.Core != "default" {
		t.Errorf("it came from %s of %s", motd.Server, motd.Core)
	}
}

func md5Of(b []byte) string { return fmt.Sprintf("%x", md5.Sum(b)) }

func serverFirstSeen(t testing.TB, s *redistest.Server, key string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(element(t, s, key, 4), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestObjectsExpireAndTheIndexDoesNot(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	snap := snapshotOf("web01", text("/etc/motd", "x"))
	publish(t, c, snap)
	for _, row := range []struct {
		ttl string
		max int64
	}{{"default", 6 * 3600 * 1000}, {"short", 90_000}} {
		ttl, max := row.ttl, row.max
		if ttl == "short" {
			snap.TTL = 90 * time.Second
			publish(t, c, snap) // unchanged: renewed, to the new TTL
		}
		left := server.Must("PTTL", "web01#/etc/motd").(int64)
		if left > max || left < max-60_000 {
			t.Errorf("%s: it lives for %d ms", ttl, left)
		}
		live, _ := strconv.ParseFloat(server.Must("ZSCORE", "$live", "web01").(string), 64)
		if d := live - float64(serverTime(t, server)); d > float64(max/1000)+1 || d < float64(max/1000)-60 {
			t.Errorf("%s: $live says %v s", ttl, d)
		}
	}
	for _, key := range []string{"$hosts", "$live", "$names", "$on:/etc/motd", "$of:web01"} {
		if ttl := server.Must("PTTL", key); ttl != int64(-1) {
			t.Errorf("%s: PTTL %v; one host's TTL would drop everyone's entries", key, ttl)
		}
	}
}

func TestARenewalPutsOffTheExpiry(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	server.Must("PEXPIRE", "web01#/etc/motd", "60000")
	if r := publish(t, c, snapshotOf("web01", text("/etc/motd", "x"))); r.Servers[0].Renewed != 1 {
		t.Errorf("%+v", r.Servers[0])
	}
	if left := server.Must("PTTL", "web01#/etc/motd").(int64); left < 5*3600*1000 {
		t.Errorf("it lives for %d ms", left)
	}
}

// hundred is a snapshot of 100 objects of 2 KB that do not compress; those with
// a number in changed differ from the others' version.
func hundred(changed ...int) snapshot.Snapshot {
	var sources []snapshot.Source
	for i := range 100 {
		seed := uint64(i)
		if slices.Contains(changed, i) {
			seed += 1000
		}
		sources = append(sources, text(fmt.Sprintf("/etc/object-%03d", i), noise(2000, seed)))
	}
	return snapshotOf("web01.example.com", sources...)
}

// What a push costs, seen from the network. The proxy's delay makes each batch
// count as one wait, as its documentation says.
func TestAnUnchangedPushSendsNoContents(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, db string
		waits    int64
	}{
		{"database 0", "", 1 + 3},
		{"another database", "/1", 2 + 3}, // SELECT
	} {
		t.Run(row.name, func(t *testing.T) {
			server := redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr())
			publish(t, connect(t, proxy.URL()+row.db), hundred())
			proxy.Delay(batch)
			proxy.Reset()
			r := publish(t, connect(t, proxy.URL()+row.db), hundred())
			traffic := proxy.Traffic()
			if bytes := traffic.Sent + traffic.Received; bytes >= 60_000 {
				t.Errorf("%d bytes for 100 unchanged objects", bytes)
			}
			if traffic.Waits > row.waits {
				t.Errorf("it waited %d times, at most %d are allowed", traffic.Waits, row.waits)
			}
			if traffic.Connections != 1 {
				t.Errorf("%d connections", traffic.Connections)
			}
			s := r.Servers[0]
			if s.Renewed != 100 || s.Replaced+s.Restated+s.Deleted+s.Repaired != 0 {
				t.Errorf("the report says %+v", s)
			}
			if s.Sent != traffic.Sent || s.Received != traffic.Received || s.Waits != traffic.Waits {
				t.Errorf("the report says %d sent, %d received, %d waits; the network %+v", s.Sent, s.Received, s.Waits, traffic)
			}
		})
	}
}

// What becomes a base costs two waits more: the base is confirmed before the object refers to it, and
// that the object does before it is recorded.
func TestAFirstPushWaitsForItsBases(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	proxy.Delay(batch)
	publish(t, connect(t, proxy.URL()), hundred())
	if w := proxy.Traffic().Waits; w > 1+3+2 {
		t.Errorf("it waited %d times", w)
	}
}

func TestOnlyChangedContentsAreSent(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	c := connect(t, proxy.URL())
	publish(t, c, hundred())
	server.Must("LSET", "web01.example.com#/etc/object-008", "0", "untouched") // would be overwritten
	proxy.Reset()
	r := publish(t, c, hundred(7, 42))
	if s := r.Servers[0]; s.Replaced != 2 || s.Renewed != 98 {
		t.Errorf("%+v", s)
	}
	if sent := proxy.Traffic().Sent; sent < 4000 || sent > 40_000 {
		t.Errorf("%d bytes were sent", sent)
	}
	if got := element(t, server, "web01.example.com#/etc/object-008", 0); got != "untouched" {
		t.Errorf("an unchanged object was written anew")
	}
	got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/object-042")})
	if want := "web01.example.com#/etc/object-042: " + noise(2000, 1042); len(got) != 1 || got[0] != want {
		t.Errorf("the changed object did not arrive")
	}
}

func TestAChangedStatAloneSetsOnlyTheStat(t *testing.T) {
	base := snapshot.Stat{Mode: 0o100644, Ino: 7, Dev: 8, Nlink: 1, UID: 1, GID: 2, Size: 3000, Mtime: 1700000000, Ctime: 1700000000}
	body := noise(3000, 5)
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	c := connect(t, proxy.URL())
	for _, row := range []struct {
		what     string
		name     string
		change   func(*snapshot.Stat)
		restated int
	}{
		{"mode", "/etc/motd", func(s *snapshot.Stat) { s.Mode = 0o100600 }, 1},
		{"owner", "/etc/motd", func(s *snapshot.Stat) { s.UID = 9 }, 1},
		{"group", "/etc/motd", func(s *snapshot.Stat) { s.GID = 9 }, 1},
		{"size", "/etc/motd", func(s *snapshot.Stat) { s.Size = 0 }, 1},
		{"mtime", "/etc/motd", func(s *snapshot.Stat) { s.Mtime++ }, 1},
		{"mtime in a directory called proc", "/srv/proc/x", func(s *snapshot.Stat) { s.Mtime++ }, 1},
		{"mtime in /proc", "/proc/cmdline", func(s *snapshot.Stat) { s.Mtime++ }, 0},
		{"mtime in /sys", "/sys/class/net", func(s *snapshot.Stat) { s.Mtime++ }, 0},
		{"mode in /proc", "/proc/cmdline", func(s *snapshot.Stat) { s.Mode = 0o100600 }, 1},
		{"nothing", "/etc/motd", func(*snapshot.Stat) {}, 0},
	} {
		t.Run(row.what, func(t *testing.T) {
			key := "web01#" + row.name
			server.Must("FLUSHALL")
			publish(t, c, snapshotOf("web01", withStat(row.name, body, base)))
			seen := element(t, server, key, 4)
			server.Must("LSET", key, "0", "untouched")
			changed := base
			row.change(&changed)
			proxy.Reset()
			r := publish(t, c, snapshotOf("web01", withStat(row.name, body, changed)))
			if s := r.Servers[0]; s.Restated != row.restated || s.Renewed != 1-row.restated || s.Replaced+s.Repaired != 0 {
				t.Errorf("%+v", s)
			}
			if sent := proxy.Traffic().Sent; sent > 2000 {
				t.Errorf("%d bytes were sent", sent)
			}
			if element(t, server, key, 0) != "untouched" || element(t, server, key, 4) != seen {
				t.Error("the object was written anew")
			}
			if row.restated == 1 {
				want, _ := json.Marshal(changed)
				if got := element(t, server, key, 2); got != string(want) {
					t.Errorf("element 2 is %s, want %s", got, want)
				}
				if left := server.Must("PTTL", key).(int64); left <= 0 {
					t.Errorf("it does not expire: %d", left)
				}
				if r := publish(t, c, snapshotOf("web01", withStat(row.name, body, changed))); r.Servers[0].Restated != 0 {
					t.Error("the next push sets it again")
				}
			}
		})
	}
}

func TestARepairCostsOneFurtherWait(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr())
	publish(t, connect(t, proxy.URL()), hundred())
	for i := range 50 {
		server.Must("DEL", fmt.Sprintf("web01.example.com#/etc/object-%03d", i))
	}
	proxy.Delay(batch)
	proxy.Reset()
	r := publish(t, connect(t, proxy.URL()), hundred())
	if w := proxy.Traffic().Waits; w > 5 || r.Servers[0].Repaired != 50 || r.Servers[0].Renewed != 50 {
		t.Errorf("%d waits; %+v", w, r.Servers[0])
	}
}

func TestLargeSnapshotsGoInSeveralBatches(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	var sources []snapshot.Source
	for i := range 11 {
		sources = append(sources, text(fmt.Sprintf("/var/log/%02d", i), noise(1<<20, uint64(i))))
	}
	publish(t, c, snapshotOf("web01", sources...))
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "web01#*")})
	if len(got) != 11 || !complete.Whole() {
		t.Fatalf("%d objects, %s", len(got), complete)
	}
	for i, o := range got {
		if want := fmt.Sprintf("web01#/var/log/%02d: %s", i, noise(1<<20, uint64(i))); o != want {
			t.Errorf("object %d is another", i)
		}
	}
}

func TestEverySourceIsReadOnceAPush(t *testing.T) {
	servers := redistest.Core(t, 3)
	c := connect(t, redistest.URLs(servers)...)
	var reads atomic.Int64
	src := snapshot.Source{Name: "/etc/motd", Read: func(context.Context) (snapshot.Content, error) {
		reads.Add(1)
		return snapshot.Content{Data: []byte("x")}, nil
	}}
	redistest.WaitFor(t, "no server is late for the common reading", func() bool {
		reads.Store(0)
		publish(t, c, snapshotOf("web01", src))
		return reads.Load() == 1
	})
}

func TestASourceMayNameItself(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", snapshot.Source{Name: "/var/log/huge", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Name: "/var/log/huge@file_size_exceeded", Data: []byte("too large")}, nil
	}}))
	if got := keys(t, c, sysops.Query{Pattern: pattern(t, "web01#*")}); !slices.Equal(got, []string{"web01#/var/log/huge@file_size_exceeded"}) {
		t.Errorf("%q", got)
	}
}

func TestSnapshotsThatAreRefused(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	ok := text("/etc/motd", "x")
	for _, row := range []struct {
		name string
		snap snapshot.Snapshot
		want error
	}{
		{"no host", snapshotOf("", ok), sysops.ErrBadHost},
		{"a host that is none", snapshotOf("web 01", ok), sysops.ErrBadHost},
		{"nothing to publish", snapshotOf("web01"), nil},
		{"a TTL under a second", snapshot.Snapshot{Host: "web01", Sources: []snapshot.Source{ok}, TTL: time.Millisecond}, nil},
		{"a negative TTL", snapshot.Snapshot{Host: "web01", Sources: []snapshot.Source{ok}, TTL: -time.Hour}, nil},
	} {
		_, err := c.Publish(t.Context(), "", row.snap)
		if err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, err := c.Publish(t.Context(), "no-such-core", snapshotOf("web01", ok)); !errors.Is(err, sysops.ErrUnknown) {
		t.Errorf("an unknown core: %v", err)
	}
	if dump := redistest.Dump(t, server); dump != "" {
		t.Errorf("something was written:\n%s", dump)
	}
}

func TestNamesThatAreRefusedAreReportedAndTheOthersGo(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	r := publish(t, c, snapshotOf("web01", text("$hosts", "x"), text(strings.Repeat("n", 4097), "x"), text("", "x"), text("/etc/motd", "x")))
	if len(r.Problems) != 3 || r.Objects != 1 {
		t.Errorf("%+v", r)
	}
	for _, p := range r.Problems {
		if !errors.Is(p.Err, sysops.ErrBadName) {
			t.Errorf("%.20q: %v", p.Name, p.Err)
		}
	}
	if got := keys(t, c, sysops.Query{Pattern: pattern(t, "web01#*")}); !slices.Equal(got, []string{"web01#/etc/motd"}) {
		t.Errorf("%.100q", got)
	}
}

func TestAHostIsPushedUnderItsLowerCaseName(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	r := publish(t, c, snapshotOf("WEB01", text("/etc/motd", "x")))
	if got := keys(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); r.Host != "web01" || !slices.Equal(got, []string{"web01#/etc/motd"}) {
		t.Errorf("%s: %q", r.Host, got)
	}
}

func TestCountWordsCountsAsWc(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	dir := t.TempDir()
	for i := range 40 {
		data := make([]byte, random.IntN(200))
		for j := range data {
			data[j] = []byte{' ', '\n', 'a', '\t', '\v', 0, 0x7f, 0x80, 0xa0, 0xff, '\r', '\x1b', '~', '!'}[random.IntN(14)]
		}
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		said := bytes.Fields([]byte(redistest.Run(t, "wc", []string{"-lwc", file}, []string{"LC_ALL=C"}).Stdout))
		got := snapshot.CountsOf(data)
		if want := fmt.Sprintf("%s %s %s", said[0], said[1], said[2]); fmt.Sprint(got.Lines, got.Words, got.Bytes) != want {
			t.Errorf("%q: %+v, wc says %s", data, got, want)
		}
	}
}
