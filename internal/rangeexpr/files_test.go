package rangeexpr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestFilesListsTheClustersOfADirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"web.yaml", "web-1.yaml", "README", "db.yml", ".hidden.yaml", ".yaml"} {
		write(t, filepath.Join(dir, name), "CLUSTER: a\n")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := Files(dir).Clusters()
	if want := []string{"web", "web-1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := Files(filepath.Join(dir, "absent")).Clusters(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v; want that there is no directory", err)
	}
	_, err = (&Evaluator{Clusters: Files(filepath.Join(dir, "absent"))}).Eval("a,allclusters()")
	if err == nil || !strings.HasPrefix(err.Error(), "column 3: cannot tell which clusters there are: ") {
		t.Errorf("%v", err)
	}
}

func TestNamesThatLeaveTheDirectoryAreNoClusters(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.MkdirAll(filepath.Join(inner, "sub.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "secret.yaml"), "CLUSTER: a\n")
	write(t, filepath.Join(inner, ".yaml"), "CLUSTER: a\n")
	write(t, filepath.Join(inner, ".hidden.yaml"), "CLUSTER: a\n")
	s := Files(inner)
	for _, name := range []string{"", ".", "..", "../secret", "/etc/passwd", "sub", "sub/x", ".hidden", "a\x00b", `..\secret`, strings.Repeat("x", 300), "absent"} {
		if _, err := s.Cluster(name); !errors.Is(err, ErrNoCluster) {
			t.Errorf("%q: %v; want ErrNoCluster", name, err)
		}
	}
}

func TestFilesThatCannotBeReadAreNotAbsent(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "long.yaml"), "CLUSTER: a\n#"+strings.Repeat("x", maxFile))
	if err := os.Symlink("loop.yaml", filepath.Join(dir, "loop.yaml")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"fifo": "fifo.yaml: it is no regular file",
		"long": "long.yaml: it is longer than 16777216 bytes",
		"loop": "too many levels of symbolic links",
	} {
		if _, err := Files(dir).Cluster(name); err == nil || errors.Is(err, ErrNoCluster) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.yaml")
	e := &Evaluator{Clusters: Files(dir)}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	step := func(what, text, want string) {
		t.Helper()
		if text != "" {
			write(t, path, text)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(what, func(t *testing.T) { checkMeaning(t, e, "%web", want) })
	}
	step("absent", "", "NOCLUSTERDEF: web")
	step("there", "CLUSTER: a1\n", "a1")
	step("of another size", "CLUSTER: a1..2\n", "a1 a2")
	at = at.Add(time.Second)
	step("of another time", "CLUSTER: b1..2\n", "b1 b2")
	step("malformed", "CLUSTER: {}\n", "web: malformed")
	step("repaired", "CLUSTER: c\n", "c")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	step("replaced", "CLUSTER: d\n", "d")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	step("gone", "", "NOCLUSTERDEF: web")
}

func TestAFileThatHasNotChangedIsReadOnce(t *testing.T) {
	s := Files("testdata/clusters")
	a, err := s.Cluster("web")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Cluster("web"); err != nil || a != b {
		t.Errorf("it was read twice (%v)", err)
	}
}

func TestValuesAreTextsWhateverTheirType(t *testing.T) {
	c, err := ParseCluster([]byte(`
OCTAL: 010
LIST: [1.50, true, 0x1F, 2026-01-01, ~, null, "", &a b]
FOLDED: >
  a,
  b
ANCHOR: &l [x, y]
ALIAS: *l
ONE: *a
1: number
`), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"OCTAL": "010@2", "LIST": "1.50@3 true@3 0x1F@3 2026-01-01@3 @3 b@3", "FOLDED": "a, b\n@4", "ANCHOR": "x@7 y@7", "ALIAS": "x@7 y@7", "ONE": "b@3", "1": "number@10",
	} {
		var got []string
		for _, item := range c.Keys[key] {
			got = append(got, fmt.Sprintf("%s@%d", item.Text, item.Line))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// YAML has its own meaning for what many expressions begin with.
func TestExpressionsThatYAMLWouldTakeForItsOwn(t *testing.T) {
	for text, want := range map[string]string{
		"CLUSTER: %web":          "c.yaml: it is no YAML, in which what begins with % or @ is quoted",
		"CLUSTER:\n- @web":       "c.yaml: it is no YAML, in which what begins with % or @ is quoted",
		"CLUSTER: *web1":         "c.yaml: it is no YAML",
		"CLUSTER:\n- a\n- !web1": "c.yaml:3: CLUSTER: quote an expression that begins with !",
		"CLUSTER: {a,b}.x":       "c.yaml: it is no YAML",
		"CLUSTER: {a,b}":         "c.yaml:1: CLUSTER: a value is an expression or a list of expressions: quote one that begins with {",
		"CLUSTER:\n- {a,b}":      "c.yaml:2: CLUSTER: what is in a list is an expression: quote one that begins with { or [",
		"? [a]\n: b":             "c.yaml:1: a key is a text",
	} {
		if c, err := ParseCluster([]byte(text), "c.yaml"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", text, c, err, want)
		}
	}
}

// A list that many keys share is kept once: a file cannot grow when it is read.
func TestAliasesAreNotCopied(t *testing.T) {
	var text strings.Builder
	text.WriteString("K: &l [" + strings.Repeat("a,", 20_000) + "b]\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "K%d: *l\n", i)
	}
	c, err := ParseCluster([]byte(text.String()), "bomb.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := c.Keys["K"], c.Keys["K19999"]; len(a) != 20_001 || &a[0] != &b[0] {
		t.Errorf("%d items, copied", len(b))
	}
}

func TestSeveralGoroutinesEvaluateAtOnce(t *testing.T) {
	e := typist()
	set, err := e.Eval("%web,x*")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if got, err := e.Eval("%{web,db} & %web:ALL"); err != nil || !slices.Equal(got.Names(), []string{"web1", "web2", "web4"}) {
					t.Errorf("%q, %v", got.Names(), err)
				}
				if !set.Contains("x1") || set.Contains("web3") {
					t.Error("a set changed")
				}
			}
		})
	}
	wg.Wait()
}

// A chain of clusters as long as somebody writes is refused before the stack is full.
func TestClustersThatNeedOneAnother(t *testing.T) {
	s := sourceOf(map[string]string{})
	for i := range 200 {
		s[fmt.Sprintf("c%d", i)] = fmt.Sprintf("CLUSTER: '%%c%d'\n", i+1)
	}
	s["c200"] = "CLUSTER: a\n"
	e := &Evaluator{Clusters: s}
	checkMeaning(t, e, "%c150", "a")
	checkMeaning(t, e, "%c0", "limit")
	checkMeaning(t, e, "has(CLUSTER;a)", "limit")
}

// sourceOf has clusters by name.
type sourceOf map[string]string

func (s sourceOf) Clusters() ([]string, error) {
	var all []string
	for name := range s {
		all = append(all, name)
	}
	return sortNames(all), nil
}

func (s sourceOf) Cluster(name string) (*Cluster, error) {
	text, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoCluster, name)
	}
	return ParseCluster([]byte(text), name+".yaml")
}
