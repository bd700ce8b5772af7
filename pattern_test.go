package sysops_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// The forms of PATTERN, over one small cache.
func TestPatternForms(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshot("web01", text("/etc/passwd", ""), text("/etc/passwd-", ""), text("/etc/hw.json@sysctl-a", ""), text("x#y", "")))
	publish(t, c, snapshot("web02", text("/etc/passwd", ""), text("/opt/hw.json@sysctl-a", ""), text("/var/log@rotate", "")))
	publish(t, c, snapshot("passwd-server", text("/etc/group", ""), text("/srv/web01", ""), text("[x]", "")))
	for _, row := range []struct {
		name, pattern string
		want          []string
	}{
		{"a whole name means exactly that name", "/etc/passwd", []string{"web01#/etc/passwd", "web02#/etc/passwd"}},
		{"a section means that section, whatever object it is of", "sysctl-a", []string{"web01#/etc/hw.json@sysctl-a", "web02#/opt/hw.json@sysctl-a"}},
		{"a whole name with its section", "/opt/hw.json@sysctl-a", []string{"web02#/opt/hw.json@sysctl-a"}},
		{"a part of a section is a part of a key", "sysctl", []string{"web01#/etc/hw.json@sysctl-a", "web02#/opt/hw.json@sysctl-a"}},
		{"a part of keys, of their hosts as well", "passwd", []string{
			"passwd-server#/etc/group", "passwd-server#/srv/web01", "passwd-server#[x]",
			"web01#/etc/passwd", "web01#/etc/passwd-", "web02#/etc/passwd",
		}},
		{"a part with a glob", "etc/pass*-", []string{"web01#/etc/passwd-"}},
		{"a name that is also a part of a host", "web01", []string{"passwd-server#/srv/web01", "web01#/etc/hw.json@sysctl-a", "web01#/etc/passwd", "web01#/etc/passwd-", "web01#x#y"}},
		{"host and name", "web01#/etc/passwd", []string{"web01#/etc/passwd"}},
		{"a host's name is not a part", "web0#/etc/passwd", nil},
		{"a name after the hash is not a part", "web01#passwd", nil},
		{"globs on both sides", "web*#/etc/passwd*", []string{"web01#/etc/passwd", "web01#/etc/passwd-", "web02#/etc/passwd"}},
		{"all of a host", "web02#*", []string{"web02#/etc/passwd", "web02#/opt/hw.json@sysctl-a", "web02#/var/log@rotate"}},
		{"the first hash divides", "web01#x#y", []string{"web01#x#y"}},
		{"a class", "web0[2-9]#/etc/passwd", []string{"web02#/etc/passwd"}},
		{"a negated class", "web0[^2]#/etc/passwd", []string{"web01#/etc/passwd"}},
		{"quoted brackets are a name's own", `*#\[x\]`, []string{"passwd-server#[x]"}},
		{"what no key holds", "nothing-of-that-name", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := keys(t, c, sysops.Query{Pattern: pattern(t, row.pattern)}); !slices.Equal(got, row.want) {
				t.Errorf("%q selects\n %q, want\n %q", row.pattern, got, row.want)
			}
		})
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	for _, row := range []struct{ pattern, says string }{
		{"", "empty"},
		{"#/etc/passwd", "one side"},
		{"web01#", "one side"},
		{"#", "one side"},
		{"web[01", "closing"},
		{"web01#/etc/[a", "closing"},
		{`[a\]`, "closing"},
		{`passwd\`, "backslash"},
		{`web01#a\`, "backslash"},
	} {
		_, err := sysops.ParsePattern(row.pattern)
		if !errors.Is(err, sysops.ErrBadPattern) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("ParsePattern(%q): %v; want ErrBadPattern that speaks of %q", row.pattern, err, row.says)
		}
	}
}

func TestAPatternKeepsItsText(t *testing.T) {
	for _, s := range []string{"/etc/passwd", "web*#/etc/*", `a\*`} {
		if got := pattern(t, s).String(); got != s {
			t.Errorf("%q became %q", s, got)
		}
		if got := search(t, s).String(); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestAQueryWithoutPatternIsAnError(t *testing.T) {
	c := connect(t, "redis://127.0.0.1:1")
	if _, err := c.Ask(t.Context(), sysops.Query{}); !errors.Is(err, sysops.ErrBadPattern) {
		t.Errorf("%v", err)
	}
}
