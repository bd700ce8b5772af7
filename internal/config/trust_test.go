package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
)

const bob = 12345 // another user

// home makes a home with a config, and has the environment name it.
func home(t *testing.T, text string) (folder, file string) {
	t.Helper()
	folder = t.TempDir()
	file = filepath.Join(folder, ".config", "sysops", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", folder)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("SYSOPS_CONFIG", "")
	return folder, file
}

// The config says which servers get the password and which programs run: one that another
// user can have changed is not read, however it was named.
func TestAConfigThatOthersCanChangeIsRefused(t *testing.T) {
	folder, file := home(t, "redis: {user: reader}\n")
	refused := func(what, want string) {
		t.Helper()
		t.Setenv("SYSOPS_CONFIG", "")
		_, usual := config.Load("", nil)
		_, named := config.Load(file, nil)
		t.Setenv("SYSOPS_CONFIG", file)
		_, environment := config.Load("", nil)
		for how, err := range map[string]error{"the user's": usual, "--config": named, "SYSOPS_CONFIG": environment} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "cannot read the config: open "+file+": ") || !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("%s, by %s: %v, want %s", what, how, err, want)
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused("nothing is wrong", "")
	must(os.Chmod(file, 0o664))
	refused("its group may write to it", "its group may write to it (mode 0664): chmod go-w "+file)
	must(os.Chmod(file, 0o646))
	refused("others may write to it", "everyone may write to it (mode 0646): chmod go-w "+file)
	must(os.Chmod(file, 0o644))
	above := filepath.Join(folder, ".config")
	must(os.Chmod(above, 0o777))
	refused("others may write to a folder above it", "everyone may write to "+above+" (mode 0777): chmod go-w "+above)
	must(os.Chmod(above, 0o700))
	if os.Geteuid() == 0 {
		must(os.Chown(file, bob, bob))
		refused("it is another user's", "chown root "+file)
		must(os.Chown(file, 0, 0))
	}
	refused("all is mended", "")
}

// sudo may leave HOME as it was: what bob has written there is not for root.
func TestRootReadsAUsersConfigOnlyWhereItOwnsTheHome(t *testing.T) {
	folder, file := home(t, "redis: {user: from-home}\n")
	c, err := config.Load("", nil)
	if err != nil || c.Redis.User != "from-home" || c.PassedOver != "" {
		t.Fatalf("our own: %+v, %v", c, err)
	}
	if os.Geteuid() != 0 {
		return // there is no home of another user
	}
	for _, row := range []struct{ variable, folder string }{{"HOME", folder}, {"XDG_CONFIG_HOME", filepath.Join(folder, ".config")}} {
		t.Setenv(row.variable, row.folder)
		if err := os.Chown(row.folder, bob, bob); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load("", nil)
		if err != nil || c.Redis.User == "from-home" || c.PassedOver != file {
			t.Errorf("%s: %+v, %v", row.variable, c, err)
		}
		if _, err := c.OpenDirectory(directory.KeepOptions{}); len(c.Files) == 0 && (err == nil || !strings.Contains(err.Error(), "root does not read "+file)) {
			t.Errorf("%s: %v", row.variable, err)
		}
	}
}

func TestTheKeyOfTheFingerprintsIsASecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(" the fleet's key 1 \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := config.Agent{RedactKeyFile: file}
	if key, err := a.RedactKey(); err != nil || string(key) != "the fleet's key 1" {
		t.Errorf("%q, %v", key, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := a.RedactKey(); err == nil || !strings.HasSuffix(err.Error(), "chmod o= "+file) {
		t.Errorf("%v", err)
	}
	if key, err := (&config.Agent{}).RedactKey(); key != nil || err != nil {
		t.Errorf("none: %q, %v", key, err)
	}
}

// Who can guess the key can test guesses at every secret of the fleet.
func TestAKeyThatCanBeGuessedIsRefused(t *testing.T) {
	for _, key := range []string{"", "\n", " \t \r\n", "fleet-wide\n", strings.Repeat("k", 15), strings.Repeat(" ", 20) + "short" + strings.Repeat("\n", 20)} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := (&config.Agent{RedactKeyFile: file}).RedactKey()
		if err == nil || got != nil || !strings.HasPrefix(err.Error(), "cannot use the redaction key") || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %q, %v", key, got, err)
		} else if strings.TrimSpace(key) != "" && strings.Contains(err.Error(), strings.TrimSpace(key)) {
			t.Errorf("the error has the key: %v", err)
		}
	}
}

func TestTheFilesOfSecretsThatAConfigNames(t *testing.T) {
	var c config.Config
	c.Redis.PasswordFile, c.Redis.SentinelPasswordFile, c.Redis.KeyFile = "/a", "/b", "/c"
	c.Agent.RedactKeyFile, c.Agent.SNMP.Credentials = "/d", "/e"
	c.Directory.URL = "consul://c1,c2?token_file=/g&password_file=/f"
	if got := strings.Join(c.Secrets(), ""); got != "/a/b/c/d/e/f/g" {
		t.Errorf("%q", got)
	}
	if got := new(config.Config).Secrets(); len(got) != 0 {
		t.Errorf("none: %q", got)
	}
}
