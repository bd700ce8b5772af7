package main

import (
	"regexp/syntax"
	"slices"
	"strings"
)

const (
	shortestPrefix = 3  // in bytes; fewer begin too many words
	longEnough     = 4  // for what follows, one of many characters, to be left out
	longestPrefix  = 8  // more of it would not find less
	mostPrefixes   = 64 // of one rule
)

// anchor returns the expression without what it asks of the text around the token, with only
// those alternatives that begin with a text of their own; and these texts, in lower case.
func anchor(expression string) (string, []string) {
	const around = `(?:[\x60'"\s;]|\\[nr]|$)`
	re, err := syntax.Parse(strings.TrimSuffix(expression, around), syntax.Perl)
	if err != nil {
		return "", nil
	}
	re = bare(re)
	if re == nil {
		return "", nil
	}
	begins, _ := beginnings(re)
	for i, b := range begins {
		begins[i] = strings.ToLower(b[:min(len(b), longestPrefix)])
	}
	slices.Sort(begins)
	return strings.ReplaceAll(re.String(), "`", `\x60`), slices.Compact(begins)
}

// bare returns the expression without groups and word boundaries; nil where it has no
// beginning that is a text.
func bare(re *syntax.Regexp) *syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return bare(re.Sub[0])
	case syntax.OpConcat:
		subs := slices.DeleteFunc(slices.Clone(re.Sub), func(s *syntax.Regexp) bool {
			return s.Op == syntax.OpWordBoundary
		})
		if len(subs) == 0 {
			return nil
		}
		if first := subs[0]; first.Op == syntax.OpCapture || first.Op == syntax.OpAlternate {
			if subs[0] = bare(first); subs[0] == nil {
				return nil
			}
		}
		if len(subs) == 1 {
			return bare(subs[0])
		}
		re = &syntax.Regexp{Op: syntax.OpConcat, Flags: re.Flags, Sub: subs}
	case syntax.OpAlternate:
		var subs []*syntax.Regexp
		for _, s := range re.Sub {
			// "(?:sk|rk)_" begins with a text only together with what follows.
			if b := bare(s); b != nil {
				subs = append(subs, b)
			} else if begins, whole := beginnings(s); whole && len(begins) > 0 {
				subs = append(subs, s)
			}
		}
		if len(subs) == 0 {
			return nil
		}
		return &syntax.Regexp{Op: syntax.OpAlternate, Flags: re.Flags, Sub: subs}
	}
	begins, whole := beginnings(re)
	if len(begins) == 0 || !whole && slices.ContainsFunc(begins, func(b string) bool { return len(b) < shortestPrefix }) {
		return nil
	}
	return re
}

// beginnings returns the texts with which a match can begin, and whether they are all of it.
func beginnings(re *syntax.Regexp) (texts []string, whole bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, true
	case syntax.OpCapture:
		return beginnings(re.Sub[0])
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for c := re.Rune[i]; c <= re.Rune[i+1]; c++ {
				if texts = append(texts, string(c)); len(texts) > mostPrefixes {
					return nil, false
				}
			}
		}
		return texts, true
	case syntax.OpAlternate:
		whole = true
		for _, sub := range re.Sub {
			t, w := beginnings(sub)
			if len(t) == 0 {
				return nil, false
			}
			texts, whole = append(texts, t...), whole && w
		}
		return texts, whole
	case syntax.OpConcat:
		return chained(re.Sub)
	case syntax.OpRepeat:
		if re.Min >= 1 {
			texts, _ = beginnings(re.Sub[0])
		}
	}
	return texts, false
}

// chained returns the beginnings of what consists of parts.
func chained(parts []*syntax.Regexp) (texts []string, whole bool) {
	texts = []string{""}
	for _, part := range parts {
		if part.Op == syntax.OpWordBoundary {
			continue
		}
		if part.Op == syntax.OpCharClass && !slices.ContainsFunc(texts, func(t string) bool { return len(t) < longEnough }) {
			return texts, false
		}
		next, all := beginnings(part)
		if len(next) == 0 || len(texts)*len(next) > mostPrefixes {
			return texts, false
		}
		var longer []string
		for _, t := range texts {
			for _, n := range next {
				longer = append(longer, t+n)
			}
		}
		if texts = longer; !all {
			return texts, false
		}
	}
	return texts, true
}
