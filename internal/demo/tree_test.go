package demo

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysops-api/sysops-api/snapshot"
)

// Whatever a real machine's objects are called, their files lie in the tree.
func TestNoNameLeadsOutOfTheTree(t *testing.T) {
	for name, want := range map[string]string{
		"/etc/passwd": "etc/passwd", "/x.json@ps": "x.json@ps", "/../../etc/shadow": "%2e%2e/%2e%2e/etc/shadow", "/a/./b//c/": "a/%2e/b/c", "..": "%2e%2e",
		"/etc/..rc": "etc/..rc",
	} {
		if got := treePath(name); got != want || !filepath.IsLocal(got) {
			t.Errorf("%q lies at %q, want %q", name, got, want)
		}
	}
	dir := t.TempDir()
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "h.example.com")); err != nil {
		t.Fatal(err)
	}
	tree, err := openTree(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.close()
	snap := snapshot.Snapshot{Host: "h.example.com", Sources: []snapshot.Source{{Name: "/x", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte("x")}, nil
	}}}}
	if err := tree.write(t.Context(), &snap); err == nil {
		t.Error("it follows a link out of the tree")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside the tree: %v, %v", left, err)
	}
}
