package sysops

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

// A HostSet is a set of hosts to narrow a query to: whole names and globs,
// never parts of names. The nil HostSet holds no host; a Query without one asks
// all hosts.
type HostSet struct {
	names map[string]bool
	globs []glob
}

// maxGlobs bounds the time that a host takes: each is matched with every glob.
const maxGlobs = 1000

// ParseHosts reads a host expression: words separated by commas or white space,
//
//	web01.example.com              a name
//	web001..120.example.com        a sequence: 120 names
//	web{1..3,7}.example.com        braces: each of what they hold; also r{1..40}n{1..8}
//	web*  web[1-9]?.*  *.{esv4,eat1}.example.com   globs, as Redis has them
//	"web1..3"                      quotes: this very name
//
// Sequences and braces mean what Range makes of them: 8..11 is 8, 9, 10, 11;
// 08..11 begins with 08; 100..3 is short for 100..103. What stands for no host, or
// more than a million, is an error. So is a name that is none, as is everything of
// Range that is not in this list: ErrBadHost. A glob that does not parse is
// ErrBadPattern.
//
// [FoldHosts] writes what ParseHosts reads.
func ParseHosts(expr string) (*HostSet, error) {
	words, err := rangeexpr.ExpandTyped(expr)
	if err != nil {
		return nil, badExpression("a set of hosts", err)
	}
	set := &HostSet{names: make(map[string]bool, len(words))}
	for _, word := range words {
		if err := set.add(word); err != nil {
			return nil, err
		}
		if len(set.globs) > maxGlobs {
			return nil, fmt.Errorf("cannot use a set of hosts with more than %d globs: %w: write fewer, wider ones", maxGlobs, ErrBadPattern)
		}
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("cannot use %q as a set of hosts: %w: it names none", expr, ErrBadHost)
	}
	return set, nil
}

func (s *HostSet) add(word string) error {
	if !strings.ContainsAny(word, `*?[\`) {
		host, err := ParseHost(word)
		if err != nil {
			return err
		}
		s.names[host] = true
		return nil
	}
	if err := checkGlob(word); err != nil {
		return fmt.Errorf("cannot use %q as a set of hosts: %w: %w", word, ErrBadPattern, err)
	}
	s.globs = append(s.globs, newGlob(strings.ToLower(word)))
	return nil
}

// ReadHosts reads hosts, one word a line: a name, a sequence or a name with braces,
// as ParseHosts reads them, but no glob. What follows the word on its line, empty
// lines and lines that begin with '#' are passed over. from names r in errors. A list
// without any host is an error, because the empty set would answer every question
// with nothing.
func ReadHosts(r io.Reader, from string) (*HostSet, error) {
	set := &HostSet{names: make(map[string]bool)}
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
		return nil, fmt.Errorf("cannot use the list of hosts %s: %w: it names none", from, ErrBadHost)
	}
	return set, nil
}

// addLine adds the hosts of one word. Several are refused: a file in which commas
// separate columns would else be taken for hosts that do not report.
func (s *HostSet) addLine(word string) error {
	names := []string{word}
	if strings.Contains(word, "..") || strings.ContainsAny(word, `{"(`) {
		if severalWords(word) {
			return fmt.Errorf("cannot use %q as the hosts of one line: %w: a comma separates hosts, which go on lines of their own", word, ErrBadHost)
		}
		var err error
		if names, err = rangeexpr.ExpandTyped(word); err != nil {
			return badExpression("the hosts of one line", err)
		}
	}
	for _, name := range names {
		host, err := ParseHost(name)
		if err != nil {
			return err
		}
		s.names[host] = true
	}
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
func (s *HostSet) Union(other *HostSet) *HostSet {
	if s == nil {
		return other
	}
	if other == nil {
		return s
	}
	u := &HostSet{names: maps.Clone(s.names), globs: slices.Concat(s.globs, other.globs)}
	maps.Copy(u.names, other.names)
	return u
}

// Contains reports whether the set holds the host.
func (s *HostSet) Contains(host string) bool {
	if s == nil {
		return false
	}
	host = strings.ToLower(host) // the original's inserter kept the case
	if s.names[host] {
		return true
	}
	return slices.ContainsFunc(s.globs, func(g glob) bool { return g.match(host) })
}

// Names returns the whole names in the set, sorted: hosts that are expected to
// answer even where no server has heard of them.
func (s *HostSet) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.names))
}
