package naming

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
)

// A Pattern selects objects by key. The zero Pattern selects nothing; make one
// with ParsePattern or ParseSearch. A Pattern may be used concurrently.
type Pattern struct {
	text   string
	search bool      // read as Redis' KEYS would read it
	any    []Pattern // of AnyOf; text then only describes them
}

// ParsePattern reads the PATTERN of the sysops verbs:
//
//	web*#/etc/passwd   host-glob#name-glob, where it holds a '#'; also host-glob#section
//	/etc/passwd        a whole Name: exactly that one
//	sysctl-a           the whole part of a name after '@': exactly that section
//	passwd             else every key that contains it, globs allowed
//
// Globs are those of Redis: * ? [a-z] [^a] \x. Which of the last three forms is
// meant is decided by the names that the cache holds, and that three hosts have recorded,
// or one in a hundred: one host must not change what others ask. An empty pattern, or one
// with an unclosed '[' or a backslash at its end, is ErrBadPattern.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "":
		return Pattern{}, fmt.Errorf("cannot search for %q: %w: it is empty", s, ErrBadPattern)
	case strings.HasPrefix(s, "#"), strings.HasSuffix(s, "#"):
		return Pattern{}, hint.To(fmt.Errorf("cannot search for %q: %w: nothing on one side of the #", s, ErrBadPattern),
			"write host#name; * stands for any host or any name")
	}
	if err := CheckGlob(s); err != nil {
		return Pattern{}, fmt.Errorf("cannot search for %q: %w: %w", s, ErrBadPattern, err)
	}
	return Pattern{text: s}, nil
}

// ParseSearch reads STR as the original's --search, and "sysops find", do: with
// a '#' the whole key must match STR, without one *STR*. Every STR but the
// empty one is valid, and selects what Redis' KEYS would.
func ParseSearch(s string) (Pattern, error) {
	if s == "" {
		return Pattern{}, fmt.Errorf("cannot search for %q: %w: it is empty", s, ErrBadPattern)
	}
	return Pattern{text: s, search: true}, nil
}

// AnyOf selects what at least one of the patterns selects: for questions that need
// several objects of each host. A host lacks the answer if it lacks all of them.
func AnyOf(patterns ...Pattern) Pattern {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = p.text
	}
	return Pattern{text: strings.Join(texts, " or "), any: patterns}
}

// Names selects the objects, of any host, that have one of these names: whole names,
// globs of them such as /etc/sysctl.d/*.conf, or sections such as sysctl-a. Unlike a
// whole name that is given to ParsePattern, one that no host has selects nothing.
func Names(names ...string) (Pattern, error) {
	patterns := make([]Pattern, len(names))
	for i, n := range names {
		var err error
		if patterns[i], err = ParsePattern("*#" + n); err != nil {
			return Pattern{}, err
		}
	}
	return AnyOf(patterns...), nil
}

// Empty reports whether the pattern is the zero Pattern, which selects nothing.
func (p Pattern) Empty() bool { return p.text == "" }

// String returns the text that the pattern was made from.
func (p Pattern) String() string { return p.text }

// CheckGlob says what is wrong with a glob that a person writes. Redis takes any text for
// one; an unclosed class and a lone backslash at the end are mistakes all the same.
func CheckGlob(s string) error {
	inClass := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			if i++; i == len(s) {
				return fmt.Errorf("it ends in a lone backslash")
			}
		case s[i] == '[':
			inClass = true
		case s[i] == ']':
			inClass = false
		}
	}
	if inClass {
		return fmt.Errorf("the [ has no closing ]; write \\[ for the character itself")
	}
	return nil
}

// A Selection is a Pattern that has met the names in the cache. Host and Name tell what
// can be left unasked; Key decides.
type Selection struct {
	Host func(host string) bool
	Name func(name string) bool
	Key  func(k Key) bool

	// Narrow tells host and name together, for these hosts and names; nil: each by
	// itself says as much.
	Narrow func(hosts, names []string) (canHosts, canNames []string)

	// Exact are all the names that can be meant, where it is known which; nil: Name tells.
	Exact []string

	// Lacking: every live host that Host accepts could be expected to hold the
	// object, so those that do not are worth a count.
	Lacking bool
}

// HostsAlone selects every host and no object: for questions about hosts.
func HostsAlone() Selection {
	return Selection{
		Host: anyHost, Name: func(string) bool { return false },
		Key: func(Key) bool { return false },
	}
}

// Meanings lists what the pattern may mean exactly: groups of names, each of which is a
// whole name or all names with one section. They depend on the names in the cache, which
// any host can add to. Resolve is told which of the groups count.
func (p Pattern) Meanings(names []string) [][]string {
	var groups [][]string
	for _, one := range p.any {
		groups = append(groups, one.Meanings(names)...)
	}
	if p.search || p.any != nil {
		return groups
	}
	groups = meanings(p.name(), names)
	if len(groups) == 1 && strings.Contains(p.text, "#") {
		return nil // it is all that can be meant
	}
	return groups
}

