package store

import (
	"errors"
	"strings"
	"testing"
)

func TestURLsOfServers(t *testing.T) {
	for _, row := range []struct{ url, name, is string }{
		{"redis://mps01", "mps01:6379/0", "redis://mps01:6379/0"},
		{"redis://mps01:7000", "mps01:7000/0", "redis://mps01:7000/0"},
		{"redis://mps01/3", "mps01:6379/3", "redis://mps01:6379/3"},
		{"redis://mps01?db=3", "mps01:6379/3", "redis://mps01:6379/3"},
		{"redis://mps01/?db=3", "mps01:6379/3", "redis://mps01:6379/3"},
		{"redis://mps01/3?db=03", "mps01:6379/3", "redis://mps01:6379/3"},
		{"redis://mps01?", "mps01:6379/0", "redis://mps01:6379/0"},
		{"REDISS://MPS01.Example.com:07000/3/", "MPS01.Example.com:7000/3", "rediss://mps01.example.com:7000/3"},
		{"redis://10.0.0.1:65535", "10.0.0.1:65535/0", "redis://10.0.0.1:65535/0"},
		{"redis://[::1]:7000", "[::1]:7000/0", "redis://[::1]:7000/0"},
		{"redis://[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]:6379/0", "redis://[2001:db8::1]:6379/0"},
		{"redis://[fe80::1%25eth0]", "[fe80::1%eth0]:6379/0", "redis://[fe80::1%25eth0]:6379/0"},
		{"redis://user@mps01", "mps01:6379/0", "redis://user@mps01:6379/0"},
		{"redis://us%65r%40x@mps01", "mps01:6379/0", "redis://user%40x@mps01:6379/0"},
		{"redis://@mps01", "mps01:6379/0", "redis://mps01:6379/0"},
		{"redis+cluster://C1,c2:7000/", "redis+cluster://c1:6379,c2:7000", "redis+cluster://c1:6379,c2:7000"},
		{"rediss+cluster://reader@c1?db=0", "rediss+cluster://c1:6379", "rediss+cluster://reader@c1:6379"},
		{"unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock?db=0", "unix:///run/redis/redis.sock?db=0"},
		{"unix:////run//redis@1.sock?db=2", "unix:///run/redis@1.sock?db=2", "unix:///run/redis@1.sock?db=2"},
		{"unix://reader@/run/a%20b%23.sock", "unix:///run/a%20b%23.sock?db=0", "unix://reader@/run/a%20b%23.sock?db=0"},
	} {
		a, err := ParseAddress(row.url)
		if err != nil {
			t.Errorf("%s: %v", row.url, err)
			continue
		}
		again, err := ParseAddress(a.String())
		if a.Name() != row.name || a.String() != row.is || err != nil || again.String() != row.is {
			t.Errorf("%s is %s, called %s, and read again %s, %v; want %s, called %s", row.url, a, a.Name(), again, err, row.is, row.name)
		}
		if want := strings.HasPrefix(row.is, "rediss"); a.TLS() != want {
			t.Errorf("%s: TLS is %v", row.url, a.TLS())
		}
	}
}

// That a server was reached over TLS is remembered by its endpoint: another way to write it
// is no other server.
func TestAnEndpointHasOneForm(t *testing.T) {
	for want, urls := range map[string][]string{
		"mps01:6379":          {"redis://mps01", "REDISS://MPS01:06379/1", "redis://user@mps01.?db=2", "redis+cluster://Mps01.:6379"},
		"10.0.0.1:6379":       {"redis://10.0.0.1", "redis://[::ffff:10.0.0.1]", "redis://[::FFFF:a00:1]:6379/1"},
		"[2001:db8::1]:6379":  {"redis://[2001:DB8:0:0:0:0:0:1]", "rediss://[2001:db8::1]:6379"},
		"[fe80::1%eth0]:6379": {"redis://[fe80::1%25eth0]", "redis://[FE80:0::1%25eth0]"},
		"mps01:26379":         {"redis+sentinel://MPS01/m", "rediss+sentinel://mps01.:26379/m"},
		"":                    {"unix:///run/redis.sock"},
	} {
		for _, url := range urls {
			a, err := ParseAddress(url)
			if got := strings.Join(a.Endpoints(), ","); err != nil || got != want {
				t.Errorf("%s is at %q, want %q, %v", url, got, want, err)
			}
		}
	}
}

