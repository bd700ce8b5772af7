package output

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// An Output is where a verb's rows go: in their own order or that of Sort, all of them
// or the first Limit. One goroutine at a time may use it.
type Output struct {
	Sink  Sink
	Sort  Sort
	Limit int // 0: none
	Cut   int // rows beyond the limit, of which the end tells

	held    []heldRow // with Sort, until the last one has come
	written int
}

// A heldRow waits for the last one.
type heldRow struct {
	Row
	keys []sortKey
}

// heldAtLeast is how many rows beyond the limit are held before those that cannot be
// among the first any more are let go.
const heldAtLeast = 1024

// Add takes a row. What r points to must not be changed afterwards.
func (o *Output) Add(r Row) error {
	if r.Fields == nil {
		return o.Sink.Write(&r)
	}
	if len(o.Sort) == 0 {
		return o.pass(&r)
	}
	held := heldRow{Row: r}
	for _, by := range o.Sort {
		v, err := r.value(by.path)
		if err != nil {
			return err
		}
		held.keys = append(held.keys, newSortKey(v))
	}
	o.held = append(o.held, held)
	if o.Limit > 0 && len(o.held)-o.Limit >= max(o.Limit, heldAtLeast) {
		o.arrange()
	}
	return nil
}

// arrange sorts what is held, equal rows in the order in which they came, and lets go
// of what the limit cuts off.
func (o *Output) arrange() {
	slices.SortStableFunc(o.held, func(a, b heldRow) int {
		for i, by := range o.Sort {
			if c := a.keys[i].compare(b.keys[i]); c != 0 {
				return c * by.direction
			}
		}
		return 0
	})
	if o.Limit > 0 && len(o.held) > o.Limit {
		o.Cut += len(o.held) - o.Limit
		o.held = slices.Delete(o.held, o.Limit, len(o.held))
	}
}

func (o *Output) pass(r *Row) error {
	if o.Limit > 0 && o.written == o.Limit {
		o.Cut++
		return nil
	}
	o.written++
	return o.Sink.Write(r)
}

// End writes what was held, and what goes after the rows; t is nil where they are no
// answer of the fleet.
func (o *Output) End(t *Tail) error {
	o.arrange()
	for i := range o.held {
		if err := o.pass(&o.held[i].Row); err != nil {
			return err
		}
	}
	o.held = nil
	if t != nil {
		t.Cut = o.Cut
	}
	return o.Sink.End(t)
}

// value returns a field's value or, by a path such as stat.size, a value within one;
// nil where that is not there.
func (r *Row) value(path string) (any, error) {
	for _, f := range r.Fields {
		if f.Name == path {
			return f.Value, nil
		}
		inner, ok := strings.CutPrefix(path, f.Name+".")
		if !ok {
			continue
		}
		text, err := json.Marshal(f.Value)
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

// A Sort is an order of rows: by the first of its fields, then by the next.
type Sort []sortField

// A sortField is one word of --sort.
type sortField struct {
	path      string
	direction int // -1: descending
}

// ParseSort reads an order: the names of fields, separated by commas, each with a minus
// before it for descending order. columns are the fields of the rows, with values that
// show what is within them. The error tells which fields there are.
func ParseSort(text string, columns []Field) (Sort, error) {
	if text == "" {
		return nil, nil
	}
	var out Sort
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
			return nil, hint.To(fmt.Errorf("cannot sort by %q: the rows have no such field", by.path),
				"the fields are "+strings.Join(names, ", ")+"; -FIELD sorts in descending order")
		}
		out = append(out, by)
	}
	return out, nil
}

// fieldPaths lists what the rows may be sorted by. A value that is an object with
// names that are not known beforehand is listed as its field and field.NAME.
func fieldPaths(columns []Field) []string {
	var out []string
	for _, c := range columns {
		t := reflect.TypeOf(c.Value)
		if t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case t != nil && t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
			for i := range t.NumField() {
				out = append(out, c.Name+"."+t.Field(i).Tag.Get("json"))
			}
		case t != nil && t.Kind() == reflect.Map:
			out = append(out, c.Name, c.Name+".NAME")
		default:
			out = append(out, c.Name)
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
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.number, b.number), naming.CompareNatural(a.text, b.text))
}
