package output

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestValuesOfAllTypesHaveAnOrder(t *testing.T) {
	now := time.Now()
	ordered := []any{
		nil, false, true, -1.5, 0, int64(1), uint32(2), json.RawMessage("3"), json.RawMessage("1e3"),
		now, now.Add(time.Millisecond), "", []byte("a9"), json.RawMessage(`"a10"`), "b",
		[]string{"a"},
		map[string]int{"a": 1},
	}
	for i, v := range ordered[1:] {
		if newSortKey(ordered[i]).compare(newSortKey(v)) >= 0 {
			t.Errorf("%v does not come before %v", ordered[i], v)
		}
	}
}

// With --limit, rows that cannot be among the first are let go of on the way: the
// result is that of sorting all of them.
func TestSortedLimitHoldsFewRows(t *testing.T) {
	by, err := ParseSort("-n", Fields("n", 0, "id", 0))
	if err != nil {
		t.Fatal(err)
	}
	printed := &texts{}
	out := &Output{Sink: printed, Sort: by, Limit: 3}
	const rows = 100_000
	most := 0
	for i := range rows {
		n := i * 7919 % 1000 // each value 100 times: the first of them count
		if err := out.Add(Row{Text: fmt.Appendf(nil, "%d %d\n", n, i), Fields: Fields("n", n, "id", i)}); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(out.held))
	}
	end := &Tail{}
	if err := out.End(end); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i, found := 0, 0; found < 3; i++ {
		if i*7919%1000 == 999 {
			fmt.Fprintf(&want, "999 %d\n", i)
			found++
		}
	}
	if printed.String() != want.String() || end.Cut != rows-3 {
		t.Errorf("printed %q and cut %d rows, want %q and %d", printed.String(), end.Cut, want.String(), rows-3)
	}
	if most > 2*heldAtLeast {
		t.Errorf("%d rows were held", most)
	}
}

// texts is a sink of the rows' texts.
type texts struct{ strings.Builder }

func (s *texts) Write(r *Row) error {
	s.Builder.Write(r.Text)
	return nil
}

func (*texts) End(*Tail) error { return nil }
