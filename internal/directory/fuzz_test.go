package directory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a Range server, an inventory program or a file says, it is a list or an error, and no
// list holds what is no word.
func FuzzAnswers(f *testing.F) {
	f.Add("mps01.example.com\n\"mps02,b\"\n")
	f.Add(`{"_meta": {"hostvars": {}}, "core": {"hosts": ["mps01"], "vars": {"redis_port": 6379}, "children": ["x"]}}`)
	f.Add("sites: {esv4: {core: [redis://mps01:6379/1]}}\nlocal: {site: esv4, core: core}\n")
	f.Add("sites: &a {b: *a}\n")
	f.Add("range_servers = r1, r2\nsite = esv4\n")
	f.Fuzz(func(t *testing.T, text string) {
		nodes, err := readNodes(text)
		for _, n := range nodes {
			if err != nil || strings.ContainsAny(n, "\n\"") {
				t.Errorf("%q is a node of %q, %v", n, text, err)
			}
		}
		if file, err := readInventory([]byte(text)); err == nil {
			listsWords(t, file)
		}
		if file, err := (&savedFile{path: "servers.yaml"}).parse([]byte(text)); err == nil {
			listsWords(t, file)
		}
	})
}

func listsWords(t *testing.T, file *File) {
	sites, err := file.Sites(t.Context())
	for _, site := range sites {
		cores, err := file.Cores(t.Context(), site)
		if err != nil || site == "" {
			t.Errorf("the cores of site %q: %v", site, err)
		}
		for _, core := range cores {
			if servers, err := file.Servers(t.Context(), core); err != nil || core == "" {
				t.Errorf("the servers of core %q: %q, %v", core, servers, err)
			}
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// A cm.conf is lines that somebody else writes.
func FuzzCMConf(f *testing.F) {
	f.Add("range_servers = r1, r2\nsite = esv4\n# x\n")
	path := filepath.Join(f.TempDir(), "cm.conf")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		servers, site, err := readCMConf(path)
		if err != nil && (servers != nil || site != "") {
			t.Errorf("%q, %q and %v", servers, site, err)
		}
	})
}
