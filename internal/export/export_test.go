package export_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/export"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A cache is one server with what hosts have pushed.
type cache struct {
	*testing.T
	server *redistest.Server
	client *sysops.Client
}

func newCache(t *testing.T) *cache {
	server := redistest.Start(t)
	client, err := sysops.New(sysops.ServerList(server.URL()), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &cache{t, server, client}
}

// A file is an object as a host has it.
type file struct {
	contents string
	mtime    int64 // 0: there is no stat
	mode     uint32
}

func text(contents string) file { return file{contents, 1700000000, 0o100644} }

func (c *cache) push(host string, files map[string]file) {
	c.Helper()
	snap := snapshot.Snapshot{Host: host}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		content := snapshot.Content{Data: []byte(f.contents)}
		if f.mtime != 0 {
			content.Stat = &snapshot.Stat{Mode: f.mode, Size: int64(len(f.contents)), Mtime: f.mtime}
		}
		snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) { return content, nil }})
	}
	if _, err := c.client.Publish(c.Context(), "", snap); err != nil {
		c.Fatal(err)
	}
}

func (c *cache) ask(pattern string) *sysops.Answer {
	c.Helper()
	p, err := sysops.ParsePattern(pattern)
	if err != nil {
		c.Fatal(err)
	}
	a, err := c.client.Ask(c.Context(), sysops.Query{Pattern: p, CheckKeys: true})
	if err != nil {
		c.Fatal(err)
	}
	return a
}

// export updates the tree at dir, and fails the test unless the report is want, which
// needs to hold the counts alone.
func (c *cache) export(dir string, o export.TreeOptions, want export.Report) *export.Report {
	c.Helper()
	return c.exportPart(dir, "*#*", o, want)
}

func (c *cache) exportPart(dir, pattern string, o export.TreeOptions, want export.Report) *export.Report {
	c.Helper()
	tree, err := export.OpenTree(dir, o)
	if err != nil {
		c.Fatal(err)
	}
	defer tree.Close()
	got, err := tree.Update(c.Context(), c.ask(pattern))
	if err != nil {
		c.Fatal(err)
	}
	counts := func(r *export.Report) string {
		return fmt.Sprintf("written %d, linked %d, touched %d, unchanged %d, purged %d, refused %d, kept %d",
			r.Written, r.Linked, r.Touched, r.Unchanged, r.Purged, r.Refused.Count, r.Kept.Count)
	}
	if counts(got) != counts(&want) {
		c.Errorf("%s\nwant %s\nrefused %v, kept %v", counts(got), counts(&want), got.Refused.First, got.Kept.First)
	}
	return got
}

const own = ".sysops-export"

// contents returns the files below dir but for what export knows of them.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == own {
				return fs.SkipDir
			}
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *cache) holds(dir string, want map[string]string) {
	c.Helper()
	if got := contents(c, dir); !maps.Equal(got, want) {
		c.Errorf("the tree holds %q\nwant %q", got, want)
	}
}

