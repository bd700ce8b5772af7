// Package contrib holds what drives sysops-agent on a host, one folder a program that
// does. Its tests run each with the real program.
package contrib

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// need fails the test where a program is missing, and names what installs it.
func need(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("cannot find %s: install it with: %s", program, install)
	}
	return path
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
