package sysctl

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A glob is a key that stands for others. It is matched by a regular expression of
// RE2, whose time is bounded whatever a host has written.
type glob struct {
	prefix string // what each key begins with that it matches
	re     *regexp.Regexp
}

// isGlob reports whether sysctl takes a key for a glob.
func isGlob(key string) bool { return strings.ContainsAny(key, "*?[") }

// newGlob reads a glob as glob(7) does, of a file that sysctl loads: * and ? match no dot,
// for they stand for one name of a path.
func newGlob(text string) (glob, error) {
	const one = "[^.]"
	var b strings.Builder
	b.WriteString("^(?s:")
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '*':
			b.WriteString(one + "*")
		case '?':
			b.WriteString(one)
		case '[':
			class, n := classOf(text[i:])
			b.WriteString(class)
			i += n - 1
		case '\\':
			if i+1 < len(text) {
				i++
			}
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		default:
			n := strings.IndexAny(text[i:], `*?[\`)
			if n < 0 {
				n = len(text) - i
			}
			b.WriteString(regexp.QuoteMeta(text[i : i+n]))
			i += n - 1
		}
	}
	re, err := regexp.Compile(b.String() + ")$")
	if err != nil {
		return glob{}, err
	}
	return glob{prefix: text[:strings.IndexAny(text+"*", `*?[\`)], re: re}, nil
}

// classOf translates the class that text begins with, and returns how long it is. A [
// that nothing closes before the name ends stands for itself.
func classOf(text string) (string, int) {
	class, at := "[", 1
	if at < len(text) && (text[at] == '!' || text[at] == '^') {
		class, at = "[^.", at+1 // no class matches a separator
	}
	for first := true; at < len(text); first = false {
		if text[at] == ']' && !first { // one that comes first is a member
			if class == "[" {
				class += "^" + anything // a range from z to a, which is empty
			}
			return class + "]", at + 1
		}
		if named := namedClass.FindString(text[at:]); named != "" {
			class += named
			at += len(named)
			continue
		}
		low, n := member(text[at:])
		at += n
		high := low
		if rest := text[at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			high, n = member(rest[1:])
			at += 1 + n
		}
		if low == '.' || high == '.' {
			break
		}
		if low <= high {
			class += fmt.Sprintf(`\x{%x}-\x{%x}`, low, high)
		}
	}
	return `\[`, 1
}

// anything is all that a class can have.
const anything = `\x{0}-\x{10ffff}`

// member is a character of a class, and its length with the backslash before it.
func member(text string) (c rune, n int) {
	escaped := 0
	if text[0] == '\\' && len(text) > 1 {
		escaped = 1
	}
	c, n = utf8.DecodeRuneInString(text[escaped:])
	return c, escaped + n
}

var namedClass = regexp.MustCompile(`^\[:[a-z]+:\]`)

// match reports whether the glob stands for the key, as sysctl -a prints it.
func (g *glob) match(key string) bool {
	return strings.HasPrefix(key, g.prefix) && g.re.MatchString(key)
}
