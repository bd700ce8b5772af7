package directory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func cmconfSubject() subject {
	return subject{
		name: "cmconf", replicated: true, expands: true, oneSite: true,
		serve: func(t *testing.T, w world) *backend {
			b := rangeBackend(t, w, modRanged)
			b.url = "cmconf://" + writeCMConf(t, fmt.Sprintf("ENV_SITE:PROD@ESV4\nPRIMARY_MPS:%s\nSECONDARY_MPS: %s\n", b.servers[0], b.servers[1]))
			return b
		},
	}
}

func writeCMConf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cm.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheLocalScopeOfACMConfNeedsNoRangeServer(t *testing.T) {
	path := writeCMConf(t, "# the policy servers\nPRIMARY_MPS:127.0.0.1:1\nSECONDARY_MPS:127.0.0.1:1\nENV_SITE:PROD@ESV4\n")
	dir, err := Open("cmconf://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	site, core, err := dir.Local(t.Context())
	if site != "esv4" || core != "local" || err != nil {
		t.Fatalf("%q, %q, %v", site, core, err)
	}
	if servers, err := dir.Servers(t.Context(), core); err != nil || !slices.Equal(servers, []string{"redis://127.0.0.1:6379/0"}) {
		t.Errorf("%q, %v", servers, err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil {
		t.Errorf("%q, %v: the file does not know all sites", sites, err)
	}
}

func TestACMConfThatNamesNoSiteDoesNotSayWhatIsLocal(t *testing.T) {
	dir, err := Open("cmconf://"+writeCMConf(t, "PRIMARY_MPS:10.1.2.3\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if site, core, err := dir.Local(t.Context()); site != "" || core != "" || err != nil {
		t.Errorf("%q, %q, %v", site, core, err)
	}
}

func TestACMConfIsReadAsTheOriginalDid(t *testing.T) {
	for _, row := range []struct {
		text    string
		servers []string // nil: an error that says this
		site    string
	}{
		{"PRIMARY_MPS:10.1.2.3\nENV_SITE:PROD@EAT1\nSECONDARY_MPS: mps02.example.com \nOTHER:x\n", []string{"10.1.2.3", "mps02.example.com"}, "eat1"},
		{"MPS_1:10.1.2.3", []string{"10.1.2.3"}, ""},
		{"#PRIMARY_MPS:10.1.2.3\n", nil, "names none"},
		{"", nil, "names none"},
		{"A:b\nPRIMARY_MPS:\n", nil, "cm.conf:2"},
		{"PRIMARY_MPS:a b\n", nil, "cm.conf:1"},
		{"PRIMARY_MPS:a\nENV_SITE:PROD\n", nil, "cm.conf:2"},
	} {
		servers, site, err := readCMConf(writeCMConf(t, row.text))
		if row.servers == nil {
			if err == nil || !strings.Contains(err.Error(), row.site) {
				t.Errorf("%q: %q, %v", row.text, servers, err)
			}
			continue
		}
		if !slices.Equal(servers, row.servers) || site != row.site || err != nil {
			t.Errorf("%q: %q, %q, %v", row.text, servers, site, err)
		}
	}
	if servers, _, err := readCMConf(filepath.Join(t.TempDir(), "cm.conf")); err == nil || servers != nil {
		t.Errorf("no file: %q, %v", servers, err)
	}
}

func TestACMConfThatChangesIsReadAgain(t *testing.T) {
	path := writeCMConf(t, "PRIMARY_MPS:10.1.2.3\nENV_SITE:PROD@ESV4\n")
	dir, err := Open("cmconf://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"10.1.2.3", "10.4.5.6", "[::1]"} {
		if err := os.WriteFile(path, []byte("PRIMARY_MPS:"+host+"\nENV_SITE:PROD@ESV4\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if servers, err := dir.Servers(t.Context(), "local"); err != nil || !slices.Equal(servers, []string{"redis://" + host + ":6379/0"}) {
			t.Errorf("%q, %v", servers, err)
		}
	}
}
