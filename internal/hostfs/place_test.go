package hostfs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// found returns what lies at a place of the world.
func (w *world) found(name string) Place {
	w.Helper()
	root, err := w.h.Root()
	w.must(err)
	at, err := root.Find(w.path(name), true)
	w.must(err)
	return at
}

func TestWhatNobodyElseCanChangeIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	w.file("etc/open", 0, 0o644, honest)
	w.file("etc/bobs", bob, 0o644, honest)
	w.file("etc/of-a-group", 0, 0o664, honest)
	w.file("etc/of-everyone", 0, 0o602, honest)
	w.file("home/bob/roots", 0, 0o644, honest)
	w.link("etc/to-bob", 0, "/home/bob/roots")
	w.link("home/bob/back", bob, "/etc/open")
	w.dir("shared", 0, os.ModeSticky|0o777)
	w.file("shared/roots", 0, 0o644, honest)
	w.file("shared/linked", 0, 0o644, honest)
	w.hardLink("shared/other", "shared/linked")
	for name, own := range map[string]bool{
		"etc/open": true, "etc/secret": true, "shared/roots": true,
		"etc/bobs": false, "etc/of-a-group": false, "etc/of-everyone": false, "home/bob/roots": false, "etc/to-bob": false, "home/bob/back": false,
		"shared/linked": false,
	} {
		at := w.found(name)
		if at.Own != own {
			t.Errorf("%s: own %v", name, at.Own)
		}
		root, err := w.h.Root()
		w.must(err)
		read, err := Read(root, w.path(name), true, func(f *File) (Place, error) { return f.Place(), nil })
		if err == nil && (read.Own != own || read.Real != at.Real || !slices.Equal(read.Ways, at.Ways)) {
			t.Errorf("%s: it is read at %+v, and was found at %+v", name, read, at)
		}
	}
}

// What was said on the way is part of what a file is called.
func TestAPlaceKnowsTheWaysThatLedThere(t *testing.T) {
	w := newWorld(t)
	w.dir("data", 0, 0o755)
	w.dir("data/below", 0, 0o755)
	w.file("data/below/file", 0, 0o644, honest)
	w.link("etc/a", 0, "/etc/b/below/file")
	w.link("etc/b", 0, "../data")
	w.link("etc/c", 0, "b")
	for name, want := range map[string][]string{
		"data/below/file":  {},
		"etc/a":            {"data/below/file", "etc/b/below/file"},
		"etc/c/below/file": {"data/below/file", "etc/b/below/file"},
	} {
		for i := range want {
			want[i] = w.path(want[i])
		}
		if got := w.found(name).Ways; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	folder := w.found("etc/c").Folder // and what is found from there has come the same way
	at, err := folder.Find("below/file", true)
	w.must(err)
	if want := []string{w.path("data/below/file"), w.path("etc/b/below/file")}; !slices.Equal(at.Ways, want) {
		t.Errorf("from a folder: %q", at.Ways)
	}
}

// Who nests links and folders has no folder remember all that is above it.
func TestTheWaysToAPlaceAreBounded(t *testing.T) {
	w := newWorld(t)
	name := strings.Repeat("x", 200)
	folder := w.found("home/bob").Folder
	var err error
	for i := range 200 {
		w.dir(fmt.Sprintf("home/bob/%d", i), bob, 0o755)
		w.link(fmt.Sprintf("home/bob/%d/%s", i, name), bob, fmt.Sprintf("/home/bob/%d", i+1))
	}
	for at := (Place{}); err == nil; folder = at.Folder {
		next := name
		if at.Folder == nil {
			next = "0/" + name
		}
		if at, err = folder.Find(next, true); len(strings.Join(at.Ways, "")) > mostWays {
			t.Fatalf("%d bytes", len(strings.Join(at.Ways, "")))
		}
	}
	if !errors.Is(err, errWays) {
		t.Error(err)
	}
}
