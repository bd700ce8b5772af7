package directory

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

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
	return subject{name: "file", serve: func(t *testing.T, w world) *backend {
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
		}}
	}}
}
