package wholetest_test

// What becomes of the bases that an agent keeps on disk.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// similar is a text of some 8 KB that any two hosts have mostly in common.
func similar(host int) string {
	var b strings.Builder
	for i := range 300 {
		v := uint64(i+1) * 0x9e3779b97f4a7c15
		if i%9 == host%9 {
			v *= uint64(host + 2)
		}
		fmt.Fprintf(&b, "setting.%d = %x\n", i, v)
	}
	return b.String()
}

// pushFrom pushes as one process would that keeps its bases in folder.
func pushFrom(t *testing.T, folder string, s *redistest.Server, host, contents string) (*snapshot.Report, snapshot.ServerReport) {
	t.Helper()
	c := connectTo(t, sysops.ServerList(s.URL()), sysops.Options{BasesFolder: folder})
	defer c.Close()
	r, err := c.Publish(t.Context(), "", snapshotOf(host, text("/etc/similar", contents)))
	if err != nil {
		t.Fatal(err)
	}
	return r, serverPush(t, r, s)
}

// A folder that cannot be written is told, and stops no push; nor does it have the
// host download what it cannot keep with every push.
func TestBasesThatCannotBeKeptAreNotDownloadedEveryTime(t *testing.T) {
	server := redistest.Start(t)
	for n := range 9 {
		pushFrom(t, filepath.Join(t.TempDir(), "bases"), server, fmt.Sprintf("db%02d", n), similar(n))
	}
	if n := server.Must("ZCARD", "$bases:/etc/similar").(int64); n < 3 {
		t.Fatalf("only %d bases: this test shows nothing", n)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := server.Must("ZCARD", "$bases:/etc/similar").(int64)
	var last string
	for n := range 40 { // a host's own contents, another time
		last = similar(100 + n)
		if r, _ := pushFrom(t, filepath.Join(file, "bases"), server, "web01", last); r.Bases == nil {
			t.Errorf("push %d: nobody says that bases cannot be kept", n)
		}
	}
	if after := server.Must("ZCARD", "$bases:/etc/similar").(int64); after > before+4 {
		t.Errorf("there were %d bases, and %d after one host had pushed similar contents: it takes the places of all others", before, after)
	}
	for n := range 3 {
		if _, p := pushFrom(t, filepath.Join(file, "bases"), server, "web01", last); p.Received > 8000 {
			t.Errorf("unchanged, push %d: %d bytes were received", n, p.Received)
		}
	}
	got, _ := contents(t, connect(t, server.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})
	if len(got) != 1 || got[0] != "web01#/etc/similar: "+last {
		t.Errorf("%.200q", got)
	}
}

// A base that was damaged on the host's disk is not given to a server that has lost
// its own: the object would be unreadable for good, because every later push would
// find the server's base as long, and with the same bytes, as that on disk.
func TestADamagedBaseOnDiskIsNotGivenToAServer(t *testing.T) {
	for _, row := range []struct {
		name string
		lose func(s *redistest.Server, base string)
	}{
		{"that has lost the base", func(s *redistest.Server, base string) { s.Must("DEL", base) }},
		{"that has lost the base and its place", func(s *redistest.Server, base string) { s.Must("DEL", base, "$bases:/etc/similar") }},
		{"that has lost everything", func(s *redistest.Server, base string) { s.Must("FLUSHALL") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := redistest.Start(t)
			folder := filepath.Join(t.TempDir(), "bases")
			pushFrom(t, folder, server, "web01", similar(1))
			pushFrom(t, folder, server, "web01", similar(2)) // refers to the base that the first has made
			id, refers := frame.BaseOf([]byte(element(t, server, "web01#/etc/similar", 0)))
			if !refers {
				t.Fatal("the object refers to no base: this test shows nothing")
			}
			base := fmt.Sprintf("$base:%x", id)
			path := filepath.Join(folder, strings.TrimPrefix(base, "$base:"))
			packed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, packed[:len(packed)/2], 0o600); err != nil { // a machine that lost power
				t.Fatal(err)
			}
			for n := range 3 {
				row.lose(server, base)
				os.Remove(filepath.Join(folder, "offers.json")) // it asks anew
				for again := range 2 {
					pushFrom(t, folder, server, "web01", similar(2))
					got, complete, err := read(t.Context(), connect(t, server.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})
					if err != nil || len(got) != 1 || got[0] != "web01#/etc/similar: "+similar(2) {
						t.Fatalf("loss %d, push %d: %v, %d objects, %s", n, again, err, len(got), complete)
					}
				}
			}
		})
	}
}

