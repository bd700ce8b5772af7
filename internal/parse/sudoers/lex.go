package sudoers

import (
	"bytes"
	"regexp"
	"strings"
)

// A kind is that of a token of sudoers(5).
type kind int

const (
	tokEOF kind = iota
	tokNewline
	tokError      // nothing that the grammar knows
	tokInclude    // @include, #include
	tokIncludeDir // @includedir, #includedir
	tokDefaults   // text: the character that binds it, or empty
	tokAliasType  // text: User, Runas, Host, Cmnd
	tokTag        // text: NOPASSWD, …
	tokOption     // text: CWD, TIMEOUT, …
	tokALL
	tokAlias
	tokNetgroup
	tokGroup
	tokNetwork
	tokCommand
	tokDigestType
	tokDigest
	tokVariable
	tokWord
	tokPunct // text: one of ( ) , = : ! and, for += and -=, + -
)

type token struct {
	kind    kind
	text    string
	args    string // of a command
	hasArgs bool   // "" are arguments, too
	line    int
}

// A state is a start condition of sudo's scanner: what the same bytes mean depends on
// what came before them.
type state int

const (
	initial    state = iota
	gotDefs          // after Defaults: whom it binds
	startDefs        // before the name of a setting
	inDefs           // after it
	gotCommand       // the arguments of a command
	gotRegex         // arguments that are a regular expression
	inString         // between double quotes
	wantDigest       // after sha224 and its like
	wantPath         // after CWD and CHROOT
	gotInclude       // the path of an include
)

// A lexer cuts a sudoers file into tokens as the scanner of sudo 1.9 does: of all rules
// that match, the longest match wins, and among equals the first rule.
type lexer struct {
	src  []byte // ends in a newline
	pos  int
	line int

	state, back state // back: where a string returns to
	notStart    int   // a position that is not the start of a line, although it follows one
	continued   bool  // the line is the continuation of another
	blank       bool  // blanks came before this: for arguments
	digest      int   // bytes of the digest that is wanted
	cmd         token // the command whose arguments are read
	args        []byte
	str         []byte
}

func newLexer(contents []byte) *lexer {
	return &lexer{src: normalize(contents), line: 1, notStart: -1}
}

