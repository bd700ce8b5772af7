// Package hostset is which hosts a question means: sets of them, read from expressions of
// Range with globs, or from lists; the clusters that expressions name; and how many hosts
// are written as one short expression.
//
// It promises that a set never means more than its words: whole names and globs, never
// parts of names, and that an expression of which a part cannot be looked up is an error.
// Which hosts there are, only servers know.
package hostset

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

// A Set is a set of hosts to narrow a query to: whole names, and what is said by
// globs, never parts of names. The nil HostSet holds no host; a Query without one asks
// all hosts.
type Set struct {
	names map[string]bool
	open  []*rangeexpr.Set // with globs: only servers know which hosts those are
}

// Parse reads a host expression, which is one of Range and may have globs:
//
//	web01.example.com              a name
//	web001..120.example.com        a sequence: 120 names
//	web{1..3,7}.example.com        braces: each of what they hold; also r{1..40}n{1..8}
//	web*  web[1-9]?.*  *.{esv4,eat1}.example.com   globs, as Redis has them
//	"web1..3"                      quotes: this very name
//	a,b   a & b   a - b            in either; in both; in a and not in b. From left to right
//	web* & /^web[0-9]+\.esv4/      those that a regular expression matches
//	%web  %web:DOWN  @dc           clusters and groups, for which see [Clusters]
//
// All but globs mean what Range makes of them: 8..11 is 8, 9, 10, 11; 08..11 begins with
// 08; 100..3 is short for 100..103. White space separates words, as a comma does. What
// stands for no host, or for more than a million, is an error. So is a name that is
// none: ErrBadHost. A glob that does not parse is ErrBadPattern.
//
// [FoldHosts] writes what ParseHosts reads.
func Parse(expr string) (*Set, error) { return (*Clusters)(nil).Parse(expr) }

// Parse is the function of that name, with these clusters.
func (c *Clusters) Parse(expr string) (*Set, error) {
	e := c.evaluator()
	e.Lower, e.MaxExpr = true, rangeexpr.MaxHosts*256 // all that FoldHosts writes
	e.Glob = func(word string) (func(string) bool, error) {
		if err := naming.CheckGlob(word); err != nil {
			return nil, fmt.Errorf("%w: %w", naming.ErrBadPattern, err)
		}
		return naming.NewGlob(strings.ToLower(word)).Match, nil
	}
	set, err := e.Eval(expr)
	if err != nil {
		return nil, c.badExpression("a set of hosts", err)
	}
	hosts, err := Of(set.Names())
	if err != nil {
		return nil, err
	}
	if set.Open() {
		hosts.open = []*rangeexpr.Set{set}
	} else if len(hosts.names) == 0 {
		return nil, fmt.Errorf("cannot use %q as a set of hosts: %w: it stands for none", expr, naming.ErrBadHost)
	}
	return hosts, nil
}

// Of returns the set of these hosts.
func Of(names []string) (*Set, error) {
	set := &Set{names: make(map[string]bool, len(names))}
	for _, n := range names {
		host, err := naming.ParseHost(n)
		if err != nil {
			return nil, err
		}
		set.names[host] = true
	}
	return set, nil
}

// Read reads hosts, one word a line: a name, a sequence or a name with braces,
// as ParseHosts reads them, but no glob. What follows the word on its line, empty
// lines and lines that begin with '#' are passed over. from names r in errors. A list
// without any host is an error, because the empty set would answer every question
// with nothing.
func Read(r io.Reader, from string) (*Set, error) {
	set := &Set{names: make(map[string]bool)}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := set.addLine(fields[0]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", from, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the list of hosts %s: %w", from, err)
	}
	if len(set.names) == 0 {
		return nil, fmt.Errorf("cannot use the list of hosts %s: %w: it names none", from, naming.ErrBadHost)
	}
	return set, nil
}

// addLine adds the hosts of one word. Several are refused: a file in which commas
// separate columns would else be taken for hosts that do not report.
func (s *Set) addLine(word string) error {
	names := []string{word}
	if strings.ContainsAny(word, `*?[\`) {
		return hint.For(fmt.Errorf("cannot use %q as the hosts of one line: %w: a list has no globs", word, naming.ErrBadHost), hint.GlobInList)
	}
	if strings.Contains(word, "..") || strings.ContainsAny(word, `{"'(`) {
		if severalWords(word) {
			return fmt.Errorf("cannot use %q as the hosts of one line: %w: a comma separates hosts, which go on lines of their own", word, naming.ErrBadHost)
		}
		set, err := (&rangeexpr.Evaluator{}).Eval(word)
		if err != nil {
			return (*Clusters)(nil).badExpression("the hosts of one line", err)
		}
		if names = set.Names(); len(names) == 0 {
			return fmt.Errorf("cannot use %q as the hosts of one line: %w: it stands for none", word, naming.ErrBadHost)
		}
	}
	hosts, err := Of(names)
	if err != nil {
		return err
	}
	maps.Copy(s.names, hosts.names)
	return nil
}

// severalWords reports whether there is a comma outside braces.
func severalWords(expr string) bool {
	depth := 0
	for i := range len(expr) {
		switch expr[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// Union returns the hosts of either set. Either may be nil.
func (s *Set) Union(other *Set) *Set {
	if s == nil {
		return other
	}
	if other == nil {
		return s
	}
	u := &Set{names: maps.Clone(s.names), open: slices.Concat(s.open, other.open)}
	maps.Copy(u.names, other.names)
	return u
}

// Contains reports whether the set holds the host.
func (s *Set) Contains(host string) bool {
	if s == nil {
		return false
	}
	host = strings.ToLower(host) // the original's inserter kept the case
	return s.names[host] || slices.ContainsFunc(s.open, func(open *rangeexpr.Set) bool { return open.Contains(host) })
}

// Globs reports whether the set holds what only servers know, beside Names.
func (s *Set) Globs() bool { return s != nil && len(s.open) > 0 }

// Names returns the whole names in the set, sorted: hosts that are expected to
// answer even where no server has heard of them.
func (s *Set) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.names))
}
