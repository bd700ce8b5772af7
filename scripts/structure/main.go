// Command structure prints the module's packages, the lowest first, with what each is for
// and how large it is, and fails where the structure is not as it is meant to be: files
// and functions that are too long, a root that has too many files or exports too many
// types, an import that the table of rooms forbids, a package that does not say what it
// is for. Each failure is a sentence that says what to do.
//
//	go run ./scripts/structure           the packages, as text
//	go run ./scripts/structure -table    as a table of Markdown, for docs/decisions
//
// The command line, the linters and the tests are checked by others.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/sysops-api/sysops-api/scripts/structure/rooms"
)

func main() {
	table := flag.Bool("table", false, "print the packages as a table of Markdown")
	flag.Parse()
	m, err := read(".", &rooms.Ours)
	if err != nil {
		fmt.Fprintln(os.Stderr, "structure: error:", err)
		os.Exit(2)
	}
	if *table {
		m.markdown(os.Stdout)
		return
	}
	m.print(os.Stdout)
	faults, ahead := m.check(&ours)
	for _, a := range ahead {
		fmt.Println("ahead:", a)
	}
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, "structure:", f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}
