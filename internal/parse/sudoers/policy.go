package sudoers

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Files are the sudoers files of one host, by their paths.
type Files map[string]*File

// A Policy is what one host's files say together, in the order in which sudo reads them.
// It does not change any more and may be used concurrently.
type Policy struct {
	specs    []*userSpec
	defaults []*defaultsLine
	aliases  map[aliasKey][]member

	// Problems are what is passed over, as sudo does it too: entries with errors.
	Problems []Problem
	// Missing are files that are included and are not among the host's objects. What
	// they say is not known.
	Missing []Problem
	// EmptyDirs are included folders of which there is no file: they have none, or are
	// not collected.
	EmptyDirs []string
	// Broken says why sudo would use none of the files; empty: it uses them.
	Broken string
}

type aliasKey struct{ kind, name string }

// A Problem is something about one place in a file.
type Problem struct {
	Name   string // the file's, where the problem is; of Policy.Missing, the file that is missing
	Line   int
	Reason string
}

// Bounds on what a host can make us do. The first is sudo's: it has 128, and asks only when
// it makes room for 16 more.
const (
	maxIncludeDepth = 144
	maxIncludes     = 4096
	maxEntries      = 1 << 18
	maxProblems     = 100
)

// Assemble puts the files together, beginning with the one that is called main. short is
// the host's name up to its first dot, which %h stands for.
func Assemble(files Files, main, short string) *Policy {
	a := &assembler{files: files, short: short, Policy: &Policy{aliases: make(map[aliasKey][]member)}}
	if f := files[main]; f != nil {
		a.add(f, main, 0, true)
	}
	return a.Policy
}

type assembler struct {
	*Policy
	files    Files
	short    string
	includes int
	entries  int
	full     bool // one of the bounds is reached: the rest is not read

	// A file that ended within an entry has it go on in the next line, whichever file that
	// is in: it is lost with it. cut is set until then; next is that line's number.
	cut  string
	next int
}

func (a *assembler) problem(list *[]Problem, name string, line int, format string, args ...any) {
	if len(*list) < maxProblems {
		*list = append(*list, Problem{name, line, fmt.Sprintf(format, args...)})
	}
}

// add adds the entries of a file. last: nothing is read after it.
func (a *assembler) add(f *File, name string, depth int, last bool) {
	if f.cut {
		a.problem(&a.Missing, name, 0, "only the first %d KiB of it are read", maxFile>>10)
	}
	a.next = 1
	for i := range f.entries {
		e := &f.entries[i]
		if a.entries++; a.entries > maxEntries && !a.full {
			a.full = true
			a.problem(&a.Missing, name, e.line, "the host's files have more than %d entries: the rest is not read", maxEntries)
		}
		if a.full {
			return
		}
		if cut := a.cut; cut != "" {
			a.cut = ""
			if e.line == a.next {
				a.problem(&a.Problems, name, e.line, "it is lost: %s ends in a backslash before it", cut)
				continue
			}
		}
		if e.problem != "" {
			a.problem(&a.Problems, name, e.line, "%s", e.problem)
		}
		if e.redacted {
			a.problem(&a.Missing, name, e.line, "its agent redacted a part of the entry")
		}
		switch {
		case e.spec != nil:
			s := *e.spec
			s.file = name
			a.specs = append(a.specs, &s)
		case e.defaults != nil:
			a.defaults = append(a.defaults, e.defaults)
		case e.aliases != nil:
			a.addAliases(e, name)
		case e.include != nil:
			a.include(e, name, depth, last && i == len(f.entries)-1 && e.line+1 >= f.lines)
			a.next = e.line + 1
		}
	}
	if f.lines > a.next {
		a.cut = ""
	}
	if f.unfinished {
		a.problem(&a.Problems, name, f.lines, "the file ends in a backslash: its last entry is lost")
		a.cut = name
		if last {
			a.Broken = fmt.Sprintf("%s ends in a backslash: sudo refuses all of its files", name)
		}
	}
}

// addAliases defines the aliases of a line up to the first that exists already.
func (a *assembler) addAliases(e *entry, name string) {
	for _, d := range e.aliases.defs {
		key := aliasKey{e.aliases.kind, d.name}
		if _, exists := a.aliases[key]; exists {
			a.problem(&a.Problems, name, e.line, "alias %q is already defined", d.name)
			return
		}
		a.aliases[key] = d.members
	}
}

func (a *assembler) include(e *entry, from string, depth int, last bool) {
	target := strings.ReplaceAll(e.include.path, "%h", a.short)
	if !strings.HasPrefix(target, "/") {
		target = path.Dir(from) + "/" + target
	}
	target = path.Clean(target)
	if depth >= maxIncludeDepth {
		a.problem(&a.Problems, from, e.line, "%s: too many levels of includes", target)
		return
	}
	names := []string{target}
	if e.include.dir {
		if names = a.files.in(target); names == nil && !slices.Contains(a.EmptyDirs, target) {
			a.EmptyDirs = append(a.EmptyDirs, target)
		}
	}
	for i, n := range names {
		if a.includes++; a.includes > maxIncludes && !a.full {
			a.full = true
			a.problem(&a.Missing, from, e.line, "there are more than %d includes: the rest is not read", maxIncludes)
		}
		if a.full {
			return
		}
		if f := a.files[n]; f != nil {
			a.add(f, n, depth+1, last && i == len(names)-1)
		} else if !slices.ContainsFunc(a.Missing, func(p Problem) bool { return p.Name == n }) {
			a.problem(&a.Missing, n, 0, "%s includes it, and it is not in the cache", from)
		}
	}
}

// in returns the files of a folder that sudo reads, in its order: none with a dot in its
// name or a ~ at its end.
func (f Files) in(dir string) []string {
	var out []string
	for name := range f {
		base, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/")
		if ok && !strings.ContainsAny(base, "./") && !strings.HasSuffix(base, "~") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
