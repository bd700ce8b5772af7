package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Bob exchanges a file and a folder of his for links to root's as quickly as he can, while
// the agent pushes: nothing of root's gets into Redis.
func TestNothingOfRootsGetsIntoRedis(t *testing.T) {
	const bob, honest, rootOnly = 4001, "honest bytes\n", "root-only bytes\n"
	f := newFleet(t)
	at := func(name string) string { return filepath.Join(f.dir, name) }
	for _, dir := range []string{"bob", "bob/conf.d", "secrets"} {
		f.must(os.Mkdir(at(dir), 0o755))
	}
	f.must(os.Chmod(at("secrets"), 0o700))
	for name, text := range map[string]string{"bob/app.conf": honest, "bob/conf.d/a": honest, "secrets/a": rootOnly, "secrets/b": rootOnly} {
		f.must(os.WriteFile(at(name), []byte(text), 0o644))
	}
	f.must(os.Symlink(at("secrets/a"), at("bob/app.conf.evil")))
	f.must(os.Symlink("../secrets", at("bob/conf.d.evil")))
	for _, name := range []string{"bob", "bob/app.conf", "bob/conf.d", "bob/conf.d/a", "bob/app.conf.evil", "bob/conf.d.evil"} {
		f.must(os.Lchown(at(name), bob, bob))
	}
	f.must(os.Symlink(at("bob/app.conf"), at("outgoing/1")))
	f.must(os.Symlink(at("bob/conf.d"), at("outgoing/2")))
	f.must(os.WriteFile(at("outgoing/own"), []byte(honest), 0o600)) // a push is never empty

	f.push("web1")
	if n := f.expectAll("web1", honest); n != 3 {
		t.Fatalf("%d objects were pushed before anything happened", n)
	}
	defer hostfstest.Meanwhile(func() {
		for _, name := range []string{"bob/app.conf", "bob/conf.d"} {
			if err := hostfstest.Exchange(at(name), at(name+".evil")); err != nil {
				t.Error(err)
			}
		}
	})()
	for range redistest.Cases(t, 200) {
		f.push("web1", "--quiet")
		f.expectAll("web1", honest)
	}
}

// What users call their files does not look like something that the agent says: not in its
// log, and not in what CFEngine is told.
func TestNamesOfFilesMakeNoLinesOfTheirOwn(t *testing.T) {
	f := newFleet(t)
	conf := filepath.Join(f.dir, "conf.d")
	f.must(os.Mkdir(conf, 0o755))
	for i, name := range []string{"a\nsysops-agent: error: x", "b\nwarning: y\r\n+class"} {
		f.must(syscall.Mkfifo(filepath.Join(conf, name), 0o644))
		f.must(os.Symlink(name, filepath.Join(conf, fmt.Sprintf("link-%d\n+class", i))))
	}
	f.must(os.WriteFile(filepath.Join(conf, "file\n+class"), nil, 0o644))
	f.must(os.Symlink(conf, filepath.Join(f.dir, "outgoing/x")))
	f.must(os.WriteFile(filepath.Join(f.dir, "outgoing/own"), nil, 0o600))
	said := f.push("web1")
	if n := strings.Count(said, "it is a pipe, not a file\n"); n != 4 {
		t.Errorf("%d pipes are told of", n)
	}
	said += f.push("web1", "--cfengine")
	var out, stderr bytes.Buffer
	if code := run(t.Context(), []string{
		"sysops-agent", "check", "--config", f.config, "--server", f.server.URL(), "--host", "web1", "--outgoing", filepath.Join(f.dir, "outgoing"),
		"--json", filepath.Join(f.dir, "hw.json"), "--state", filepath.Join(f.dir, "state"),
	}, &out, &stderr); code != exitOK {
		t.Error(stderr.String())
	}
	for line := range strings.Lines(said + out.String()) {
		if strings.HasPrefix(line, "sysops-agent: error:") || strings.HasPrefix(line, "warning: y") || strings.HasPrefix(line, "+class") {
			t.Errorf("a line is %q", line)
		}
	}
}

// expectAll reads all objects of a host, which hold the same, and returns how many there
// are.
func (f *fleet) expectAll(host, text string) (n int) {
	f.t.Helper()
	c, err := sysops.New(sysops.ServerList(f.server.URL()), sysops.Options{})
	f.must(err)
	defer c.Close()
	p, err := sysops.ParsePattern(host + "#*")
	f.must(err)
	a, err := c.Ask(f.t.Context(), sysops.Query{Pattern: p})
	f.must(err)
	for o, err := range a.Objects(f.t.Context()) {
		f.must(err)
		if n++; string(o.Contents) != text {
			f.t.Errorf("%v is %q", o.Key, o.Contents)
		}
	}
	return n
}
