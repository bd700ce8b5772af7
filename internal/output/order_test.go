package output

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Numbers within text count by their value, and the order is one: whatever the rows,
// sorting them must not depend on how they came.
func TestNaturalOrder(t *testing.T) {
	want := []string{
		"", "-", "0", "00", "01", "1", "2", "10", "10a", "100000000000000000000", "100000000000000000001",
		"a", "a 2", "a 10", "a0", "a01", "a1", "a1b", "a2", "aa", "web1.example.com", "web2.example.com", "web10.example.com",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		got := slices.Clone(want)
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, CompareNatural)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

func FuzzNaturalOrder(f *testing.F) {
	f.Add("web9", "web10", "web010")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if CompareNatural(a, b) != -CompareNatural(b, a) || (CompareNatural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q have no order", a, b)
		}
		if CompareNatural(a, b) < 0 && CompareNatural(b, c) < 0 && CompareNatural(a, c) >= 0 {
			t.Errorf("%q < %q < %q, and not %q < %q", a, b, c, a, c)
		}
	})
}

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
