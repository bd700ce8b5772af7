package config

import (
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api/internal/extract"
)

// LoadConfig merges the system's file first and the user's over it. The
// system's has a fixed path, so what merging means is tested here.
func TestTheUsersConfigReplacesTheSystemsKeyByKey(t *testing.T) {
	c := &Config{}
	for _, f := range []struct{ path, text string }{
		{"/etc/sysops/config.yaml", "redis: {user: system, ca_file: /system}\nagent: {domain: example.com}\nstale_after: 2h\nscope: global\nlegacy: never\n"},
		{"/home/x/config.yaml", "redis: {user: mine}\nscope: site\nstale_after: 3h\n"},
	} {
		if err := c.merge(f.path, []byte(f.text), []string{"scope"}); err != nil {
			t.Fatal(err)
		}
	}
	if c.Redis.User != "mine" {
		t.Errorf("the user's key does not win: %+v", c.Redis)
	}
	if c.Redis.CAFile != "" {
		t.Errorf("a top-level key is replaced as a whole: %+v", c.Redis)
	}
	if c.Agent.Domain != "example.com" || c.Legacy != extract.LegacyNever {
		t.Errorf("keys that the user does not set stay: %+v, %s", c.Agent, c.Legacy)
	}
	if c.StaleAfter != Duration(3*60*60*1e9) {
		t.Errorf("%v", c.StaleAfter)
	}
	values := []string{}
	for _, f := range c.Flags {
		values = append(values, f.Value+" "+f.Where)
	}
	if !slices.Equal(values, []string{"global /etc/sysops/config.yaml:4", "site /home/x/config.yaml:2"}) {
		t.Errorf("%q: the later one wins", values)
	}
}