func stat(t testing.TB, path string) fs.FileInfo {
	t.Helper()
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestATreeHoldsTheObjects(t *testing.T) {
	c, dir := newCache(t), filepath.Join(t.TempDir(), "new", "tree")
	c.push("web1", map[string]file{
		"/etc/motd": text("hi\n"), "/etc/x@sysctl-a": {contents: "a = 1\n"}, "/empty": text(""), "uptime": {contents: "up"}, "/etc/ü b": text("\x00\xff"),
	})
	c.push("web2", map[string]file{"/etc/motd": text("ho\n")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 6})
	want := map[string]string{
		"default/web1/etc/motd": "hi\n", "default/web1/etc/x@sysctl-a": "a = 1\n", "default/web1/empty": "", "default/web1/uptime": "up",
		"default/web1/etc/ü b": "\x00\xff", "default/web2/etc/motd": "ho\n",
	}
	c.holds(dir, want)
	before := stat(t, filepath.Join(dir, "default/web1/etc/motd"))
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 6})
	if after := stat(t, filepath.Join(dir, "default/web1/etc/motd")); !os.SameFile(before, after) {
		t.Error("a file that has not changed was written again")
	}
	c.exportPart(dir, "/etc/motd", export.TreeOptions{}, export.Report{Unchanged: 2})
	if left, _ := os.ReadDir(filepath.Join(dir, own, "tmp")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestFilesHaveASafeModeAndTheHostsMtime(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{
		"/bin/su": {"x", 1234567890, 0o106755}, "/dev/null": {"", 1600000000, 0o020666}, "/output": {contents: "x"},
		"/before": {"x", -5, 0o100644}, "/after": {"x", 1 << 35, 0o100644},
	})
	start := time.Now().Add(-time.Hour)
	c.export(dir, export.TreeOptions{}, export.Report{Written: 5})
	for name, want := range map[string]int64{"bin/su": 1234567890, "dev/null": 1600000000, "before": 0, "after": 0} {
		fi := stat(t, filepath.Join(dir, "default/web1", name))
		if fi.Mode() != 0o600 || fi.ModTime().Unix() != want {
			t.Errorf("%s has mode %v and mtime %v; want 0600 and %v", name, fi.Mode(), fi.ModTime(), time.Unix(want, 0))
		}
	}
	if fi := stat(t, filepath.Join(dir, "default/web1/output")); fi.ModTime().Before(start) {
		t.Errorf("the output of a command has mtime %v: not since when the cache has it", fi.ModTime())
	}
	if fi := stat(t, filepath.Join(dir, "default/web1/bin")); fi.Mode() != fs.ModeDir|0o700 {
		t.Errorf("a folder has mode %v", fi.Mode())
	}
	c.export(dir, export.TreeOptions{Mode: 0o640}, export.Report{Touched: 5})
	for name, want := range map[string]fs.FileMode{"bin/su": 0o640, "bin": fs.ModeDir | 0o750, "": fs.ModeDir | 0o750} {
		if fi := stat(t, filepath.Join(dir, "default/web1", name)); fi.Mode() != want {
			t.Errorf("after another --mode, %q has mode %v; want %v", name, fi.Mode(), want)
		}
	}
	c.export(dir, export.TreeOptions{Mode: 0o640}, export.Report{Unchanged: 5})
}

// Whoever may read the files may get to them, whatever the umask. A folder that somebody
// has made keeps its mode.
func TestTheFolderItself(t *testing.T) {
	c, made := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/a": text("x")})
	if err := os.Chmod(made, 0o711); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0o077))
	ours := filepath.Join(t.TempDir(), "fleet") + "/"
	for dir, want := range map[string]fs.FileMode{ours: 0o755, made: 0o711} {
		c.export(dir, export.TreeOptions{Mode: 0o644}, export.Report{Written: 1})
		if fi := stat(t, dir); fi.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v", dir, fi.Mode(), want)
		}
	}
}

// What size and mtime do not tell is told by the index, and what the index does not know
// (an edit of the exported file) by size and mtime.
func TestEveryChangeIsNoticed(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/a": text("one"), "/b": text("one")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 2})
	a := filepath.Join(dir, "default/web1/a")

	c.push("web1", map[string]file{"/a": text("two"), "/b": text("one")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 1, Unchanged: 1})
	c.holds(dir, map[string]string{"default/web1/a": "two", "default/web1/b": "one"})

	before := stat(t, a)
	c.push("web1", map[string]file{"/a": {"two", 1800000000, 0o100644}, "/b": text("one")})
	c.export(dir, export.TreeOptions{}, export.Report{Touched: 1, Unchanged: 1})
	if after := stat(t, a); !os.SameFile(before, after) || after.ModTime().Unix() != 1800000000 {
		t.Errorf("only mtime has changed, and the file was written again, or has mtime %v", after.ModTime())
	}

	c.push("web1", map[string]file{"/a": {"two", 1800000000, 0o100600}, "/b": text("one")})
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 2}) // no file has the host's mode

	for what, edit := range map[string]func() error{
		"edited": func() error { return os.WriteFile(a, []byte("TWO"), 0o600) },
		"cut": func() error {
			return errors.Join(os.Truncate(a, 1), os.Chtimes(a, before.ModTime(), time.Unix(1800000000, 0)))
		},
		"removed":  func() error { return os.Remove(a) },
		"replaced": func() error { return errors.Join(os.Remove(a), os.Symlink("b", a)) },
	} {
		if err := edit(); err != nil {
			t.Fatal(err)
		}
		c.export(dir, export.TreeOptions{}, export.Report{Written: 1, Unchanged: 1})
		if got := contents(t, dir); got["default/web1/a"] != "two" || got["default/web1/b"] != "one" || !stat(t, a).Mode().IsRegular() {
			t.Errorf("%s: the tree holds %q", what, got)
		}
	}
}

// The index of a host that lies about its contents costs reading them, nothing else.
func TestARecordThatIsNotTrue(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/a": text("one")})
	c.push("web2", map[string]file{"/a": text("two")})
	forged := c.server.Must("HGET", "$of:web1", "/a").(string)
	c.server.Must("HSET", "$of:web2", "/a", forged)
	c.export(dir, export.TreeOptions{}, export.Report{Written: 2})
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 2})
	c.holds(dir, map[string]string{"default/web1/a": "one", "default/web2/a": "two"})
}

