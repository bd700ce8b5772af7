package sudoers

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// A globMode says what wildcards may not match.
type globMode struct {
	pathname bool // no slash, as FNM_PATHNAME
	period   bool // no dot at the start of a name: glob(3) without GLOB_PERIOD
	fold     bool // case does not matter
}

func hasWildcard(s string) bool { return strings.ContainsAny(s, `\?*[]`) }

// globMatch is fnmatch(3) in the C locale. Its time is at most the product of the
// lengths.
func globMatch(pattern, s string, mode globMode) bool {
	p, i := 0, 0
	starP, starI := -1, 0 // where to go on when the last * takes one byte more
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			if mode.period && hidden(s, i) {
				return false
			}
			starP, starI = p+1, i
			p++
			continue
		}
		if n, ok := matchOne(pattern[p:], s, i, mode); ok {
			p += n
			i++
			continue
		}
		if starP < 0 || mode.pathname && s[starI] == '/' {
			return false
		}
		starI++
		p, i = starP, starI
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func hidden(s string, i int) bool { return s[i] == '.' && i > 0 && s[i-1] == '/' }

// matchOne matches s[i] with the start of the pattern, and returns how much of the
// pattern that is.
func matchOne(pattern, s string, i int, mode globMode) (int, bool) {
	if pattern == "" {
		return 0, false
	}
	c := s[i]
	special := !(mode.pathname && c == '/') && !(mode.period && hidden(s, i))
	switch pattern[0] {
	case '?':
		return 1, special
	case '[':
		if n, ok := bracket(pattern, c, mode.fold); n > 0 {
			return n, ok && special
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, same(pattern[1], c, mode.fold)
		}
	}
	return 1, same(pattern[0], c, mode.fold)
}

func same(a, b byte, fold bool) bool { return a == b || fold && lower(a) == lower(b) }

func lower(c byte) byte {
	if isUpper(c) {
		return c | 0x20
	}
	return c
}

// bracket matches c with an expression such as [a-z]. It returns 0 where the [ is only
// a character, because nothing closes it.
func bracket(p string, c byte, fold bool) (int, bool) {
	i, negated, matched := 1, false, false
	if i < len(p) && (p[i] == '!' || p[i] == '^') {
		negated = true
		i++
	}
	for first := true; i < len(p); first = false {
		if p[i] == ']' && !first {
			return i + 1, matched != negated
		}
		if name, ok := class(p[i:]); ok {
			matched = matched || inClass(name, c) || fold && (inClass(name, lower(c)) || inClass(name, lower(c)&^0x20))
			i += len(name) + len("[::]")
			continue
		}
		low, n := element(p[i:])
		i += n
		high := low
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			high, n = element(p[i+1:])
			i += 1 + n
		}
		matched = matched || low <= c && c <= high
		if fold {
			matched = matched || lower(low) <= lower(c) && lower(c) <= lower(high)
		}
	}
	return 0, false
}

func element(p string) (byte, int) {
	if p[0] == '\\' && len(p) > 1 {
		return p[1], 2
	}
	return p[0], 1
}

// class returns the name of [:name:].
func class(p string) (string, bool) {
	if !strings.HasPrefix(p, "[:") {
		return "", false
	}
	n := strings.Index(p[:min(len(p), len("[:xdigit:]"))], ":]")
	if n < 0 {
		return "", false
	}
	return p[2:n], true
}

func inClass(name string, c byte) bool {
	isLower := 'a' <= c && c <= 'z'
	alpha := isUpper(c) || isLower
	switch name {
	case "alpha":
		return alpha
	case "digit":
		return isDigit(c)
	case "alnum":
		return alpha || isDigit(c)
	case "upper":
		return isUpper(c)
	case "lower":
		return isLower
	case "blank":
		return isBlank(c)
	case "space":
		return c == ' ' || '\t' <= c && c <= '\r'
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "print":
		return ' ' <= c && c < 0x7f
	case "graph":
		return ' ' < c && c < 0x7f
	case "punct":
		return ' ' < c && c < 0x7f && !alpha && !isDigit(c)
	case "xdigit":
		return isHex(c)
	}
	return false
}

func isRegex(s string) bool { return len(s) > 1 && s[0] == '^' && s[len(s)-1] == '$' }

// longestRegex is sudo's bound.
const longestRegex = 1024

// compileRegex compiles a regular expression of regex(7). After the ^, (?i) means that
// case does not matter. \w and its like are those of GNU.
func compileRegex(expr string) (*regexp.Regexp, bool) {
	if len(expr) > longestRegex {
		return nil, false
	}
	flags := syntax.DotNL | syntax.OneLine
	if rest, ok := strings.CutPrefix(expr, "^(?i)"); ok {
		expr = "^" + rest
		flags |= syntax.FoldCase
	}
	parsed, err := syntax.Parse(expr, flags)
	if err != nil {
		if parsed, err = syntax.Parse(expr, flags|syntax.PerlX); err != nil {
			return nil, false
		}
	}
	re, err := regexp.Compile(parsed.String())
	return re, err == nil
}
