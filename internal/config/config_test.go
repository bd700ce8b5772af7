package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/mask"
)

func configFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func loadConfig(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Load(configFile(t, text), []string{"scope", "prefix-hostnames"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryKeyOfTheConfigIsRead(t *testing.T) {
	c := loadConfig(t, `# as in DESIGN section 7
directory:
  sites:
    esv4:
      esv4-2360: [redis://mps01:6379/1, redis://mps02:6379/1]
      esv4-2361: ["redis://mps03"]
  local: {site: esv4, core: esv4-2360}
redis: {user: reader, password_file: /etc/sysops/password, ca_file: /ca, cert_file: /cert, key_file: /key, require_tls: false, timeout: 1m30s}
agent:
  host: web01
  domain: example.com
  outgoing: /var/lib/sysops/outgoing
  json: /etc/hw.json
  state: /var/lib/x
  ttl: 6h
  max_object: 10MiB
  every: 20m
  splay: 0s
  redact: false
  bases: false
  private: ["*/app/*.conf", nginx-T]
  not_private: [/etc/crontab]
  interaction_times: true
  metrics: /var/lib/metrics/sysops.prom
  commands:
    ss: {run: [ss, -tanp], timeout: 5s, limit: 512KiB}
    "netstat": {off: true}
stale_after: 90m
legacy: never
mask:
  - {names: ["/var/log/*", app-state], mask: ['pid (\d+)'], drop: ['^#'], set: true, json: false}
  - {names: [sysctl-a], instead: true}
scope: global
prefix_hostnames: true
`)
	if s := c.Directory.Sites["esv4"]; !slices.Equal(s["esv4-2360"], []string{"redis://mps01:6379/1", "redis://mps02:6379/1"}) || len(s) != 2 {
		t.Errorf("%v", s)
	}
	if l := c.Directory.Local; l.Site != "esv4" || l.Core != "esv4-2360" {
		t.Errorf("%+v", l)
	}
	if c.Redis.RequireTLS == nil || *c.Redis.RequireTLS {
		t.Errorf("require_tls: %v", c.Redis.RequireTLS)
	}
	c.Redis.RequireTLS = nil
	if want := (config.Redis{User: "reader", PasswordFile: "/etc/sysops/password", CAFile: "/ca", CertFile: "/cert", KeyFile: "/key", Timeout: config.Duration(90 * time.Second)}); c.Redis != want {
		t.Errorf("%+v", c.Redis)
	}
	a := c.Agent
	if a.Host != "web01" || a.Domain != "example.com" || a.Outgoing != "/var/lib/sysops/outgoing" || a.JSON != "/etc/hw.json" || a.State != "/var/lib/x" ||
		time.Duration(a.TTL) != 6*time.Hour || a.MaxObject != 10<<20 || time.Duration(a.Every) != 20*time.Minute || a.Redact == nil || *a.Redact || !a.Interactions || a.Metrics != "/var/lib/metrics/sysops.prom" {
		t.Errorf("%+v", a)
	}
	if a.Bases == nil || *a.Bases || !slices.Equal(a.Private, []config.NameGlob{"*/app/*.conf", "nginx-T"}) || !slices.Equal(a.NotPrivate, []config.NameGlob{"/etc/crontab"}) {
		t.Errorf("%v, %q, %q", a.Bases, a.Private, a.NotPrivate)
	}
	if ss := a.Commands["ss"]; !slices.Equal(ss.Run, []string{"ss", "-tanp"}) || time.Duration(ss.Timeout) != 5*time.Second || ss.Limit != 512<<10 || !a.Commands["netstat"].Off {
		t.Errorf("%+v", a.Commands)
	}
	if time.Duration(c.StaleAfter) != 90*time.Minute || c.Legacy != extract.LegacyNever {
		t.Errorf("%v, %v", c.StaleAfter, c.Legacy)
	}
	truth, falsehood := true, false
	masks := []mask.Rule{
		{Names: []string{"/var/log/*", "app-state"}, Mask: []string{`pid (\d+)`}, Drop: []string{"^#"}, Set: &truth, JSON: &falsehood},
		{Names: []string{"sysctl-a"}, Mask: []string{}, Drop: []string{}, Instead: true},
	}
	if !reflect.DeepEqual(c.MaskRules(), masks) {
		t.Errorf("%+v", c.MaskRules())
	}
	want := []string{"scope=global", "prefix-hostnames=true"}
	var got []string
	for _, f := range c.Flags {
		got = append(got, f.Name+"="+f.Value)
	}
	if !slices.Equal(got, want) || !strings.HasSuffix(c.Flags[0].Where, "config.yaml:33") {
		t.Errorf("%q at %s", got, c.Flags[0].Where)
	}
}

// A wrong key or value is an error that says where, and what was meant.
func TestAWrongConfigSaysWhereAndWhatWasMeant(t *testing.T) {
	for _, row := range []struct {
		name, text string
		line       int
		says       []string // in the error or its hint
	}{
		{"an unknown key", "scope: local\ndirectry:\n  sites: {}\n", 2, []string{"directry", `did you mean "directory"?`}},
		{"an unknown key near a flag", "\n\nprefix_hostname: true\n", 3, []string{"prefix_hostname", `did you mean "prefix-hostnames"?`}},
		{"an unknown key near nothing", "xyzzyxyzzy: 1\n", 1, []string{"xyzzyxyzzy", "directory", "redis", "agent"}},
		{"an unknown key of a section", "redis:\n  user: x\n  pasword_file: /x\n", 3, []string{"pasword_file", `did you mean "password_file"?`}},
		{"an unknown key of the agent", "agent:\n  tlt: 6h\n", 2, []string{"tlt", `did you mean "ttl"?`}},
		{"an unknown key of a command", "agent:\n  commands:\n    ss:\n      tiemout: 5s\n", 4, []string{"tiemout", `did you mean "timeout"?`}},
		{"an unknown key of the directory", "directory:\n  site: {}\n", 2, []string{"site", `did you mean "sites"?`}},
		{"a text for a duration", "redis:\n  timeout: soon\n", 2, []string{"soon", "90s"}},
		{"a number for a duration", "agent:\n  ttl: 6\n", 2, []string{`"6"`, "6h"}},
		{"a negative duration", "stale_after: -1h\n", 1, []string{"-1h"}},
		{"a text for a size", "agent:\n  host: x\n  max_object: huge\n", 3, []string{"huge", "10MiB"}},
		{"an unknown unit", "agent: {max_object: 10MB}\n", 1, []string{"10MB"}},
		{"a list for a text", "redis:\n  user: [a, b]\n", 2, nil},
		{"a text for a mapping", "\nagent: yes please\n", 2, nil},
		{"a text for a list", "directory:\n  sites:\n    s:\n      c: redis://x\n", 4, nil},
		{"a text for a truth", "agent:\n  redact: perhaps\n", 2, nil},
		{"a pattern that is none", "agent:\n  private: [/etc/passwd, \"/etc/[a\"]\n", 2, []string{"/etc/[a", "/etc/myapp/*"}},
		{"a pattern of nothing", "agent:\n  not_private:\n    - !/etc/crontab\n", 3, []string{"/etc/myapp/*"}},
		{"a regular expression that is none", "mask:\n  - names: [x]\n    mask: ['a', '(']\n", 3, []string{`"(" is no regular expression`}},
		{"an unknown key of a mask", "mask:\n  - names: [x]\n    drops: [a]\n", 3, []string{"drops", `did you mean "drop"?`}},
		{"a mapping for a list of masks", "mask: {names: [x]}\n", 1, []string{"mask must be a list"}},
		{"a text for patterns", "agent:\n  private: ps\n", 2, []string{"agent.private must be a list"}},
		{"a mapping for a text", "redis:\n  ca_file: {a: b}\n", 2, nil},
		{"no YAML", "redis: {user: x\nagent: [\n", 0, nil},
		{"a list at the top", "- a\n- b\n", 0, nil},
		{"a text at the top", "hello\n", 0, nil},
		{"a legacy mode that is none", "legacy: sometimes\n", 1, []string{"sometimes", "auto", "always", "never"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := configFile(t, row.text)
			_, err := config.Load(path, []string{"scope", "prefix-hostnames"})
			if err == nil {
				t.Fatal("it is accepted")
			}
			all := err.Error()
			for _, hint := range terminal.Hints(err) {
				all += "\nhint: " + hint
			}
			where := path
			if row.line > 0 {
				where = fmt.Sprintf("%s:%d:", path, row.line)
			}
			if !strings.Contains(all, where) {
				t.Errorf("it does not say %s: %s", where, all)
			}
			for _, s := range row.says {
				if !strings.Contains(all, s) {
					t.Errorf("it does not say %q: %s", s, all)
				}
			}
		})
	}
}

func TestSizesAndDurations(t *testing.T) {
	for text, want := range map[string]config.Size{"0": 0, "4096": 4096, "512KiB": 512 << 10, "10MiB": 10 << 20, "10 MiB": 10 << 20, "1GiB": 1 << 30} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "MiB", "10MB", "10m", "9223372036854775808", "9007199254740992GiB", "0x10"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d", text, got)
		}
	}
	for _, quote := range []string{"1h30m", `"1h30m"`, "'1h30m'"} {
		if c := loadConfig(t, "stale_after: "+quote+"\n"); time.Duration(c.StaleAfter) != 90*time.Minute {
			t.Errorf("%s is read as %v", quote, time.Duration(c.StaleAfter))
		}
	}
}

func TestAnEmptyConfigIsFine(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		c := loadConfig(t, text)
		if _, err := c.OpenDirectory(directory.KeepOptions{}); err == nil {
			t.Error("it has a directory")
		}
		if o, err := c.Options(); err != nil || o.Password != "" {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

func TestANamedConfigMustExist(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := config.Load(missing, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("%v", err)
	}
	t.Setenv("SYSOPS_CONFIG", missing)
	if _, err := config.Load("", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("by the environment: %v", err)
	}
}

func TestWhichConfigIsRead(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("SYSOPS_CONFIG", "")
	if _, err := config.Load("", nil); err != nil {
		t.Errorf("the user's file need not exist: %v", err)
	}
	user := filepath.Join(home, ".config", "sysops", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(user), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(user, []byte("redis: {user: from-home}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load("", nil); err != nil || c.Redis.User != "from-home" || len(c.Files) == 0 || c.Files[0] != user {
		t.Errorf("the user's: %+v, %v", c, err)
	}
	t.Setenv("SYSOPS_CONFIG", configFile(t, "redis: {user: from-env}\n"))
	if c, err := config.Load("", nil); err != nil || c.Redis.User != "from-env" {
		t.Errorf("the environment's comes before it: %v", err)
	}
	if c, err := config.Load(configFile(t, "redis: {user: named}\n"), nil); err != nil || c.Redis.User != "named" {
		t.Errorf("the named one comes first: %v", err)
	}
}

func TestAPasswordComesFromAFileOrTheEnvironment(t *testing.T) {
	for _, of := range []struct {
		user, file, env string
		read            func(*config.Config) (user, password string, _ error)
	}{
		{"user", "password_file", "SYSOPS_REDIS_PASSWORD", func(c *config.Config) (string, string, error) {
			o, err := c.Options()
			return o.User, o.Password, err
		}},
		{"sentinel_user", "sentinel_password_file", "SYSOPS_SENTINEL_PASSWORD", func(c *config.Config) (string, string, error) {
			o, err := c.Options()
			return o.SentinelUser, o.SentinelPassword, err
		}},
	} {
		t.Setenv(of.env, "")
		file := filepath.Join(t.TempDir(), "password")
		for text, want := range map[string]string{"secret\n": "secret", "secret": "secret", "se cret \r\n": "se cret ", "two\nlines\n": "two\nlines"} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			user, password, err := of.read(loadConfig(t, fmt.Sprintf("redis: {%s: reader, %s: %s}\n", of.user, of.file, file)))
			if err != nil || password != want || user != "reader" {
				t.Errorf("%s: %q is read as %q of %q, %v", of.file, text, password, user, err)
			}
		}
		c := loadConfig(t, fmt.Sprintf("redis: {%s: %s}\n", of.file, file))
		for _, empty := range []string{"", "\n"} {
			if err := os.WriteFile(file, []byte(empty), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Options(); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: an empty file: %v", of.file, err)
			}
		}
		t.Setenv(of.env, "from the environment")
		if _, password, err := of.read(c); err != nil || password != "from the environment" {
			t.Errorf("%s: %q, %v", of.env, password, err)
		}
		t.Setenv(of.env, "")
		missing := loadConfig(t, fmt.Sprintf("redis: {%s: %s-missing}\n", of.file, file))
		if _, err := missing.Options(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a missing file: %v", of.file, err)
		}
	}
}

// The same directory, in the styles of YAML.
func TestTheDirectoryInAnyStyleOfYAML(t *testing.T) {
	for _, text := range []string{
		"directory:\n  sites:\n    s:\n      k:\n      - redis://a:6379/1\n      - redis://b:6379\n",
		"directory:\n  sites:\n    s:\n      k: [redis://a:6379/1, redis://b:6379]\n",
		"directory:\n  sites:\n    s: {k: [redis://a:6379/1, redis://b:6379]}\n",
		"directory: {sites: {s: {k: [redis://a:6379/1, redis://b:6379]}}}\n",
		"directory: {sites: {s: {k: ['redis://a:6379/1', \"redis://b:6379\"]}}}\n",
		`{"directory": {"sites": {"s": {"k": ["redis://a:6379/1", "redis://b:6379"]}}}}`,
	} {
		c, err := config.Load(configFile(t, text), nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := c.Directory.Sites["s"]["k"]; !slices.Equal(got, []string{"redis://a:6379/1", "redis://b:6379"}) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestDirectoriesThatContradictThemselves(t *testing.T) {
	for _, row := range []struct{ name, text, says string }{
		{"a core of two sites", "sites: {a: {k: [redis://x]}, b: {k: [redis://y]}}", `"k"`},
		{"a core without servers", "sites: {a: {k: []}}", `"k"`},
		{"an unknown local core", "sites: {a: {k: [redis://x]}}\n  local: {core: z}", `"z"`},
		{"an unknown local site", "sites: {a: {k: [redis://x]}}\n  local: {site: z}", `"z"`},
		{"a local core of another site", "sites: {a: {k: [redis://x]}, b: {l: [redis://y]}}\n  local: {site: b, core: k}", `"k"`},
	} {
		c := loadConfig(t, "directory:\n  "+row.text+"\n")
		if _, err := c.OpenDirectory(directory.KeepOptions{}); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v; want an error that names %s", row.name, err, row.says)
		}
	}
}
