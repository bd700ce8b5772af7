package frame

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A needle is text that a line must hold. Lines without any needle of an expression
// are dismissed by looking for them, which is many times as fast as matching.
type needle struct {
	text []byte // lower case where fold is set

	// fold: the case of ASCII letters does not matter. Letters that also fold with
	// others (k with the Kelvin sign, s with ſ) are never in such a needle.
	fold  bool
	pivot int // the byte of text that is looked for first: the rarest
}

// maxNeedles is how many alternatives are looked for one by one.
const maxNeedles = 8

// needles returns texts of which every match of tree holds at least one, nil where
// it knows of none.
func needles(tree *syntax.Regexp) []needle {
	switch tree.Op {
	case syntax.OpLiteral:
		return literalNeedle(tree.Rune, tree.Flags&syntax.FoldCase != 0)
	case syntax.OpCapture, syntax.OpPlus:
		return needles(tree.Sub[0])
	case syntax.OpConcat:
		var best []needle
		for _, sub := range tree.Sub {
			if n := needles(sub); shortest(n) > shortest(best) {
				best = n
			}
		}
		return best
	case syntax.OpAlternate:
		var all []needle
		for _, sub := range tree.Sub {
			n := needles(sub)
			if n == nil || len(all)+len(n) > maxNeedles {
				return nil
			}
			all = append(all, n...)
		}
		return all
	}
	return nil
}

// shortest says what a set of needles is worth: the length of its shortest.
func shortest(set []needle) int {
	if len(set) == 0 {
		return 0
	}
	return len(slices.MinFunc(set, func(a, b needle) int { return len(a.text) - len(b.text) }).text)
}

// literalNeedle returns the longest part of a literal that can be looked for.
func literalNeedle(literal []rune, fold bool) []needle {
	var best, run []byte
	for _, r := range literal {
		if !searchable(r, fold) {
			run = nil
			continue
		}
		if fold && r < utf8.RuneSelf {
			r = unicode.ToLower(r) // of others it may be one that r does not fold with: of İ it is i
		}
		if run = utf8.AppendRune(run, r); len(run) > len(best) {
			best = bytes.Clone(run)
		}
	}
	if best == nil {
		return nil
	}
	n := needle{text: best}
	n.fold = fold && !bytes.Equal(bytes.ToUpper(best), best) // digits and dots have no case
	for i, c := range best {
		if rarity(c) > rarity(best[n.pivot]) {
			n.pivot = i
		}
	}
	return []needle{n}
}

// searchable reports whether the bytes of r are in every text that r matches: but
// for the case of an ASCII letter, where fold is set.
func searchable(r rune, fold bool) bool {
	if r == utf8.RuneError {
		return false // it also matches bytes that are not UTF-8
	}
	if !fold {
		return true
	}
	other := unicode.SimpleFold(r)
	return other == r || r < utf8.RuneSelf && other < utf8.RuneSelf && unicode.SimpleFold(other) == r
}

// rarity orders bytes by how seldom configuration files hold them.
func rarity(c byte) int {
	const common = " etaoinsrlcdupmhg0._1bf2y=w3-v/54k:69x78\"'z#,jq()[]{}"
	if i := strings.IndexByte(common, c); i >= 0 {
		return i
	}
	return len(common)
}

// begins reports whether text begins with the needle.
func (n *needle) begins(text []byte) bool {
	return n.fold && n.equalFold(text) || !n.fold && string(text[:len(n.text)]) == string(n.text)
}

// equalFold reports whether text begins with the needle in any case.
func (n *needle) equalFold(text []byte) bool {
	for i, c := range n.text {
		if t := text[i]; t != c && t != upper(c) {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// A hunt looks for the first of several needles in a text, from one place to the next.
type hunt struct {
	needles []needle
	text    []byte
	trails  [maxNeedles]trail
}

// A trail is where a needle, and its rarest byte in either case, were last seen ahead:
// what is far away, or nowhere, must not be looked for again from every line.
type trail struct{ next, small, large int }

func newHunt(needles []needle, text []byte) hunt {
	h := hunt{needles: needles, text: text}
	for i := range needles {
		h.trails[i] = trail{-1, -1, -1}
	}
	return h
}

// from returns the first place at or after pos that holds a needle, len(text) where
// none does. pos never decreases.
func (h *hunt) from(pos int) int {
	first := len(h.text)
	for i := range h.needles {
		t := &h.trails[i]
		if t.next < pos {
			t.next = h.needles[i].index(h.text, pos, t)
		}
		first = min(first, t.next)
	}
	return first
}

// index returns where text first holds the needle at or after pos, len(text) where
// it does not. It goes by the rarest byte: the first two, by which bytes.Index does,
// are all too often those of every line ("net.core…").
func (n *needle) index(text []byte, pos int, t *trail) int {
	c := n.text[n.pivot]
	for at := pos + n.pivot; ; at++ {
		follow(&t.small, text, c, at)
		next := t.small
		if n.fold {
			follow(&t.large, text, upper(c), at)
			next = min(next, t.large)
		}
		at = next
		start := at - n.pivot
		if start+len(n.text) > len(text) {
			return len(text)
		}
		if n.begins(text[start:]) {
			return start
		}
	}
}

// follow moves seen to where text holds c at or after at, len(text) where it does not.
func follow(seen *int, text []byte, c byte, at int) {
	if *seen >= at {
		return
	}
	*seen = len(text)
	if at < len(text) {
		if i := bytes.IndexByte(text[at:], c); i >= 0 {
			*seen = at + i
		}
	}
}
