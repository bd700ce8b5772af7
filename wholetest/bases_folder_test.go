package wholetest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
