package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print writes the packages as text.
func (m *module) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "floor\tfiles\tlines\ttest files\ttest lines\tnames\ttypes\t  package")
	for _, p := range m.packages {
		files, lines := p.count(false)
		tests, testLines := p.count(true)
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", p.floor, files, lines, tests, testLines, p.names, p.types, p.name)
	}
	w.Flush()
	for _, p := range m.packages {
		fmt.Fprintf(out, "\n%s: %s\n", p.name, cmp.Or(p.purpose, "?"))
		if imports := m.imports(p); len(imports) > 0 {
			fmt.Fprintf(out, "  imports %s\n", strings.Join(imports, ", "))
		}
	}
	fmt.Fprintln(out)
}

// markdown writes the packages as a table.
func (m *module) markdown(out io.Writer) {
	fmt.Fprintln(out, "| floor | package | for | files | lines | test files | test lines | exported names | types | imports of the module |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	var allFiles, allLines, allTests, allTestLines int
	for _, p := range m.packages {
		files, lines := p.count(false)
		tests, testLines := p.count(true)
		fmt.Fprintf(out, "| %d | %s | %s | %d | %d | %d | %d | %d | %d | %s |\n", p.floor, p.name, strings.ReplaceAll(p.purpose, "|", `\|`),
			files, lines, tests, testLines, p.names, p.types, strings.Join(m.imports(p), ", "))
		allFiles, allLines, allTests, allTestLines = allFiles+files, allLines+lines, allTests+tests, allTestLines+testLines
	}
	fmt.Fprintf(out, "| | %d packages | | %d | %d | %d | %d | | | |\n", len(m.packages), allFiles, allLines, allTests, allTestLines)
}
