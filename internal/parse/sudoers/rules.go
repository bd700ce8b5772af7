package sudoers

import "strings"

// A rule is one of a state of sudo's scanner: what it matches, and what becomes of that.
type rule struct {
	// first tells the bytes that a match may begin with.
	first func(c byte) bool

	// length is that of the match at the start of s, which is not empty; 0: there is none.
	length func(l *lexer, s []byte) int

	// accept consumes the match, which is n bytes long, but where its comment says that
	// it does not. It reports false where the match is no token.
	accept func(l *lexer, n int) (token, bool)
}

// rules are those of each state, in the order of sudo's scanner: among matches of the
// same length, the first rule is right.
var rules = [states][]*rule{
	initial: {
		atInclude, atIncludeDir, hashInclude, hashIncludeDir, defaultsLead, aliasTypeName, tagName, emptyGroup, netgroupName, groupName, networkRule,
		allRule, optionName, aliasName, digestType, sudoeditRule, pathRule, regexRule, quote, wordRule, punctRule,
		nots, newlineRule, blankRule, continuationRule, commentRule, other,
	},
	gotDefs: {
		defsComma, defsBlank, tagName, emptyGroup, netgroupName, groupName, networkRule,
		allRule, aliasName, defsCommand, digestType, sudoeditRule, pathRule, regexRule, quote, wordRule, punctRule,
		nots, newlineRule, blankRule, continuationRule, other,
	},
	wantDigest: {
		hexDigest, base64Digest, tagName, netgroupName, groupName, networkRule,
		allRule, aliasName, digestType, sudoeditRule, pathRule, regexRule, punctRule,
		nots, newlineRule, blankRule, continuationRule, other,
	},
	wantPath: {
		tagName, netgroupName, groupName, networkRule,
		allRule, aliasName, digestType, sudoeditRule, pathValue, pathRule, regexRule, punctRule,
		nots, newlineRule, blankRule, continuationRule, other,
	},
	startDefs:  {variable, commentRule, nots, newlineRule, blankRule, continuationRule, other},
	inDefs:     {settingComma, settingEquals, settingAdds, quote, commentRule, settingValue, nots, newlineRule, blankRule, continuationRule, other},
	gotCommand: {argEscapedGlob, argEscaped, argsEnd, argRegex, argWord, nots, newlineRule, blankRule, continuationRule, other},
	gotRegex:   {regexEscaped, regexBroken, regexEnd, regexText, newlineRule, continuationRule, other},
	inString:   {stringContinued, stringEnd, stringText, stringBackslash, stringBroken, other},
	gotInclude: {includeQuote, includePath, nots, newlineRule, blankRule, continuationRule, other},
}

// rulesFor are the rules that may match what begins with a byte.
var rulesFor = func() (out [states][256][]*rule) {
	for s, all := range rules {
		for c := range 256 {
			for _, r := range all {
				if r.first(byte(c)) {
					out[s][c] = append(out[s][c], r)
				}
			}
		}
	}
	return out
}()

// oneOf is for matches that begin with one of these bytes.
func oneOf(bytes string) func(byte) bool {
	return func(c byte) bool { return strings.IndexByte(bytes, c) >= 0 }
}

func anyByte(byte) bool { return true }

// always is for a match whose length does not depend on the state of the lexer.
func always(length func([]byte) int) func(*lexer, []byte) int {
	return func(_ *lexer, s []byte) int { return length(s) }
}

// exactly is for a match that is these bytes.
func exactly(text string) func(*lexer, []byte) int {
	return func(_ *lexer, s []byte) int { return literal(s, text) }
}

// one is for a match of one byte, whichever of those that the rule begins with.
func one(*lexer, []byte) int { return 1 }

// atStart is for a match at the start of a line alone.
func atStart(length func([]byte) int) func(*lexer, []byte) int {
	return func(l *lexer, s []byte) int {
		if !l.atStart() {
			return 0
		}
		return length(s)
	}
}

// gives is a token of this kind, with the text of the match as read makes it.
func gives(k kind, read func(string) string) func(*lexer, int) (token, bool) {
	return func(l *lexer, n int) (token, bool) { return token{kind: k, text: read(l.take(n))}, true }
}

func asItIs(text string) string { return text }