// What is no server's URL is told with what to write instead.
func TestURLsThatAreNone(t *testing.T) {
	for url, says := range map[string]string{
		"":                                    "write redis://host:port/db",
		"mps01:6379":                          "write redis://host:port/db",
		"http://mps01:6379":                   "write redis://host:port/db",
		"redis:mps01":                         "write redis://host:port/db",
		"redis+sentinels://mps01/m":           "write redis://host:port/db",
		"redis://":                            "it names no host",
		"redis://user@":                       "it names no host",
		"redis:///1":                          "it names no host",
		"redis://mps 01":                      "its host is none",
		"redis://mps01,mps02":                 "its host is none",
		"redis://mps%2001":                    "its host is none",
		"redis://:6379":                       "its host is none",
		"redis://mps01:":                      "1 to 65535",
		"redis://mps01:0":                     "1 to 65535",
		"redis://mps01:65536":                 "1 to 65535",
		"redis://mps01:99999999999999":        "1 to 65535",
		"redis://mps01:-1":                    "1 to 65535",
		"redis://mps01:+1":                    "1 to 65535",
		"redis://mps01:six":                   "1 to 65535",
		"redis://[::1]:70000":                 "1 to 65535",
		"redis://::1":                         "in brackets",
		"redis://::1:6379":                    "in brackets",
		"redis://2001:db8::1/1":               "in brackets",
		"redis://mps01:6379:6380":             "in brackets",
		"redis://[::1":                        "no IPv6 address",
		"redis://[::1]6379":                   "no IPv6 address",
		"redis://[10.0.0.1]":                  "no IPv6 address",
		"redis://[mps01]":                     "no IPv6 address",
		"redis://mps01/db":                    "database is no number",
		"redis://mps01/-1":                    "database is no number",
		"redis://mps01/1/2":                   "database is no number",
		"redis://mps01/9999999999":            "database is no number",
		"redis://mps01?db=":                   "database is no number",
		"redis://mps01?db":                    "database is no number",
		"redis://mps01?db=%31":                "database is no number",
		"redis://mps01/1?db=2":                "two databases",
		"redis://mps01?db=1&db=1":             "twice",
		"redis://mps01?DB=1":                  "db alone",
		"redis://mps01?timeout=5s":            "db alone",
		"redis://mps01?db=1;x=2":              "database is no number",
		"redis://mps01?username=x":            "redis://user@host",
		"redis://mps01?ssl=true":              "rediss://",
		"redis://mps01?database=1":            "?db=",
		"redis://mps01#1":                     "fragment",
		"redis://mps01/1#":                    "fragment",
		"redis://a%zz@mps01":                  "%25",
		"redis://a%20b@mps01":                 "blanks",
		"redis+sentinel://s1":                 "MASTER",
		"redis+sentinel://s1/":                "MASTER",
		"redis+sentinel://s1/m/1":             "MASTER",
		"redis+sentinel://s1/m%20":            "MASTER",
		"redis+sentinel://s1,/m":              "its host is none",
		"redis+sentinel://s1,s2:0/m":          "1 to 65535",
		"redis+sentinel://s1,::1/m":           "in brackets",
		"redis+sentinel://s1/m?db=1&x":        "db alone",
		"redis+cluster://c1/1":                "no database but 0",
		"redis+cluster://c1,c2?db=3":          "no database but 0",
		"redis+cluster://":                    "it names no host",
		"redis+cluster://c1,":                 "its host is none",
		"unix://":                             "three slashes",
		"unix://run/redis.sock":               "three slashes",
		"unix:///":                            "names no socket",
		"unix:///run/../..":                   "names no socket",
		"unix:///run/%zz":                     "%25",
		"unix:///run/a%00b":                   "control characters",
		"unix:///run/redis.sock/1#x":          "fragment",
		"unix:///run/redis.sock?db=x":         "database is no number",
		"unix:///" + strings.Repeat("x", 107): "108 bytes",
	} {
		_, err := ParseAddress(url)
		if !errors.Is(err, ErrBadURL) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want an error that speaks of %q", url, err, says)
		}
	}
}

// Wherever a password stands in a URL, and however that spoils the rest, it is refused, and
// no part of it is in the error.
func TestNoErrorRepeatsAPassword(t *testing.T) {
	const secret = "hunter2"
	for _, url := range []string{
		"redis://reader:PW@mps01:6379/0", "redis://:PW@mps01", "rediss://PW:@mps01", "redis://reader%3aPW@mps01",
		"redis://reader:%zzPW@mps01", "redis://re%zzder:PW@mps01", "redis://reader:PW@mps01:six/db?x=y#z",
		"redis://reader:a@PW@mps01", "redis://reader:a/PW@mps01:6379/0", "redis://reader:a?PW@mps01", "redis://reader:a#PW@mps01",
		"redis://reader:a?PW=b@mps01", "redis://reader:PW/b@mps01", "redis://reader:PW?b@mps01", "redis://reader:PW#b@mps01",
		"redis://reader:PW%@mps01", "redis://reader:a:PW@mps01", "redis://reader:[PW@mps01", "redis://reader:PW]@[::1]",
		"redis://reader PW@mps01", "redis://reader%20PW@mps01", "redis://reader%zzPW@mps01", "redis://reader:PW\x00@mps01", "redis://reader:PW\n@mps01",
		"redis://mps01?password=PW", "redis://mps01?PASSWORD=PW", "redis://mps01?pass=PW&db=1", "redis://mps01?auth=PW", "redis://mps01?token=PW",
		"redis://mps01?PW", "redis://mps01?PW=1", "redis://mps01?db=PW", "redis://mps01?db=1&x=PW", "redis://mps01/PW", "redis://mps01/1?db=PW",
		"redis://mps01#PW", "redis://mps01:PW", "redis://mps01:6379:PW", "redis://[PW", "redis://[PW]", "redis://[::1]PW", "redis://a,PW",
		"redis+sentinel://reader:PW@s1,s2/m", "redis+sentinel://s1,reader:PW@s2/m", "redis+sentinel://s1/PW/x", "redis+sentinel://s1:PW/m",
		"unix://reader:PW@/run/redis.sock", "unix://reader:PW/run/redis.sock", "unix://PW@/run/%zz", "unix:///run/redis.sock?password=PW", "unix:///run/redis.sock#PW",
		"unix://reader:a/PW@/run/redis.sock", "reader:PW@mps01:6379", "PW", "PW://mps01", "redis:reader:PW@mps01", "redis//reader:PW@mps01",
		"postgres://reader:PW@mps01", " redis://reader:PW@mps01",
	} {
		_, err := ParseAddress(strings.ReplaceAll(url, "PW", secret))
		switch {
		case !errors.Is(err, ErrBadURL):
			t.Errorf("%q is not refused: %v", url, err)
		case strings.Contains(strings.ToLower(err.Error()), secret):
			t.Errorf("the error about %q repeats the password: %v", url, err)
		case strings.Contains(url, ":PW@") && strings.HasPrefix(url, "redis://") && !strings.Contains(err.Error(), "redis.password_file"):
			t.Errorf("the error about %q does not say where a password goes: %v", url, err)
		}
	}
}
