package sysctl

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

var randomSeed = flag.Uint64("seed", 1, "of the first random set of damaged files; the next one has the next seed")

// TestRandomAsProcpsDecides compares what the real sysctl does with damaged files with what
// this package says. What differs is printed as small as it can be made. To look for more:
//
//	RANDOM_CASES=100 go test ./internal/parse/sysctl -run Random -seed 1000
func TestRandomAsProcpsDecides(t *testing.T) {
	m := newMachine(t)
	cases, assigned := redistest.Cases(t, 60), 0
	for seed := *randomSeed; seed < *randomSeed+uint64(cases); seed++ {
		files := damage(rand.New(rand.NewPCG(seed, 2)))
		want := m.dryRun(t, files)
		assigned += len(want)
		if slices.Equal(ours(t, files), want) {
			continue
		}
		m.shrink(t, files)
		t.Errorf("seed %d: we apply\n%q\nsysctl applies\n%q\nof %q", seed, ours(t, files), m.dryRun(t, files), files)
	}
	t.Logf("%d sets, %d assignments", cases, assigned)
	if assigned < 4*cases {
		t.Error("too little is compared")
	}
}

// shrink leaves out of the files what the difference does not need: ever smaller pieces.
func (m *machine) shrink(t *testing.T, files []File) {
	t.Helper()
	for i := range files {
		text := &files[i].Contents
		for size := len(*text) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(*text); {
				all := *text
				*text = all[:at] + all[at+size:]
				if slices.Equal(ours(t, files), m.dryRun(t, files)) {
					*text = all
					at += size
				}
			}
		}
	}
}

// damage makes a set of files as generate does, and changes a few bytes of each.
func damage(r *rand.Rand) []File {
	const special = "-=#;./*?[]!^\\ \t\v\f\r\n\x00\xa0\xff{},~:\"'a0z"
	byName := make(map[string]string)
	for _, f := range generate(r) {
		byName[f.Name] = f.Contents
	}
	var files []File
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		text := byName[name]
		for range r.IntN(6) {
			at := r.IntN(len(text) + 1)
			end := min(len(text), at+r.IntN(3))
			text = text[:at] + strings.Repeat(special[r.IntN(len(special)):][:1], r.IntN(3)) + text[end:]
		}
		files = append(files, File{name, text})
	}
	return files
}
