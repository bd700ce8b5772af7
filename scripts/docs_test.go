package scripts

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	codeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```$|`[^`\n]*`")
	pageLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageTitles = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// Whatever a page links to in the repository is there, and has the heading.
func TestLinksBetweenPagesResolve(t *testing.T) {
	t.Chdir("..")
	links := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range pageLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(string(text), ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			links++
			target := path
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(path), u.Path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			} else if u.Fragment != "" && !anchors(t, target)[u.Fragment] {
				t.Errorf("%s links to %s: there is no such heading", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// anchors returns what the headings of a page are linked by, as GitHub makes it of
// them: small letters, digits, hyphens and underscores stay, a blank is a hyphen.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]bool)
	fences := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	for _, m := range pageTitles.FindAllStringSubmatch(fences.ReplaceAllString(string(text), ""), -1) {
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return out
}

// A promise of docs/security.md names the tests that hold it, by their function or their
// script: they are there.
func TestTheTestsThatHoldAPromiseExist(t *testing.T) {
	t.Chdir("..")
	there := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case filepath.Ext(path) == ".txtar":
			there["TestScript/"+strings.TrimSuffix(filepath.Base(path), ".txtar")] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllStringSubmatch(string(text), -1) {
				there[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z][\\w/]*)`").FindAllStringSubmatch(string(page), -1)
	for _, m := range named {
		if !there[m[1]] && !strings.HasSuffix(strings.ToLower(strings.ReplaceAll(m[1], "_", "")), "likethis") {
			t.Errorf("docs/security.md names the test %s, which is not there", m[1])
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
}

// Each page in docs can be reached from README.md.
func TestEveryPageIsLinked(t *testing.T) {
	t.Chdir("..")
	seen := map[string]bool{}
	var follow func(string)
	follow = func(page string) {
		if seen[page] {
			return
		}
		seen[page] = true
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pageLink.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if filepath.Ext(target) == ".md" && !strings.Contains(target, "://") {
				follow(filepath.Join(filepath.Dir(page), target))
			}
		}
	}
	follow("README.md")
	for _, glob := range []string{"docs/*.md", "docs/format/*.md"} {
		pages, err := filepath.Glob(glob)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %v, %v", glob, pages, err)
		}
		for _, page := range pages {
			if !seen[page] {
				t.Errorf("nothing that README.md leads to links to %s", page)
			}
		}
	}
}
