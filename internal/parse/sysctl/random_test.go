package sysctl

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	randomCases = flag.Int("cases", 60, "how many random sets of damaged files are compared with the real sysctl")
	randomSeed  = flag.Uint64("seed", 1, "of the first of them; the next one has the next seed")
)

// TestRandomAsProcpsDecides compares what the real sysctl does with damaged files with what
// this package says. What differs is printed as small as it can be made. To look for more:
//
//	go test ./internal/parse/sysctl -run Random -cases 5000 -seed 1000
func TestRandomAsProcpsDecides(t *testing.T) {
	m := newMachine(t)
	assigned := 0
	for seed := *randomSeed; seed < *randomSeed+uint64(*randomCases); seed++ {
		files := damage(rand.New(rand.NewPCG(seed, 2)))
		want := m.dryRun(t, files)
		assigned += len(want)
		if slices.Equal(ours(t, files), want) {
			continue
		}
		m.shrink(t, files)
		t.Errorf("seed %d: we apply\n%q\nsysctl applies\n%q\nof %q", seed, ours(t, files), m.dryRun(t, files), files)
	}
	t.Logf("%d sets, %d assignments", *randomCases, assigned)
	if assigned < 4**randomCases {
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
