package rangeexpr

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
)

// Fold returns a short expression that stands for exactly these hosts, in natural
// order: numbers by value. It depends neither on the order of hosts nor on
// repetitions. Range and an Evaluator read it alike.
//
// Runs of numbers become sequences, web001..120.example.com, which need no quotes
// in a shell. Braces do, and are harder to read, so they are used only where they
// halve the text: web{001,004..007,019}.example.com, r{1..40}n{1..8}. A name that
// would be misread, such as one with "..", is quoted.
//
// A number with a '-' after it is not folded: what comes after braces cannot begin
// with '-' in Range, nor what comes after a sequence.
func Fold(hosts []string) string {
	names := slices.Clone(hosts)
	slices.Sort(names)
	names = slices.Compact(names)
	var words []folded
	terms := make([]*term, 0, len(names))
	single := make([]term, len(names))
	for i, name := range names {
		if isPlain(name) {
			single[i] = term{text: name, first: name}
			terms = append(terms, &single[i])
		} else {
			words = append(words, folded{quote(name), name})
		}
	}
	for range maxBraces {
		merged := merge(terms)
		terms = terms[:0]
		for _, t := range merged {
			if strings.Contains(t.text, "{") {
				terms = append(terms, t)
			} else {
				words = append(words, folded{t.text, t.first})
			}
		}
	}
	for _, t := range terms {
		words = append(words, t.words...)
	}
	return join(words)
}

// join lists words in the order of their first hosts.
func join(words []folded) string {
	slices.SortFunc(words, func(a, b folded) int { return naming.CompareNatural(a.first, b.first) })
	var out strings.Builder
	for i, w := range words {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(w.text)
	}
	return out.String()
}

// maxBraces is how many numbers of a name are folded: r{1..40}n{1..8} has two.
const maxBraces = 3

// maxNumbers is how many numbers of a name are candidates. Names that were made up
// by machines have many, and folding takes as much longer.
const maxNumbers = 4

// A folded word is a word of the result, and the first of its hosts.
type folded struct{ text, first string }

// A term is some hosts: as one word, with braces unless it is a single host, and
// as the words that are best shown.
type term struct {
	text  string
	first string   // of its hosts
	words []folded // nil: text itself
}

func (t *term) shown() []folded {
	if t.words == nil {
		return []folded{{t.text, t.first}}
	}
	return t.words
}

// isPlain reports whether a name stands for itself as it is.
func isPlain(name string) bool {
	if name == "" || name[0] == '-' || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		if !isHostByte(name[i]) {
			return false
		}
	}
	return true
}

func quote(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// A shape is a term without one of its numbers: terms of one shape can be folded.
type shape struct{ prefix, suffix string }

// sequential reports whether a run of the shape's numbers may be a sequence. That
// of one run is decided by reading it.
func (s shape) sequential() bool {
	return !strings.ContainsAny(s.prefix, ":{") && (s.suffix == "" || isDomain(s.suffix))
}

// A member is a term of a shape, with its number.
type member struct {
	digits string
	*term
}

// merge folds terms that differ in one number alone: of those that a term has, the
// one that folds most, and a sequence before braces, then the last. Every term is
// looked at once, not every pair: 24,000 hosts take 20 ms.
func merge(terms []*term) []*term {
	c := newCandidates(terms)
	members := make([][]member, len(c.shapes))
	var out []*term
	for i, t := range terms {
		if best, ok := c.best(i); ok {
			members[best.shape] = append(members[best.shape], member{t.text[best.from:best.to], t})
		} else {
			out = append(out, t)
		}
	}
	for id, s := range c.shapes {
		out = s.fold(out, members[id])
	}
	return out
}

// candidates are the numbers of terms, with the shape that a term has without each.
type candidates struct {
	shapes []shape
	worth  []int // by shape: how many terms have it, or would have if braces were as good
	all    []candidate
	ends   []int // by term: where those of it end in all
}

type candidate struct{ shape, from, to int }

func newCandidates(terms []*term) *candidates {
	c := &candidates{all: make([]candidate, 0, 2*len(terms)), ends: make([]int, 0, len(terms))}
	ids := make(map[shape]int, 2*len(terms))
	for _, t := range terms {
		for from, to := range numbers(t.text) {
			s := shape{t.text[:from], t.text[to:]}
			id, known := ids[s]
			if !known {
				id = len(c.shapes)
				ids[s] = id
				c.shapes, c.worth = append(c.shapes, s), append(c.worth, 0)
			}
			c.worth[id]++
			c.all = append(c.all, candidate{id, from, to})
		}
		c.ends = append(c.ends, len(c.all))
	}
	for id, s := range c.shapes {
		if c.worth[id] > 1 && s.sequential() {
			c.worth[id] *= 2
		}
	}
	return c
}

// best returns the number to fold in a term, if any folds.
func (c *candidates) best(term int) (best candidate, ok bool) {
	begin := 0
	if term > 0 {
		begin = c.ends[term-1]
	}
	worth := 2
	for _, n := range c.all[begin:c.ends[term]] {
		if c.worth[n.shape] >= worth {
			best, ok, worth = n, true, c.worth[n.shape]
		}
	}
	return best, ok
}

// numbers yields the numbers of a term that can be folded: outside braces, and
// without a '-' after them.
func numbers(text string) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		depth, found := 0, 0
		for at := 0; at < len(text) && found < maxNumbers; at++ {
			switch c := text[at]; {
			case c == '{':
				depth++
			case c == '}':
				depth--
			case isDigit(c) && depth == 0:
				end := digitsEnd(text, at)
				if end == len(text) || text[end] != '-' {
					if found++; !yield(at, end) {
						return
					}
				}
				at = end - 1
			}
		}
	}
}

