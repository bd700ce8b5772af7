package directory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Whoever can change what names the servers has the password sent to their own; whoever can
// change a program has it run by root.
func TestADirectoryThatOthersCanChangeIsNotAsked(t *testing.T) {
	folder := t.TempDir()
	path := func(name, text string) string {
		file := filepath.Join(folder, name)
		redistest.WriteProgram(t, file, text)
		return file
	}
	for _, row := range []struct{ url, file string }{
		{"file://", path("sites.yaml", "sites: {s: {k: ['redis://127.0.0.1:1/0']}}\n")},
		{"cmconf://", path("cm.conf", "PRIMARY_MPS:127.0.0.1:1\n")},
		{"exec://", path("program", "#!/bin/sh\necho '{}'; touch "+filepath.Join(folder, "it-ran")+"\n")},
		{"consul://127.0.0.1:1?token_file=", path("token", "secret\n")},
	} {
		if err := os.Chmod(row.file, 0o720); err != nil {
			t.Fatal(err)
		}
		dir, err := Open(row.url+row.file, Options{})
		if err == nil {
			_, err = dir.Sites(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "its group may write to it (mode 0720): chmod go-w "+row.file) {
			t.Errorf("%s: %v", row.url, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "it-ran")); err == nil {
		t.Error("the program was run")
	}
}
