package sysops

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A HostSet is a set of hosts to narrow a query to: whole names and globs,
// never parts of names. The nil HostSet holds no host; a Query without one asks
// all hosts.
type HostSet struct {
	names map[string]bool
	globs []glob
}

// ParseHosts reads a list of host names and globs, separated by commas or white
// space: "web01.example.com,db*". A name that is none is ErrBadHost.
func ParseHosts(expr string) (*HostSet, error) {
	set := &HostSet{names: make(map[string]bool)}
	for _, word := range strings.FieldsFunc(expr, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if err := set.add(word); err != nil {
			return nil, err
		}
	}
	if len(set.names) == 0 && len(set.globs) == 0 {
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

// ReadHosts reads host names, one a line; what follows the name on its line,
// empty lines and lines that begin with '#' are passed over. from names r in
// errors. A list without any host is an error, because the empty set would
// answer every question with nothing.
func ReadHosts(r io.Reader, from string) (*HostSet, error) {
	set := &HostSet{names: make(map[string]bool)}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		host, err := ParseHost(fields[0])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", from, n, err)
		}
		set.names[host] = true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the list of hosts %s: %w", from, err)
	}
	if len(set.names) == 0 {
		return nil, fmt.Errorf("cannot use the list of hosts %s: %w: it names none", from, ErrBadHost)
	}
	return set, nil
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
