package rangeexpr

import (
	"cmp"
	"fmt"
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
