package export

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
)

func TestPathOf(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, row := range []struct{ what, site, host, name, want string }{
		{"a file", "esv4", "web1", "/etc/passwd", "esv4/web1/etc/passwd"},
		{"a section", "esv4", "web1", "/etc/hw.json@sysctl-a", "esv4/web1/etc/hw.json@sysctl-a"},
		{"a name that is no path", "esv4", "web1", "uptime", "esv4/web1/uptime"},
		{"an address", "esv4", "10.0.0.1:22", "/a", "esv4/10.0.0.1:22/a"},
		{"a # in a name", "esv4", "web1", "/etc/#a#", "esv4/web1/etc/#a#"},
		{"spaces, dots, globs, a backslash", "esv4", "web1", "/ a/...x/*?[/\\..", "esv4/web1/ a/...x/*?[/\\.."},
		{"what is no UTF-8", "esv4", "web1", "/\xff", "esv4/web1/\xff"},
		{"hidden", "esv4", "web1", "/.bashrc", "esv4/web1/.bashrc"},
		{"as long as may be", "esv4", "web1", "/" + long, "esv4/web1/" + long},

		{"upwards", "esv4", "web1", "/../../etc/passwd", ""},
		{"upwards without a slash", "esv4", "web1", "../x", ""},
		{"upwards at the end", "esv4", "web1", "/etc/..", ""},
		{"upwards and down again", "esv4", "web1", "/etc/../x", ""},
		{"the folder itself", "esv4", "web1", ".", ""},
		{"a dot within", "esv4", "web1", "/etc/./x", ""},
		{"the root", "esv4", "web1", "/", ""},
		{"two slashes", "esv4", "web1", "//etc/x", ""},
		{"two slashes within", "esv4", "web1", "/etc//x", ""},
		{"a slash at the end", "esv4", "web1", "/etc/", ""},
		{"nothing", "esv4", "web1", "", ""},
		{"NUL", "esv4", "web1", "/etc/x\x00y", ""},
		{"a newline", "esv4", "web1", "/etc/x\ny", ""},
		{"an escape", "esv4", "web1", "/etc/\x1b[2J", ""},
		{"DEL", "esv4", "web1", "/etc/\x7f", ""},
		{"300 bytes", "esv4", "web1", "/" + strings.Repeat("x", 300), ""},
		{"1025 bytes", "esv4", "web1", strings.Repeat("/x", 520), ""},
		{"a host upwards", "esv4", "..", "/x", ""},
		{"a host that is the folder", "esv4", ".", "/x", ""},
		{"a host with a slash", "esv4", "/etc", "/x", ""},
		{"no host", "esv4", "", "/x", ""},
		{"a site upwards", "..", "web1", "/x", ""},
		{"a site with a slash", "a/b", "web1", "/x", ""},
		{"no site", "", "web1", "/x", ""},
		{"a site in the place of what export knows", ".sysops-export", "tmp", "/1", ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			got, err := PathOf(row.site, sysops.Key{Host: row.host, Name: row.name})
			if got != row.want || (err == nil) != (row.want != "") {
				t.Errorf("%q of %q at %q is %q, %v; want %q", row.name, row.host, row.site, got, err, row.want)
			}
		})
	}
}

// FuzzPathOf: whatever a host is called and sends, its path is below site/host, means
// there what it says, and tells the name again but for a slash before it.
func FuzzPathOf(f *testing.F) {
	f.Add("esv4", "web1", "/etc/passwd")
	f.Add("..", ".", "/../x")
	f.Add("", "a/b", "//")
	f.Add("s", "h", "/etc/./\x00")
	f.Fuzz(func(t *testing.T, site, host, name string) {
		got, err := PathOf(site, sysops.Key{Host: host, Name: name})
		if err != nil {
			return
		}
		switch {
		case !filepath.IsLocal(got), path.Clean(got) != got:
			t.Errorf("%q leads elsewhere", got)
		case strings.ContainsAny(got, "\x00\n\r\x1b"):
			t.Errorf("%q holds control characters", got)
		case strings.Count(site+host, "/") > 0, got != site+"/"+host+"/"+strings.TrimPrefix(name, "/"):
			t.Errorf("%q of %q at %q became %q", name, host, site, got)
		case got == ownFolder, strings.HasPrefix(got, ownFolder+"/"):
			t.Errorf("%q is among what export knows", got)
		}
	})
}
