package directory

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

func TestAFileListsWhatItWasGivenInOrder(t *testing.T) {
	f, err := NewFile(map[string]map[string][]string{
		"west": {"w1": {"redis://c"}},
		"east": {"e2": {"redis://b", "redis://a", "redis://b"}, "e1": {"redis://d"}},
	}, "", "e2")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, row := range []struct {
		what string
		list func() ([]string, error)
		want []string
	}{
		{"sites", func() ([]string, error) { return f.Sites(ctx) }, []string{"east", "west"}},
		{"cores", func() ([]string, error) { return f.Cores(ctx, "east") }, []string{"e1", "e2"}},
		{"cores of an unknown site", func() ([]string, error) { return f.Cores(ctx, "north") }, nil},
		{"servers, each once", func() ([]string, error) { return f.Servers(ctx, "e2") }, []string{"redis://a", "redis://b"}},
		{"servers of an unknown core", func() ([]string, error) { return f.Servers(ctx, "e9") }, nil},
	} {
		if got, err := row.list(); err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, %v; want %q", row.what, got, err, row.want)
		}
	}
	if site, core, err := f.Local(ctx); site != "east" || core != "e2" || err != nil {
		t.Errorf("local: %s, %s, %v; the core tells the site", site, core, err)
	}
}

func fileSubject() subject {
	return subject{name: "file", noEmpty: true, serve: func(t *testing.T, w world) *backend {
		path := filepath.Join(t.TempDir(), "sites.yaml")
		text, err := yaml.Dump(map[string]any{"sites": w.sites})
		if err != nil {
			t.Fatal(err)
		}
		write := func(text string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
		write(string(text))
		return &backend{url: "file://" + path, garbles: []garble{
			{"cut within a list", func(int) { write("sites: {esv4: {a: [redis://b") }},
			{"no YAML", func(int) { write("<html>\x00") }},
			{"empty", func(int) { write("") }},
			{"a key that there is not", func(int) { write("sites: {}\nsitez: {}\n") }},
			{"servers that are no list", func(int) { write("sites: {esv4: {" + esv4First + ": redis://b}}\n") }},
			{"gone", func(int) { _ = os.Remove(path) }},
			{"a pipe", func(int) {
				_ = os.Remove(path)
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Error(err)
				}
			}},
		}}
	}}
}

func TestAFileThatChangesIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sites.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sites: {esv4: {c1: [redis://a]}}\nlocal: {core: c1}\n")
	dir, err := Open("file://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, want string) {
		t.Helper()
		if servers, err := dir.Servers(t.Context(), "c1"); err != nil || !slices.Equal(servers, []string{want}) {
			t.Errorf("%s: %q, %v", what, servers, err)
		}
	}
	check("at first", "redis://a")
	if site, core, err := dir.Local(t.Context()); site != "esv4" || core != "c1" || err != nil {
		t.Errorf("%q, %q, %v", site, core, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write("sites: {esv4: {c1: [redis://longer]}}\n")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	check("another size, at the same time", "redis://longer")

	old := path + ".old"
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	write("sites: {esv4: {c1: [redis://LONGER]}}\n")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	check("another inode, of the same size and time", "redis://LONGER")

	write("sites: {esv4: {c1: [redis://larger]}}\n")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	check("another time, of the same size", "redis://larger")
}

// What it said before may be wrong by now.
func TestAFileThatBecomesMalformedSaysWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sites.yaml")
	dir, err := Open("file://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ text, where string }{
		{"sites: {}\n", ""},
		{"sites:\n  esv4:\n    c1: redis://u:s3cret@a\n", path + ":3: its form is"},
		{"sites: {esv4: {c1: [redis://a]}}\n", ""},
		{"sites: {}\n\nsitez: {}\n", path + ":3:"},
		{"sites: {esv4: {}}\nlocal: {core: c9}\n", "c9"},
		{"sites: {esv4: {c1: []}}\n", "c1"},
		{"sites: {esv4: {c1: }}\n", "c1"},
		{"sites: {esv4: {}}\nlocal: {kore: c9}\n", path + ":2:"},
		{"sites:\n  a: {}\n  a: {}\n", path + ":3:"},
		{"sites: {a: {c1: []}}\n---\nsites: {}\n", path},
		{"sites:\n", path + ":1:"},
		{"- a\n", path + ":1:"},
		{"# nothing\n", path + ":1:"},
		{"sites: {}\n", ""},
	} {
		if err := os.WriteFile(path+".new", []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		sites, err := dir.Sites(t.Context())
		if row.where == "" {
			if err != nil {
				t.Errorf("%q: %v", row.text, err)
			}
			continue
		}
		if err == nil || sites != nil || !strings.Contains(err.Error(), row.where) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %q, %v", row.text, sites, err)
		}
	}
}
