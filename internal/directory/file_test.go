package directory

import (
	"slices"
	"testing"
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
