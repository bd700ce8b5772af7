package wholetest_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// counted counts how often a source is read.
func counted(name string, reads *atomic.Int64) snapshot.Source {
	src := text(name, "x")
	read := src.Read
	src.Read = func(ctx context.Context) (snapshot.Content, error) {
		reads.Add(1)
		return read(ctx)
	}
	return src
}

// A link into a file system that is gone must not delete what is known of the host.
func TestASnapshotOfWhichNothingCanBeReadDeletesNothing(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/a", "1"), text("/etc/b", "2")))
	before := redistest.Dump(t, server)
	broken := func(name string) snapshot.Source {
		return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{}, fs.ErrPermission }}
	}
	r, err := c.Publish(t.Context(), "", snapshotOf("web01", broken("/etc/a"), broken("/etc/b")))
	if err == nil || len(r.Problems) != 2 {
		t.Errorf("%v, %+v", err, r)
	}
	if after := redistest.Dump(t, server); after != before {
		t.Errorf("it changed\n%s\nto\n%s", before, after)
	}
}

func TestNothingIsReadForServersThatAreDown(t *testing.T) {
	var reads atomic.Int64
	c := connect(t, "redis://127.0.0.1:1")
	if _, err := c.Publish(t.Context(), "", snapshotOf("web01", counted("/etc/a", &reads))); err == nil || reads.Load() != 0 {
		t.Errorf("%v after %d reads", err, reads.Load())
	}
}

func TestASnapshotIsBounded(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	snap := snapshotOf("web01", text("/etc/a", strings.Repeat("a", 600)), text("/etc/b", strings.Repeat("b", 600)), text("/etc/c", "c"))
	snap.MaxBytes = 1000
	r := publish(t, c, snap)
	if len(r.Problems) != 1 || r.Problems[0].Name != "/etc/b" || r.Objects != 2 {
		t.Errorf("%+v", r)
	}
	many := make([]snapshot.Source, 20_001)
	for i := range many {
		many[i] = text("/x", "")
	}
	if _, err := c.Publish(t.Context(), "", snapshotOf("web01", many...)); err == nil {
		t.Error("20,001 objects are accepted")
	}
}

// Hosts that were removed while a server was not whole must not make the core count
// as short for good.
func TestRemovedHostsDoNotMakeACoreShort(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	for _, h := range []string{"web01", "web02", "web03", "web04"} {
		publish(t, c, snapshotOf(h, text("/etc/motd", h)))
	}
	servers[0].Restart()
	publish(t, c, snapshotOf("web01", text("/etc/motd", "web01")))
	if _, _, err := c.Forget(t.Context(), hosts(t, "web03,web04")); err != nil {
		t.Fatal(err)
	}
	publish(t, c, snapshotOf("web02", text("/etc/motd", "web02")))
	_, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if !complete.Whole() || complete.Expected != 2 {
		t.Errorf("%s", complete)
	}
}

// What could not be read has not answered, however often the answer is read.
func TestAnsweredIsWhatWasRead(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	publish(t, c, snapshotOf("web02", text("/etc/motd", "2")))
	server.Must("LSET", "web02#/etc/motd", "0", "junk")
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Partial: true}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, err := range a.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := a.Completeness(); got.Answered != 1 || len(got.Unreadable) != 1 {
			t.Errorf("%d answered, %d unreadable", got.Answered, len(got.Unreadable))
		}
	}
	took := a.Completeness().Took
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := a.Completeness().Took; again != took {
		t.Errorf("it took %v and then %v", took, again)
	}
}

func TestAClosedClientSaysSo(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "1")))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")}); !errors.Is(err, sysops.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

// A server that announces more than anybody has must not take the process with it.
func TestAServerThatAnnouncesTheImpossibleIsLeftOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					if _, err := conn.Write([]byte("$9223372036854775000\r\n")); err != nil {
						return
					}
				}
			}()
		}
	}()
	server := redistest.Start(t)
	publish(t, connect(t, server.URL()), snapshotOf("web01", text("/etc/motd", "1")))
	got, complete := contents(t, connect(t, server.URL(), "redis://"+listener.Addr().String()), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if len(got) != 1 || complete.Cores[0].LeftOut {
		t.Errorf("%q, %s", got, complete)
	}
}
