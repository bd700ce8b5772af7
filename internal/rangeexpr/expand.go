package rangeexpr

import (
	"fmt"
	"slices"
)

// MaxHosts is how many hosts an expression may stand for, repeated ones included.
const MaxHosts = 1_000_000

// Expand returns the hosts that expr stands for, sorted, each once. Unless it is
// quoted, a name in expr has bytes of [A-Za-z0-9._:-] alone; their number is not
// checked. Where expr cannot be read, or stands for more than MaxHosts, the error is
// a *SyntaxError. An expression may stand for no host, as "" and "web3..1" do.
func Expand(expr string) ([]string, error) {
	return expand(&parser{expr: expr}, MaxHosts)
}

// ExpandTyped is Expand for what a person types. Words may be globs, as Redis has
// them: each that holds one of * ? [ \ is returned as it is, whatever else it holds,
// after braces in it are expanded. And a word that stands for nothing, as web3..1
// does, is an error: who types it means something.
func ExpandTyped(expr string) ([]string, error) {
	return expand(&parser{expr: expr, typed: true}, MaxHosts)
}

func expand(p *parser, most int) ([]string, error) {
	words, err := p.list()
	if err != nil {
		return nil, err
	}
	var total size
	for _, w := range words {
		switch total = total.plus(w.size()); {
		case total.count > most:
			return nil, p.errorAt(w.at, fmt.Sprintf("with this word it stands for more than %d hosts: ask for fewer at a time", most))
		case total.bytes > most*maxMean:
			return nil, p.errorAt(w.at, "what this stands for is too long to be names of hosts")
		}
	}
	hosts := make([]string, 0, total.count)
	for _, w := range words {
		hosts = w.appendTo(hosts)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts), nil
}

// maxMean bounds the memory of what no list of hosts is: their mean length.
const maxMean = 256

// A node is a part of an expression, and stands for some texts.
type node interface {
	size() size
	appendTo(texts []string) []string
}

// size is how much a node stands for, each number plenty where it is more.
type size struct{ count, bytes int }

// plenty is more than is ever made, and its square is an int.
const plenty = 1 << 31

func (s size) plus(t size) size {
	return size{min(s.count+t.count, plenty), min(s.bytes+t.bytes, plenty)}
}

// times is the size of every text of s before every one of t.
func (s size) times(t size) size {
	return size{
		count: min(s.count*t.count, plenty),
		bytes: min(min(s.bytes*t.count, plenty)+min(t.bytes*s.count, plenty), plenty),
	}
}

// A literal is a text that stands for itself.
type literal string

func (l literal) size() size                       { return size{1, len(l)} }
func (l literal) appendTo(texts []string) []string { return append(texts, string(l)) }

func (s sequence) size() size {
	each := len(s.head) + len(s.last) + len(s.tail) // len(s.last) >= len(s.first)
	return size{s.count, min(s.count*each, plenty)}
}

func (s sequence) appendTo(texts []string) []string {
	number := []byte(s.first)
	for range s.count {
		texts = append(texts, s.head+string(number)+s.tail)
		number = increment(number)
	}
	return texts
}

// A braced node is the list within braces.
type braced []*word

func (b braced) size() size {
	var total size
	for _, w := range b {
		total = total.plus(w.size())
	}
	return total
}

func (b braced) appendTo(texts []string) []string {
	for _, w := range b {
		texts = w.appendTo(texts)
	}
	return texts
}

// A word is the product of its parts: every text of the first before every one of
// the second, and so on. No part of several stands for nothing.
type word struct {
	at    int // in the expression
	parts []node
	texts []span // those that are neither braces nor quoted
}

// A span is a part of the expression.
type span struct{ from, to int }

func (w *word) size() size {
	total := w.parts[0].size()
	for _, p := range w.parts[1:] {
		total = total.times(p.size())
	}
	return total
}

func (w *word) appendTo(texts []string) []string {
	if len(w.parts) == 1 {
		return w.parts[0].appendTo(texts)
	}
	heads := []string{""}
	for i, p := range w.parts {
		tails := p.appendTo(nil)
		if i == len(w.parts)-1 {
			return cross(texts, heads, tails)
		}
		heads = cross(nil, heads, tails)
	}
	return texts
}

func cross(texts, heads, tails []string) []string {
	texts = slices.Grow(texts, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			texts = append(texts, h+t)
		}
	}
	return texts
}
