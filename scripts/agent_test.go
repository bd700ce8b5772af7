package scripts

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever the agent links is code that could run as root on every machine: each module
// has a use that docs/security.md tells.
func TestTheAgentLinksWhatIsTold(t *testing.T) {
	t.Chdir("..")
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./cmd/sysops-agent").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	slices.Sort(linked)
	linked = slices.Compact(linked)
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n| module | what it is for |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	told := make(map[string]bool)
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			told[m[1]] = true
		}
	}
	if want := slices.Sorted(maps.Keys(told)); !slices.Equal(linked, want) {
		t.Errorf("the agent links\n%s\nand docs/security.md tells of\n%s", strings.Join(linked, "\n"), strings.Join(want, "\n"))
	}
}
