package config

import (
	"strings"
	"testing"
)

// Whatever a config holds, it is a Config or an error that says which file it is of.
func FuzzConfig(f *testing.F) {
	f.Add("redis: {timeout: 5s, user: x}\nagent: {every: 20m, max_object: 10MiB, commands: {w: {run: [w], timeout: 3s}}}\nsite: esv4\n")
	f.Add("directory: {sites: {esv4: {core: [redis://mps01:6379/1]}}}\n")
	f.Add("agent: &a {private: [/etc/*]}\nx: *a\n")
	f.Add("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := &Config{}
		if err := c.merge("config.yaml", []byte(text), nil); err != nil && !strings.Contains(err.Error(), "config.yaml") {
			t.Errorf("%q: %v", text, err)
		}
	})
}
