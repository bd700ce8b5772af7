package diff

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// show writes edits in the manner of wdiff.
func show(a, b []byte, edits []Edit) string {
	var w strings.Builder
	at := 0
	for _, e := range edits {
		fmt.Fprintf(&w, "%s[-%s-]{+%s+}", a[at:e.A0], a[e.A0:e.A1], b[e.B0:e.B1])
		at = e.A1
	}
	w.Write(a[at:])
	return w.String()
}

func TestLines(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"equal", "x\ny\n", "x\ny\n", "x\ny\n"},
		{"both empty", "", "", ""},
		{"one empty", "", "x\n", "[--]{+x\n+}"},
		{"the other empty", "x\n", "", "[-x\n-]{++}"},
		{"one line changed", "a\nb\nc\n", "a\nB\nc\n", "a\n[-b\n-]{+B\n+}c\n"},
		{"a line less", "a\nb\nc\n", "a\nc\n", "a\n[-b\n-]{++}c\n"},
		{"a line more", "a\nc\n", "a\nb\nc\n", "a\n[--]{+b\n+}c\n"},
		{"a line twice", "a\nb\n", "a\na\nb\n", "a\n[--]{+a\n+}b\n"},
		{"first and last", "1\nb\nc\n2\n", "3\nb\nc\n4\n", "[-1\n-]{+3\n+}b\nc\n[-2\n-]{+4\n+}"},
		{"no newline at the end", "a\nb", "a\nb\n", "a\n[-b-]{+b\n+}"},
		{"lines that end alike", "xb\nc\n", "yb\nc\n", "[-xb\n-]{+yb\n+}c\n"},
		{"a line that is the end of another", "b\nc\n", "xb\nc\n", "[-b\n-]{+xb\n+}c\n"},
		{"a line that begins another", "a\nb\n", "a\nbc\n", "a\n[-b\n-]{+bc\n+}"},
		{"moved", "a\nb\nc\nd\n", "d\na\nb\nc\n", "[--]{+d\n+}a\nb\nc\n[-d\n-]{++}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits, coarse := lineEdits([]byte(tt.a), []byte(tt.b))
			if got := show([]byte(tt.a), []byte(tt.b), edits); got != tt.want || coarse {
				t.Errorf("%q, coarse %v; want %q", got, coarse, tt.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"a value", "net.core.netdev_budget = 300\n", "net.core.netdev_budget = 600\n", "net.core.netdev_budget = [-300-]{+600+}\n"},
		{"one of an address", "10.1.2.3/24", "10.1.9.3/24", "10.1.[-2-]{+9+}.3/24"},
		{"a word more", "a b\n", "a b c\n", "a b[--]{+ c+}\n"},
		{"blanks", "a b", "a  b", "a[- -]{+  +}b"},
		{"not in the midst of a character", "grüße", "grüsse", "[-grüße-]{+grüsse+}"},
		{"over two lines", "x\na = 1\n", "x\na = 2\nb = 1\n", "x\na = [--]{+2\nb = +}1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits, coarse := wordEdits([]byte(tt.a), []byte(tt.b))
			if got := show([]byte(tt.a), []byte(tt.b), edits); got != tt.want || coarse {
				t.Errorf("%q, coarse %v; want %q", got, coarse, tt.want)
			}
		})
	}
}

// wrong says what is wrong with edits, "" if nothing.
func wrong(a, b []byte, edits []Edit) string {
	atA, atB := 0, 0
	for i, e := range edits {
		switch {
		case e.A0 < atA || e.B0 < atB || e.A1 < e.A0 || e.B1 < e.B0 || e.A1 > len(a) || e.B1 > len(b):
			return fmt.Sprintf("edit %d is %v, behind %d and %d of %d and %d", i, e, atA, atB, len(a), len(b))
		case i > 0 && e.A0 == atA:
			return fmt.Sprintf("edit %d is %v: it touches the one before", i, e)
		case e.A0 == e.A1 && e.B0 == e.B1:
			return fmt.Sprintf("edit %d is empty", i)
		case !bytes.Equal(a[atA:e.A0], b[atB:e.B0]):
			return fmt.Sprintf("what comes before edit %d, %v, is not equal", i, e)
		}
		atA, atB = e.A1, e.B1
	}
	if !bytes.Equal(a[atA:], b[atB:]) {
		return "what comes after the last edit is not equal"
	}
	return ""
}

