package rangeexpr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd      tokenKind = iota
	tokenLiteral            // a word, which may be a sequence
	tokenQuoted             // q(…), '…', "…"
	tokenGlob               // a word with one of * ? [ \
	tokenRegex              // /…/
	tokenKey                // $KEY
	tokenOperator           // any of operators
)

// Operators are tokens of one byte. A prefix is short for a function, or is '!'.
const (
	operators = "&,(){}^#%@*!?-;"
	prefixes  = "%@*?^!"
)

// A token is a part of an expression, which begins at at.
type token struct {
	kind  tokenKind
	op    byte // of an operator
	at    int
	space bool   // white space is before it
	text  string // what it means: without quotes, slashes and '$'
}

// is reports whether the token is that operator.
func (t token) is(op byte) bool { return t.kind == tokenOperator && t.op == op }

// isOneOf reports whether the token is one of those operators.
func (t token) isOneOf(ops string) bool {
	return t.kind == tokenOperator && strings.IndexByte(ops, t.op) >= 0
}

// begins reports whether an operand can begin with the token.
func (t token) begins() bool {
	return t.isOneOf("({#"+prefixes) || t.kind != tokenOperator && t.kind != tokenEnd
}

// A lexer splits an expression into tokens.
type lexer struct {
	expr   string
	at     int
	globs  bool // words may be globs
	prefix bool // the token that ends here is % or @
}

func (l *lexer) errorAt(at int, reason string) error {
	return &SyntaxError{Expr: l.expr, Column: at + 1, Reason: reason}
}

func (l *lexer) next() (token, error) {
	from := l.at
	for l.at < len(l.expr) && isSpace(l.expr[l.at]) {
		l.at++
	}
	t := token{at: l.at, space: l.at > from}
	if l.at == len(l.expr) {
		return t, nil
	}
	err := l.read(&t)
	l.prefix = t.isOneOf("%@")
	return t, err
}

const spaces = " \t\r\n"

func isSpace(c byte) bool { return strings.IndexByte(spaces, c) >= 0 }

func (l *lexer) read(t *token) error {
	c, rest := l.expr[l.at], l.expr[l.at:]
	switch {
	case c == '"' || c == '\'':
		return l.quoted(t, 1, c)
	case strings.HasPrefix(rest, "q("):
		return l.quoted(t, 2, ')')
	case c == '/':
		return l.regex(t)
	case c == '$':
		return l.key(t)
	case c != '-' && isHostByte(c), l.globs && isGlobByte(c) && !l.isPrefix(c, t):
		return l.word(t)
	case strings.IndexByte(operators, c) >= 0:
		t.kind, t.op = tokenOperator, c
		l.at++
		return nil
	}
	return l.errorAt(l.at, l.refusal())
}

// isPrefix reports whether c is an operator although words may be globs: *host and
// ?host stand for clusters and groups, thus after % and @ alone.
func (l *lexer) isPrefix(c byte, t *token) bool {
	return (c == '*' || c == '?') && l.prefix && !t.space
}

// refusal tells why what is next is in no expression.
func (l *lexer) refusal() string {
	r, _ := utf8.DecodeRuneInString(l.expr[l.at:])
	return fmt.Sprintf("%q is not one of A-Z a-z 0-9 . _ : - and no operator: quote a name that has it", r)
}

func (l *lexer) quoted(t *token, opening int, closing byte) error {
	open := l.at
	var text []byte
	for l.at += opening; l.at < len(l.expr); l.at++ {
		c := l.expr[l.at]
		if c == closing {
			l.at++
			t.kind, t.text = tokenQuoted, string(text)
			return nil
		}
		if c == '\\' && l.at+1 < len(l.expr) {
			l.at++
			c = l.expr[l.at]
		}
		text = append(text, c)
	}
	return l.errorAt(open, fmt.Sprintf("the quoted name has no closing %c", closing))
}

// regex reads a regular expression. A backslash goes where it is before a slash or
// before another; other escapes are the expression's own.
func (l *lexer) regex(t *token) error {
	open := l.at
	var text []byte
	for l.at++; l.at < len(l.expr); l.at++ {
		c := l.expr[l.at]
		if c == '/' {
			l.at++
			t.kind, t.text = tokenRegex, string(text)
			return nil
		}
		if c == '\\' && l.at+1 < len(l.expr) {
			l.at++
			if next := l.expr[l.at]; next != '/' && next != '\\' {
				text = append(text, c)
			}
			c = l.expr[l.at]
		}
		text = append(text, c)
	}
	return l.errorAt(open, "the regular expression has no closing /")
}

func (l *lexer) key(t *token) error {
	from := l.at + 1
	end := from
	for end < len(l.expr) && isKeyByte(l.expr[end]) {
		end++
	}
	if end == from {
		return l.errorAt(l.at, "the $ has no name of a key after it")
	}
	l.at = end
	t.kind, t.text = tokenKey, l.expr[from:end]
	return nil
}

func isKeyByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

func isGlobByte(c byte) bool { return strings.IndexByte(`*?[\`, c) >= 0 }

func (l *lexer) word(t *token) error {
	from := l.at
	t.kind = tokenLiteral
	for l.at < len(l.expr) {
		c := l.expr[l.at]
		switch {
		case isHostByte(c):
		case l.globs && isGlobByte(c):
			t.kind = tokenGlob
			l.skipGlob(c)
		default:
			t.text = l.expr[from:l.at]
			return l.checkWord(t)
		}
		l.at++
	}
	t.text = l.expr[from:l.at]
	return l.checkWord(t)
}

// skipGlob goes to the last byte of what c begins: a class, or an escaped byte.
func (l *lexer) skipGlob(c byte) {
	switch {
	case c == '\\' && l.at+1 < len(l.expr):
		l.at++
	case c == '[':
		n := strings.IndexAny(l.expr[l.at:], "],{}()\"'"+spaces)
		if n > 0 && l.expr[l.at+n] == ']' {
			l.at += n
		}
	}
}

func (l *lexer) checkWord(t *token) error {
	if dots := strings.Index(t.text, ".."); t.kind == tokenGlob && dots >= 0 {
		return l.errorAt(t.at+dots, "a sequence goes in braces where the word is a glob: web{1..3}*")
	}
	return nil
}
