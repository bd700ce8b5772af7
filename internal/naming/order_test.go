package naming

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Numbers within text count by their value, and the order is one: whatever is sorted, the
// result must not depend on how it came.
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

// orderly reports what is wrong with the order of three texts.
func orderly(t *testing.T, a, b, c string) {
	t.Helper()
	if CompareNatural(a, b) != -CompareNatural(b, a) || (CompareNatural(a, b) == 0) != (a == b) {
		t.Errorf("%q and %q have no order", a, b)
	}
	if CompareNatural(a, b) < 0 && CompareNatural(b, c) < 0 && CompareNatural(a, c) >= 0 {
		t.Errorf("%q < %q < %q, and not %q < %q", a, b, c, a, c)
	}
}

// Short texts of few characters meet in all ways: any three of them.
func TestNaturalOrderOfWhateverText(t *testing.T) {
	texts := []string{""}
	for begin := 0; len(texts) < 60; begin++ {
		for _, c := range "019a/:" { // '/' comes before the digits, ':' after them
			texts = append(texts, texts[begin]+string(c))
		}
	}
	for _, a := range texts {
		for _, b := range texts {
			for _, c := range texts {
				orderly(t, a, b, c)
			}
		}
	}
}

func FuzzNaturalOrder(f *testing.F) {
	f.Add("web9", "web10", "web010")
	f.Fuzz(orderly)
}

func TestNumbersAreOrderedByValue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		text := strings.Repeat("0", r.IntN(3))
		for range r.IntN(30) + 1 {
			text += string(rune('0' + r.IntN(10)))
		}
		return text
	}
	for range 20_000 {
		a, b := number(), number()
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		if got, want := CompareNumbers(a, b), x.Cmp(y); got != want {
			t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
		}
	}
}
