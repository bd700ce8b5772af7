package scripttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FlagList makes sure that a file lists these flags, a name a line: those that a command
// has. UPDATE=1 in the environment writes it.
func FlagList(t *testing.T, file string, flags []string) {
	t.Helper()
	path := filepath.FromSlash(file)
	want := strings.Join(flags, "\n") + "\n"
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
