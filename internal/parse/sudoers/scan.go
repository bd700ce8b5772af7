package sudoers

import (
	"bytes"
	"slices"
	"strings"
)

// The rules of each state, in the order of sudo's scanner.

// A rule is what may match in the states of scanMain.
type rule int

const (
	ruleNone rule = iota
	ruleComma
	ruleDefsBlank
	ruleHexDigest
	ruleBase64Digest
	ruleAtInclude
	ruleAtIncludeDir
	ruleHashInclude
	ruleHashIncludeDir
	ruleDefaults
	ruleAliasType
	ruleTag
	ruleEmptyGroup
	ruleNetgroup
	ruleGroup
	ruleNetwork
	ruleALL
	ruleOption
	ruleAlias
	ruleDefsCommand
	ruleDigestType
	ruleSudoedit
	rulePathValue
	rulePath
	ruleRegex
	ruleQuote
	ruleWord
	rulePunct
	ruleNot
	ruleNewline
	ruleBlank
	ruleContinuation
	ruleComment
	ruleOther
)

// tags are the names of the tags, each with its opposite, in the order in which sudo prints them.
var tags = [...]struct{ on, off string }{
	tagSetenv:    {"SETENV", "NOSETENV"},
	tagIntercept: {"INTERCEPT", "NOINTERCEPT"},
	tagNoexec:    {"NOEXEC", "EXEC"},
	tagNopasswd:  {"NOPASSWD", "PASSWD"},
	tagLogInput:  {"LOG_INPUT", "NOLOG_INPUT"},
	tagLogOutput: {"LOG_OUTPUT", "NOLOG_OUTPUT"},
	tagMail:      {"MAIL", "NOMAIL"},
	tagFollow:    {"FOLLOW", "NOFOLLOW"},
}

var optionNames = []string{"TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE", "APPARMOR_PROFILE"}