func TestNamesThatAreNoPathsAreRefused(t *testing.T) {
	c := newCache(t)
	outside := t.TempDir()
	dir := filepath.Join(outside, "a", "b", "tree")
	names := []string{
		"/../../../x", "../x", "..", ".", "/", "//etc/x", "/etc/./x", "/etc/../x", "/etc/", "x\x00y", "x\ny", "/" + strings.Repeat("x", 300), "\x1b[2J",
	}
	files := map[string]file{"/good": text("good")}
	for _, n := range names {
		files[n] = text("bad")
	}
	c.push("web1", files)
	c.push("..", map[string]file{"/x": text("bad")})
	c.push(".", map[string]file{"/x": text("bad")})
	r := c.export(dir, export.TreeOptions{}, export.Report{Written: 1, Refused: export.Refusals{Count: len(names) + 2}})
	if n := len(r.Refused.First); n != 10 {
		t.Errorf("%d refused objects are named", n)
	}
	c.holds(outside, map[string]string{"a/b/tree/default/web1/good": "good"})
}

func TestNamesThatWouldBeTheSameFile(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/etc/x": text("with"), "etc/x": text("without"), "/a": text("file"), "/a/b": text("below it"), "/a/b/c": text("below that")})
	c.push("web2", map[string]file{"/a/b": text("a folder here")})
	want := map[string]string{"default/web1/etc/x": "with", "default/web1/a": "file", "default/web2/a/b": "a folder here"}
	c.export(dir, export.TreeOptions{}, export.Report{Written: 3, Refused: export.Refusals{Count: 3}})
	c.holds(dir, want)
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 3, Refused: export.Refusals{Count: 3}})

	// what was a file is a folder now, and the other way round
	c.push("web1", map[string]file{"/a/b": text("below")})
	c.push("web2", map[string]file{"/a": text("file")})
	c.export(dir, export.TreeOptions{}, export.Report{Refused: export.Refusals{Count: 2}})
	c.holds(dir, want)
	c.export(dir, export.TreeOptions{Purge: true}, export.Report{Written: 2, Purged: 3})
	c.holds(dir, map[string]string{"default/web1/a/b": "below", "default/web2/a": "file"})
}

// Links that somebody has put into the tree lead nowhere outside.
func TestPlantedLinksAreNotFollowedOutside(t *testing.T) {
	c, outside, dir := newCache(t), t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "etc/motd"), "theirs")
	c.push("web1", map[string]file{"/etc/motd": text("one"), "/b": text("two")})
	c.exportPart(dir, "/b", export.TreeOptions{}, export.Report{Written: 1})
	if err := os.Symlink(filepath.Join(outside, "etc"), filepath.Join(dir, "default/web1/etc")); err != nil {
		t.Fatal(err)
	}
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 1, Refused: export.Refusals{Count: 1}})
	if got := contents(t, outside); !maps.Equal(got, map[string]string{"etc/motd": "theirs"}) {
		t.Errorf("outside there is %q", got)
	}

	// as the file itself, it is replaced
	if err := os.Remove(filepath.Join(dir, "default/web1/etc")); err != nil {
		t.Fatal(err)
	}
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 1, Written: 1})
	motd := filepath.Join(dir, "default/web1/etc/motd")
	if err := errors.Join(os.Remove(motd), os.Symlink(filepath.Join(outside, "etc/motd"), motd)); err != nil {
		t.Fatal(err)
	}
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 1, Written: 1})
	if got := contents(t, outside)["etc/motd"]; got != "theirs" || !stat(t, motd).Mode().IsRegular() {
		t.Errorf("outside there is %q, and the file is %v", got, stat(t, motd).Mode())
	}
}