// A program that names a folder of its own as BasesFolder loses nothing in it.
func TestAFolderOfBasesIsClearedOfBasesAlone(t *testing.T) {
	server := redistest.Start(t)
	folder := t.TempDir()
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range []string{"README", "notes.txt", strings.Repeat("0", 64)} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(folder, "folder"), old, old); err != nil {
		t.Fatal(err)
	}
	if r, _ := pushFrom(t, folder, server, "web01", similar(1)); r.Bases != nil {
		t.Error(r.Bases)
	}
	for name, want := range map[string]bool{"README": true, "notes.txt": true, "folder": true, strings.Repeat("0", 64): false} {
		if _, err := os.Lstat(filepath.Join(folder, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// agedOffers makes the bases of a folder as if they had been asked for two hours ago.
func agedOffers(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, "offers.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var offers map[string]map[string]any
	if json.Unmarshal(raw, &offers) != nil {
		return
	}
	for _, o := range offers {
		o["asked"] = time.Now().Add(-2 * time.Hour)
	}
	raw, err = json.Marshal(offers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func rewrite(path string, contents string) {
	os.RemoveAll(path)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		panic(err)
	}
}

// folderFaults are what may happen to the folder of an agent. base is the path of the
// one base that is there.
var folderFaults = []struct {
	name  string
	spoil func(b *based, folder, base string)
}{
	{"nothing", func(*based, string, string) {}},
	{"a base cut short", func(b *based, _, base string) { rewrite(base, b.packed[:len(b.packed)/2]) }},
	{"a base emptied", func(_ *based, _, base string) { rewrite(base, "") }},
	{"a bit flipped", func(b *based, _, base string) {
		flipped := []byte(b.packed)
		flipped[len(flipped)/2] ^= 1
		rewrite(base, string(flipped))
	}},
	{"another base in its place", func(_ *based, _, base string) {
		rewrite(base, string(frame.NewEncoder().Encode([]byte(settings(2, 1)))))
	}},
	{"a frame that refers to it", func(b *based, _, base string) {
		rewrite(base, string(frame.SameAs(sha256.Sum256([]byte(b.body["web01"])), len(b.body["web01"]))))
	}},
	{"a bomb", func(_ *based, _, base string) { rewrite(base, bomb()) }},
	{"a huge file", func(_ *based, _, base string) {
		rewrite(base, "")
		if err := os.Truncate(base, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"a base removed", func(_ *based, _, base string) { os.Remove(base) }},
	{"a folder in its place", func(_ *based, _, base string) { os.Remove(base); os.Mkdir(base, 0o700) }},
	{"a link to nowhere", func(_ *based, _, base string) { os.Remove(base); os.Symlink("/nowhere", base) }},
	{"all removed", func(_ *based, folder, _ string) { os.RemoveAll(folder) }},
	{"offers that are none", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "{") }},
	{"empty offers", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "") }},
	{"null offers", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "null") }},
	{"an offer that is null", func(_ *based, folder, _ string) {
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":null,"":{"bases":null,"asked":"0001-01-01T00:00:00Z"}}`)
	}},
	{"offers of the future", func(b *based, folder, _ string) {
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":{"bases":["`+b.id+`"],"asked":"2999-01-01T00:00:00Z"}}`)
	}},
	{"offers of what never was", func(b *based, folder, _ string) {
		never := `"` + strings.Join([]string{baseID("1"), b.id, baseID("2"), b.id}, `","`) + `"`
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":{"bases":[`+never+`],"asked":"`+time.Now().Format(time.RFC3339)+`"}}`)
	}},
	{"huge offers", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "offers.json")
		rewrite(path, `{"`)
		if err := os.Truncate(path, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"a folder in place of the offers", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "offers.json")
		os.Remove(path)
		os.Mkdir(path, 0o700)
	}},
	{"junk", func(_ *based, folder, _ string) {
		for i := range 300 {
			rewrite(filepath.Join(folder, fmt.Sprintf("junk%d", i)), "junk")
			rewrite(filepath.Join(folder, baseID(strconv.Itoa(i))), "junk")
		}
	}},
	{"large junk", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "junk")
		rewrite(path, "")
		if err := os.Truncate(path, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"folders among the files", func(_ *based, folder, _ string) {
		os.MkdirAll(filepath.Join(folder, ".lost+found", "x"), 0o700)
		old := time.Now().Add(-3 * time.Hour)
		os.Chtimes(filepath.Join(folder, ".lost+found"), old, old)
	}},
}