// The rules that hold in every state, or nearly.
var (
	nots = &rule{oneOf("!"), always(func(s []byte) int { return run(s, isNot) }), func(l *lexer, n int) (token, bool) {
		l.take(n)
		if n%2 == 0 {
			return token{}, false
		}
		return punct("!")
	}}
	newlineRule = &rule{oneOf("\r\n"), always(newline), func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.endLine()
		return token{kind: tokNewline}, true
	}}
	blankRule = &rule{isBlank, always(blanks), func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.blank = true
		return token{}, false
	}}
	continuationRule = &rule{oneOf(`\`), always(continuation), func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.blank, l.continued = true, true
		l.line++
		return token{}, false
	}}
	commentRule = &rule{oneOf("#"), always(comment), func(l *lexer, n int) (token, bool) {
		if text := l.take(n); text[n-1] != '\n' {
			return l.fail()
		}
		l.endLine()
		return token{kind: tokNewline}, true
	}}
	other = &rule{anyByte, one, func(l *lexer, n int) (token, bool) {
		l.take(n)
		return l.fail()
	}}
	quote = &rule{oneOf(`"`), one, func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.str, l.back, l.state = nil, l.state, inString
		return token{}, false
	}}
)

func (l *lexer) endLine() {
	l.state, l.continued = initial, false
	l.line++
}

// The rules of what a line begins with.
var (
	atInclude      = &rule{oneOf("@"), exactly("@include"), includes(tokInclude, "@include")}
	atIncludeDir   = &rule{oneOf("@"), exactly("@includedir"), includes(tokIncludeDir, "@includedir")}
	hashInclude    = &rule{oneOf("#"), atStart(hashLine("#include")), includes(tokInclude, "#include")}
	hashIncludeDir = &rule{oneOf("#"), atStart(hashLine("#includedir")), includes(tokIncludeDir, "#includedir")}
	defaultsLead   = &rule{oneOf(" \tD"), atStart(defaultsStart), func(l *lexer, n int) (token, bool) {
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
		binding := l.take(1) // and whom it binds is read next
		l.take(blanks(l.rest()))
		return token{kind: tokDefaults, text: binding}, true
	}}
	aliasTypeName = &rule{oneOf(" \tHCUR"), atStart(aliasType), func(l *lexer, n int) (token, bool) {
		name := strings.TrimSuffix(strings.TrimLeft(l.take(n), " \t"), "_Alias")
		if l.continued {
			return l.fail()
		}
		if name == "Cmd" {
			name = "Cmnd"
		}
		return token{kind: tokAliasType, text: name}, true
	}}
)

// includes consumes the word alone: what is included is read next.
func includes(k kind, word string) func(*lexer, int) (token, bool) {
	return func(l *lexer, _ int) (token, bool) {
		l.take(len(word))
		if l.continued {
			return l.fail()
		}
		l.notStart, l.state = l.pos, gotInclude
		return token{kind: k}, true
	}
}

// The rules of names, and of what stands between them.
var (
	tagName    = &rule{isUpper, always(tagLength), gives(tokTag, func(text string) string { return strings.TrimRight(text, ": \t") })}
	emptyGroup = &rule{oneOf("+%"), always(func(s []byte) int { return max(1, literal(s, "%:")) }), other.accept}

	netgroupName = &rule{oneOf("+"), always(func(s []byte) int { return behind(1, word(s[1:])) }), gives(tokNetgroup, unescape)}
	groupName    = &rule{oneOf("%"), always(groupLength), gives(tokGroup, unescape)}
	networkRule  = &rule{func(c byte) bool { return isHex(c) || c == ':' }, always(network), func(l *lexer, n int) (token, bool) {
		text := l.take(n)
		if strings.Count(text, "::") > 1+strings.Count(text, "/") {
			return l.fail()
		}
		return token{kind: tokNetwork, text: text}, true
	}}
	allRule    = &rule{oneOf("A"), always(func(s []byte) int { return nameIn(s, "ALL") }), gives(tokALL, func(string) string { return "" })}
	optionName = &rule{isUpper, always(func(s []byte) int { return nameIn(s, optionNames...) }), func(l *lexer, n int) (token, bool) {
		name := l.take(n)
		if name == "CWD" || name == "CHROOT" {
			l.back, l.state = l.state, wantPath
		}
		return token{kind: tokOption, text: name}, true
	}}
	aliasName = &rule{isUpper, always(alias), gives(tokAlias, asItIs)}
	pathValue = &rule{anyByte, always(func(s []byte) int { return max(pathname(s), word(s)) }), func(l *lexer, n int) (token, bool) {
		l.state = l.back
		return token{kind: tokWord, text: unescape(l.take(n))}, true
	}}
	wordRule  = &rule{anyByte, always(func(s []byte) int { return max(word(s), id(s)) }), gives(tokWord, unescape)}
	punctRule = &rule{oneOf("(),=:"), one, gives(tokPunct, asItIs)}
)

