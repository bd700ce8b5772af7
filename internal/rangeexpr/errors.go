package rangeexpr

import (
	"errors"
	"fmt"
	"strconv"
)

// A SyntaxError tells where an expression cannot be read, why, and what to do.
type SyntaxError struct {
	Expr   string
	Column int // in bytes, from 1
	Reason string
	Err    error // what Evaluator.Glob said, if that was the reason; else nil
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cannot expand %q: column %d: %s", e.Near(), e.Column, e.Reason)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Near returns what of the expression is around the error: all, unless that is long.
func (e *SyntaxError) Near() string { return near(e.Expr, e.Column) }

func near(expr string, column int) string {
	const around = 40
	from, to := max(0, column-1-around), min(len(expr), column-1+around)
	text := expr[from:to]
	if from > 0 {
		text = "…" + text
	}
	if to < len(expr) {
		text += "…"
	}
	return text
}

// A LookupError tells what an expression names that there is not. What is around it
// can be evaluated without it: see [Evaluator.EvalPartly].
type LookupError struct {
	Kind   LookupKind
	Name   string // of the cluster, cluster:KEY, host or function
	Expr   string
	Column int    // in bytes, from 1: of the operator, or of the function's name
	Hint   string // what to do, if that is known
	Err    error  // of Unreadable and Unlisted: why
}

// A LookupKind is what a LookupError is about.
type LookupKind int

const (
	NoClusterDef LookupKind = iota + 1 // there is no such cluster
	NoCluster                          // the cluster has no such key
	NoClusterOf                        // no cluster holds the host
	NoFunction                         // there is no such function
	Cycle                              // the key needs itself
	Unreadable                         // the cluster is there, but cannot be read
	Unlisted                           // which clusters there are is not known; Name is empty
)

func (e *LookupError) Error() string {
	text := fmt.Sprintf("column %d: %s", e.Column, e.reason())
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *LookupError) reason() string {
	name := e.Name
	if !isPlain(name) {
		name = strconv.Quote(name)
	}
	switch e.Kind {
	case NoClusterDef:
		return "there is no cluster " + name
	case NoCluster:
		return "there is no key " + name
	case NoClusterOf:
		return "no cluster holds " + name
	case NoFunction:
		return "there is no function " + name
	case Cycle:
		return name + " needs itself"
	case Unlisted:
		return fmt.Sprintf("cannot tell which clusters there are: %v", e.Err)
	default:
		return fmt.Sprintf("cannot read the cluster %s: %v", name, e.Err)
	}
}

// Exception returns what Range itself says, in its header RangeException. Of a cycle,
// on which it overflows its stack, and of files that cannot be read, the text is of
// the same form.
func (e *LookupError) Exception() string {
	switch e.Kind {
	case NoClusterDef:
		return "NOCLUSTERDEF: " + e.Name
	case NoCluster:
		return "NOCLUSTER: " + e.Name
	case NoClusterOf:
		return "NO_CLUSTER: " + e.Name
	case NoFunction:
		return "NO_FUNCTION: " + e.Name
	case Cycle:
		return "CYCLE: " + e.Name
	case Unlisted:
		return "clusters: cannot list them"
	default:
		return e.Name + ": malformed cluster definition"
	}
}

func (e *LookupError) Unwrap() error { return e.Err }

// A LimitError tells which part of an expression would take more than is allowed.
// Nothing is returned beside it: what is cut short looks like an answer.
type LimitError struct {
	Expr   string
	Column int // in bytes, from 1
	Reason string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("cannot expand %q: column %d: %s", near(e.Expr, e.Column), e.Column, e.Reason)
}

// A FileError tells where in a cluster file a problem is. The column within Err
// counts from where the expression in that line begins.
type FileError struct {
	File string
	Line int    // from 1; 0: it is about all of the file
	Key  string // "" where the problem is outside any
	Err  error
}

func (e *FileError) Error() string {
	text := e.File
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d", text, e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

func isLimit(err error) bool {
	_, ok := errors.AsType[*LimitError](err)
	return ok
}

// nearest returns the candidate that is most like name, "" where none is.
func nearest(name string, candidates []string) string {
	const longest = 64 // bytes; comparing is quadratic
	if len(name) > longest {
		return ""
	}
	best, least := "", 3
	for _, c := range candidates {
		if abs(len(c)-len(name)) >= least || len(c) > longest {
			continue
		}
		if d := distance(name, c); d < least && 2*d < len(name) {
			best, least = c, d
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// distance returns how many bytes are to be inserted, deleted or replaced to make b
// of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
