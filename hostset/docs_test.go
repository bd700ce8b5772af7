package hostset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/hostset"
)

func TestTheDocumentationOfHostExpressionsIsRight(t *testing.T) {
	page, err := os.ReadFile("../docs/hosts.md")
	if err != nil {
		t.Fatal(err)
	}
	clusters := clustersOf(t, string(page))
	rows := make(map[string]int) // by the first cell of their table's head
	head := ""
	for line := range strings.Lines(string(page)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !ok {
			if !strings.HasPrefix(line, "|") { // |---|---|
				head = ""
			}
			continue
		}
		cells := strings.Split(strings.ReplaceAll(strings.TrimSuffix(line, "|"), "`", ""), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if head == "" {
			head = strings.Join(cells, "/")
			continue
		}
		rows[head]++
		switch head {
		case "expression/stands for":
			checkHosts(t, clusters, cells[0], cells[1])
		case "expression/matches/does not match":
			checkMatches(t, clusters, cells)
		case "hosts/folded":
			if got := hostset.Fold(strings.Fields(cells[0])); got != cells[1] {
				t.Errorf("%s folds to %s", cells[0], got)
			}
			checkHosts(t, clusters, cells[1], cells[0])
		default:
			t.Errorf("%s is checked by nothing", line)
		}
	}
	if rows["expression/stands for"] < 35 || rows["expression/matches/does not match"] < 5 || rows["hosts/folded"] < 5 {
		t.Errorf("only %v rows", rows)
	}
}

// clustersOf writes the cluster files that a page shows.
func clustersOf(t *testing.T, page string) *hostset.Clusters {
	t.Helper()
	folder := t.TempDir()
	for _, block := range strings.Split(page, "```yaml\n# ")[1:] {
		name, rest, _ := strings.Cut(block, "\n")
		text, _, _ := strings.Cut(rest, "```")
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clusters, err := hostset.OpenClusters(folder)
	if err != nil {
		t.Fatal(err)
	}
	return clusters
}

const anError = "an error"

func checkHosts(t *testing.T, clusters *hostset.Clusters, expr, want string) {
	t.Helper()
	set, err := clusters.Parse(expr)
	hosts := set.Names()
	wanted := strings.Fields(want)
	slices.Sort(wanted)
	if want == anError && err == nil || want != anError && (err != nil || !slices.Equal(hosts, wanted)) {
		t.Errorf("%s stands for %q (%v), want %s", expr, hosts, err, want)
	}
}

func checkMatches(t *testing.T, clusters *hostset.Clusters, cells []string) {
	t.Helper()
	set, err := clusters.Parse(cells[0])
	if cells[1] == anError {
		if err == nil {
			t.Errorf("%s is no error", cells[0])
		}
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	for i, cell := range cells[1:] {
		for _, h := range strings.Fields(cell) {
			if set.Contains(h) != (i == 0) {
				t.Errorf("%s matches %s: %v", cells[0], h, i != 0)
			}
		}
	}
}