// fold appends members of one shape to terms: as one term, unless that is no gain.
func (s shape) fold(terms []*term, members []member) []*term {
	if len(members) < 2 {
		return appendTerms(terms, members)
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(naming.CompareNumbers(a.digits, b.digits), cmp.Compare(len(a.digits), len(b.digits)))
	})
	var numbers []string
	var words []folded
	listed := -1 // commas are between them
	for _, r := range split(members) {
		numbers = append(numbers, r.braced())
		for _, w := range s.list(r) {
			words = append(words, w)
			listed += len(w.text) + 1
		}
	}
	t := &term{text: s.prefix + "{" + strings.Join(numbers, ",") + "}" + s.suffix, first: members[0].first}
	single := !slices.ContainsFunc(members, func(m member) bool { return m.words != nil })
	switch {
	case 2*len(t.text) <= listed:
		t.words = []folded{{t.text, t.first}}
	case single:
		t.words = words
	default:
		return appendTerms(terms, members)
	}
	return append(terms, t)
}

func appendTerms(terms []*term, members []member) []*term {
	for _, m := range members {
		terms = append(terms, m.term)
	}
	return terms
}

// list returns a run as words with no more braces than its terms have.
func (s shape) list(r run) []folded {
	if len(r) > 1 && s.sequential() {
		text := s.prefix + r.text() + s.suffix
		first, last := r[0].text, r[len(r)-1].text
		// Range may find the number elsewhere: r1.n1..8.n1 are r1.n1 … r8.n1.
		seq, ok := parseSequence(text)
		if ok && seq.count == len(r) && seq.firstText() == first && seq.lastText() == last && len(text) < (len(first)+1)*len(r) {
			return []folded{{text, first}}
		}
	}
	var words []folded
	for _, m := range r {
		words = append(words, m.shown()...)
	}
	return words
}

// A run is members whose numbers follow one another.
type run []member

// maxDigits is how many digits of the numbers of a run may change: Range counts in
// 32 bits.
const maxDigits = 9

// split puts members, which are sorted, into runs. Two may be under way at once: 8,
// 9, 10 beside 08, 09.
func split(members []member) []run {
	var runs []run
	latest := make(map[int]int) // by the length of its last number, the latest run
	for _, m := range members {
		n := len(m.digits)
		at, ok := latest[n] // 09 before 9
		if !ok || !runs[at].continuesWith(m) {
			at, ok = latest[n-1]
			ok = ok && runs[at].continuesWith(m)
		}
		if !ok {
			at = len(runs)
			runs = append(runs, nil)
		}
		runs[at] = append(runs[at], m)
		latest[n] = at
	}
	return runs
}

func (r run) continuesWith(m member) bool {
	if !follows(r[len(r)-1].digits, m.digits) {
		return false
	}
	return len(m.digits) <= maxDigits || changing(r[0].digits, m.digits) <= maxDigits
}

// changing returns how many digits at the end of two numbers differ, and of all
// that have them where they are of different length.
func changing(a, b string) int {
	if len(a) != len(b) {
		return max(len(a), len(b))
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return len(a) - i
}

// text returns the run as a sequence of numbers. The last one is whole, which is
// what a reader expects, unless it is too long for that: 20260101000..120.
func (r run) text() string {
	first, last := r[0].digits, r[len(r)-1].digits
	if len(last) > maxDigits {
		last = last[len(last)-changing(first, last):]
	}
	return first + ".." + last
}

// braced returns the run as it is within braces: a sequence where that is shorter.
func (r run) braced() string {
	if len(r) > 2 {
		return r.text()
	}
	var list []string
	for _, m := range r {
		list = append(list, m.digits)
	}
	return strings.Join(list, ",")
}
