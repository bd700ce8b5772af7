package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/scripts/structure/rooms"
)

// A module is its packages, the lowest first.
type module struct {
	house    *rooms.House
	packages []*pkg
}

// A pkg is one package of the module with its tests, whatever the build tags of its files.
type pkg struct {
	name    string // as in the table of rooms
	floor   int    // 0: it imports nothing of the module
	purpose string // the first sentence of the package comment
	files   []file

	names int // exported at the package's level, without methods and fields; aliases count
	types int // of them

	set    *token.FileSet
	syntax []*ast.File // of those files that a build takes
}

// A file is one file of Go.
type file struct {
	path      string // from the module's root
	test      bool
	lines     int
	functions []function
	imports   []string // paths
}

// A function is a function or a method with a body.
type function struct {
	name  string
	line  int
	lines int
}

// read reads the module in a folder.
func read(dir string, house *rooms.House) (*module, error) {
	m := &module{house: house}
	byName := make(map[string]*pkg)
	set := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(dir, path, d.Name())
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(filepath.Dir(rel))
		if name == "." {
			name = rooms.Root
		}
		p := byName[name]
		if p == nil {
			p = &pkg{name: name, set: set}
			byName[name] = p
			m.packages = append(m.packages, p)
		}
		return p.read(path, filepath.ToSlash(rel))
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the module: %w", err)
	}
	for _, p := range m.packages {
		p.countExported()
		p.floor = m.floor(p, byName, make(map[*pkg]bool))
	}
	slices.SortFunc(m.packages, func(a, b *pkg) int {
		if a.floor != b.floor {
			return a.floor - b.floor
		}
		return strings.Compare(a.name, b.name)
	})
	return m, nil
}

// skip leaves out what the go command leaves out of a module.
func skip(root, path, name string) error {
	if path == root {
		return nil
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	if err == nil || name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	return nil
}

// read adds a file.
func (p *pkg) read(path, rel string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(p.set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := file{path: rel, test: strings.HasSuffix(rel, "_test.go"), lines: bytes.Count(text, []byte("\n"))}
	for _, imp := range syntax.Imports {
		imported, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return err
		}
		f.imports = append(f.imports, imported)
	}
	for _, d := range syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			begin, end := p.set.Position(fn.Pos()).Line, p.set.Position(fn.End()).Line
			f.functions = append(f.functions, function{fn.Name.Name, begin, end - begin + 1})
		}
	}
	p.files = append(p.files, f)
	if used, err := build.Default.MatchFile(filepath.Split(path)); err == nil && used && !f.test {
		p.syntax = append(p.syntax, syntax)
	}
	if syntax.Doc != nil && (p.purpose == "" || !f.test) {
		p.purpose = new(doc.Package).Synopsis(syntax.Doc.Text())
	}
	return nil
}

// countExported counts what a package exports where the program runs: of files for other
// systems, nothing. What it imports is left out, so that this needs neither a build nor a
// look at other modules: which names there are does not depend on it.
func (p *pkg) countExported() {
	config := types.Config{IgnoreFuncBodies: true, Error: func(error) {}, Importer: nothing{}}
	checked, _ := config.Check(p.name, p.set, p.syntax, nil)
	scope := checked.Scope()
	for _, n := range scope.Names() {
		if !token.IsExported(n) {
			continue
		}
		p.names++
		if _, isType := scope.Lookup(n).(*types.TypeName); isType {
			p.types++
		}
	}
}

type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("cannot import %s: imports are left out", path)
}

// floor returns how many packages of the module stand on one another below p.
func (m *module) floor(p *pkg, byName map[string]*pkg, above map[*pkg]bool) int {
	if above[p] {
		return 0 // a circle, which the compiler refuses
	}
	above[p] = true
	defer delete(above, p)
	floor := 0
	for _, name := range m.imports(p) {
		if below := byName[name]; below != nil {
			floor = max(floor, m.floor(below, byName, above)+1)
		}
	}
	return floor
}

// imports returns what a package imports of the module, but for its tests.
func (m *module) imports(p *pkg) []string {
	var names []string
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, path := range f.imports {
			if name, ours := m.house.Name(path); ours {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// count returns how many files, and lines, a package has of tests or of the rest.
func (p *pkg) count(tests bool) (files, lines int) {
	for _, f := range p.files {
		if f.test == tests {
			files, lines = files+1, lines+f.lines
		}
	}
	return files, lines
}
