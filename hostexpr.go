package sysops

import (
	"errors"
	"fmt"

	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

// FoldHosts returns a short expression that stands for exactly these hosts, names as
// ParseHost returns them, whatever their order: "web001..120.example.com". ParseHosts
// reads it, up to a million hosts, and Range does. It is a list in natural order,
// without white space; where they halve its length it has braces, which a shell wants
// quoted. No hosts are "".
func FoldHosts(hosts []string) string { return rangeexpr.Fold(hosts) }

// ExpandHosts returns the hosts that expr, a host expression as ParseHosts reads it,
// stands for: sorted, each once, without asking any server. A glob is ErrBadHost:
// which hosts it stands for is known to servers alone.
func ExpandHosts(expr string) ([]string, error) {
	set, err := ParseHosts(expr)
	if err != nil {
		return nil, err
	}
	if len(set.globs) > 0 {
		return nil, hinted(fmt.Errorf("cannot expand %q: %w: it has globs, and only servers know the hosts that match", expr, ErrBadHost),
			"sysops hosts --hosts asks them")
	}
	return set.Names(), nil
}

// badExpression says what cannot be used as what, where, and why.
func badExpression(what string, err error) error {
	bad, ok := errors.AsType[*rangeexpr.SyntaxError](err)
	if limit, much := errors.AsType[*rangeexpr.LimitError](err); much {
		bad, ok = &rangeexpr.SyntaxError{Expr: limit.Expr, Column: limit.Column, Reason: limit.Reason}, true
	}
	if !ok {
		return err
	}
	return fmt.Errorf("cannot use %q as %s: %w: column %d: %s", bad.Near(), what, ErrBadHost, bad.Column, bad.Reason)
}
