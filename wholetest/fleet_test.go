package wholetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// connect returns a client of one core with these servers.
func connect(t testing.TB, urls ...string) *sysops.Client {
	t.Helper()
	return connectTo(t, sysops.ServerList(urls...), sysops.Options{})
}

func connectTo(t testing.TB, dir sysops.Directory, o sysops.Options) *sysops.Client {
	t.Helper()
	c, err := sysops.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// text is an object with fixed contents and a plain file's stat.
func text(name, contents string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(contents), Stat: &snapshot.Stat{Mode: 0o100644, Size: int64(len(contents)), Mtime: 1700000000}}, nil
	}}
}

func snapshotOf(host string, sources ...snapshot.Source) snapshot.Snapshot {
	return snapshot.Snapshot{Host: host, Machine: "machine-of-" + host, Sources: sources}
}

// publish pushes a snapshot and fails the test unless all of it arrived everywhere.
func publish(t testing.TB, c *sysops.Client, snap snapshot.Snapshot) *snapshot.Report {
	t.Helper()
	r, err := c.Publish(t.Context(), "", snap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pattern(t testing.TB, s string) sysops.Pattern {
	t.Helper()
	p, err := sysops.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// contents returns "key: contents" for each object of the answer.
func contents(t testing.TB, c *sysops.Client, q sysops.Query) ([]string, *sysops.Completeness) {
	t.Helper()
	a, err := c.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for o, err := range a.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s: %s", o.Key, o.Contents))
	}
	return out, a.Completeness()
}
