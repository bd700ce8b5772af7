package sudoers

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Here are the lengths of what matches at the start of a text, 0 for nothing.

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

func isNot(c byte) bool { return c == '!' }

func isBase64(c byte) bool {
	return isUpper(c) || 'a' <= c && c <= 'z' || isDigit(c) || c == '+' || c == '/' || c == '='
}

// optionNames and digestTypes are the names that the grammar knows; of digests, with
// their bytes.
var optionNames = []string{"TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE", "APPARMOR_PROFILE"}

var digestTypes = map[string]int{"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}

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

// hashLine is a whole line, for else it would be a comment.
func hashLine(word string) func([]byte) int {
	return func(s []byte) int {
		k := literal(s, word)
		if k == 0 || blanks(s[k:]) == 0 {
			return 0
		}
		return lineEnd(s)
	}
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

// aliasType is Host_Alias and its like.
func aliasType(s []byte) int {
	b := blanks(s)
	end := bytes.IndexByte(s[b:min(len(s), b+longestName)], '_')
	if end <= 0 || literal(s[b+end:], "_Alias") == 0 {
		return 0
	}
	switch string(s[b : b+end]) {
	case "Host", "Cmnd", "Cmd", "User", "Runas":
		return b + end + len("_Alias")
	}
	return 0
}

// name is that of a tag, an option or an alias, as far as it may be one that the grammar
// knows.
func name(s []byte) string { return string(s[:min(alias(s), longestName)]) }

// nameIn is a name that is one of these.
func nameIn(s []byte, names ...string) int {
	if n := name(s); slices.Contains(names, n) {
		return len(n)
	}
	return 0
}

// tagLength is a tag with its colon.
func tagLength(s []byte) int {
	n := name(s)
	end := len(n) + blanks(s[len(n):])
	if end == len(s) || s[end] != ':' || !isTag(n) {
		return 0
	}
	return end + 1
}

// behind is n bytes and what follows them, where something does.
func behind(n, length int) int {
	if length == 0 {
		return 0
	}
	return n + length
}

// groupLength is a group, with its % or %:.
func groupLength(s []byte) int {
	n := behind(1, max(word(s[1:]), id(s[1:])))
	if c := literal(s, "%:"); c > 0 {
		n = max(n, behind(c, max(word(s[c:]), id(s[c:]))))
	}
	return n
}

// digestTypeLength is sha224 and its like.
func digestTypeLength(s []byte) int {
	if n := min(len(s), len("sha224")); digestTypes[string(s[:n])] > 0 {
		return n
	}
	return 0
}

// escaped is a backslash and one of these bytes.
func escaped(bytes string) func([]byte) int {
	return func(s []byte) int {
		if len(s) < 2 || strings.IndexByte(bytes, s[1]) < 0 {
			return 0
		}
		return 2
	}
}

// argLength is a piece of an argument without a backslash.
func argLength(s []byte) int {
	return run(s, func(c byte) bool { return strings.IndexByte("#\\:, \t\r\n", c) < 0 })
}

func isVariable(c byte) bool { return 'a' <= c && c <= 'z' || c == '_' }

// stringLength is a piece of a string: a backslash alone ends it.
func stringLength(s []byte) int {
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
	return n
}

// includeLength is the path of an include, in which a backslash escapes a blank.
func includeLength(s []byte) int {
	n := 0
	for n < len(s) && strings.IndexByte(" \t\r\n\v\f", s[n]) < 0 {
		if s[n] == '\\' && n+1 < len(s) && isBlank(s[n+1]) {
			n++
		}
		n++
	}
	return n
}