func TestPurgeRemovesWhatIsGoneAndNothingElse(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/etc/a": text("a"), "/etc/deep/b": text("b"), "/etc/edited": text("mine")})
	c.push("web2", map[string]file{"/etc/a": text("a"), "/only/here": text("x")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 5})
	write(t, filepath.Join(dir, "default/web2/notes"), "of mine")
	write(t, filepath.Join(dir, "default/web1/etc/edited"), "by me")
	c.push("web1", map[string]file{"/etc/a": text("a")})
	c.push("web2", map[string]file{"/etc/a": text("a")})

	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 2})
	c.exportPart(dir, "/etc/a", export.TreeOptions{Purge: true}, export.Report{Unchanged: 2}) // of others it says nothing
	var would []string
	c.export(dir, export.TreeOptions{Purge: true, DryRun: true, Changed: func(verb, path string) { would = append(would, verb+" "+path) }},
		export.Report{Unchanged: 2, Purged: 2, Kept: export.Refusals{Count: 1}})
	slices.Sort(would)
	if want := []string{"purge default/web1/etc/deep/b", "purge default/web2/only/here"}; !slices.Equal(would, want) {
		t.Errorf("a dry run tells %q, want %q", would, want)
	}
	if n := len(contents(t, dir)); n != 6 {
		t.Errorf("a dry run left %d of 6 files", n)
	}
	c.export(dir, export.TreeOptions{Purge: true}, export.Report{Unchanged: 2, Purged: 2, Kept: export.Refusals{Count: 1}})
	c.holds(dir, map[string]string{
		"default/web1/etc/a": "a", "default/web1/etc/edited": "by me", "default/web2/etc/a": "a", "default/web2/notes": "of mine",
	})
	for _, empty := range []string{"default/web1/etc/deep", "default/web2/only"} {
		if _, err := os.Stat(filepath.Join(dir, empty)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the empty folder %s is still there", empty)
		}
	}
	c.export(dir, export.TreeOptions{Purge: true}, export.Report{Unchanged: 2, Kept: export.Refusals{Count: 1}})
}