// normalize ends the last line, and cuts lines at NUL, as sudo's reader does.
func normalize(contents []byte) []byte {
	if n := len(contents); bytes.IndexByte(contents, 0) < 0 && (n == 0 || contents[n-1] == '\n') {
		return contents
	}
	out := make([]byte, 0, len(contents)+1)
	for line := range bytes.Lines(contents) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if nul := bytes.IndexByte(line, 0); nul >= 0 {
			line = line[:nul]
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// next returns the next token.
func (l *lexer) next() token {
	for l.pos < len(l.src) {
		line := l.line
		t, ok := l.scan()
		if ok {
			t.line = line
			return t
		}
	}
	return token{kind: tokEOF, line: l.line}
}

// scan consumes one match. It reports false where that is no token.
func (l *lexer) scan() (token, bool) {
	switch l.state {
	case startDefs:
		return l.scanStartDefs()
	case inDefs:
		return l.scanInDefs()
	case gotCommand:
		return l.scanArgs()
	case gotRegex:
		return l.scanRegex()
	case inString:
		return l.scanString()
	case gotInclude:
		return l.scanInclude()
	}
	return l.scanMain()
}

func (l *lexer) rest() []byte { return l.src[l.pos:] }

func (l *lexer) atStart() bool {
	return l.notStart != l.pos && (l.pos == 0 || l.src[l.pos-1] == '\n')
}

// take consumes n bytes.
func (l *lexer) take(n int) string {
	s := l.src[l.pos : l.pos+n]
	l.pos += n
	return string(s)
}

func punct(text string) (token, bool) { return token{kind: tokPunct, text: text}, true }

func (l *lexer) fail() (token, bool) { return token{kind: tokError}, true }

// Lengths of what matches at the start of s, 0 for nothing.

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func run(s []byte, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func blanks(s []byte) int { return run(s, isBlank) }

// newline is \r?\n.
func newline(s []byte) int {
	switch {
	case len(s) > 0 && s[0] == '\n':
		return 1
	case len(s) > 1 && s[0] == '\r' && s[1] == '\n':
		return 2
	}
	return 0
}

// continuation is a backslash at the end of a line.
func continuation(s []byte) int {
	if len(s) == 0 || s[0] != '\\' {
		return 0
	}
	n := 1 + blanks(s[1:])
	if nl := newline(s[n:]); nl > 0 {
		return n + nl
	}
	return 0
}

func word(s []byte) int {
	n := 0
	for n < len(s) {
		switch s[n] {
		case '#', '>', '!', '=', ':', ',', '(', ')', ' ', '\t', '\r', '\n', '"':
			return n
		case '\\':
			if n+1 >= len(s) || s[n+1] == '\t' || s[n+1] == '\n' {
				return n
			}
			n++
		}
		n++
	}
	return n
}

// id is #1001.
func id(s []byte) int {
	n := 1
	if len(s) < 2 || s[0] != '#' {
		return 0
	}
	if s[1] == '-' {
		n++
	}
	if d := run(s[n:], isDigit); d > 0 {
		return n + d
	}
	return 0
}

func pathname(s []byte) int {
	if len(s) == 0 || s[0] != '/' {
		return 0
	}
	n := 1
loop:
	for n < len(s) {
		switch s[n] {
		case ',', ':', '=', ' ', '\t', '\r', '\n', '#':
			break loop
		case '\\':
			if n+1 >= len(s) || strings.IndexByte(",:= \t#", s[n+1]) < 0 {
				break loop
			}
			n++
		}
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// regex is ^…$: a $ ends it unless a backslash is before it; where no other $ follows,
// that one does after all.
func regex(s []byte) int {
	if len(s) == 0 || s[0] != '^' {
		return 0
	}
	end := 0
	for n := 1; n < len(s); n++ {
		switch s[n] {
		case '$':
			return n + 1
		case '#', '\r', '\n':
			return end
		case '\\':
			if n+1 < len(s) && (s[n+1] == '$' || s[n+1] == '#') {
				n++
				if s[n] == '$' {
					end = n + 1
				}
			}
		}
	}
	return end
}

// environment is a value of Defaults without quotes.
func environment(s []byte) int {
	n := 0
	for n < len(s) {
		switch s[n] {
		case '#', '=', ',', ' ', '\t', '\r', '\n', '"':
			return n
		case '!':
			if n == 0 {
				return 0
			}
		case '\\':
			if n+1 >= len(s) || s[n+1] == '\r' || s[n+1] == '\n' {
				return n
			}
			n++
		}
		n++
	}
	return n
}

const (
	octetExpr = `(?:1?[0-9]{1,2}|2[0-4][0-9]|25[0-5])`
	ipv4Expr  = octetExpr + `(?:\.` + octetExpr + `){3}`
	hex16Expr = `[0-9A-Fa-f]{1,4}`
	ipv6Expr  = `(?:(?:(?:` + hex16Expr + `)?:){2,7}(?:` + hex16Expr + `)?|(?:(?:` + hex16Expr + `)?:){2,6}:` + ipv4Expr + `)`
)

var networkExpr = func() *regexp.Regexp {
	re := regexp.MustCompile(`^(?:` + ipv4Expr + `(?:/` + ipv4Expr + `|/(?:[12]?[0-9]|3[0-2]))?|` +
		ipv6Expr + `(?:/` + ipv6Expr + `|/(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?)`)
	re.Longest()
	return re
}()

// longestNetwork is more than the longest IPv6 address and mask have.
const longestNetwork = 100

// network is an address or a network, of either IP.
func network(s []byte) int {
	if len(s) == 0 || !isHex(s[0]) && s[0] != ':' {
		return 0
	}
	text := s[:run(s[:min(len(s), longestNetwork)], func(c byte) bool { return isHex(c) || c == '.' || c == ':' || c == '/' })]
	if bytes.IndexByte(text, '.') < 0 && bytes.Count(text, []byte(":")) < 2 {
		return 0
	}
	return len(networkExpr.Find(text))
}

func alias(s []byte) int {
	if len(s) == 0 || !isUpper(s[0]) {
		return 0
	}
	return run(s, func(c byte) bool { return isUpper(c) || isDigit(c) || c == '_' })
}

func literal(s []byte, text string) int {
	if bytes.HasPrefix(s, []byte(text)) {
		return len(text)
	}
	return 0
}

// unescape is what sudo keeps of a word: \x41 is A, \c is c.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i+3 < len(s) && s[i+1] == 'x' && isHex(s[i+2]) && isHex(s[i+3]) {
				out = append(out, hexValue(s[i+2])<<4|hexValue(s[i+3]))
				i += 3
				continue
			}
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// unescapePath takes the backslash from what is special to sudoers alone: what is
// special to glob(3) keeps it.
func unescapePath(s string) string {
	if strings.IndexByte(s, '\\') < 0 || s[0] == '^' {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(",:= \t#", s[i+1]) >= 0 {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}
