package naming_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/naming"
)

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
		_, err := naming.ParsePattern(row.pattern)
		if !errors.Is(err, naming.ErrBadPattern) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("ParsePattern(%q): %v; want ErrBadPattern that speaks of %q", row.pattern, err, row.says)
		}
	}
}

func TestAPatternKeepsItsText(t *testing.T) {
	for _, s := range []string{"/etc/passwd", "web*#/etc/*", `a\*`} {
		for name, parse := range map[string]func(string) (naming.Pattern, error){"ParsePattern": naming.ParsePattern, "ParseSearch": naming.ParseSearch} {
			if got, err := parse(s); err != nil || got.String() != s {
				t.Errorf("%s(%q) = %q, %v", name, s, got, err)
			}
		}
	}
}

// Redis takes any of these for a glob: who wrote it meant something else.
func TestGlobsThatAreMistakes(t *testing.T) {
	for _, row := range []struct{ glob, says string }{
		{"[", "closing"},
		{"web[01", "closing"},
		{"[a]b[", "closing"},
		{`[a\]`, "closing"},
		{`\`, "backslash"},
		{`a\`, "backslash"},
		{`[a\`, "backslash"},
		{`a\\\`, "backslash"},
	} {
		if err := naming.CheckGlob(row.glob); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("CheckGlob(%q): %v; want an error that speaks of %q", row.glob, err, row.says)
		}
	}
	for _, glob := range []string{"", "*", "web?", "[a-z]", "[^a]", "a]", `\[`, `a\\`, `[\]]`, "[]", "[[]", "a#b"} {
		if err := naming.CheckGlob(glob); err != nil {
			t.Errorf("CheckGlob(%q): %v", glob, err)
		}
	}
}