// changed returns how many lines the edits take away and bring.
func changed(a, b []byte, edits []Edit) int {
	n := 0
	for _, e := range edits {
		n += bytes.Count(a[e.A0:e.A1], []byte("\n")) + bytes.Count(b[e.B0:e.B1], []byte("\n"))
	}
	return n
}

// fewest is how many lines differ at the least, by the table of the textbooks.
func fewest(a, b []byte) int {
	x, y := bytes.SplitAfter(a, []byte("\n")), bytes.SplitAfter(b, []byte("\n"))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			up := row[j+1]
			if bytes.Equal(x[i], y[j]) {
				row[j+1] = diagonal
			} else {
				row[j+1] = min(up, row[j]) + 1
			}
			diagonal = up
		}
	}
	return row[len(y)]
}

// What is not said to be coarse, and differs in few lines, is the smallest difference.
func TestFewDifferencesAreTheFewest(t *testing.T) {
	for seed := range uint64(redistest.Cases(t, 300)) {
		random := rand.New(rand.NewPCG(seed, 1))
		var a, b bytes.Buffer
		kinds := 2 + random.IntN(100)
		for range random.IntN(120) {
			line := fmt.Sprintf("%d\n", random.IntN(kinds))
			a.WriteString(line)
			switch random.IntN(8) {
			case 0:
			case 1:
				fmt.Fprintf(&b, "%d\n%s", random.IntN(kinds), line)
			default:
				b.WriteString(line)
			}
		}
		edits, coarse := lineEdits(a.Bytes(), b.Bytes())
		if why := wrong(a.Bytes(), b.Bytes(), edits); why != "" {
			t.Fatalf("seed %d: %s", seed, why)
		}
		if got, want := changed(a.Bytes(), b.Bytes(), edits), fewest(a.Bytes(), b.Bytes()); got != want || coarse {
			t.Errorf("seed %d: %d lines differ, coarse %v; want %d", seed, got, coarse, want)
		}
	}
}

// Two hosts' sysctl -a differ in hundreds of values. Each is a difference of its own,
// not one that takes in all between the first and the last.
func TestManySmallDifferencesStaySmall(t *testing.T) {
	var a, b bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&a, "kernel.key%d = %d\n", i, i)
		if i%3 == 0 {
			fmt.Fprintf(&b, "kernel.key%d = other\n", i)
		} else {
			fmt.Fprintf(&b, "kernel.key%d = %d\n", i, i)
		}
	}
	edits, coarse := lineEdits(a.Bytes(), b.Bytes())
	if why := wrong(a.Bytes(), b.Bytes(), edits); why != "" || len(edits) != 1000 || coarse {
		t.Errorf("%d edits, coarse %v, %s; want 1000", len(edits), coarse, why)
	}
}

// The same with lines in common that have moved, and repeated ones everywhere.
func TestManyMovesAreCutAtFixedPoints(t *testing.T) {
	var a, b bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&a, "begin\nkey%d\n{\nend\n\n", i)
		if i%4 == 0 {
			fmt.Fprintf(&b, "begin\nkey%d\nend\n}\n\n", i)
		} else {
			fmt.Fprintf(&b, "begin\nkey%d\n{\nend\n\n", i)
		}
	}
	edits, coarse := lineEdits(a.Bytes(), b.Bytes())
	if why := wrong(a.Bytes(), b.Bytes(), edits); why != "" || changed(a.Bytes(), b.Bytes(), edits) != 1000 || coarse {
		t.Errorf("%d lines differ, coarse %v, %s; want 1000", changed(a.Bytes(), b.Bytes(), edits), coarse, why)
	}
}

// runs is a text of equal lines, with a few others in between: whoever looks for what
// it has in common with another of its kind goes over the same lines again and again.
func runs(random *rand.Rand, size int) []byte {
	text := bytes.Repeat([]byte("x\n"), size/2)
	for range 90 {
		text[2*random.IntN(len(text)/2)] = 'y'
	}
	return text
}