// The rules of digests.
var (
	digestType = &rule{oneOf("s"), always(digestTypeLength), func(l *lexer, n int) (token, bool) {
		name := l.take(n)
		l.state, l.digest = wantDigest, digestTypes[name]
		return token{kind: tokDigestType, text: name}, true
	}}
	hexDigest = &rule{isHex, always(func(s []byte) int { return run(s, isHex) }), func(l *lexer, n int) (token, bool) {
		return l.endDigest(l.take(n), 2*l.digest)
	}}
	base64Digest = &rule{isBase64, always(func(s []byte) int { return run(s, isBase64) }), func(l *lexer, n int) (token, bool) {
		text := l.take(n)
		if strings.HasSuffix(text, "=") {
			return l.endDigest(text, 4*((l.digest+2)/3))
		}
		return l.endDigest(text, (4*l.digest+2)/3)
	}}
)

func (l *lexer) endDigest(text string, want int) (token, bool) {
	l.state = initial
	return token{kind: tokDigest, text: text}, len(text) == want
}

// The rules of commands. Of Defaults, a command binds them and has no arguments.
var (
	defsCommand = &rule{oneOf("/^s"), always(func(s []byte) int { return max(pathname(s), regex(s), literal(s, "sudoedit")) }), gives(tokCommand, unescapePath)}

	sudoeditRule = &rule{oneOf("s"), exactly("sudoedit"), startCommand}
	pathRule     = &rule{oneOf("/"), always(pathname), func(l *lexer, n int) (token, bool) {
		if l.src[l.pos+n-1] == '/' { // a directory has no arguments
			l.cmd, l.args = token{kind: tokCommand, text: unescapePath(l.take(n))}, l.args[:0]
			return l.cmd, true
		}
		return startCommand(l, n)
	}}
	regexRule = &rule{oneOf("^"), always(regex), startCommand}
)

func startCommand(l *lexer, n int) (token, bool) {
	l.cmd, l.args = token{kind: tokCommand, text: unescapePath(l.take(n))}, l.args[:0]
	l.state = gotCommand
	return token{}, false
}

