package rangeexpr

import (
	"fmt"
	"strings"
)

// A SyntaxError tells where an expression cannot be read, why, and what to do.
type SyntaxError struct {
	Expr   string
	Column int // in bytes, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cannot expand %q: column %d: %s", e.Near(), e.Column, e.Reason)
}

// Near returns what of the expression is around the error: all, unless that is long.
func (e *SyntaxError) Near() string {
	const around = 40
	from, to := max(0, e.Column-1-around), min(len(e.Expr), e.Column-1+around)
	near := e.Expr[from:to]
	if from > 0 {
		near = "…" + near
	}
	if to < len(e.Expr) {
		near += "…"
	}
	return near
}

// A parser reads an expression:
//
//	list   = { separator } [ word { separator { separator } word } { separator } ]
//	word   = part { part }               of two neighbours one is braces
//	part   = text | quoted | "{" list "}"
//	quoted = '"' … '"' | "q(" … ")"      a backslash makes the next byte literal
//
// A text is a sequence where it can be read as one.
type parser struct {
	expr  string
	at    int
	depth int  // of braces
	typed bool // see ExpandTyped
}

// What bounds the stack, and the time that a host takes. Nobody nests braces twice.
const (
	maxDepth = 32
	maxParts = 64 // of a word
)

func (p *parser) errorAt(at int, reason string) error {
	return &SyntaxError{Expr: p.expr, Column: at + 1, Reason: reason}
}

// more reports whether there is anything to read, and skips what separates words.
func (p *parser) more() bool {
	for p.at < len(p.expr) && isSeparator(p.expr[p.at]) {
		p.at++
	}
	return p.at < len(p.expr)
}

func isSeparator(c byte) bool { return strings.IndexByte(", \t\r\n", c) >= 0 }

// list reads words up to the end, or up to the brace that closes the list.
func (p *parser) list() (braced, error) {
	var words braced
	for p.more() {
		if p.expr[p.at] == '}' {
			if p.depth > 0 {
				return words, nil
			}
			return nil, p.errorAt(p.at, "the } has no { before it")
		}
		w, err := p.word()
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	return words, nil
}

func (p *parser) word() (*word, error) {
	w := &word{at: p.at}
	for beside := true; p.at < len(p.expr) && !isSeparator(p.expr[p.at]) && p.expr[p.at] != '}'; {
		at, braces := p.at, p.expr[p.at] == '{'
		if !braces && !beside {
			return nil, p.errorAt(at, "a quoted name is a word of its own: put a comma beside the quotes")
		}
		part, err := p.part(w)
		if err != nil {
			return nil, err
		}
		w.parts = append(w.parts, part)
		switch n := len(w.parts); {
		case n > maxParts:
			return nil, p.errorAt(at, "this word has too many braces")
		case n > 1 && part.size().count == 0 || n == 2 && w.parts[0].size().count == 0:
			return nil, p.errorAt(at, "this word has a part that stands for nothing")
		}
		beside = braces
	}
	return w, p.check(w)
}

func (p *parser) part(w *word) (node, error) {
	rest := p.expr[p.at:]
	switch {
	case rest[0] == '{':
		return p.braces()
	case rest[0] == '"':
		return p.quoted(1, '"')
	case strings.HasPrefix(rest, "q("):
		return p.quoted(2, ')')
	}
	return p.text(w), nil
}

// braces reads a list within braces. Beside other parts it has to stand for
// something: Range would take an empty one for the empty text, and make a name of
// what was to be several.
func (p *parser) braces() (node, error) {
	open := p.at
	if p.depth == maxDepth {
		return nil, p.errorAt(open, "the braces are nested too deeply")
	}
	p.at++
	p.depth++
	inner, err := p.list()
	if err != nil {
		return nil, err
	}
	if p.at == len(p.expr) {
		return nil, p.errorAt(open, "the { has no closing }")
	}
	p.depth--
	p.at++
	return inner, nil
}

func (p *parser) quoted(opening int, closing byte) (node, error) {
	open := p.at
	var text []byte
	for p.at += opening; p.at < len(p.expr); p.at++ {
		c := p.expr[p.at]
		if c == closing {
			p.at++
			return literal(text), nil
		}
		if c == '\\' && p.at+1 < len(p.expr) {
			p.at++
			c = p.expr[p.at]
		}
		text = append(text, c)
	}
	return nil, p.errorAt(open, fmt.Sprintf("the quoted name has no closing %c", closing))
}

func (p *parser) text(w *word) node {
	from := p.at
	for p.at < len(p.expr) && !isSeparator(p.expr[p.at]) && strings.IndexByte(`{}"`, p.expr[p.at]) < 0 {
		p.at++
	}
	w.texts = append(w.texts, span{from, p.at})
	text := p.expr[from:p.at]
	if s, ok := parseSequence(text); ok {
		return s
	}
	return literal(text)
}

// check refuses a word that would mean something else in Range, or nothing.
func (p *parser) check(w *word) error {
	if p.typed && w.size().count == 0 {
		return p.errorAt(w.at, "this stands for no host: write the lower number first")
	}
	glob := p.typed && isGlob(p.expr[w.at:p.at])
	for _, t := range w.texts {
		if err := p.checkText(w, t, glob); err != nil {
			return err
		}
	}
	return nil
}

func isGlob(s string) bool { return strings.ContainsAny(s, `*?[\`) }

func (p *parser) checkText(w *word, t span, glob bool) error {
	text := p.expr[t.from:t.to]
	if dots := strings.Index(text, ".."); dots >= 0 {
		_, ok := parseSequence(text)
		switch {
		case glob:
			return p.errorAt(t.from+dots, "a sequence goes in braces where the word is a glob: web{1..3}*")
		case !ok && len(w.parts) > 1:
			return p.errorAt(t.from+dots, "a sequence has both of its ends within the braces, or both outside")
		}
	}
	if glob {
		return nil
	}
	for i := range len(text) {
		if !isHostByte(text[i]) {
			return p.errorAt(t.from+i, refusal(text[i]))
		}
	}
	if t.from == w.at && text[0] == '-' {
		return p.errorAt(t.from, "a word that begins with - takes hosts away in Range, which is not understood here; quote a name that does")
	}
	return nil
}

// refusal tells why c is in no word, and what to do.
func refusal(c byte) string {
	if strings.IndexByte("%@&()/!;^#*?$|'", c) >= 0 {
		return fmt.Sprintf("%q is not one of A-Z a-z 0-9 . _ : - , and clusters, operators and functions of Range are not understood here", c)
	}
	return fmt.Sprintf("%q is not one of A-Z a-z 0-9 . _ : -", c)
}
