package rangeexpr

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// The limits of an Evaluator that sets no others. An evaluation that comes to all of
// them takes a few seconds, and some 500 MB.
const (
	MaxExpr  = 1 << 20
	MaxHosts = 1_000_000
	MaxWork  = 20_000_000
)

// An Evaluator evaluates expressions. Its zero value has no clusters and knows no
// globs. It is safe for concurrent use, and is not changed meanwhile.
type Evaluator struct {
	// Clusters has the clusters. Nil is none.
	Clusters Source

	// Glob is for what a person types, and nil for what Range reads. With it, a word
	// that has one of * ? [ \ is a glob, and may stand wherever a word may; * and ? are
	// operators after % and @ alone; and a word that stands for nothing is an error.
	// Glob returns what tells whether a name matches the word, which is called by
	// several goroutines at once, or why the word is no glob. In cluster files nothing
	// is a glob.
	Glob func(word string) (match func(name string) bool, err error)

	// Lower makes names of hosts lower case, whether they are in the expression or in a
	// cluster file, before anything is done with them. Those of clusters, and what they
	// are looked up by, keep their case.
	Lower bool

	// Limits. 0 is the constant of that name.
	MaxExpr  int // bytes of an expression
	MaxHosts int // that any part of an expression stands for
	MaxWork  int // names touched: a match counts as several, a look for a file as many
}

const (
	maxMean     = 256  // bytes, of the length of names: what bounds the memory of others
	maxGlobs    = 1000 // each name is matched with every one
	maxFrames   = 64   // of keys that need keys
	maxProblems = 100  // that are kept
	maxHints    = 8    // that are looked for: names that are like another
)

// Eval returns what the expression stands for. The first problem is the error: a
// *SyntaxError, a *LookupError or a *LimitError, and about a cluster file a *FileError
// that wraps it. An expression may stand for nothing, as "" and "web3..1" do.
func (e *Evaluator) Eval(expr string) (*Set, error) {
	n, err := e.parse(expr)
	if err != nil {
		return nil, err
	}
	return e.newEvaluation(false).run(expr, n)
}

// EvalPartly is Eval where a part of an answer is better than none, as for a server
// of Range: what cannot be looked up stands for nothing, and is one of the problems.
// There may be several; of more than 100 the last one says how many are left out. An
// expression that cannot be read, or needs more than is allowed, gives the empty set.
func (e *Evaluator) EvalPartly(expr string) (*Set, []error) {
	n, err := e.parse(expr)
	if err != nil {
		return &Set{}, []error{err}
	}
	ev := e.newEvaluation(true)
	set, err := ev.run(expr, n)
	if err != nil {
		return &Set{}, append(ev.problems, err)
	}
	if ev.dropped > 0 {
		ev.problems = append(ev.problems, fmt.Errorf("there are %d more problems", ev.dropped))
	}
	return set, ev.problems
}

// An evaluation is one run of Eval. Each cluster is read once in it, and each key
// evaluated once, so that one answer is of one state of the files.
type evaluation struct {
	*Evaluator
	maxHosts int
	maxGlobs int
	work     int // that is left
	partly   bool
	quiet    bool // nobody reads the problems, or hardly

	problems []error
	dropped  int
	hints    int
	globs    int // that were read, and operations on them

	all      []string // clusters, once they are asked for
	clusters map[string]loaded
	keys     map[keyID]*result
	frames   int
}

type loaded struct {
	*Cluster
	err error
}

// A keyID is a key of a cluster, and whether it is evaluated partly: then what stands
// for nothing is none of its errors.
type keyID struct {
	cluster, key string
	partly       bool
}

type result struct {
	value
	err  error
	done bool // else it is being evaluated
}

// A frame is where an expression is from.
type frame struct {
	expr    string
	cluster string    // "": what Eval was given
	file    FileError // of a cluster: where it is
	globs   bool
	lower   bool // see Evaluator.Lower: names of hosts are wanted
}

func (e *Evaluator) parse(expr string) (node, error) {
	return parse(expr, cmp.Or(e.MaxExpr, MaxExpr), e.Glob != nil)
}

