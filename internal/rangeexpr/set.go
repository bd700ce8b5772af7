package rangeexpr

import (
	"slices"
	"strings"
)

// A Set is what an expression stands for. It is never changed, and may be used by
// several goroutines at once. The nil Set holds no name.
type Set struct{ value }

// Names returns the names that are known to be in the set, sorted, each once: all of
// them, unless the set is open.
func (s *Set) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.names)
}

// Len returns how many names Names returns.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.names)
}

// Contains reports whether the name is in the set.
func (s *Set) Contains(name string) bool { return s != nil && s.contains(name) }

// Open reports whether the set holds more than Names: all that some globs match.
func (s *Set) Open() bool { return s != nil && s.open != nil }

// Union returns the set of what is in either. Either may be nil.
func (s *Set) Union(other *Set) *Set {
	switch {
	case s == nil:
		return other
	case other == nil:
		return s
	}
	return &Set{s.union(other.value)}
}

// A value is a set while it is evaluated: its names, and where it is open, a
// predicate for the others.
type value struct {
	names []string
	open  *open // nil: the names are all
}

// An open is what of a value is no names.
type open struct {
	globs []glob            // these, where match is nil
	match func(string) bool // else what this holds for
	cost  int               // of one match, in those of a glob
}

// A glob is a pattern that Evaluator.Glob has read.
type glob struct {
	text  string
	match func(string) bool
}

func (v value) contains(name string) bool {
	return contains(v.names, name) || v.open != nil && v.open.contains(name)
}

func (o *open) contains(name string) bool {
	if o.match != nil {
		return o.match(name)
	}
	return slices.ContainsFunc(o.globs, func(g glob) bool { return g.match(name) })
}

// cost returns what asking whether a name is in the set takes, in names.
func (v value) cost() int {
	if v.open == nil {
		return 1
	}
	return 1 + v.open.cost
}

func (v value) union(w value) value {
	all := value{names: v.names, open: v.open}
	switch {
	case len(v.names) == 0:
		all.names = w.names
	case len(w.names) > 0:
		all.names = union(v.names, w.names)
	}
	switch a, b := v.open, w.open; {
	case b == nil:
	case a == nil:
		all.open = b
	case a.match == nil && b.match == nil:
		all.open = &open{globs: slices.Concat(a.globs, b.globs), cost: a.cost + b.cost}
	default:
		all.open = &open{cost: a.cost + b.cost, match: func(n string) bool { return a.contains(n) || b.contains(n) }}
	}
	return all
}

func (v value) intersection(w value) value {
	switch {
	case v.open == nil && w.open == nil:
		return value{names: intersection(v.names, w.names)}
	case v.open == nil:
		return value{names: filter(v.names, w.contains)}
	case w.open == nil:
		return value{names: filter(w.names, v.contains)}
	}
	return value{
		names: union(filter(v.names, w.contains), filter(w.names, v.contains)),
		open:  &open{cost: v.cost() + w.cost(), match: func(n string) bool { return v.contains(n) && w.contains(n) }},
	}
}

func (v value) difference(w value) value {
	if v.open == nil && w.open == nil {
		return value{names: difference(v.names, w.names)}
	}
	return v.filter(func(n string) bool { return !w.contains(n) }, w.cost())
}

// filter returns what of the set keep holds for, which takes as long as cost names.
func (v value) filter(keep func(string) bool, cost int) value {
	kept := value{names: filter(v.names, keep)}
	if v.open != nil {
		kept.open = &open{cost: v.cost() + cost, match: func(n string) bool { return v.contains(n) && keep(n) }}
	}
	return kept
}

// texts returns the set as names and globs, if it is no more than that.
func (v value) texts() (texts, bool) {
	t := texts{names: v.names}
	if v.open == nil {
		return t, true
	}
	for _, g := range v.open.globs {
		t.globs = append(t.globs, g.text)
	}
	return t, v.open.match == nil
}

// texts are names, and patterns that are not yet read.
type texts struct{ names, globs []string }

func (t texts) empty() bool { return len(t.names) == 0 && len(t.globs) == 0 }

// cross returns every text of t before every one of u.
func (t texts) cross(u texts) texts {
	all := texts{names: cross(t.names, u.names)}
	if len(t.globs) > 0 || len(u.globs) > 0 {
		all.globs = slices.Concat(cross(escape(t.names), u.globs), cross(t.globs, escape(u.names)), cross(t.globs, u.globs))
	}
	return all
}

var globEscaper = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)

// escape returns the patterns that match these very names.
func escape(names []string) []string {
	patterns := make([]string, 0, len(names))
	for _, n := range names {
		patterns = append(patterns, globEscaper.Replace(n))
	}
	return patterns
}