// The rules of arguments.
var (
	argEscapedGlob = &rule{oneOf(`\`), always(escaped(`*?[]!^`)), func(l *lexer, n int) (token, bool) { return l.arg(l.take(n)) }}
	argEscaped     = &rule{oneOf(`\`), always(escaped(":\\,= \t#")), func(l *lexer, n int) (token, bool) { return l.arg(l.take(n)[1:]) }}

	// What ends the arguments is not consumed: it is scanned as if nothing had been.
	argsEnd = &rule{oneOf("#:,=\r\n"), one, func(l *lexer, _ int) (token, bool) {
		l.notStart, l.state = l.pos, initial
		return l.command()
	}}
	// Arguments that begin with ^ are a regular expression, which is read next.
	argRegex = &rule{oneOf("^"), func(l *lexer, s []byte) int {
		if l.cmd.hasArgs {
			return 0
		}
		return argLength(s)
	}, func(l *lexer, _ int) (token, bool) {
		l.notStart, l.state = l.pos, gotRegex
		return token{}, false
	}}
	argWord = &rule{anyByte, always(argLength), func(l *lexer, n int) (token, bool) { return l.arg(l.take(n)) }}
)

// arg takes a piece of an argument; blanks before it make it another one.
func (l *lexer) arg(text string) (token, bool) {
	l.addArgs(text, l.blank)
	l.blank = false
	return token{}, false
}

// addArgs appends to the arguments; a blank separates it from what was there.
func (l *lexer) addArgs(text string, separate bool) {
	if separate && l.cmd.hasArgs {
		l.args = append(l.args, ' ')
	}
	l.args = append(l.args, text...)
	l.cmd.hasArgs = true
}

// command is the command with the arguments that were read.
func (l *lexer) command() (token, bool) {
	t := l.cmd
	t.args = string(l.args)
	return t, true
}

// The rules of arguments that are a regular expression.
var (
	regexEscaped = &rule{oneOf(`\`), always(func(s []byte) int {
		if len(s) < 2 || s[1] == '\r' || s[1] == '\n' {
			return 0
		}
		return 2
	}), func(l *lexer, n int) (token, bool) {
		l.addArgs(l.take(n), false)
		return token{}, false
	}}
	// What breaks it off is not consumed.
	regexBroken = &rule{oneOf("#\r\n"), one, func(l *lexer, _ int) (token, bool) {
		l.notStart, l.state = l.pos, initial
		return l.fail()
	}}
	regexEnd = &rule{oneOf("$"), one, func(l *lexer, n int) (token, bool) {
		l.addArgs(l.take(n), false)
		l.state, l.continued = initial, false
		return l.command()
	}}
	regexText = &rule{anyByte, always(func(s []byte) int {
		return run(s, func(c byte) bool { return strings.IndexByte("#\\\r\n$", c) < 0 })
	}), func(l *lexer, n int) (token, bool) {
		text := l.take(n)
		if l.continued {
			text = strings.TrimLeft(text, " \t")
			l.continued = false
		}
		if text != "" {
			l.addArgs(text, false)
		}
		return token{}, false
	}}
)

// The rules of Defaults.
var (
	defsComma = &rule{oneOf(" \t,"), always(func(s []byte) int {
		b := blanks(s)
		if b == len(s) || s[b] != ',' {
			return 0
		}
		return b + 1 + blanks(s[b+1:])
	}), func(l *lexer, n int) (token, bool) {
		l.take(n)
		return punct(",")
	}}
	defsBlank = &rule{isBlank, always(blanks), func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.state = startDefs
		return token{}, false
	}}
	variable = &rule{isVariable, always(func(s []byte) int { return run(s, isVariable) }), func(l *lexer, n int) (token, bool) {
		l.state = inDefs
		return token{kind: tokVariable, text: l.take(n)}, true
	}}
	settingComma = &rule{oneOf(","), one, func(l *lexer, n int) (token, bool) {
		l.state = startDefs
		return punct(l.take(n))
	}}
	settingEquals = &rule{oneOf("="), one, gives(tokPunct, asItIs)}
	settingAdds   = &rule{oneOf("+-"), always(func(s []byte) int { return max(literal(s, "+="), literal(s, "-=")) }), gives(tokPunct, func(text string) string { return text[:1] })}
	settingValue  = &rule{anyByte, always(environment), gives(tokWord, unescape)}
)

// The rules of strings.
var (
	stringContinued = &rule{oneOf(`\`), always(continuation), func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.take(blanks(l.rest()))
		l.continued = true
		l.line++
		return token{}, false
	}}
	stringEnd = &rule{oneOf(`"`), one, func(l *lexer, n int) (token, bool) {
		l.take(n)
		return l.endString()
	}}
	stringText = &rule{anyByte, always(stringLength), func(l *lexer, n int) (token, bool) {
		l.str = append(l.str, unescape(l.take(n))...)
		return token{}, false
	}}
	stringBackslash = &rule{oneOf(`\`), one, func(l *lexer, n int) (token, bool) {
		l.str = append(l.str, l.take(n)...)
		return token{}, false
	}}
	// The end of the line is not consumed: it is read again, outside the string.
	stringBroken = &rule{oneOf("\r\n"), always(newline), func(l *lexer, _ int) (token, bool) {
		l.state = initial
		return l.fail()
	}}
)

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

// The rules of the path of an include.
var (
	includeQuote = &rule{oneOf(`"`), one, func(l *lexer, n int) (token, bool) {
		l.take(n)
		l.str, l.back, l.state = nil, initial, inString
		return token{}, false
	}}
	includePath = &rule{func(c byte) bool { return c != '"' }, always(includeLength), func(l *lexer, n int) (token, bool) {
		l.state = initial
		return token{kind: tokWord, text: unescape(l.take(n))}, true
	}}
)
