package redistest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// BuildAt builds a command of this module as it was at a commit, from the history of the repository that the test runs
// in, and returns the program's path. extra are files, by their paths, that are put into the tree before: a command that
// only the test needs. Each pkg is built once a process for each commit.
func BuildAt(t testing.TB, commit, pkg string, extra map[string]string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(commit+" "+pkg, sync.OnceValues(func() (string, error) { return buildAt(commit, pkg, extra) }))
	file, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func buildAt(commit, pkg string, extra map[string]string) (string, error) {
	base, err := buildDir()
	if err != nil {
		return "", fmt.Errorf("cannot make folder for builds: %w", err)
	}
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		return "", fmt.Errorf("cannot make folder for %q: %w", pkg, err)
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find module: %w", err)
	}
	archive := exec.Command("git", "archive", commit)
	archive.Dir = filepath.Dir(strings.TrimSpace(string(mod)))
	var complaint bytes.Buffer
	archive.Stderr = &complaint
	tree, err := archive.Output()
	if err != nil {
		return "", fmt.Errorf("cannot get commit %s out of the history (where a clone is shallow: git fetch --unshallow): %w\n%s", commit, err, complaint.Bytes())
	}
	unpack := exec.Command("tar", "-x", "-C", dir)
	unpack.Stdin = bytes.NewReader(tree)
	if out, err := unpack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot unpack commit %s: %w\n%s", commit, err, out)
	}
	for name, text := range extra {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "built-"+path.Base(pkg))
	build := exec.Command("go", "build", "-trimpath", "-o", file, pkg) // so that another folder's build can be used again
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %q of commit %s: %w\n%s", pkg, commit, err, out)
	}
	return file, nil
}
