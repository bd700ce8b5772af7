package rangeexpr

import (
	"slices"
	"sort"
	"strings"
)

// Sets of names are slices: sorted, each name once, and never changed once made, so
// that they are shared freely.

// sortNames sorts names and drops what is repeated. It changes the slice.
func sortNames(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func union(a, b []string) []string {
	both := make([]string, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0], b[0]); {
		case c < 0:
			both, a = append(both, a[0]), a[1:]
		case c > 0:
			both, b = append(both, b[0]), b[1:]
		default:
			both, a, b = append(both, a[0]), a[1:], b[1:]
		}
	}
	both = append(both, a...)
	return append(both, b...)
}

func intersection(a, b []string) []string {
	if len(a) > len(b) {
		a, b = b, a
	}
	both := make([]string, 0, len(a))
	for _, name := range a {
		var found bool
		if b, found = skipTo(b, name, len(a)); found {
			both = append(both, name)
		}
	}
	return both
}

func difference(a, b []string) []string {
	rest := make([]string, 0, len(a))
	for _, name := range a {
		var found bool
		if b, found = skipTo(b, name, len(a)); !found {
			rest = append(rest, name)
		}
	}
	return rest
}

// skipTo drops the names before name, and reports whether it is the next one. It is
// called for as many names as the caller says: where those are few, they are looked up.
func skipTo(names []string, name string, calls int) ([]string, bool) {
	const lopsided = 16
	if len(names) > lopsided*calls {
		at := sort.SearchStrings(names, name)
		names = names[at:]
	}
	for len(names) > 0 && names[0] < name {
		names = names[1:]
	}
	return names, len(names) > 0 && names[0] == name
}

// intersects reports whether the sets have a name in common.
func intersects(a, b []string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := len(a)
	for _, name := range a {
		var found bool
		if b, found = skipTo(b, name, n); found {
			return true
		}
	}
	return false
}

// filter returns the names that keep holds for.
func filter(names []string, keep func(string) bool) []string {
	var kept []string
	for _, name := range names {
		if keep(name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// lower returns the names in lower case.
func lower(names []string) []string {
	if !slices.ContainsFunc(names, func(n string) bool { return strings.ToLower(n) != n }) {
		return names
	}
	low := make([]string, 0, len(names))
	for _, n := range names {
		low = append(low, strings.ToLower(n))
	}
	return sortNames(low)
}

// contains reports whether the sorted names have name among them.
func contains(names []string, name string) bool {
	_, found := slices.BinarySearch(names, name)
	return found
}

// A page is where names are written one after the other: a name each would be an
// allocation each.
type page struct{ text strings.Builder }

func newPage(bytes int) *page {
	p := &page{}
	p.text.Grow(bytes)
	return p
}

// name returns what was written since from.
func (p *page) name(from int) string { return p.text.String()[from:] }

// names returns what the sequence stands for, sorted.
func (s sequence) names() []string {
	p := newPage(s.size().bytes)
	names := make([]string, 0, s.count)
	number := []byte(s.first)
	for range s.count {
		from := p.text.Len()
		p.text.WriteString(s.head)
		p.text.Write(number)
		p.text.WriteString(s.tail)
		names = append(names, p.name(from))
		number = increment(number)
	}
	return sortNames(names)
}

// cross returns every text of a before every one of b, as they come.
func cross(a, b []string) []string {
	bytes := 0
	for _, t := range a {
		bytes += len(t) * len(b)
	}
	for _, t := range b {
		bytes += len(t) * len(a)
	}
	p := newPage(bytes)
	names := make([]string, 0, len(a)*len(b))
	for _, head := range a {
		for _, tail := range b {
			from := p.text.Len()
			p.text.WriteString(head)
			p.text.WriteString(tail)
			names = append(names, p.name(from))
		}
	}
	return names
}

// A size is how much something stands for, each number plenty where it is more.
type size struct{ count, bytes int }

// plenty is more than is ever made, and its square is an int.
const plenty = 1 << 31

func sizeOf(names []string) size {
	bytes := 0
	for _, n := range names {
		bytes += len(n)
	}
	return size{min(len(names), plenty), min(bytes, plenty)}
}

// times is the size of every text of s before every one of t.
func (s size) times(t size) size {
	return size{
		count: min(s.count*t.count, plenty),
		bytes: min(min(s.bytes*t.count, plenty)+min(t.bytes*s.count, plenty), plenty),
	}
}

func (s sequence) size() size {
	each := len(s.head) + len(s.last) + len(s.tail) // len(s.last) >= len(s.first)
	return size{s.count, min(s.count*each, plenty)}
}