func (e *Evaluator) newEvaluation(partly bool) *evaluation {
	return &evaluation{
		Evaluator: e,
		maxHosts:  cmp.Or(e.MaxHosts, MaxHosts),
		maxGlobs:  maxGlobs,
		work:      cmp.Or(e.MaxWork, MaxWork),
		partly:    partly,
		clusters:  make(map[string]loaded),
		keys:      make(map[keyID]*result),
	}
}

func (ev *evaluation) run(expr string, n node) (*Set, error) {
	v, err := ev.eval(&frame{expr: expr, globs: ev.Glob != nil, lower: ev.Lower}, n)
	if err != nil {
		return nil, err
	}
	return &Set{v}, nil
}

// located says of an error in a cluster file where that is.
func (f *frame) located(err error) error {
	if f.cluster == "" {
		return err
	}
	in := f.file
	in.Err = err
	return &in
}

func (f *frame) syntaxError(at int, reason string, err error) error {
	return f.located(&SyntaxError{Expr: f.expr, Column: at + 1, Reason: reason, Err: err})
}

func (f *frame) limit(at int, format string, args ...any) error {
	return f.located(&LimitError{Expr: f.expr, Column: at + 1, Reason: fmt.Sprintf(format, args...)})
}

// problem is for what cannot be looked up: where that stands for nothing, it is
// remembered, and nil.
func (ev *evaluation) problem(err error) error {
	switch {
	case !ev.partly || isLimit(err):
		return err
	case len(ev.problems) < maxProblems:
		ev.problems = append(ev.problems, err)
	default:
		ev.dropped++
	}
	return nil
}

func (ev *evaluation) lookup(f *frame, e LookupError) error {
	e.Expr = f.expr
	return ev.problem(f.located(&e))
}

// quietly calls do, which fails at the first problem, and leaves none behind.
func (ev *evaluation) quietly(do func() error) error {
	partly, quiet := ev.partly, ev.quiet
	ev.partly, ev.quiet = false, true
	err := do()
	ev.partly, ev.quiet = partly, quiet
	return err
}

// spend counts names that are touched.
func (ev *evaluation) spend(f *frame, at, names int) error {
	if ev.work -= names; ev.work < 0 {
		return f.limit(at, "this takes too long to evaluate: ask for less at a time")
	}
	return nil
}

// allow checks what is about to be made, before it is.
func (ev *evaluation) allow(f *frame, at int, s size) error {
	switch {
	case s.count > ev.maxHosts:
		return f.limit(at, "this stands for more than %d hosts: ask for fewer at a time", ev.maxHosts)
	case s.bytes > ev.maxHosts*maxMean:
		return f.limit(at, "what this stands for is too long to be names of hosts")
	}
	return ev.spend(f, at, s.count+s.bytes/16)
}

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

// A gathering is a union under way: names are only gathered, and sorted at its end.
// Uniting a million words one after the other would be quadratic.
type gathering struct {
	*evaluation
	value          // what is united
	more  []string // names that are not yet
}

func (u *gathering) addNode(f *frame, n node) error {
	if w, ok := n.(word); ok && !f.lower {
		u.more = append(u.more, w.text)
		return u.bound(f, w.at)
	}
	v, err := u.eval(f, n)
	if err != nil {
		return err
	}
	return u.add(f, n.begin(), v)
}

func (u *gathering) add(f *frame, at int, v value) error {
	if v.open != nil {
		u.value = u.value.union(value{open: v.open})
	}
	if len(u.more) == 0 && len(u.names) == 0 {
		u.names = v.names
		return nil
	}
	u.more = append(u.more, v.names...)
	if err := u.spend(f, at, len(v.names)); err != nil {
		return err
	}
	return u.bound(f, at)
}

// bound keeps what is gathered in bounds.
func (u *gathering) bound(f *frame, at int) error {
	if len(u.more)+len(u.names) <= 2*u.maxHosts {
		return nil
	}
	_, err := u.finish(f, at)
	return err
}

