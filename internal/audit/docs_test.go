package audit

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// The audit that docs/audits.md shows is no longer than it says, builds and answers.
func TestTheAuditOfTheDocsWorks(t *testing.T) {
	page, err := os.ReadFile("../../docs/audits.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/audits.md shows no audit")
	}
	if n := strings.Count(string(block[1]), "\n"); n > 40 {
		t.Errorf("it has %d lines", n)
	}
	source, program := filepath.Join(t.TempDir(), "rootlogin.go"), filepath.Join(t.TempDir(), "rootlogin")
	if err := os.WriteFile(source, block[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}

	url := redistest.Start(t).URL()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	object := func(name, text string) snapshot.Source {
		return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{Data: []byte(text)}, nil }}
	}
	_, err = client.Publish(t.Context(), "", snapshot.Snapshot{Host: "web1", Sources: []snapshot.Source{
		object("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nann:x:10:0::/:/bin/sh\n"),
		object("/etc/ssh/sshd_config", "Port 22\nPermitRootLogin yes\n"), object("/etc/motd", "root:x:0:\n"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, url)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	const want = "web1#/etc/passwd [\"root:x:0:\" \"toor:x:0:\"]\nweb1#/etc/ssh/sshd_config [\"PermitRootLogin yes\"]\n"
	if err != nil || string(out) != want || !strings.HasPrefix(stderr.String(), "1 of 1 hosts answered") {
		t.Errorf("%v: it prints\n%s%s", err, out, stderr.String())
	}
}