// hostile are pairs of texts that are hard to compare, of about size bytes each.
func hostile(size int) map[string][2][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	of := func(lines int, line func(i int) string) []byte {
		var w bytes.Buffer
		for i := 0; w.Len() < size && i < lines; i++ {
			w.WriteString(line(i))
		}
		return w.Bytes()
	}
	const all = 1 << 30
	coin := func(int) string { return "ab\nba\n"[3*random.IntN(2):][:3] }
	return map[string][2][]byte{
		"newlines alone":       {of(all, func(int) string { return "\n" }), append(of(all, func(int) string { return "\n" }), "x\n\n\n"...)},
		"two lines, at random": {of(all, coin), of(all, coin)},
		"a period":             {of(all, func(i int) string { return "abc"[i%3:][:1] + "\n" }), of(all, func(i int) string { return "ab"[i%2:][:1] + "\n" })},
		"backwards":            {of(all, func(i int) string { return fmt.Sprintf("%d\n", i) }), of(all, func(i int) string { return fmt.Sprintf("%d\n", size/8-i) })},
		"shuffled":             {of(all, func(i int) string { return fmt.Sprintf("%d\n", i) }), of(all, func(int) string { return fmt.Sprintf("%d\n", random.IntN(size/8)) })},
		"one long line":        {bytes.Repeat([]byte("x"), size), append(bytes.Repeat([]byte("x"), size), 'y')},
		"long runs":            {runs(random, size), runs(random, size)},
		"twins":                {of(all, func(i int) string { return fmt.Sprintf("%d\n", i/2) }), of(all, func(i int) string { return fmt.Sprintf("%d\n", i/2+i%2) })},
	}
}

// Whatever a host sends is compared, correctly, and up to the limits in detail.
func TestHostileTextsAreCompared(t *testing.T) {
	for name, pair := range hostile(200 << 10) {
		for what, compare := range map[string]func(a, b []byte) ([]Edit, bool){"lines": lineEdits, "words": wordEdits} {
			edits, _ := compare(pair[0], pair[1])
			if why := wrong(pair[0], pair[1], edits); why != "" || len(edits) == 0 {
				t.Errorf("%s of %s: %d edits, %s", what, name, len(edits), why)
			}
		}
	}
}

func TestWhatIsTooLargeIsComparedCoarsely(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcde\n"), maxBytes/32)
	many := bytes.Repeat([]byte("\n"), maxParts/2+1)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	head, tail, x, y := []byte("same\n"), []byte("x\nsame\n"), []byte("x\n"), []byte("y\n")
	for name, pair := range map[string][2][]byte{
		"many bytes": {join(head, x, long, x, tail), join(head, y, long, y, tail)},
		"many lines": {join(head, x, many, x, tail), join(head, y, many, y, tail)},
	} {
		edits, coarse := lineEdits(pair[0], pair[1])
		if why := wrong(pair[0], pair[1], edits); why != "" || len(edits) != 1 || !coarse {
			t.Errorf("%s: %d edits, coarse %v, %s", name, len(edits), coarse, why)
		}
		if e := edits[0]; e.A0 != len(head) || e.A1 != len(pair[0])-len(tail) {
			t.Errorf("%s: the edit is %v: it takes in what is common at the ends", name, e)
		}
	}
	// What is common at the ends does not count.
	for _, pair := range [][2][]byte{{join(long, long, x), join(long, long, y)}, {join(x, many, many), join(y, many, many)}} {
		edits, coarse := lineEdits(pair[0], pair[1])
		if why := wrong(pair[0], pair[1], edits); why != "" || len(edits) != 1 || coarse {
			t.Errorf("%d edits, coarse %v, %s", len(edits), coarse, why)
		}
	}
}

// What lcs cannot find the least difference of, and has no fixed points, says so.
func TestCoarseIsSaid(t *testing.T) {
	pair := hostile(20 << 10)["two lines, at random"]
	if edits, coarse := lineEdits(pair[0], pair[1]); !coarse {
		t.Errorf("%d edits, not said to be coarse", len(edits))
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\n"), []byte("a\nc\n"))
	f.Add([]byte("x"), []byte("y\n"))
	f.Add(bytes.Repeat([]byte("a\nb\n"), 100), bytes.Repeat([]byte("b\nc\na\n"), 100))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, compare := range []func(a, b []byte) ([]Edit, bool){lineEdits, wordEdits} {
			edits, _ := compare(a, b)
			if why := wrong(a, b, edits); why != "" {
				t.Fatal(why)
			}
			if (len(edits) == 0) != bytes.Equal(a, b) {
				t.Fatalf("%d edits of texts that are equal: %v", len(edits), bytes.Equal(a, b))
			}
		}
	})
}

func BenchmarkHostileTexts(b *testing.B) {
	for _, size := range []int{500 << 10, 4 << 20, 64 << 20} {
		for name, pair := range hostile(size) {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					lineEdits(pair[0], pair[1])
				}
			})
		}
	}
}
