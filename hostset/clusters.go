package hostset

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

// Clusters are what Range's cluster files define: each CLUSTER.yaml of a folder maps
// keys to expressions. Files are read when an expression needs them, and again when
// they have changed. Clusters are safe for concurrent use; the nil Clusters have none.
type Clusters struct {
	files rangeexpr.Source
}

// OpenClusters returns the clusters of a folder.
func OpenClusters(folder string) (*Clusters, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot use the cluster files: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("cannot use the cluster files: %s is no folder", folder)
	}
	return &Clusters{files: rangeexpr.Files(folder)}, nil
}

func (c *Clusters) evaluator() *rangeexpr.Evaluator {
	if c == nil {
		return &rangeexpr.Evaluator{}
	}
	return &rangeexpr.Evaluator{Clusters: c.files}
}

// Expand returns the nodes that an expression stands for, sorted, each once, exactly as
// Range would, without asking any server: there are no globs. Nodes are hosts, or
// whatever else the clusters hold. To stand for none is no error.
func (c *Clusters) Expand(expr string) ([]string, error) {
	set, err := c.evaluator().Eval(expr)
	if bad, ok := errors.AsType[*rangeexpr.SyntaxError](err); ok && isGlobAt(bad) {
		return nil, hint.For(c.badExpression("an expression", err), hint.GlobWithout)
	}
	if err != nil {
		return nil, c.badExpression("an expression", err)
	}
	return set.Names(), nil
}

// isGlobAt reports whether what cannot be read would be a glob.
func isGlobAt(err *rangeexpr.SyntaxError) bool {
	at := err.Column - 1
	return at < len(err.Expr) && strings.IndexByte(`*?[\`, err.Expr[at]) >= 0
}

// ExpandPartly is what a Range server does: what cannot be looked up stands for
// nothing, and is told in the words of the original, "NOCLUSTERDEF: nosuch".
func (c *Clusters) ExpandPartly(expr string) (nodes, problems []string) {
	set, errs := c.evaluator().EvalPartly(expr)
	for _, err := range errs {
		problem := err.Error()
		if lookup, ok := errors.AsType[*rangeexpr.LookupError](err); ok {
			problem = lookup.Exception()
		} else if _, ok := errors.AsType[*rangeexpr.SyntaxError](err); ok {
			problem = "syntax error, " + problem
		}
		problems = append(problems, problem)
	}
	return set.Names(), problems
}

// found is Expand, but that hosts that no cluster holds stand for nothing.
func (c *Clusters) found(expr string) ([]string, error) {
	set, errs := c.evaluator().EvalPartly(expr)
	for i, err := range errs {
		if lookup, ok := errors.AsType[*rangeexpr.LookupError](err); ok && lookup.Kind == rangeexpr.NoClusterOf {
			continue
		}
		if i > 0 && i == len(errs)-1 { // how many more there are
			continue
		}
		return nil, c.badExpression("an expression", err)
	}
	return set.Names(), nil
}

// Compress writes nodes as Range's /expand does, in one line: host8..9,host10..1.
func Compress(nodes []string) string { return rangeexpr.Compress(nodes) }

// Fold returns a short expression that stands for exactly these hosts, names as
// ParseHost returns them, whatever their order: "web001..120.example.com". ParseHosts
// reads it, up to a million hosts, and Range does. It is a list in natural order,
// without white space; where they halve its length it has braces, which a shell wants
// quoted. No hosts are "".
func Fold(hosts []string) string { return rangeexpr.Fold(hosts) }

// badExpression says what cannot be used as what, where, why, and what to do.
func (c *Clusters) badExpression(what string, err error) error {
	if _, ok := errors.AsType[*rangeexpr.FileError](err); ok {
		return fmt.Errorf("cannot use the cluster files: %w", err)
	}
	if lookup, ok := errors.AsType[*rangeexpr.LookupError](err); ok {
		err = fmt.Errorf("cannot use %q as %s: %w", lookup.Expr, what, err)
		if c == nil {
			return hint.For(err, hint.NoClusters)
		}
		return err
	}
	if limit, ok := errors.AsType[*rangeexpr.LimitError](err); ok {
		err = &rangeexpr.SyntaxError{Expr: limit.Expr, Column: limit.Column, Reason: limit.Reason}
	}
	bad, ok := errors.AsType[*rangeexpr.SyntaxError](err)
	if !ok {
		return fmt.Errorf("cannot use the cluster files: %w", err)
	}
	kind := naming.ErrBadHost
	if errors.Is(err, naming.ErrBadPattern) {
		kind = naming.ErrBadPattern
	}
	return fmt.Errorf("cannot use %q as %s: %w: column %d: %s", bad.Near(), what, kind, bad.Column, bad.Reason)
}
