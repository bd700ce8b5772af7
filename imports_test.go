package sysops_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sysops-api/sysops-api"

// mayImport is the architecture: imports run downwards only, and the leaves know
// neither the root nor each other. A package that is not listed here may import
// nothing of the project.
var mayImport = map[string][]string{
	"cmd/sysops":             {"", "internal/directory", "internal/cli", "internal/terminal", "internal/output", "internal/collect", "internal/fleetsim", "internal/audit", "internal/audit/access", "internal/audit/sysctl", "internal/audit/sudo", "internal/audit/network", "internal/export"},
	"cmd/sysops-agent":       {"", "internal/cli", "internal/terminal", "internal/collect", "internal/snmp"},
	"internal/audit":         {""},
	"internal/cli":           {"", "internal/directory", "internal/terminal"},
	"internal/terminal":      {"", "internal/hint", "internal/output"},
	"internal/output":        {"", "internal/hint"},
	"internal/collect":       {"", "internal/hint"},
	"internal/fleetsim":      {""},
	"internal/hint":          {},
	"internal/words":         {},
	"internal/naming":        {"internal/hint"},
	"internal/store":         {},
	"internal/diff":          {},
	"internal/mask":          {},
	"internal/rangeexpr":     {},
	"internal/frame":         {},
	"internal/secure":        {},
	"internal/directory":     {"internal/hint", "internal/words", "internal/store"},
	"internal/extract":       {"internal/hint", "internal/naming", "internal/store", "internal/frame", "internal/directory"},
	"internal/lines":         {"internal/hint", "internal/words", "internal/frame", "internal/mask", "internal/extract"},
	"":                       {"internal/hint", "internal/words", "internal/naming", "internal/store", "internal/frame", "internal/secure", "internal/directory", "internal/rangeexpr", "internal/diff", "internal/mask", "internal/extract", "internal/lines"},
	"internal/redistest":     {},
	"internal/scripttest":    {"internal/redistest"},
	"internal/terminaltest":  {},
	"bench":                  {"", "internal/fleetsim", "internal/redistest"},
	"bench/fleet":            {"internal/redistest"},
	"internal/audit/access":  {"", "internal/audit", "internal/hint", "internal/parse/accounts"},
	"internal/audit/sysctl":  {"", "internal/audit", "internal/hint", "internal/parse/sysctl"},
	"internal/audit/sudo":    {"", "internal/audit", "internal/hint", "internal/parse/accounts", "internal/parse/netif", "internal/parse/sudoers"},
	"internal/audit/network": {"", "internal/audit", "internal/hint", "internal/parse/interactions", "internal/parse/netif", "internal/parse/netstat"},

	"internal/parse":              {},
	"internal/parse/accounts":     {},
	"internal/parse/interactions": {"internal/parse"},
	"internal/parse/netif":        {"internal/parse"},
	"internal/parse/netstat":      {"internal/parse"},
	"internal/parse/sudoers":      {"internal/parse/accounts"},
	"internal/parse/sysctl":       {},

	"internal/export":   {""},
	"internal/snmp":     {},
	"internal/snmptest": {"internal/redistest"},
}

// confined lists imports that only some packages may have.
var confined = map[string][]string{
	"github.com/redis/go-redis/v9":         {"internal/store"},
	"github.com/alicebob/miniredis/v2":     {"cmd/sysops"},
	"os/exec":                              {"internal/collect", "internal/directory", "internal/redistest", "internal/scripttest", "internal/snmptest"},
	"github.com/spf13/cobra":               {"cmd/sysops", "cmd/sysops-agent", "internal/cli", "internal/scripttest"},
	"github.com/itchyny/gojq":              {"internal/output"},
	"github.com/mattn/go-runewidth":        {"internal/terminal"},
	"golang.org/x/term":                    {"internal/terminal"},
	"golang.org/x/sys/unix":                {"internal/terminaltest"},
	"go.yaml.in/yaml/v4":                   {"", "internal/directory", "internal/rangeexpr", "internal/snmp"},
	"github.com/gosnmp/gosnmp":             {"internal/snmp"},
	"github.com/klauspost/compress/zstd":   {"internal/frame"},
	"github.com/miekg/dns":                 {"internal/directory"},
	"github.com/parquet-go/parquet-go":     {"internal/export"},
	"github.com/go-ldap/ldap/v3":           {"internal/directory"},
	"github.com/aymanbagabas/go-udiff/lcs": {"internal/diff"},
}

func TestImportsRunDownwards(t *testing.T) {
	files := token.NewFileSet()
	checked := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			checked++
			if own, ok := strings.CutPrefix(name, module); ok && !slices.Contains(mayImport[pkg], strings.TrimPrefix(own, "/")) {
				t.Errorf("%s: package %q may not import %s", path, pkg, name)
			}
			if allowed, ok := confined[name]; ok && !slices.Contains(allowed, pkg) {
				t.Errorf("%s: package %q may not import %s: it is confined to %v", path, pkg, name, allowed)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Errorf("only %d imports were checked: is this the module's root?", checked)
	}
}