var digestTypes = map[string]int{"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}

// scanMain is for the states that share most of their rules: initial, gotDefs,
// wantDigest, wantPath.
func (l *lexer) scanMain() (token, bool) {
	s := l.rest()
	if isBlank(s[0]) && l.state != gotDefs && !l.atStart() { // the most frequent one, which no other rule matches
		return l.acceptAnywhere(ruleBlank, blanks(s))
	}
	n, best, found := 0, ruleNone, ""
	try := func(r rule, length int) {
		if length > n {
			n, best = length, r
		}
	}
	tryNamed := func(r rule, name string, length int) {
		if length > n {
			n, best, found = length, r, name
		}
	}
	wordLength := max(word(s), id(s))
	name := string(s[:min(alias(s), longestName)]) // that of a tag, an option or an alias
	switch l.state {
	case gotDefs:
		if b := blanks(s); b < len(s) && s[b] == ',' {
			try(ruleComma, b+1+blanks(s[b+1:]))
		}
		try(ruleDefsBlank, blanks(s))
	case wantDigest:
		try(ruleHexDigest, run(s, isHex))
		try(ruleBase64Digest, run(s, isBase64))
	case initial:
		try(ruleAtInclude, literal(s, "@include"))
		try(ruleAtIncludeDir, literal(s, "@includedir"))
		if l.atStart() {
			try(ruleHashInclude, hashInclude(s, "#include"))
			try(ruleHashIncludeDir, hashInclude(s, "#includedir"))
			try(ruleDefaults, defaultsStart(s))
			b := blanks(s)
			if end := bytes.IndexByte(s[b:min(len(s), b+longestName)], '_'); end > 0 && literal(s[b+end:], "_Alias") > 0 {
				switch name := string(s[b : b+end]); name {
				case "Host", "Cmnd", "Cmd", "User", "Runas":
					tryNamed(ruleAliasType, name, b+end+len("_Alias"))
				}
			}
		}
	}
	if end := len(name) + blanks(s[len(name):]); name != "" && end < len(s) && s[end] == ':' && isTag(name) {
		tryNamed(ruleTag, name, end+1)
	}
	plain := l.state == initial || l.state == gotDefs
	switch s[0] {
	case '+', '%':
		if plain {
			try(ruleEmptyGroup, max(1, literal(s, "%:")))
		}
		if s[0] == '+' {
			if k := word(s[1:]); k > 0 {
				try(ruleNetgroup, 1+k)
			}
			break
		}
		if k := max(word(s[1:]), id(s[1:])); k > 0 {
			try(ruleGroup, 1+k)
		}
		if c := literal(s, "%:"); c > 0 {
			if k := max(word(s[c:]), id(s[c:])); k > 0 {
				try(ruleGroup, c+k)
			}
		}
	}
	try(ruleNetwork, network(s))
	if name == "ALL" {
		try(ruleALL, len(name))
	}
	if l.state == initial && name != "" && slices.Contains(optionNames, name) {
		tryNamed(ruleOption, name, len(name))
	}
	try(ruleAlias, alias(s))
	if l.state == gotDefs {
		try(ruleDefsCommand, max(pathname(s), regex(s), literal(s, "sudoedit")))
	}
	if s[0] == 's' {
		if name := string(s[:min(len(s), len("sha224"))]); digestTypes[name] > 0 {
			tryNamed(ruleDigestType, name, len(name))
		}
		try(ruleSudoedit, literal(s, "sudoedit"))
	}
	if l.state == wantPath {
		try(rulePathValue, max(pathname(s), word(s)))
	}
	try(rulePath, pathname(s))
	try(ruleRegex, regex(s))
	if plain {
		try(ruleQuote, literal(s, `"`))
		try(ruleWord, wordLength)
	}
	if strings.IndexByte("(),=:", s[0]) >= 0 {
		try(rulePunct, 1)
	}
	try(ruleNot, run(s, isNot))
	try(ruleNewline, newline(s))
	try(ruleBlank, blanks(s))
	try(ruleContinuation, continuation(s))
	if l.state == initial {
		try(ruleComment, comment(s))
	}
	try(ruleOther, 1)
	return l.accept(best, n, found)
}

func isNot(c byte) bool { return c == '!' }

func isBase64(c byte) bool {
	return isUpper(c) || 'a' <= c && c <= 'z' || isDigit(c) || c == '+' || c == '/' || c == '='
}

// longestName is longer than the names that the grammar knows.
const longestName = 24

func isTag(name string) bool {
	for _, t := range tags {
		if name == t.on || name == t.off {
			return true
		}
	}
	return false
}

// hashInclude is a whole line, for else it would be a comment.
func hashInclude(s []byte, name string) int {
	k := literal(s, name)
	if k == 0 || blanks(s[k:]) == 0 {
		return 0
	}
	return lineEnd(s)
}

func lineEnd(s []byte) int {
	if n := bytes.IndexByte(s, '\n'); n >= 0 {
		return n + 1
	}
	return len(s)
}

// defaultsStart is Defaults with whatever binds it.
func defaultsStart(s []byte) int {
	b := blanks(s)
	k := literal(s[b:], "Defaults")
	if k == 0 {
		return 0
	}
	k += b
	if k == len(s) || strings.IndexByte(":@>!", s[k]) < 0 {
		return k
	}
	n := k + 1
	n += blanks(s[n:])
	n += run(s[n:], isNot)
	n += literal(s[n:], `"`)
	if w := max(word(s[n:]), id(s[n:])); w > 0 {
		return n + w
	}
	return k
}

// comment is a # that does not begin a number.
func comment(s []byte) int {
	if s[0] != '#' {
		return 0
	}
	if len(s) > 1 && isDigit(s[1]) || len(s) > 2 && s[1] == '-' && isDigit(s[2]) {
		return 1
	}
	if len(s) > 1 && s[1] == '-' && (len(s) == 2 || s[2] == '\n') {
		return 1
	}
	return lineEnd(s)
}

// accept does what the rule says with n bytes.
func (l *lexer) accept(r rule, n int, name string) (token, bool) {
	switch r {
	case ruleComma:
		l.take(n)
		return punct(",")
	case ruleDefsBlank:
		l.take(n)
		l.state = startDefs
		return token{}, false
	case ruleHexDigest, ruleBase64Digest:
		return l.acceptDigest(r, l.take(n))
	case ruleAtInclude, ruleAtIncludeDir, ruleHashInclude, ruleHashIncludeDir:
		return l.acceptInclude(r)
	case ruleDefaults:
		return l.acceptDefaults(n)
	case ruleAliasType:
		l.take(n)
		if l.continued {
			return l.fail()
		}
		if name == "Cmd" {
			name = "Cmnd"
		}
		return token{kind: tokAliasType, text: name}, true
	case ruleTag:
		l.take(n)
		return token{kind: tokTag, text: name}, true
	case ruleNetgroup:
		return token{kind: tokNetgroup, text: unescape(l.take(n))}, true
	case ruleGroup:
		return token{kind: tokGroup, text: unescape(l.take(n))}, true
	case ruleNetwork:
		text := l.take(n)
		if strings.Count(text, "::") > 1+strings.Count(text, "/") {
			return l.fail()
		}
		return token{kind: tokNetwork, text: text}, true
	case ruleALL:
		l.take(n)
		return token{kind: tokALL}, true
	case ruleOption:
		l.take(n)
		if name == "CWD" || name == "CHROOT" {
			l.back, l.state = l.state, wantPath
		}
		return token{kind: tokOption, text: name}, true
	case ruleAlias:
		return token{kind: tokAlias, text: l.take(n)}, true
	case ruleDefsCommand:
		return token{kind: tokCommand, text: unescapePath(l.take(n))}, true
	case ruleDigestType:
		l.take(n)
		l.state, l.digest = wantDigest, digestTypes[name]
		return token{kind: tokDigestType, text: name}, true
	case ruleSudoedit, rulePath, ruleRegex:
		l.cmd, l.args = token{kind: tokCommand, text: unescapePath(l.take(n))}, l.args[:0]
		if r == rulePath && strings.HasSuffix(l.cmd.text, "/") { // a directory has no arguments
			return l.cmd, true
		}
		l.state = gotCommand
		return token{}, false
	case rulePathValue:
		l.state = l.back
		return token{kind: tokWord, text: unescape(l.take(n))}, true
	case ruleQuote:
		l.take(n)
		l.str, l.back, l.state = nil, l.state, inString
		return token{}, false
	case ruleWord:
		return token{kind: tokWord, text: unescape(l.take(n))}, true
	case rulePunct:
		return punct(l.take(n))
	case ruleComment:
		if text := l.take(n); text[n-1] != '\n' {
			return l.fail()
		}
		l.endLine()
		return token{kind: tokNewline}, true
	case ruleNot, ruleNewline, ruleBlank, ruleContinuation:
		return l.acceptAnywhere(r, n)
	}
	l.take(n)
	return l.fail()
}

// scanAnywhere tries the rules that hold in every state; n is how much another one
// matches.
func (l *lexer) scanAnywhere(n int) (token, bool, bool) {
	s := l.rest()
	best := ruleNone
	try := func(r rule, k int) {
		if k > n {
			n, best = k, r
		}
	}
	try(ruleNot, run(s, isNot))
	try(ruleNewline, newline(s))
	try(ruleBlank, blanks(s))
	try(ruleContinuation, continuation(s))
	if best == ruleNone {
		if n > 0 {
			return token{}, false, false
		}
		l.take(1)
		return token{kind: tokError}, true, true
	}
	t, ok := l.acceptAnywhere(best, n)
	return t, ok, true
}

func (l *lexer) acceptAnywhere(r rule, n int) (token, bool) {
	switch r {
	case ruleNot:
		l.take(n)
		if n%2 == 1 {
			return punct("!")
		}
	case ruleNewline:
		if l.state == inString { // the line is read again, outside the string
			l.state = initial
			return l.fail()
		}
		l.take(n)
		l.endLine()
		return token{kind: tokNewline}, true
	case ruleBlank:
		l.take(n)
		l.blank = true
	case ruleContinuation:
		l.take(n)
		l.blank, l.continued = true, true
		l.line++
	}
	return token{}, false
}

func (l *lexer) endLine() {
	l.state, l.continued = initial, false
	l.line++
}

func (l *lexer) acceptDigest(r rule, text string) (token, bool) {
	l.state = initial
	want := 2 * l.digest
	if r == ruleBase64Digest {
		if want = (4*l.digest + 2) / 3; strings.HasSuffix(text, "=") {
			want = 4 * ((l.digest + 2) / 3)
		}
	}
	return token{kind: tokDigest, text: text}, len(text) == want
}

func (l *lexer) acceptInclude(r rule) (token, bool) {
	k := tokInclude
	n := len("#include")
	if r == ruleAtIncludeDir || r == ruleHashIncludeDir {
		k, n = tokIncludeDir, len("#includedir")
	}
	l.take(n)
	if l.continued {
		return l.fail()
	}
	l.notStart, l.state = l.pos, gotInclude
	return token{kind: k}, true
}

func (l *lexer) acceptDefaults(n int) (token, bool) {
	if l.continued {
		l.take(n)
		return l.fail()
	}
	k := blanks(l.rest()) + len("Defaults")
	l.take(k)
	l.state = gotDefs
	if k == n {
		return token{kind: tokDefaults}, true
	}
	binding := l.take(1)
	l.take(blanks(l.rest()))
	return token{kind: tokDefaults, text: binding}, true
}

func (l *lexer) scanStartDefs() (token, bool) {
	s := l.rest()
	n := run(s, func(c byte) bool { return 'a' <= c && c <= 'z' || c == '_' })
	if n > 0 {
		l.state = inDefs
		return token{kind: tokVariable, text: l.take(n)}, true
	}
	if s[0] == '#' {
		return l.accept(ruleComment, comment(s), "")
	}
	t, ok, _ := l.scanAnywhere(0)
	return t, ok
}

func (l *lexer) scanInDefs() (token, bool) {
	s := l.rest()
	n := environment(s)
	switch {
	case s[0] == ',':
		l.take(1)
		l.state = startDefs
		return punct(",")
	case s[0] == '=':
		return punct(l.take(1))
	case literal(s, "+=") > n, literal(s, "-=") > n:
		return punct(l.take(2)[:1])
	case s[0] == '"':
		l.take(1)
		l.str, l.back, l.state = nil, l.state, inString
		return token{}, false
	case s[0] == '#':
		return l.accept(ruleComment, comment(s), "")
	}
	if t, ok, done := l.scanAnywhere(n); done {
		return t, ok
	}
	return token{kind: tokWord, text: unescape(l.take(n))}, true
}

func (l *lexer) scanString() (token, bool) {
	s := l.rest()
	if n := continuation(s); n > 0 {
		l.take(n)
		l.take(blanks(l.rest()))
		l.continued = true
		l.line++
		return token{}, false
	}
	if s[0] == '"' {
		l.take(1)
		return l.endString()
	}
	n := 0
	for n < len(s) && s[n] != '"' && s[n] != '\r' && s[n] != '\n' {
		if s[n] == '\\' {
			if n+1 >= len(s) || s[n+1] != '"' {
				break
			}
			n++
		}
		n++
	}
	switch {
	case n > 0:
		l.str = append(l.str, unescape(l.take(n))...)
	case s[0] == '\\':
		l.str = append(l.str, l.take(1)...)
	default:
		t, ok, _ := l.scanAnywhere(0)
		return t, ok
	}
	return token{}, false
}

func (l *lexer) endString() (token, bool) {
	l.state = l.back
	text := string(l.str)
	if text == "" {
		return l.fail()
	}
	if l.back == initial || l.back == gotDefs {
		switch {
		case text == "%", text == "%:", text == "+":
			return l.fail()
		case text[0] == '%':
			return token{kind: tokGroup, text: text}, true
		case text[0] == '+':
			return token{kind: tokNetgroup, text: text}, true
		}
	}
	return token{kind: tokWord, text: text}, true
}

// addArgs appends to the arguments; a blank separates it from what was there.
func (l *lexer) addArgs(text string, separate bool) {
	if separate && l.cmd.hasArgs {
		l.args = append(l.args, ' ')
	}
	l.args = append(l.args, text...)
	l.cmd.hasArgs = true
}

// endArgs ends the command; what follows is scanned as if nothing had been.
func (l *lexer) endArgs() (token, bool) {
	l.notStart, l.state = l.pos, initial
	return l.command()
}

// command is the command with the arguments that were read.
func (l *lexer) command() (token, bool) {
	t := l.cmd
	t.args = string(l.args)
	return t, true
}

func (l *lexer) scanArgs() (token, bool) {
	s := l.rest()
	if s[0] == '\\' && len(s) > 1 && continuation(s) == 0 {
		switch {
		case strings.IndexByte(`*?[]!^`, s[1]) >= 0:
			l.addArgs(l.take(2), l.blank)
			l.blank = false
			return token{}, false
		case strings.IndexByte(":\\,= \t#", s[1]) >= 0:
			l.addArgs(l.take(2)[1:], l.blank)
			l.blank = false
			return token{}, false
		}
	}
	n := run(s, func(c byte) bool { return strings.IndexByte("#\\:, \t\r\n", c) < 0 })
	// At "\r\n" sudo prefers the end of the line to that of the command, which is lost.
	if strings.IndexByte("#:,=\r\n", s[0]) >= 0 && n <= 1 && newline(s) <= 1 {
		return l.endArgs()
	}
	switch {
	case n > 0 && !l.cmd.hasArgs && s[0] == '^':
		l.notStart, l.state = l.pos, gotRegex
		return token{}, false
	case n > 0:
		l.addArgs(l.take(n), l.blank)
		l.blank = false
		return token{}, false
	}
	t, ok, _ := l.scanAnywhere(0)
	return t, ok
}

func (l *lexer) scanRegex() (token, bool) {
	s := l.rest()
	switch {
	case continuation(s) > 0:
		return l.acceptAnywhere(ruleContinuation, continuation(s))
	case s[0] == '\\' && len(s) > 1 && s[1] != '\r' && s[1] != '\n':
		l.addArgs(l.take(2), false)
		return token{}, false
	case newline(s) == 2:
		return l.acceptAnywhere(ruleNewline, 2)
	case s[0] == '#' || s[0] == '\r' || s[0] == '\n':
		l.notStart, l.state = l.pos, initial
		return l.fail()
	case s[0] == '$':
		l.addArgs(l.take(1), false)
		l.state, l.continued = initial, false
		return l.command()
	}
	n := run(s, func(c byte) bool { return strings.IndexByte("#\\\r\n$", c) < 0 })
	if n == 0 {
		l.take(1)
		return l.fail()
	}
	text := l.take(n)
	if l.continued {
		text = strings.TrimLeft(text, " \t")
		l.continued = false
	}
	if text != "" {
		l.addArgs(text, false)
	}
	return token{}, false
}

func (l *lexer) scanInclude() (token, bool) {
	s := l.rest()
	if s[0] == '"' {
		l.take(1)
		l.str, l.back, l.state = nil, initial, inString
		return token{}, false
	}
	n := 0
	for n < len(s) && strings.IndexByte(" \t\r\n\v\f", s[n]) < 0 {
		if s[n] == '\\' && n+1 < len(s) && isBlank(s[n+1]) {
			n++
		}
		n++
	}
	if t, ok, done := l.scanAnywhere(n); done {
		return t, ok
	}
	l.state = initial
	return token{kind: tokWord, text: unescape(l.take(n))}, true
}
