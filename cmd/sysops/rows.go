package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
)

// A field is one named value of a row.
type field struct {
	name  string
	value any
}

// A row is one record of an output, in all the forms that a format may need.
type row struct {
	text    []byte
	painted bool // text holds escapes of ours, and nothing else that could do harm
	fields  []field
	keys    []sortKey // with --sort
}

// An output is where a verb's rows go: in their own order or that of --sort, all of
// them or the first --limit.
type output struct {
	sink  sink
	by    []sortField
	limit int // 0: none

	held    []row // with --sort, until the last one has come
	written int
	cut     int // rows beyond the limit
}

func (o *output) row(text []byte, fields ...field) error {
	return o.add(row{text: text, fields: fields})
}

// painted is row for text in which escapes of ours stand, and what comes from hosts is
// neutral already.
func (o *output) painted(text []byte, fields ...field) error {
	return o.add(row{text: text, painted: true, fields: fields})
}

// heldAtLeast is how many rows beyond the limit are held before those that cannot be
// among the first any more are let go.
const heldAtLeast = 1024

func (o *output) add(r row) error {
	if len(o.by) == 0 {
		return o.pass(r)
	}
	for _, by := range o.by {
		v, err := r.value(by.path)
		if err != nil {
			return err
		}
		r.keys = append(r.keys, newSortKey(v))
	}
	o.held = append(o.held, r)
	if o.limit > 0 && len(o.held)-o.limit >= max(o.limit, heldAtLeast) {
		o.arrange()
	}
	return nil
}

// arrange sorts what is held, equal rows in the order in which they came, and lets go
// of what the limit cuts off.
func (o *output) arrange() {
	slices.SortStableFunc(o.held, func(a, b row) int {
		for i, by := range o.by {
			if c := a.keys[i].compare(b.keys[i]); c != 0 {
				return c * by.direction
			}
		}
		return 0
	})
	if o.limit > 0 && len(o.held) > o.limit {
		o.cut += len(o.held) - o.limit
		o.held = slices.Delete(o.held, o.limit, len(o.held))
	}
}

func (o *output) pass(r row) error {
	if o.limit > 0 && o.written == o.limit {
		o.cut++
		return nil
	}
	o.written++
	return o.sink.write(&r)
}

// end closes the output. t is nil where the rows are no answer of the fleet.
func (o *output) end(t *tail) error {
	o.arrange()
	for _, r := range o.held {
		if err := o.pass(r); err != nil {
			return err
		}
	}
	o.held = nil
	if t != nil {
		t.Cut = o.cut
	}
	return o.sink.end(t)
}

// value returns a field's value or, by a path such as stat.size, a value within one;
// nil where that is not there.
func (r *row) value(path string) (any, error) {
	for _, f := range r.fields {
		if f.name == path {
			return f.value, nil
		}
		inner, ok := strings.CutPrefix(path, f.name+".")
		if !ok {
			continue
		}
		text, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("cannot sort by %s: %w", path, err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, fmt.Errorf("cannot sort by %s: %w", path, err)
		}
		for step := range strings.SplitSeq(inner, ".") {
			members, _ := v.(map[string]any)
			v = members[step]
		}
		return v, nil
	}
	return nil, fmt.Errorf("cannot sort by %q: a row without that field came", path)
}

// A sortField is one word of --sort.
type sortField struct {
	path      string
	direction int // -1: descending
}

// parseSort reads --sort for rows with these fields, whose values are examples.
func parseSort(text string, columns []field) ([]sortField, error) {
	if text == "" {
		return nil, nil
	}
	var out []sortField
	for word := range strings.SplitSeq(text, ",") {
		by := sortField{word, 1}
		if path, ok := strings.CutPrefix(word, "-"); ok {
			by = sortField{path, -1}
		}
		names, known := fieldPaths(columns), false
		for _, n := range names {
			group, open := strings.CutSuffix(n, ".NAME")
			known = known || n == by.path || open && strings.HasPrefix(by.path, group+".")
		}
		if !known {
			return nil, &sysops.HintedError{
				Err:  fmt.Errorf("cannot sort by %q: the rows have no such field", by.path),
				Hint: "the fields are " + strings.Join(names, ", ") + "; -FIELD sorts in descending order",
			}
		}
		out = append(out, by)
	}
	return out, nil
}

// fieldPaths lists what the rows may be sorted by. A value that is an object with
// names that are not known beforehand is listed as its field and field.NAME.
func fieldPaths(columns []field) []string {
	var out []string
	for _, c := range columns {
		t := reflect.TypeOf(c.value)
		if t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case t != nil && t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
			for i := range t.NumField() {
				out = append(out, c.name+"."+t.Field(i).Tag.Get("json"))
			}
		case t != nil && t.Kind() == reflect.Map:
			out = append(out, c.name, c.name+".NAME")
		default:
			out = append(out, c.name)
		}
	}
	return out
}

// A sortKey orders values of whatever type: nothing, false, true, numbers, text, other
// things by their JSON.
type sortKey struct {
	rank   int
	number float64
	text   string
}

const (
	rankNothing = iota
	rankFalse
	rankTrue
	rankNumber
	rankText
	rankOther
)

func newSortKey(v any) sortKey {
	switch v := v.(type) {
	case nil:
		return sortKey{rank: rankNothing}
	case bool:
		if v {
			return sortKey{rank: rankTrue}
		}
		return sortKey{rank: rankFalse}
	case []byte:
		return sortKey{rank: rankText, text: string(v)}
	case time.Time:
		return sortKey{rank: rankNumber, number: float64(v.UnixMicro())}
	case json.RawMessage:
		var inner any
		if err := json.Unmarshal(v, &inner); err != nil {
			return sortKey{rank: rankOther, text: string(v)}
		}
		return newSortKey(inner)
	}
	switch rv := reflect.ValueOf(v); {
	case rv.CanInt():
		return sortKey{rank: rankNumber, number: float64(rv.Int())}
	case rv.CanUint():
		return sortKey{rank: rankNumber, number: float64(rv.Uint())}
	case rv.CanFloat():
		return sortKey{rank: rankNumber, number: rv.Float()}
	case rv.Kind() == reflect.String:
		return sortKey{rank: rankText, text: rv.String()}
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	return sortKey{rank: rankOther, text: string(text)}
}

func (a sortKey) compare(b sortKey) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.number, b.number), compareNatural(a.text, b.text))
}

// compareNatural compares text in which numbers count by their value: web9 comes
// before web10.
func compareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m > 0 && n > 0 {
			p, q := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), strings.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[m:], y[n:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// digits returns how many digits text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// nameText is a name, or what holds names, as a part of a line of text: hosts choose
// names, and one with the end of a line would make rows that no host has. Other formats
// have it as it is.
func nameText(name string) string { return lineEnds.Replace(name) }

var lineEnds = strings.NewReplacer("\n", `\n`, "\r", `\r`)
