package codec

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// ExprOptions are the switches of grep(1) that change what a line must hold.
type ExprOptions struct {
	Fixed        bool // -F: the expression is text, not a regular expression
	IgnoreCase   bool // -i
	Word         bool // -w: no word character on either side of the match
	Invert       bool // -v: the lines that do not match
	OnlyMatching bool // -o: each non-empty match in place of its line
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

	// literal is text that every matching line holds, nil where none is known.
	// Most lines are dismissed by looking for it.
	literal []byte
	// certain: a line that holds literal matches.
	certain bool
}

const (
	nonWordChar = `[^\p{L}\p{N}_]`
)

// Compile reads a regular expression in Go's syntax (RE2), or text with Fixed.
func Compile(expr string, o ExprOptions) (*Expr, error) {
	x := &Expr{options: o}
	if o.Fixed {
		expr = regexp.QuoteMeta(expr)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("cannot read the regular expression %q: %w", expr, err)
	}
	if !o.IgnoreCase {
		tree = tree.Simplify()
		x.literal = requiredLiteral(tree)
		x.certain = tree.Op == syntax.OpLiteral && x.literal != nil && !o.Word
	}
	flags := ""
	if o.IgnoreCase {
		flags = "(?i)"
	}
	if o.Word {
		x.group = 1
		if x.re, err = regexp.Compile(flags + `(?:^|` + nonWordChar + `)(` + expr + `)(?:` + nonWordChar + `|$)`); err == nil {
			x.again, err = regexp.Compile(flags + nonWordChar + `(` + expr + `)(?:` + nonWordChar + `|$)`)
		}
	} else {
		x.re, err = regexp.Compile(flags + `(?:` + expr + `)`)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the regular expression %q: %w", expr, err)
	}
	return x, nil
}

// requiredLiteral returns the longest text that every match of tree contains,
// nil where it knows of none.
func requiredLiteral(tree *syntax.Regexp) []byte {
	switch tree.Op {
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase != 0 {
			return nil
		}
		for _, r := range tree.Rune {
			if r == utf8.RuneError {
				return nil // it also matches bytes that are not UTF-8
			}
		}
		return []byte(string(tree.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiteral(tree.Sub[0])
	case syntax.OpConcat:
		var longest []byte
		for _, sub := range tree.Sub {
			if lit := requiredLiteral(sub); len(lit) > len(longest) {
				longest = lit
			}
		}
		return longest
	}
	return nil
}

// Each calls emit with every selected line of text, or with every match where
// OnlyMatching is set, in order, until emit returns false. What emit gets is a
// part of text.
func (x *Expr) Each(text []byte, emit func(part []byte) bool) {
	if x.options.Invert {
		if !x.options.OnlyMatching {
			x.eachWithout(text, emit)
		}
		return
	}
	for pos := 0; pos < len(text); {
		if x.literal != nil {
			at := bytes.Index(text[pos:], x.literal)
			if at < 0 {
				return
			}
			// Back to the start of that line; pos is the start of one already.
			pos += bytes.LastIndexByte(text[pos:pos+at], '\n') + 1
		}
		line, next := cutLine(text, pos)
		pos = next
		if !x.emitFrom(line, emit) {
			return
		}
	}
}

func (x *Expr) eachWithout(text []byte, emit func([]byte) bool) {
	for pos := 0; pos < len(text); {
		line, next := cutLine(text, pos)
		pos = next
		if !x.matches(line) && !emit(line) {
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

func (x *Expr) matches(line []byte) bool {
	if x.literal != nil && !bytes.Contains(line, x.literal) {
		return false
	}
	return x.certain || x.re.Match(line)
}

func (x *Expr) emitFrom(line []byte, emit func([]byte) bool) bool {
	if x.options.OnlyMatching {
		return x.eachMatch(line, emit)
	}
	return !x.matches(line) || emit(line)
}

// eachMatch emits the non-empty matches on a line. A match that Word bounds
// on the right takes the character there with it, so the next search starts one
// character earlier than the match ended, and lets that character bound it.
func (x *Expr) eachMatch(line []byte, emit func([]byte) bool) bool {
	if x.again == nil {
		for _, m := range x.re.FindAllIndex(line, -1) {
			if m[1] > m[0] && !emit(line[m[0]:m[1]]) {
				return false
			}
		}
		return true
	}
	from := 0
	m := x.re.FindSubmatchIndex(line)
	for m != nil {
		start, end := from+m[2*x.group], from+m[2*x.group+1]
		if end > start && !emit(line[start:end]) {
			return false
		}
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