func (u *gathering) finish(f *frame, at int) (value, error) {
	if len(u.more) > 0 {
		if err := u.spend(f, at, len(u.more)+len(u.names)); err != nil {
			return value{}, err
		}
		u.value = u.value.union(value{names: sortNames(u.more)})
		u.more = nil
	}
	if len(u.names) > u.maxHosts {
		return value{}, f.limit(at, "with this it stands for more than %d hosts: ask for fewer at a time", u.maxHosts)
	}
	return u.value, nil
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

// key evaluates $KEY: in a cluster file a key of the same cluster, else one of GROUPS.
func (ev *evaluation) key(f *frame, n key) (value, error) {
	cluster := f.cluster
	if cluster == "" {
		cluster = groups
	}
	return ev.keyOf(f, n.at, cluster, n.name)
}

// groups is the cluster whose keys are the groups.
const groups = "GROUPS"

// lookupCost is how many names could be touched while a file is looked for. Who reads
// a cluster checks afterwards what is left.
const lookupCost = 100

// cluster reads a cluster, once in an evaluation.
func (ev *evaluation) cluster(name string) loaded {
	c, ok := ev.clusters[name]
	if !ok {
		ev.work -= lookupCost
		if ev.Clusters == nil {
			c.err = fmt.Errorf("%w: there are no cluster files", ErrNoCluster)
		} else {
			c.Cluster, c.err = ev.Clusters.Cluster(name)
		}
		ev.clusters[name] = c
	}
	return c
}

// keyOf evaluates a key of a cluster, once in an evaluation.
func (ev *evaluation) keyOf(f *frame, at int, cluster, key string) (value, error) {
	c := ev.cluster(cluster)
	if err := ev.spend(f, at, 1); err != nil {
		return value{}, err
	}
	switch {
	case errors.Is(c.err, ErrNoCluster):
		return value{}, ev.lookup(f, LookupError{Kind: NoClusterDef, Name: cluster, Column: at + 1, Hint: ev.likeCluster(cluster)})
	case c.err != nil:
		return value{}, ev.lookup(f, LookupError{Kind: Unreadable, Name: cluster, Column: at + 1, Err: c.err})
	case !c.has(key):
		return value{}, ev.lookup(f, LookupError{Kind: NoCluster, Name: cluster + ":" + key, Column: at + 1, Hint: ev.like(key, c.keys)})
	}
	id := keyID{cluster, key, ev.partly}
	r, ok := ev.keys[id]
	if ok && !r.done {
		return value{}, ev.lookup(f, LookupError{Kind: Cycle, Name: cluster + ":" + key, Column: at + 1})
	}
	if !ok {
		if ev.frames == maxFrames {
			return value{}, f.limit(at, "more than %d keys of clusters need one another", maxFrames)
		}
		r = &result{}
		ev.keys[id] = r
		ev.frames++
		r.value, r.err = ev.items(f, at, id, c.Cluster)
		ev.frames--
		r.done = true
	}
	return r.value, r.err
}

// items unites the items of a key.
func (ev *evaluation) items(f *frame, at int, id keyID, c *Cluster) (value, error) {
	if id.key == keyOfKeys {
		return value{names: c.keys()}, nil
	}
	k := c.key(id.key)
	if k.err != nil {
		return value{}, ev.problem(k.err)
	}
	all := gathering{evaluation: ev, value: value{names: k.names}}
	if err := ev.allow(f, at, size{count: len(k.names)}); err != nil {
		return value{}, err
	}
	in := &frame{cluster: id.cluster}
	for _, item := range k.exprs {
		in.expr = item.Text
		in.file = FileError{File: c.File, Line: item.Line, Key: id.key}
		if err := all.addNode(in, item.node); err != nil {
			return value{}, err
		}
	}
	return all.finish(f, at)
}

// likeCluster says which cluster may be meant.
func (ev *evaluation) likeCluster(name string) string {
	if ev.Clusters == nil {
		return "there are no cluster files"
	}
	return ev.like(name, func() []string {
		all, err := ev.Clusters.Clusters()
		if err != nil {
			return nil // of which the error that this is a hint for says enough
		}
		return all
	})
}

// like says which of the candidates may be meant. It looks for a few names alone.
func (ev *evaluation) like(name string, candidates func() []string) string {
	if ev.quiet || ev.hints == maxHints {
		return ""
	}
	ev.hints++
	if like := nearest(name, candidates()); like != "" {
		return "is it " + like + "?"
	}
	return ""
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
