package rooms

import (
	"strings"
	"testing"
)

func TestOurTableIsValid(t *testing.T) {
	if err := Ours.Valid(); err != nil {
		t.Error(err)
	}
}

func TestAForbiddenImportIsToldWithWhatToDo(t *testing.T) {
	for _, row := range []struct{ from, to, want string }{
		{"internal/store", "github.com/sysops-api/sysops-api/internal/lines", "internal/store may not import internal/lines: move what it needs below internal/store, or pass it in as a parameter; the table is in scripts/structure/rooms/table.go"},
		{"internal/store", "github.com/sysops-api/sysops-api", "internal/store may not import root: move what it needs below internal/store, or pass it in as a parameter; the table is in scripts/structure/rooms/table.go"},
		{"internal/lines", "github.com/sysops-api/sysops-api/internal/extract", ""},
		{"internal/audit/sudo", "github.com/sysops-api/sysops-api/internal/parse/sudoers", ""},
		{"internal/audit/sudo", "github.com/sysops-api/sysops-api/internal/parser", "internal/audit/sudo may not import internal/parser: move what it needs below internal/audit/sudo, or pass it in as a parameter; the table is in scripts/structure/rooms/table.go"},
		{"internal/cellar", "fmt", "internal/cellar is not in the table: give it a row in scripts/structure/rooms/table.go, with what it may import"},
		{"internal/store", "fmt", ""},
		{"internal/store", "github.com/redis/go-redis/v9/maintnotifications", ""},
		{"internal/lines", "github.com/redis/go-redis/v9", "internal/lines may not import github.com/redis/go-redis/v9, which is confined to internal/store: let one of them do it; the table is in scripts/structure/rooms/table.go"},
		{"internal/lines", "os/exec", "internal/lines may not import os/exec, which is confined to internal/acl, internal/collect, internal/directory, internal/redistest, internal/scripttest, internal/snmptest, scripts/tokenshapes: let one of them do it; the table is in scripts/structure/rooms/table.go"},
		{"internal/lines", "example.com/new", "internal/lines may not import example.com/new, which no package has yet: say in docs/decisions/0001-dependencies.md what it is for, and confine it in scripts/structure/rooms/table.go"},
	} {
		got := ""
		if err := Ours.Check(row.from, row.to); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s imports %s:\n got %s\nwant %s", row.from, row.to, got, row.want)
		}
	}
}

func TestAnInvalidTableIsTold(t *testing.T) {
	h := House{
		Module: "example.com/m", Where: "table.go",
		Rooms:    []Room{{"low", "high missing/..."}, {"high", "low"}, {"low", ""}},
		Confined: map[string][]string{"os/exec": {"attic"}},
	}
	err := h.Valid()
	if err == nil {
		t.Fatal("it is valid")
	}
	for _, want := range []string{
		"the row of low names high, which has no row before it", "the row of low names missing/..., which has no row before it",
		"low has two rows in table.go", "os/exec is confined to attic, which has no row in table.go",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told:\n%v", want, err)
		}
	}
}