// Whatever happens to the folder, a push succeeds, and its contents are right. So
// does one that has new contents, and one that finds the base lost at a server too.
func TestAFolderThatIsDamaged(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, f := range folderFaults {
		for _, row := range []struct {
			name string
			then func(b *based)
		}{
			{"unchanged", func(*based) {}},
			{"changed", func(b *based) { b.body["web02"], b.body["web01"] = settings(1, 22), settings(1, 21) }},
			{"its base lost at one server", func(b *based) { b.servers[1].Must("DEL", "$base:"+b.id, "$bases:"+ctl) }},
			{"one server emptied", func(b *based) { b.servers[1].Must("FLUSHALL") }},
			{"all emptied", func(b *based) { b.servers[0].Must("FLUSHALL"); b.servers[1].Must("FLUSHALL") }},
		} {
			t.Run(f.name+", "+row.name, func(t *testing.T) {
				b := newBased(t, servers, keeping[1])
				for _, h := range []string{"web01", "web02"} {
					f.spoil(b, b.folders[h], filepath.Join(b.folders[h], b.id))
				}
				row.then(b)
				push := func() {
					for _, h := range []string{"web02", "web01"} {
						publish(t, b.agent(t, h), snapshotOf(h, text(ctl, b.body[h])))
						b.readable(t, h)
						agedOffers(t, b.folders[h])
					}
				}
				for range 3 {
					push()
				}
				b.readable(t, "web01", "web02")
				if f.name == "a bit flipped" { // a push that happens to look there finds it out, and the next one is whole
					push()
					push()
				}
				for _, h := range []string{"web02", "web01"} {
					if packed := element(t, b.servers[0], h+"#"+ctl, 0); f.name != "large junk" && len(packed) > 600 {
						t.Errorf("two hours later the frame of %s is still %d bytes long", h, len(packed))
					}
				}
			})
		}
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	servers := redistest.Core(t, 2)
	file := filepath.Join(t.TempDir(), "file")
	rewrite(file, "x")
	for _, folder := range []string{file, filepath.Join(file, "bases"), "/dev/null/bases"} {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			want := []string{}
			for _, s := range servers {
				s.Must("FLUSHALL")
			}
			for v := range 3 {
				want = want[:0]
				for _, h := range []string{"web01", "web02"} {
					body := settings(1, len(h)+v)
					c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder})
					for range 2 {
						if r := publish(t, c, snapshotOf(h, text(ctl, body))); v == 0 && r.Bases == nil {
							t.Error("nobody says that bases cannot be kept")
						}
					}
					want = append(want, h+"#"+ctl+": "+body)
				}
				readFromEach(t, servers, want...)
			}
		})
	}
	folder := filepath.Join(t.TempDir(), "a", "b")
	c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder})
	if r := publish(t, c, snapshotOf("web01", text(ctl, settings(1, 1)))); r.Bases != nil {
		t.Errorf("a folder that can be made: %v", r.Bases)
	}
	if fi, err := os.Stat(folder); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", fi, err)
	}
}

func folderSize(t *testing.T, folder string) (files int, size int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			files++
			size += fi.Size()
		}
	}
	return files, size
}

