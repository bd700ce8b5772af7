package frame

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// ExprOptions are the switches of grep(1) that change what a line must hold.
type ExprOptions struct {
	Fixed        bool // -F: the expression is text, not a regular expression
	IgnoreCase   bool // -i
	Word         bool // -w: no word character on either side of the match
	Invert       bool // -v: the lines that do not match
	OnlyMatching bool // -o: each non-empty match in place of its line
	Group        bool // with OnlyMatching: the first capture group, where there is one, in place of the match
}

// An Expr finds lines. A line excludes its '\n'; a '\r' stays. Each is matched
// alone, so that nothing crosses lines and ^ \A $ \z are its ends. Empty text
// has no lines; a missing final newline still ends one. An Expr is safe for
// concurrent use.
type Expr struct {
	re      *regexp.Regexp
	again   *regexp.Regexp // with Word: what a further match on a line must look like
	group   int            // the submatch that is the match
	options ExprOptions

	// needles are texts of which every matching line holds one; nil where none
	// are known.
	needles []needle
	// certain: a line that holds a needle matches.
	certain bool
}

const nonWordChar = `[^\p{L}\p{N}_]`

// Compile reads a regular expression in Go's syntax (RE2), or text with Fixed.
func Compile(expr string, o ExprOptions) (*Expr, error) {
	x := &Expr{options: o}
	if o.Fixed {
		expr = regexp.QuoteMeta(expr)
	}
	parse, flags := syntax.Perl, ""
	if o.IgnoreCase {
		parse, flags = syntax.Perl|syntax.FoldCase, "(?i)"
	}
	tree, err := syntax.Parse(expr, parse)
	if err != nil {
		return nil, fmt.Errorf("cannot read the regular expression %q: %w", expr, err)
	}
	whole := "(" + tree.String() + ")" // expr itself need not end: \Qa|b
	tree = tree.Simplify()
	x.needles = needles(tree)
	x.certain = tree.Op == syntax.OpLiteral && !o.Word && shortest(x.needles) == len(string(tree.Rune)) && !slices.Contains(tree.Rune, '\n')
	if o.OnlyMatching && o.Group && tree.MaxCap() > 0 {
		x.group = 1
	}
	if o.Word {
		x.group++
		if x.re, err = regexp.Compile(`(?:^|` + nonWordChar + `)` + whole + `(?:` + nonWordChar + `|$)`); err == nil {
			x.again, err = regexp.Compile(nonWordChar + whole + `(?:` + nonWordChar + `|$)`)
		}
	} else {
		x.re, err = regexp.Compile(flags + expr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the regular expression %q: %w", expr, err)
	}
	return x, nil
}

// Each calls emit with every selected line of text, or with every match where
// OnlyMatching is set, in order, until emit returns false. What emit gets is a
// part of text.
func (x *Expr) Each(text []byte, emit func(part []byte) bool) {
	x.each(text, func(_ int, part []byte) bool { return emit(part) })
}

// each also tells where the line of each part begins.
func (x *Expr) each(text []byte, emit func(at int, part []byte) bool) {
	if x.options.Invert {
		if !x.options.OnlyMatching {
			x.eachWithout(text, emit)
		}
		return
	}
	hunt := newHunt(x.needles, text)
	for pos := 0; pos < len(text); {
		if x.needles != nil {
			at := hunt.from(pos)
			if at == len(text) {
				return
			}
			// Back to the start of that line; pos is the start of one already.
			pos += bytes.LastIndexByte(text[pos:at], '\n') + 1
		}
		line, next := cutLine(text, pos)
		start := pos
		pos = next
		switch {
		case x.options.OnlyMatching:
			if !x.eachMatch(line, func(part []byte) bool { return emit(start, part) }) {
				return
			}
		case x.certain || x.re.Match(line):
			if !emit(start, line) {
				return
			}
		}
	}
}

func (x *Expr) eachWithout(text []byte, emit func(int, []byte) bool) {
	hunt := newHunt(x.needles, text)
	for pos := 0; pos < len(text); {
		start := pos
		line, next := cutLine(text, pos)
		pos = next
		if x.needles == nil || hunt.from(start) < start+len(line) {
			if x.certain || x.re.Match(line) {
				continue
			}
		}
		if !emit(start, line) {
			return
		}
	}
}

// cutLine returns the line that begins at pos and where the next one does.
func cutLine(text []byte, pos int) (line []byte, next int) {
	if end := bytes.IndexByte(text[pos:], '\n'); end >= 0 {
		return text[pos : pos+end], pos + end + 1
	}
	return text[pos:], len(text)
}

// mostOnLine is how many matches of an expression a line may have where each is told by
// itself: package regexp finds all of them before it tells the first. No line that is a
// line has as many.
const mostOnLine = 1 << 18

// matchesTooOften reports whether text has a line with more matches than each tells.
func (x *Expr) matchesTooOften(text []byte) bool {
	if !x.options.OnlyMatching || x.again != nil || len(text) <= mostOnLine {
		return false
	}
	for pos := 0; pos < len(text); {
		var line []byte
		line, pos = cutLine(text, pos)
		if len(line) > mostOnLine && len(x.re.FindAllIndex(line, mostOnLine+1)) > mostOnLine {
			return true
		}
	}
	return false
}

// eachMatch emits the non-empty matches on a line, of which it looks at mostOnLine. A match that Word bounds
// on the right takes the character there with it, so the next search starts one
// character earlier than the match ended, and lets that character bound it.
func (x *Expr) eachMatch(line []byte, emit func([]byte) bool) bool {
	if x.again == nil {
		for _, m := range x.re.FindAllSubmatchIndex(line, mostOnLine) {
			from, to := m[2*x.group], m[2*x.group+1]
			if to > from && !emit(line[from:to]) {
				return false
			}
		}
		return true
	}
	whole := 1 // of the submatches, what Word bounds
	from := 0
	m := x.re.FindSubmatchIndex(line)
	for m != nil {
		if s, e := m[2*x.group], m[2*x.group+1]; s >= 0 && e > s && !emit(line[from+s:from+e]) {
			return false
		}
		start, end := from+m[2*whole], from+m[2*whole+1]
		if end == start { // an empty match: step over one character
			_, size := utf8.DecodeRune(line[end:])
			end += max(size, 1)
		}
		if end > len(line) || end == 0 {
			return true
		}
		_, size := utf8.DecodeLastRune(line[:end])
		from = end - size
		m = x.again.FindSubmatchIndex(line[from:])
	}
	return true
}

// Spans returns where on a line the non-empty matches are, as start and end.
func (x *Expr) Spans(line []byte) [][2]int {
	var spans [][2]int
	x.eachMatch(line, func(part []byte) bool {
		start := cap(line) - cap(part) // part is cut out of line
		spans = append(spans, [2]int{start, start + len(part)})
		return true
	})
	return spans
}

// IsBinary reports whether text holds a NUL, by which grep tells binary files.
func IsBinary(text []byte) bool { return bytes.IndexByte(text, 0) >= 0 }
