package audit

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
)

func objects(fails error, keys ...sysops.Key) iter.Seq2[sysops.Mapped[int], error] {
	return func(yield func(sysops.Mapped[int], error) bool) {
		for i, k := range keys {
			if !yield(sysops.Mapped[int]{Object: sysops.Object{Key: k}, Value: i}, nil) {
				return
			}
		}
		if fails != nil {
			yield(sysops.Mapped[int]{}, fails)
		}
	}
}

func TestByHost(t *testing.T) {
	a1, a2, b1, c1 := sysops.Key{Host: "a", Name: "1"}, sysops.Key{Host: "a", Name: "2"}, sysops.Key{Host: "b", Name: "1"}, sysops.Key{Host: "c", Name: "1"}
	broken := errors.New("broken")
	for _, row := range []struct {
		keys  []sysops.Key
		fails error
		stop  int // after so many hosts
		want  []string
	}{
		{nil, nil, 9, nil},
		{[]sysops.Key{a1}, nil, 9, []string{"a:0"}},
		{[]sysops.Key{a1, a2, b1, c1}, nil, 9, []string{"a:0 1", "b:2", "c:3"}},
		{[]sysops.Key{a1, a2, b1, c1}, nil, 1, []string{"a:0 1"}},
		{[]sysops.Key{a1, b1}, broken, 9, []string{"a:0", "error"}}, // b may have more
		{nil, broken, 9, []string{"error"}},
	} {
		var got []string
		for h, err := range ByHost(objects(row.fails, row.keys...)) {
			if err != nil {
				got = append(got, "error")
				continue
			}
			text := h.Name + ":"
			for i, o := range h.Objects {
				if i > 0 {
					text += " "
				}
				text += fmt.Sprint(o.Value)
			}
			got = append(got, text)
			if len(got) == row.stop {
				break
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%v: %q, want %q", row.keys, got, row.want)
		}
	}
}

// What hosts have is theirs to choose: a thousand of them may each have other contents.
func TestAMemoKeepsABoundedPart(t *testing.T) {
	m := NewMemo[int, []byte]()
	made := 0
	get := func(key int) []byte {
		return m.Get(key, 1<<20, func() []byte {
			made++
			return []byte{byte(key)}
		})
	}
	for i := range 100 {
		get(i)
		if got := get(i); len(got) != 1 || got[0] != byte(i) {
			t.Errorf("of %d, %v is kept", i, got)
		}
		if len(m.kept)<<20 > maxMemo {
			t.Fatalf("%d MiB are kept", len(m.kept))
		}
	}
	if made != 100 {
		t.Errorf("%d are made of 100 contents", made)
	}
	for i := range maxMemo {
		m.Get(i, 0, func() []byte { return nil })
	}
	if len(m.kept) > maxMemo/memoEntry {
		t.Errorf("%d of no size are kept", len(m.kept))
	}
}