// name is what the pattern says of names.
func (p Pattern) name() string {
	if _, name, ok := strings.Cut(p.text, "#"); ok {
		return name
	}
	return p.text
}

// Literals are the texts in the pattern that may be whole names.
func (p Pattern) Literals() []string {
	var texts []string
	for _, one := range p.any {
		texts = append(texts, one.Literals()...)
	}
	if p.any == nil && !p.search && !hasGlob(p.name()) {
		texts = append(texts, p.name())
	}
	return texts
}

func hasGlob(text string) bool { return strings.ContainsAny(text, `*?[\`) }

// meanings lists the names that text stands for exactly: itself and, as another group, every
// name of which it is the section.
func meanings(text string, names []string) (groups [][]string) {
	if slices.Contains(names, text) {
		groups = append(groups, []string{text})
	}
	var sections []string
	for _, n := range names {
		if _, section, ok := strings.Cut(n, "@"); ok && section == text {
			sections = append(sections, n)
		}
	}
	if len(sections) > 0 {
		groups = append(groups, sections)
	}
	return groups
}

// Resolve decides which form of PATTERN is meant. names are all names in the
// cache; they need not be sorted. counts tells which of the Meanings decide: a name that
// hardly any host has must not change what others ask for.
func (p Pattern) Resolve(names []string, counts func(meaning []string) bool) Selection {
	if p.any != nil {
		return selectAny(p.any, names, counts)
	}
	if !p.search {
		if host, name, ok := strings.Cut(p.text, "#"); ok {
			return selectHalves(NewGlob(host), name, names, counts)
		}
		for _, exact := range meanings(p.text, names) {
			if counts(exact) {
				return selectNames(exact)
			}
		}
	}
	text := p.text
	if !strings.Contains(text, "#") {
		// A star after a backslash at the end would be taken literally, as it
		// would by Redis: the original built the pattern the same way.
		text = "*" + text + "*"
	}
	return selectKeys(NewGlob(text))
}

func anyHost(string) bool { return true }

func selectNames(names []string) Selection {
	is := isOneOf(names)
	return Selection{Host: anyHost, Name: is, Key: func(k Key) bool { return is(k.Name) }, Exact: names, Lacking: true}
}

func isOneOf(names []string) func(string) bool {
	if len(names) == 1 {
		return func(n string) bool { return n == names[0] }
	}
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return func(n string) bool { return set[n] }
}

// selectHalves takes the name as a glob or, where no name matches that, as a
// section, as without a host. Where none of what it may mean counts, it is all of that.
func selectHalves(host Glob, name string, names []string, counts func([]string) bool) Selection {
	s := Selection{Host: host.Match, Name: NewGlob(name).Match, Lacking: true}
	groups := meanings(name, names)
	if len(groups) > 0 && (!hasGlob(name) || !slices.ContainsFunc(names, s.Name)) {
		s.Exact = slices.Concat(groups...)
		if i := slices.IndexFunc(groups, counts); i >= 0 {
			s.Exact = groups[i]
		}
		s.Name = isOneOf(s.Exact)
	}
	s.Key = func(k Key) bool { return host.Match(k.Host) && s.Name(k.Name) }
	return s
}

func selectAny(patterns []Pattern, names []string, counts func([]string) bool) Selection {
	each := make([]Selection, len(patterns))
	lacking, exact, all := true, []string(nil), true
	for i, p := range patterns {
		each[i] = p.Resolve(names, counts)
		lacking = lacking && each[i].Lacking
		exact, all = append(exact, each[i].Exact...), all && each[i].Exact != nil
	}
	if !all {
		exact = nil
	}
	matches := func(accepts func(*Selection) bool) bool {
		for i := range each {
			if accepts(&each[i]) {
				return true
			}
		}
		return false
	}
	return Selection{
		Host:    func(h string) bool { return matches(func(s *Selection) bool { return s.Host(h) }) },
		Name:    func(n string) bool { return matches(func(s *Selection) bool { return s.Name(n) }) },
		Key:     func(k Key) bool { return matches(func(s *Selection) bool { return s.Key(k) }) },
		Exact:   exact,
		Lacking: lacking,
	}
}

func selectKeys(g Glob) Selection {
	after := g.afterAnyHost()
	return Selection{
		Host:   g.hostCanMatch,
		Name:   func(n string) bool { return g.nameCanMatch(after, n) },
		Narrow: g.narrow,
		Key:    g.keyMatches,
	}
}