// Hosts that offer more than is of use must not fill an agent's disk.
func TestAFolderIsBounded(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connect(t, s.URL())
	publish(t, c, snapshotOf("web01", text("/etc/1", settings(1, 1)), text("/etc/2", settings(2, 1)), text("/etc/3", settings(3, 1))))
	for i := range 96 {
		body := "offered\n" + hex.EncodeToString([]byte(noise(500_000, uint64(i))))
		packed := string(append(frame.SameAs(frame.ID{}, 0)[:0], storedFrame(body)...))
		s.Must("SET", baseKey(body), packed)
		s.Must("ZADD", fmt.Sprintf("$bases:/etc/%d", 1+i%3), "1700000000", baseID(body))
	}
	folder := t.TempDir()
	for v := range 2 {
		snap := snapshotOf("web02", text("/etc/1", settings(1, 2+v)), text("/etc/2", settings(2, 2+v)), text("/etc/3", settings(3, 2+v)))
		r := publish(t, connectTo(t, sysops.ServerList(s.URL()), sysops.Options{BasesFolder: folder, Timeout: redistest.Patience}), snap)
		if r.Bases != nil {
			t.Error(r.Bases)
		}
		if files, size := folderSize(t, folder); files == 0 || size > 65<<20 {
			t.Errorf("%d files of %d bytes are kept", files, size)
		}
		agedOffers(t, folder)
	}
	readFromEach(t, []*redistest.Server{s},
		"web01#/etc/1: "+settings(1, 1), "web01#/etc/2: "+settings(2, 1), "web01#/etc/3: "+settings(3, 1),
		"web02#/etc/1: "+settings(1, 3), "web02#/etc/2: "+settings(2, 3), "web02#/etc/3: "+settings(3, 3))
}

// What nobody offers any more is removed, and so is what else lies there, in time.
func TestAFolderIsCleared(t *testing.T) {
	s := redistest.Start(t)
	folder := t.TempDir()
	push := func(body string) {
		t.Helper()
		if r := publish(t, connectTo(t, sysops.ServerList(s.URL()), sysops.Options{BasesFolder: folder}), snapshotOf("web01", text(ctl, body))); r.Bases != nil {
			t.Error(r.Bases)
		}
	}
	push(settings(1, 1))
	rewrite(filepath.Join(folder, "junk"), "junk")
	rewrite(filepath.Join(folder, ".offers.json.ABCDEFGH.part"), "cut short")
	os.MkdirAll(filepath.Join(folder, "a", "b"), 0o700)
	s.Must("DEL", "$bases:"+ctl, baseKey(settings(1, 1)))
	old := time.Now().Add(-3 * time.Hour)
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		os.Chtimes(filepath.Join(folder, e.Name()), old, old)
	}
	agedOffers(t, folder)
	push(settings(2, 1))
	var left []string
	entries, _ = os.ReadDir(folder)
	for _, e := range entries {
		if !e.IsDir() {
			left = append(left, e.Name())
		}
	}
	want := []string{baseID(settings(2, 1)), "junk", "offers.json"} // junk is not ours
	if slices.Sort(want); !slices.Equal(left, want) {
		t.Errorf("%q are left, want %q", left, want)
	}
}

// A folder is one process's. Two that share one by mistake still push, and are right.
func TestTwoProcessesShareAFolder(t *testing.T) {
	servers := redistest.Core(t, 2)
	folder := t.TempDir()
	var wg sync.WaitGroup
	const hosts, versions = 6, 6
	for h := range hosts {
		wg.Go(func() {
			for v := range versions {
				c, err := sysops.New(sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder, Timeout: redistest.Patience})
				if err != nil {
					t.Error(err)
					return
				}
				r, err := c.Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%02d", h), text(ctl, settings(h%2, 10*h+v))))
				if err != nil || r.Bases != nil {
					t.Errorf("%v, %v", err, r.Bases)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	var want []string
	for h := range hosts {
		want = append(want, fmt.Sprintf("web%02d#%s: %s", h, ctl, settings(h%2, 10*h+versions-1)))
	}
	readFromEach(t, servers, want...)
}

// storedFrame is a frame of contents that are not packed: what a hostile host may write.
func storedFrame(contents string) []byte {
	e := frame.NewEncoder()
	return e.Encode([]byte(contents))
}
