package rangeexpr

import (
	"errors"
	"slices"
)

func (ev *evaluation) eval(f *frame, n node) (value, error) {
	v, err := ev.evalNode(f, n)
	if f.lower {
		v.names = lower(v.names)
	}
	return v, err
}

func (ev *evaluation) evalNode(f *frame, n node) (value, error) {
	switch n := n.(type) {
	case word:
		return value{names: []string{n.text}}, ev.spend(f, n.at, 1)
	case sequenceWord:
		if err := ev.allow(f, n.at, n.size()); err != nil {
			return value{}, err
		}
		return value{names: n.names()}, nil
	case globWord:
		return ev.withGlobs(f, n.at, texts{globs: []string{n.text}})
	case *product:
		return ev.product(f, n)
	case *chain:
		return ev.chain(f, n)
	case key:
		return ev.key(f, n)
	case *call:
		return ev.call(f, n)
	case regex:
		all, err := ev.allNodes(f, n.at, "a regular expression on its own filters that cluster; put & before it to filter what is to its left")
		if err != nil {
			return value{}, err
		}
		return ev.filter(f, all, n, true)
	case *complement:
		return ev.complement(f, n)
	}
	return value{}, nil // nothing
}

// withGlobs returns the set of these names and globs.
func (ev *evaluation) withGlobs(f *frame, at int, t texts) (value, error) {
	v := value{names: t.names}
	if len(t.globs) == 0 {
		return v, nil
	}
	o := &open{cost: len(t.globs)}
	for _, text := range t.globs {
		if err := ev.spendGlob(f, at); err != nil {
			return value{}, err
		}
		match, err := ev.Glob(text)
		if err != nil {
			return value{}, f.syntaxError(at, err.Error(), err)
		}
		o.globs = append(o.globs, glob{text, match})
	}
	v.open = o
	return v, nil
}

// spendGlob counts a glob, or an operation on some, which Contains has to repeat.
func (ev *evaluation) spendGlob(f *frame, at int) error {
	ev.globs++
	return ev.allowGlobs(f, at, ev.globs)
}

func (ev *evaluation) allowGlobs(f *frame, at, globs int) error {
	if globs > ev.maxGlobs {
		return f.limit(at, "there are more than %d globs: write fewer, wider ones", ev.maxGlobs)
	}
	return nil
}

// product evaluates a{b}c. Its size is known before it is made. A part that stands for
// nothing is the empty text, as in Range; that is not what a person who types means.
func (ev *evaluation) product(f *frame, n *product) (value, error) {
	parts := make([]texts, 0, len(n.parts))
	total := size{count: 1}
	empty := true
	for _, part := range n.parts {
		v, err := ev.eval(f, part)
		if err != nil {
			return value{}, err
		}
		t, plain := v.texts()
		switch {
		case !plain:
			return value{}, f.syntaxError(part.begin(), "braces hold names and globs, not what an operator makes of globs", nil)
		case t.empty() && f.globs:
			return value{}, f.syntaxError(part.begin(), "this word has a part that stands for nothing", nil)
		case t.empty():
			continue
		}
		empty = false
		total = total.times(size{len(t.names) + len(t.globs), sizeOf(t.names).bytes + 2*sizeOf(t.globs).bytes})
		parts = append(parts, t)
	}
	if empty {
		return value{}, nil // {} is no host
	}
	if err := ev.allow(f, n.at, total); err != nil {
		return value{}, err
	}
	all := parts[0]
	for _, t := range parts[1:] {
		if err := ev.allowGlobs(f, n.at, len(all.globs)*(len(t.names)+len(t.globs))+len(all.names)*len(t.globs)); err != nil {
			return value{}, err
		}
		all = all.cross(t)
	}
	if len(parts) > 1 {
		all.names = sortNames(all.names)
	}
	return ev.withGlobs(f, n.at, all)
}

func (ev *evaluation) chain(f *frame, n *chain) (value, error) {
	v, err := ev.eval(f, n.first)
	if err != nil {
		return value{}, err
	}
	all := gathering{evaluation: ev, value: v}
	for _, l := range n.links {
		if l.op == ',' {
			if err := all.addNode(f, l.operand); err != nil {
				return value{}, err
			}
			continue
		}
		left, err := all.finish(f, l.operand.begin())
		if err != nil {
			return value{}, err
		}
		if v, err = ev.narrow(f, left, l); err != nil {
			return value{}, err
		}
		all = gathering{evaluation: ev, value: v}
	}
	return all.finish(f, n.links[len(n.links)-1].operand.begin())
}

// narrow evaluates left - operand, or left & operand.
func (ev *evaluation) narrow(f *frame, left value, l link) (value, error) {
	if re, ok := l.operand.(regex); ok {
		return ev.filter(f, left, re, l.op == '&')
	}
	right, err := ev.eval(f, l.operand)
	if err != nil {
		return value{}, err
	}
	at := l.operand.begin()
	if left.open != nil || right.open != nil {
		if err := ev.spendGlob(f, at); err != nil {
			return value{}, err
		}
	}
	if err := ev.spend(f, at, len(left.names)*right.cost()+len(right.names)*left.cost()); err != nil {
		return value{}, err
	}
	if l.op == '&' {
		return left.intersection(right), nil
	}
	return left.difference(right), nil
}

// filter keeps what matches, or what does not. Matching takes a step for every byte
// and instruction at worst, sixteen of which count as touching a name.
func (ev *evaluation) filter(f *frame, v value, re regex, matching bool) (value, error) {
	cost := len(v.names) + sizeOf(v.names).bytes*re.steps/16
	if err := ev.spend(f, re.at, cost*v.cost()); err != nil {
		return value{}, err
	}
	if v.open != nil {
		if err := ev.spendGlob(f, re.at); err != nil {
			return value{}, err
		}
	}
	return v.filter(func(name string) bool { return re.re.MatchString(name) == matching }, re.steps), nil
}

func (ev *evaluation) complement(f *frame, n *complement) (value, error) {
	all, err := ev.allNodes(f, n.at, "! takes away from that cluster")
	if err != nil {
		return value{}, err
	}
	v, err := ev.eval(f, n.of)
	if err != nil {
		return value{}, err
	}
	if err := ev.spend(f, n.at, len(all.names)*v.cost()+len(v.names)); err != nil {
		return value{}, err
	}
	return all.difference(v), nil
}

// allNodes returns the nodes that ! and a regular expression on its own are about.
func (ev *evaluation) allNodes(f *frame, at int, hint string) (v value, err error) {
	const name = "all"
	c := ev.cluster(name)
	if errors.Is(c.err, ErrNoCluster) {
		return value{}, ev.lookup(f, LookupError{Kind: NoClusterDef, Name: name, Column: at + 1, Hint: hint})
	}
	if v, err = ev.keyOf(f, at, name, defaultKey); f.lower {
		v.names = lower(v.names)
	}
	return v, err
}

// closed evaluates what names clusters, keys or hosts to look for, which globs cannot.
func (ev *evaluation) closed(f *frame, n node) ([]string, error) {
	in := *f
	in.lower = false
	v, err := ev.eval(&in, n)
	if err == nil && v.open != nil {
		err = f.syntaxError(n.begin(), "a glob is for names of hosts: it cannot be looked up", nil)
	}
	return slices.Clip(v.names), err
}
