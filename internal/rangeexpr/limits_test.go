package rangeexpr

import (
	"errors"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	e := &Evaluator{Clusters: Files("testdata/clusters")}
	few := &Evaluator{MaxHosts: 1000, MaxWork: 20_000} // which cost less to come to
	bomb := strings.Repeat("{1..9}", 12)
	for _, row := range []struct {
		expr   string
		column int
		reason string
	}{
		{"web1,web1..1000001", 6, "more than 1000000 hosts: ask for fewer"},
		{"h{1..1000}{1..1000}{1..1000}", 1, "more than 1000000 hosts"},
		{"h0..99999999999999999999999999", 1, "more than 1000000 hosts"},
		{"a," + bomb, 3, "more than 1000000 hosts"},
		{"a{1..1000000} & /" + strings.Repeat("(a|b|c|d)*", 40) + "x/", 17, "this takes too long"},
		{"a" + strings.Repeat("&/a/", 101), 403, "more than 100 regular expressions"},
		{"a & /" + strings.Repeat("a", 1001) + "/", 5, "longer than 1000 bytes"},
		{"a & /" + strings.Repeat("(ab){999}", 100) + "/", 5, "too large"},
		{strings.Repeat("a", 1<<20+1), 1, "longer than 1048576 bytes"},
	} {
		refuses(t, e, row.expr, row.column, row.reason)
	}
	refuses(t, few, strings.Repeat("x", 300)+"{1..1000}", 1, "too long to be names")
	refuses(t, few, "a1..600,b1..600", 9, "with this it stands for more than 1000 hosts")
	refuses(t, few, "a - b"+strings.Repeat(",c1..900 - c1..900", 10), 0, "this takes too long")
	for expr, want := range map[string]int{
		"web{000000..999999}.prod.example.com": 1_000_000,
		strings.Repeat("a,", 1<<19):            1,
		strings.Repeat("-,", 1<<19):            0,
	} {
		if set, err := e.Eval(expr); err != nil || set.Len() != want {
			t.Errorf("%.40q: %d hosts (%v), want %d", expr, set.Len(), err, want)
		}
	}
	if set, err := few.Eval("a1..1000,a1..1000"); err != nil || set.Len() != 1000 {
		t.Errorf("the same hosts twice are %d (%v)", set.Len(), err)
	}
	if _, err := (&Evaluator{MaxHosts: 5}).Eval("a1..6"); !isLimit(err) {
		t.Errorf("%v; want a LimitError", err)
	}
	if _, err := (&Evaluator{MaxWork: 5}).Eval("a,b,c,d,e - x"); !isLimit(err) {
		t.Errorf("%v; want a LimitError", err)
	}
}

// refuses wants a LimitError; column 0 is anywhere.
func refuses(t *testing.T, e *Evaluator, expr string, column int, reason string) {
	t.Helper()
	set, err := e.Eval(expr)
	limit, ok := errors.AsType[*LimitError](err)
	if !ok || set != nil {
		t.Errorf("%.60q: %v; want a LimitError", expr, err)
		return
	}
	if column > 0 && limit.Column != column || !strings.Contains(limit.Reason, reason) || len(err.Error()) > 300 {
		t.Errorf("%.60q: %v; want column %d, %q", expr, err, column, reason)
	}
}
