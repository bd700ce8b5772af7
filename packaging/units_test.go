//go:build packagetest

package packaging_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What systemd-analyze finds open in the units is what docs/security.md gives a reason for,
// no less and no more, and it does not get worse.
func TestWhatTheUnitsLeaveOpenHasAReason(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for unit, exposure := range map[string]string{"sysops-agent.service": "42", "sysops-gc.service": "16"} {
		file := "../contrib/systemd/" + unit
		if out, err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold="+exposure, file).CombinedOutput(); err != nil {
			t.Errorf("%s is exposed by more than %s tenths: %v\n%s", unit, exposure, err, out)
		}
		open, told := openOf(t, file), toldOf(t, string(page), unit)
		if !slices.Equal(open, told) {
			t.Errorf("%s leaves open\n%s\nand docs/security.md has the reasons of\n%s", unit, strings.Join(open, "\n"), strings.Join(told, "\n"))
		}
	}
}

// openOf returns what systemd-analyze counts against a unit.
func openOf(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=yes", "--json=short", file).Output()
	if err != nil {
		t.Fatalf("cannot judge %s: %v", file, err)
	}
	var rows []struct {
		Set      *bool // nil: it makes no difference for root
		Name     string
		Exposure *string
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	open := make(map[string]bool)
	for _, row := range rows {
		if row.Set != nil && !*row.Set && row.Exposure != nil {
			open[row.Name] = true
		}
	}
	if len(open) == 0 || len(rows) < 50 {
		t.Fatalf("systemd-analyze judges %d protections, and finds %d open", len(rows), len(open))
	}
	return slices.Sorted(maps.Keys(open))
}

// toldOf returns what the table of a unit has rows for.
func toldOf(t *testing.T, page, unit string) []string {
	t.Helper()
	_, table, found := strings.Cut(page, "| left open in "+unit+" |")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatalf("docs/security.md has no table of %s", unit)
	}
	told := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1) {
		for _, name := range regexp.MustCompile("`[^`]+`").FindAllString(row[1], -1) {
			told[strings.ReplaceAll(strings.Trim(name, "`"), `\|`, "|")] = true
		}
	}
	return slices.Sorted(maps.Keys(told))
}
