//go:build gitleaks

package redact

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGitleaksFindsNothingInWhatIsSent asks a program that others wrote and whose rules are
// many more than ours. It is built from the module proxy, so that nothing of it is in go.mod.
func TestGitleaksFindsNothingInWhatIsSent(t *testing.T) {
	bin := t.TempDir()
	install := exec.Command("go", "install", "github.com/zricethezav/gitleaks/v8@v8.30.1")
	install.Dir = bin
	install.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("cannot build gitleaks: %v\n%s", err, out)
	}
	before, after := t.TempDir(), t.TempDir()
	for i, p := range plant(t) {
		name := fmt.Sprintf("%03d-%s", i, filepath.Base(p.name))
		clean, _ := New(nil).Object(p.name, []byte(p.text))
		for dir, data := range map[string][]byte{before: []byte(p.text), after: clean} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found := gitleaks(t, bin, before); len(found) < 20 {
		t.Errorf("gitleaks finds %d secrets before redaction, too few to tell anything", len(found))
	}
	for _, f := range gitleaks(t, bin, after) {
		t.Errorf("%s: gitleaks' rule %s finds %q", filepath.Base(f.File), f.RuleID, f.Match)
	}
}

// A leak is what gitleaks reports of one.
type leak struct{ File, RuleID, Match string }

func gitleaks(t *testing.T, bin, dir string) []leak {
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command(filepath.Join(bin, "gitleaks"), "dir", dir, "--no-banner", "--exit-code", "0", "--report-format", "json", "--report-path", report)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var found []leak
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	return found
}
