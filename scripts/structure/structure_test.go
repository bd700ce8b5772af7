package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/scripts/structure/rooms"
)

// tiny is the house of testdata, and its table.
func tiny(t *testing.T) *module {
	t.Helper()
	m, err := read("testdata/house", &rooms.House{
		Module: "example.com/house", Where: "table.go",
		Rooms: []rooms.Room{
			{Path: "internal/low"},
			{Path: "internal/mute"},
			{Path: "internal/high"},
			{Path: rooms.Root, Imports: "internal/high"},
			{Path: "internal/to/come"},
		},
		Confined: map[string][]string{"os/exec": {"internal/mute"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEachFaultIsASentenceThatSaysWhatToDo(t *testing.T) {
	faults, ahead := tiny(t).check(&limits{
		fileLines: limit{18, 10}, functionLines: limit{5, 5}, rootTypes: limit{2, 1}, rootFiles: limit{2, 2},
	})
	want := []string{
		"internal/attic is not in the table: give it a row in table.go, with what it may import",
		"internal/low/low.go:11: long has 6 lines, more than 5: make its steps functions with names of their own",
		"internal/low/low.go: internal/low may not import os/exec, which is confined to internal/mute: let one of them do it; the table is in table.go",
		"internal/low/low.go: internal/low may not import internal/high: move what it needs below internal/low, or pass it in as a parameter; the table is in table.go",
		"internal/low/low.go: internal/low may not import example.com/stranger, which no package has yet: say in docs/decisions/0001-dependencies.md what it is for, and confine it in table.go",
		"internal/low/low_test.go:5: TestLong has 6 lines, more than 5: make its steps functions with names of their own",
		"internal/low/other.go: internal/low may not import internal/high: move what it needs below internal/low, or pass it in as a parameter; the table is in table.go",
		"internal/mute does not say what it is for: begin its package comment with a sentence that does",
		"the root exports 3 types, more than 2: let the package that a type belongs to have it, or make it one with another",
		"the root has 3 files of Go, more than 2: move tests beside what they test, and what is no noun of the API into a package of its own",
		"house.go has 19 lines, more than 18: split it by what its parts are about",
	}
	same(t, faults, want)
	same(t, ahead, []string{
		"internal/low/low.go has 18 lines, more than 10: split it by what its parts are about",
	})
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestThePackagesArePrintedFromTheLowestUp(t *testing.T) {
	m := tiny(t)
	for file, print := range map[string]func(io.Writer){"testdata/house.txt": m.print, "testdata/house.md": m.markdown} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if print(&got); got.String() != string(want) {
			t.Errorf("got\n%s\nwant %s:\n%s", got.String(), file, want)
		}
	}
}

func TestAModuleThatCannotBeReadIsAnError(t *testing.T) {
	for _, dir := range []string{"testdata/house/testdata", "testdata/missing"} {
		if _, err := read(dir, &rooms.Ours); err == nil || !strings.HasPrefix(err.Error(), "cannot read the module: ") {
			t.Errorf("%s: the error is %v", dir, err)
		}
	}
}
