package main

import (
	"fmt"

	"github.com/sysops-api/sysops-api/scripts/structure/rooms"
)

// A limit is what no figure may exceed, and where it is to go. While the two differ, the
// program tells what is ahead.
type limit struct{ most, target int }

// limits are what the module keeps to.
type limits struct {
	fileLines     limit // of each file, tests included
	functionLines limit // of each function, tests included
	rootTypes     limit // that the root exports
	rootFiles     limit // of Go in the root, tests included
}

// ours are lowered as the targets come nearer, and never raised.
var ours = limits{
	fileLines:     limit{600, 600},
	functionLines: limit{80, 80},
	rootTypes:     limit{45, 45},
	rootFiles:     limit{16, 16},
}

// check returns what is not as it has to be and, apart, what is not yet as it is to be.
// Each is a sentence that says what to do.
func (m *module) check(l *limits) (faults, ahead []string) {
	c := &checking{}
	if err := m.house.Valid(); err != nil {
		c.faults = append(c.faults, err.Error())
	}
	for _, p := range m.packages {
		if err := m.house.Known(p.name); err != nil {
			c.fault("%v", err)
		}
		if p.purpose == "" {
			c.fault("%s does not say what it is for: begin its package comment with a sentence that does", p.name)
		}
		if p.name == rooms.Root {
			c.over(l.rootTypes, p.types, "the root exports %d types, more than %d: let the package that a type belongs to have it, or make it one with another")
			c.over(l.rootFiles, len(p.files), "the root has %d files of Go, more than %d: move tests beside what they test, and what is no noun of the API into a package of its own")
		}
		for _, f := range p.files {
			c.over(l.fileLines, f.lines, f.path+" has %d lines, more than %d: split it by what its parts are about")
			for _, fn := range f.functions {
				c.over(l.functionLines, fn.lines,
					fmt.Sprintf("%s:%d: %s", f.path, fn.line, fn.name)+" has %d lines, more than %d: make its steps functions with names of their own")
			}
			for _, imported := range f.imports {
				if f.test || m.house.Known(p.name) != nil {
					break
				}
				if err := m.house.Check(p.name, imported); err != nil {
					c.fault("%s: %v", f.path, err)
				}
			}
		}
	}
	return c.faults, c.ahead
}

type checking struct{ faults, ahead []string }

func (c *checking) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// over tells of a figure that is over a limit, or over its target. The format has places
// for the two.
func (c *checking) over(l limit, figure int, format string) {
	switch {
	case figure > l.most:
		c.fault(format, figure, l.most)
	case figure > l.target:
		c.ahead = append(c.ahead, fmt.Sprintf(format, figure, l.target))
	}
}
