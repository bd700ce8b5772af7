package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/cli"
)

// A flag may be a line of the config, which the other command reads as well: the list of
// this command's flags is what it has. UPDATE=1 writes it.
func TestTheListOfFlags(t *testing.T) {
	path := filepath.Join("..", "..", filepath.FromSlash(cli.FlagLists), "sysops")
	want := strings.Join(cli.FlagNames(newRoot(newUI(strings.NewReader(""), nil, nil))), "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the command has: UPDATE=1 go test ./cmd/... -run TestTheListOfFlags writes it", path)
	}
}
