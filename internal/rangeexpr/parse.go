package rangeexpr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// What bounds the time and the memory that reading takes. Nobody nests three times.
const (
	maxDepth   = 64   // of parentheses, braces and prefix operators within each other
	maxParts   = 64   // of a product
	maxRegex   = 1000 // bytes
	maxRegexes = 100
	maxSteps   = 100_000 // instructions of all regular expressions
)

// A parser reads an expression:
//
//	chain   = operand { ( "," | "-" | "&" | white space ) operand }
//	operand = prefix operand | product | nothing
//	product = [ primary ] { "{" chain "}" [ primary | prefix operand ] }
//	primary = word | quoted | regex | "$" key | "(" chain ")" | [ "#" ] word "(" chain { ";" chain } ")"
//	prefix  = "%" | "@" | "*" | "?" | "^" | "!"
//
// It is that of Range (range_parser.y and range_scanner.l of libcrange), where neighbours
// without an operator are an error, and white space means nothing. Here it does so
// beside a brace alone, and is an error where it tears a word.
type parser struct {
	lexer
	tok   token // the next one
	depth int

	regexes, steps int
}

// parse reads an expression of no more bytes than longest. Words may be globs where
// globs is set; then one that stands for nothing is an error.
func parse(expr string, longest int, globs bool) (node, error) {
	if len(expr) > longest {
		return nil, &LimitError{Expr: expr, Column: 1, Reason: fmt.Sprintf("the expression is longer than %d bytes", longest)}
	}
	p := &parser{lexer: lexer{expr: expr, globs: globs}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.chain()
	if err == nil && p.tok.kind != tokenEnd {
		err = p.unexpected()
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lexer.next()
	return err
}

// unexpected tells why the next token cannot be where it is.
func (p *parser) unexpected() error {
	switch t := p.tok; {
	case t.isOneOf(")}"):
		return p.errorAt(t.at, fmt.Sprintf("the %c has no %c before it", t.op, opening(t.op)))
	case t.kind == tokenOperator:
		return p.errorAt(t.at, fmt.Sprintf("%q is not one of A-Z a-z 0-9 . _ : - and cannot be here: %s", t.op, remedy(t.op)))
	}
	return p.errorAt(p.tok.at, "a quoted name, a regular expression, a $KEY or a parenthesis is a word of its own: put a comma beside it")
}

func opening(closing byte) byte {
	if closing == ')' {
		return '('
	}
	return '{'
}

func remedy(op byte) string {
	if op == ';' {
		return "it separates the arguments of a function"
	}
	return "put a comma before it"
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.errorAt(p.tok.at, "this is nested too deeply")
	}
	return nil
}

func (p *parser) chain() (node, error) {
	first, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &chain{first: first}
	for last := first; ; {
		l := link{op: ','}
		switch {
		case p.tok.isOneOf(",-&"):
			l.op = p.tok.op
			after := p.tok.op == '-' && p.tok.at > 0 && p.expr[p.tok.at-1] == '}'
			if err := p.advance(); err != nil {
				return nil, err
			}
			if after && !p.tok.space && p.tok.begins() {
				markJoined(last)
			}
		case !p.tok.space || !p.tok.begins():
			if len(c.links) == 0 {
				return first, nil
			}
			return c, nil
		case p.torn():
			return nil, p.errorAt(p.tok.at, "this is no word of its own: put a comma before it, or leave out the white space; a - that takes away has some before it")
		}
		if l.operand, err = p.operand(); err != nil {
			return nil, err
		}
		last = l.operand
		c.links = append(c.links, l)
	}
}

// torn reports whether the white space before the next token is within what somebody
// means to be one word, "web1 .. 3" or "%web :UP", or makes of a '-' the end of a word,
// "web1- web2". Range refuses it with all other white space between words.
func (p *parser) torn() bool {
	left, right := strings.TrimRight(p.expr[:p.tok.at], spaces), p.expr[p.tok.at:]
	return strings.HasSuffix(left, "-") || strings.HasSuffix(left, "..") || strings.HasPrefix(right, "..") ||
		strings.HasPrefix(right, ":") && !strings.HasPrefix(right, "::") // as an IPv6 address does
}

// markJoined remembers for the error that it may come to: somebody means %a{b,c}-d
// to be the clusters ab-d and ac-d.
func markJoined(n node) {
	if c, ok := n.(*call); ok {
		c.joined = true
	}
}

// prefixed are the functions that operators are short for.
var prefixed = map[byte]string{'%': "cluster", '@': "group", '*': "get_cluster", '?': "get_groups", '^': "get_admin"}

func (p *parser) operand() (node, error) {
	t := p.tok
	if !t.isOneOf(prefixes) {
		return p.product()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.depth--
	if t.op == '!' {
		return &complement{t.at, n}, nil
	}
	return &call{at: t.at, name: prefixed[t.op], args: []node{n}}, nil
}

func (p *parser) product() (node, error) {
	at := p.tok.at
	var parts []node
	if !p.tok.begins() {
		return nothing{at}, nil
	}
	if !p.tok.is('{') {
		n, err := p.primary()
		if err != nil || !p.tok.is('{') || p.apart() {
			return n, err
		}
		parts = append(parts, n)
	}
	for first := true; p.tok.is('{') && (first || !p.apart()); first = false {
		braced, err := p.within('}')
		if err != nil {
			return nil, err
		}
		parts = append(parts, braced)
		if p.tok.begins() && !p.apart() && !p.tok.is('{') {
			n, err := p.part()
			if err != nil {
				return nil, err
			}
			parts = append(parts, n)
		}
		if len(parts) > maxParts {
			return nil, p.errorAt(at, "this word has too many braces")
		}
	}
	return &product{at, parts}, p.checkParts(parts)
}

// apart reports whether the next token is another word beside a brace. White space there
// means nothing to Range; a person who types it separates hosts.
func (p *parser) apart() bool { return p.globs && p.tok.space }

// part reads what is after a brace. A prefix operator takes the braces that follow.
func (p *parser) part() (node, error) {
	if p.tok.isOneOf(prefixes) {
		return p.operand()
	}
	return p.primary()
}

// checkParts refuses what a person who means a sequence writes.
func (p *parser) checkParts(parts []node) error {
	for _, n := range parts {
		w, ok := n.(word)
		if !ok || !p.globs || w.quoted {
			continue
		}
		if dots := strings.Index(w.text, ".."); dots >= 0 {
			return p.errorAt(w.at+dots, "a sequence has both of its ends within the braces, or both outside")
		}
	}
	return nil
}

// within reads a chain with what is around it.
func (p *parser) within(closing byte) (node, error) {
	open := p.tok
	if err := p.enter(); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.chain()
	if err != nil {
		return nil, err
	}
	if err := p.close(open, closing); err != nil {
		return nil, err
	}
	p.depth--
	return n, nil
}

func (p *parser) close(open token, closing byte) error {
	switch {
	case p.tok.is(closing):
		return p.advance()
	case p.tok.kind == tokenEnd, p.tok.isOneOf(")}"):
		return p.errorAt(open.at, fmt.Sprintf("the %c has no closing %c", open.op, closing))
	}
	return p.unexpected()
}

func (p *parser) primary() (node, error) {
	t := p.tok
	switch {
	case t.is('('):
		return p.within(')')
	case t.is('#'):
		return p.hashed()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch t.kind {
	case tokenQuoted:
		return word{at: t.at, text: t.text, quoted: true}, nil
	case tokenGlob:
		return globWord{t.at, t.text}, nil
	case tokenKey:
		return key{t.at, t.text}, nil
	case tokenRegex:
		return p.regex(t)
	}
	if s, ok := parseSequence(t.text); ok {
		if p.globs && s.count == 0 {
			return nil, p.errorAt(t.at, "this stands for no host: write the lower number first")
		}
		return sequenceWord{t.at, s}, nil
	}
	if p.tok.is('(') {
		return p.call(t)
	}
	return word{at: t.at, text: t.text}, nil
}

// hashed reads #f(…), which is f(…).
func (p *parser) hashed() (node, error) {
	hash := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	name := p.tok
	if name.kind == tokenLiteral {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.is('(') {
			return p.call(name)
		}
	}
	return nil, p.errorAt(hash.at, "the # has no function after it: #name(…)")
}

func (p *parser) call(name token) (node, error) {
	open := p.tok
	if err := p.enter(); err != nil {
		return nil, err
	}
	c := &call{at: name.at, name: name.text}
	for more := true; more; more = p.tok.is(';') {
		if err := p.advance(); err != nil {
			return nil, err
		}
		arg, err := p.chain()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
	}
	if err := p.close(open, ')'); err != nil {
		return nil, err
	}
	p.depth--
	return c, p.checkArgs(c)
}

func (p *parser) checkArgs(c *call) error {
	form, known := forms[c.name]
	if !known {
		return nil // which is for the evaluator to say
	}
	got := len(c.args)
	if _, empty := c.args[0].(nothing); empty && form.args == 0 && got == 1 {
		got = 0
	}
	if got != form.args {
		return p.errorAt(c.at, fmt.Sprintf("%s takes %s: %s", c.name, arguments(form.args), form.usage))
	}
	return nil
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments, separated by ;", n)
}

func (p *parser) regex(t token) (node, error) {
	if p.regexes++; p.regexes > maxRegexes {
		return nil, p.limitAt(t.at, fmt.Sprintf("there are more than %d regular expressions", maxRegexes))
	}
	if len(t.text) > maxRegex {
		return nil, p.limitAt(t.at, fmt.Sprintf("the regular expression is longer than %d bytes", maxRegex))
	}
	tree, err := syntax.Parse(t.text, syntax.Perl)
	if err != nil {
		return nil, p.errorAt(t.at, fmt.Sprintf("%v: regular expressions are those of RE2, as in Go", err))
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, p.errorAt(t.at, err.Error())
	}
	if p.steps += len(program.Inst); p.steps > maxSteps {
		return nil, p.limitAt(t.at, "the regular expressions are too large")
	}
	re, err := regexp.Compile(t.text)
	if err != nil {
		return nil, p.errorAt(t.at, err.Error())
	}
	return regex{t.at, re, len(program.Inst)}, nil
}

func (p *parser) limitAt(at int, reason string) error {
	return &LimitError{Expr: p.expr, Column: at + 1, Reason: reason}
}