// A host whose snapshot has expired is merely missing; one that was forgotten is gone.
func TestPurgeLeavesHostsThatAreMissing(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/a": text("a")})
	c.push("web2", map[string]file{"/a": text("a")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 2})
	c.server.Must("HSET", "$of:web2", "$expires", "1")
	c.server.Must("ZADD", "$live", "1", "web2")
	c.export(dir, export.TreeOptions{Purge: true}, export.Report{Unchanged: 1})
	if a, b := c.ask("*#*").Len(), len(contents(t, dir)); a != 1 || b != 2 {
		t.Errorf("%d objects are left and %d files, want 1 and 2", a, b)
	}
	gone, err := hostset.Of([]string{"web2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.client.Forget(t.Context(), sysops.Where{Hosts: gone}); err != nil {
		t.Fatal(err)
	}
	c.export(dir, export.TreeOptions{Purge: true}, export.Report{Unchanged: 1, Purged: 1})
	c.holds(dir, map[string]string{"default/web1/a": "a"})
}

func TestLinks(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	for _, host := range []string{"web1", "web2", "web3"} {
		c.push(host, map[string]file{"/a": text("same"), "/b": text("of " + host)})
	}
	at := func(host string) string { return filepath.Join(dir, "default", host, "a") }
	same := func(x, y string) bool { return os.SameFile(stat(t, at(x)), stat(t, at(y))) }
	link := export.TreeOptions{Link: true}
	c.exportPart(dir, "web1#*", export.TreeOptions{}, export.Report{Written: 2})
	c.export(dir, link, export.Report{Unchanged: 2, Linked: 2, Written: 2})
	if !same("web1", "web2") || !same("web1", "web3") {
		t.Error("identical contents are several files")
	}
	c.export(dir, link, export.Report{Unchanged: 6})

	// one changes, and the others do not with it
	c.push("web2", map[string]file{"/a": text("other"), "/b": text("of web2")})
	c.export(dir, link, export.Report{Unchanged: 5, Written: 1})
	if got := contents(t, dir); got["default/web1/a"] != "same" || got["default/web2/a"] != "other" || !same("web1", "web3") {
		t.Errorf("after one has changed, the tree holds %q", got)
	}

	// without --link, a change of mtime is that of one host alone
	c.push("web3", map[string]file{"/a": {"same", 1800000000, 0o100644}, "/b": text("of web3")})
	c.export(dir, link, export.Report{Unchanged: 6})
	c.push("web3", map[string]file{"/a": {"same", 1900000000, 0o100644}, "/b": text("of web3")})
	c.export(dir, export.TreeOptions{}, export.Report{Unchanged: 5, Written: 1})
	if same("web1", "web3") || stat(t, at("web1")).ModTime().Unix() != 1700000000 || stat(t, at("web3")).ModTime().Unix() != 1900000000 {
		t.Error("a change of one host's mtime is another's too")
	}

	// who edits one edits all of them: they are written again, and are links again
	c.push("web3", map[string]file{"/a": text("same"), "/b": text("of web3")})
	c.export(dir, link, export.Report{Unchanged: 5, Linked: 1})
	write(t, at("web1"), "edited!")
	c.export(dir, link, export.Report{Unchanged: 4, Written: 1, Linked: 1})
	if got := contents(t, dir); got["default/web1/a"] != "same" || got["default/web3/a"] != "same" || !same("web1", "web3") {
		t.Errorf("after an edit, the tree holds %q", got)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	c, dir := newCache(t), filepath.Join(t.TempDir(), "tree")
	c.push("web1", map[string]file{"/a": text("a"), "/b": text("b")})
	var would []string
	dry := export.TreeOptions{DryRun: true, Purge: true, Link: true, Changed: func(verb, path string) { would = append(would, verb+" "+path) }}
	c.export(dir, dry, export.Report{Written: 2})
	if want := []string{"write default/web1/a", "write default/web1/b"}; !slices.Equal(would, want) {
		t.Errorf("it tells %q, want %q", would, want)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it has made the folder")
	}
	c.export(dir, export.TreeOptions{}, export.Report{Written: 2})
	c.push("web1", map[string]file{"/a": text("A"), "/b": text("b")})
	would = nil
	c.export(dir, dry, export.Report{Written: 1, Unchanged: 1})
	if want := []string{"write default/web1/a"}; !slices.Equal(would, want) {
		t.Errorf("it tells %q, want %q", would, want)
	}
	c.holds(dir, map[string]string{"default/web1/a": "a", "default/web1/b": "b"})
}

func TestOnlyAFolderOfItsOwnIsATree(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis"), "x")
	open := func(dir string) error {
		tree, err := export.OpenTree(dir, export.TreeOptions{})
		if err == nil {
			tree.Close()
		}
		return err
	}
	if err := open(dir); err == nil || !strings.Contains(err.Error(), "no export has written") {
		t.Errorf("with files in it: %v", err)
	}
	if err := open(filepath.Join(dir, "thesis")); err == nil {
		t.Error("a file is taken for a folder")
	}
	fresh := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(fresh, own)); err != nil {
		t.Fatal(err)
	}
	if err := open(fresh); err == nil {
		t.Error("a link is taken for what export knows")
	}
	held, err := export.OpenTree(filepath.Join(dir, "tree"), export.TreeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(filepath.Join(dir, "tree")); err == nil || !strings.Contains(err.Error(), "another export is writing there") {
		t.Errorf("open twice: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tree", own, "tmp")); err != nil {
		t.Errorf("who is refused has disturbed who writes: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(filepath.Join(dir, "tree")); err != nil {
		t.Errorf("open again: %v", err)
	}
}

// What was written before an interruption is known, and the rest is written next time.
func TestAnInterruptedUpdateIsGoneOnWith(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	files := make(map[string]file)
	for n := range 50 {
		files[fmt.Sprintf("/f%02d", n)] = text(fmt.Sprint(n))
	}
	c.push("web1", files)
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	tree, err := export.OpenTree(dir, export.TreeOptions{Progress: func() {
		if steps++; steps == 20 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	r, err := tree.Update(ctx, c.ask("*#*"))
	if !errors.Is(err, context.Canceled) || r.Written < 20 || r.Written == 50 {
		t.Fatalf("%d files were written, then %v", r.Written, err)
	}
	if n := len(contents(t, dir)); n != r.Written {
		t.Errorf("%d files are there, and %d were written", n, r.Written)
	}
	again, err := tree.Update(t.Context(), c.ask("*#*"))
	if err != nil || again.Written != 50-r.Written || again.Unchanged != r.Written {
		t.Errorf("then %d are written and %d unchanged: %v", again.Written, again.Unchanged, err)
	}
}

// Until the folder can be written again, nothing is lost, and nothing half done.
func TestAFileSystemThatFails(t *testing.T) {
	c, dir := newCache(t), t.TempDir()
	c.push("web1", map[string]file{"/a": text("one")})
	c.export(dir, export.TreeOptions{}, export.Report{Written: 1})
	c.push("web1", map[string]file{"/a": text("two")})
	tree, err := export.OpenTree(dir, export.TreeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	tmp := filepath.Join(dir, own, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Update(t.Context(), c.ask("*#*")); err == nil || !strings.Contains(err.Error(), "cannot export web1#/a: ") {
		t.Errorf("without a place for temporary files: %v", err)
	}
	c.holds(dir, map[string]string{"default/web1/a": "one"})
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	if r, err := tree.Update(t.Context(), c.ask("*#*")); err != nil || r.Written != 1 {
		t.Errorf("with it again: %+v, %v", r, err)
	}
	c.holds(dir, map[string]string{"default/web1/a": "two"})
}
