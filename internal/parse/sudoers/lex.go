package sudoers

import (
	"bytes"
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
	states           // how many there are
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

// scan consumes what the rule of the longest match makes of it. It reports false where
// that is no token.
func (l *lexer) scan() (token, bool) {
	s := l.rest()
	n, best := 0, (*rule)(nil)
	for _, r := range rulesFor[l.state][s[0]] {
		if length := r.length(l, s); length > n {
			n, best = length, r
		}
	}
	return best.accept(l, n) // each state has a rule for any byte
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
