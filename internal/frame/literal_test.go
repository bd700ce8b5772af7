package frame

import (
	"fmt"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// needleTexts returns what is looked for in place of expr.
func needleTexts(t testing.TB, expr string, o ExprOptions) []string {
	t.Helper()
	var out []string
	for _, n := range compile(t, expr, o).needles {
		out = append(out, string(n.text))
	}
	return out
}

func TestWhatIsLookedForInPlaceOfAnExpression(t *testing.T) {
	fold := ExprOptions{IgnoreCase: true}
	for _, row := range []struct {
		expr string
		o    ExprOptions
		want []string
	}{
		{`net\.core\.netdev_budget\b`, ExprOptions{}, []string{"net.core.netdev_budget"}},
		{`^abc|xyz$`, ExprOptions{}, []string{"abc", "xyz"}},
		{`ab.*cdef`, ExprOptions{}, []string{"cdef"}},
		{`(a(bc)+)?de`, ExprOptions{}, []string{"de"}},
		{`(abc){2,3}`, ExprOptions{}, []string{"abc"}},
		{`(abc){0,3}`, ExprOptions{}, nil},
		{`a|b*`, ExprOptions{}, nil},
		{`[ab]c`, ExprOptions{}, []string{"c"}},
		{`[ab]`, ExprOptions{}, nil},
		{`1|2|3x|4x|5x|6x|7x|8x|9x`, ExprOptions{}, nil}, // too many
		{`a.b`, ExprOptions{Fixed: true}, []string{"a.b"}},
		{`NetDev`, fold, []string{"netdev"}},
		{`netdev_budget`, fold, []string{"netdev_budget"}},
		{`rp_filter`, fold, []string{"rp_filter"}},
		{`sockets`, fold, []string{"oc"}}, // s is also ſ, k the Kelvin sign
		{`kiss`, fold, []string{"i"}},
		{`ks`, fold, nil},
		{`é1`, fold, []string{"1"}},
		{`日本`, fold, []string{"日本"}}, // without case
		{"a\ufffdbc", ExprOptions{}, []string{"bc"}},
	} {
		if got := needleTexts(t, row.expr, row.o); !slices.Equal(got, row.want) {
			t.Errorf("%q with %+v: %q, want %q", row.expr, row.o, got, row.want)
		}
	}
}

// Every character that has a case in any sense, as all that it folds with, and as what
// Unicode maps it to though it does not fold with that: İ and i, ß and SS.
func TestNoCaseOfACharacterIsDismissed(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		lower, upper, next := unicode.ToLower(r), unicode.ToUpper(r), unicode.SimpleFold(r)
		if lower == r && upper == r && next == r || !utf8.ValidRune(r) {
			continue
		}
		expr := string(r)
		var text strings.Builder
		for _, other := range []rune{r, lower, upper, next, unicode.SimpleFold(next), unicode.ToTitle(r)} {
			text.WriteString("x" + string(other) + "y\n")
		}
		differ(t, expr, ExprOptions{IgnoreCase: true}, text.String())
		if r < 0x250 || r >= 0x1e00 && r < 0x2200 { // where the strange ones are
			differ(t, "x"+expr+"y", ExprOptions{IgnoreCase: true}, text.String())
			differ(t, "[1"+expr+"]y", ExprOptions{IgnoreCase: true}, text.String())
			differ(t, "x(?i:"+expr+")y", ExprOptions{}, text.String())
			differ(t, expr, ExprOptions{}, text.String())
			differ(t, expr, ExprOptions{IgnoreCase: true, Word: true}, "-"+strings.ReplaceAll(string(unicode.SimpleFold(r))+"-\n-"+expr, "\n", "-\n"))
		}
	}
}

// Letters whose folding is unlike their neighbours', and bytes that are no character.
var foldable = []string{
	"k", "K", "\u212a", "s", "S", "ſ", "σ", "ς", "Σ", "ß", "ẞ", "i", "I", "ı", "İ", "i\u0307", "e\u0301", "é", "É",
	"ǆ", "ǅ", "Ǆ", "\u0345", "ι", "µ", "μ", "Å", "å", "\u212b", "a", "b", "z", "1", ".", "_", " ", "日", "\U00010400", "\U00010428",
}

var unreadable = []string{"\xff", "\xc3", "\xa9", "\xe2\x84", "\xaa", "\xc5", "\xbf", "\xf0\x90", "\ufffd", "\x00", "\r", "\n", "\xed\xa0\x80"}

// randomNeedle is an expression that is mostly letters.
func randomNeedle(random *rand.Rand) string {
	var letters func(depth int) string
	letters = func(depth int) string {
		var b strings.Builder
		for range 1 + random.IntN(3) {
			b.WriteString(strings.ReplaceAll(foldable[random.IntN(len(foldable))], ".", `\.`))
		}
		if depth == 0 {
			return b.String()
		}
		sub := func() string { return letters(depth - 1) }
		switch random.IntN(10) {
		case 0:
			return b.String() + "(?:" + sub() + "|" + sub() + ")"
		case 1:
			return sub() + "|" + sub() + "|" + sub()
		case 2:
			return "(?i:" + sub() + ")" + b.String()
		case 3:
			return b.String() + "(?i:" + b.String() + "(?-i:" + sub() + "))"
		case 4:
			return "(" + sub() + ")" + []string{"?", "*", "+", "{2}", "{1,3}", "{0}", "{0,2}", "{2,}", "+?"}[random.IntN(9)] + b.String()
		case 5:
			return "[" + b.String() + "]" + sub()
		case 6:
			return "((" + sub() + ")(?P<name>" + b.String() + "))"
		case 7:
			return sub() + ".*" + sub()
		case 8:
			return []string{"^", `\b`, `\A`, "(?s).", `\pL`, `\W`}[random.IntN(6)] + sub() + []string{"$", `\b`, `\z`, ".", "\ufffd", `\Q.`}[random.IntN(6)]
		default:
			return b.String() + sub()
		}
	}
	expr := letters(1 + random.IntN(2))
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
		return letters(0) // \Q within, or two groups of one name
	}
	return expr
}

// matching returns a text that tree matches, but for what it demands of its place.
func matching(random *rand.Rand, tree *syntax.Regexp) string {
	var b strings.Builder
	repeat := func(least, most int) {
		for range least + random.IntN(most-least+1) {
			b.WriteString(matching(random, tree.Sub[0]))
		}
	}
	switch tree.Op {
	case syntax.OpLiteral:
		for _, r := range tree.Rune {
			for range random.IntN(4) {
				if tree.Flags&syntax.FoldCase != 0 {
					r = unicode.SimpleFold(r)
				}
			}
			b.WriteRune(r)
		}
	case syntax.OpCharClass:
		if len(tree.Rune) > 0 {
			b.WriteRune(tree.Rune[random.IntN(len(tree.Rune))])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString([]string{"x", "\xff", "é"}[random.IntN(3)])
	case syntax.OpStar:
		repeat(0, 2)
	case syntax.OpPlus:
		repeat(1, 2)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(tree.Min, max(tree.Min, tree.Max))
	case syntax.OpAlternate:
		b.WriteString(matching(random, tree.Sub[random.IntN(len(tree.Sub))]))
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range tree.Sub {
			b.WriteString(matching(random, sub))
		}
	}
	return b.String()
}

func TestNeedlesDismissNothingThatMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	found := 0
	rounds := redistest.Cases(t, 4000)
	for range rounds {
		o := ExprOptions{IgnoreCase: random.IntN(2) == 0, Invert: random.IntN(4) == 0, OnlyMatching: random.IntN(4) == 0, Fixed: random.IntN(8) == 0}
		expr := randomNeedle(random)
		x, tree := compile(t, expr, o), treeOf(t, expr, o)
		var b strings.Builder
		for range random.IntN(12) {
			switch random.IntN(5) {
			case 0:
				b.WriteString(unreadable[random.IntN(len(unreadable))])
			case 1:
				b.WriteString(matching(random, tree))
			case 2:
				b.WriteByte('\n')
			default:
				b.WriteString(foldable[random.IntN(len(foldable))])
			}
		}
		text := b.String() + "\n" + matching(random, tree)
		differ(t, expr, o, text)
		if parts := naive(expr, ExprOptions{IgnoreCase: o.IgnoreCase, Fixed: o.Fixed}, text, 0); len(parts) > 0 {
			found++
			if !x.mayMatch([]byte(text)) {
				t.Fatalf("%q with %+v cannot match %q, it is said", expr, o, text)
			}
		}
	}
	if found < rounds*3/4 {
		t.Errorf("only %d of %d texts had a match: the expressions test too little", found, rounds)
	}
}

func treeOf(t *testing.T, expr string, o ExprOptions) *syntax.Regexp {
	t.Helper()
	flags := syntax.Perl
	if o.Fixed {
		flags |= syntax.Literal
	}
	if o.IgnoreCase {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(expr, flags)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// A needle is found where it is, in the case of any of its ASCII letters.
func TestANeedleIsFoundWhereItIs(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 9))
	fold := func(s string, ignore bool) string {
		if !ignore {
			return s
		}
		return strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf {
				return unicode.ToLower(r)
			}
			return r
		}, s)
	}
	for range redistest.Cases(t, 5000) {
		var set []needle
		for range 1 + random.IntN(maxNeedles) {
			literal := []rune(randomText(random, "abxAB.é", 4))
			set = append(set, literalNeedle(literal, random.IntN(2) == 0)...)
		}
		text := randomText(random, "abxABX.éÉ", 60)
		h := newHunt(set, []byte(text))
		for pos := 0; pos < len(text); pos += 1 + random.IntN(3) {
			want := len(text)
			for _, n := range set {
				if i := strings.Index(fold(text, n.fold)[pos:], string(n.text)); i >= 0 {
					want = min(want, pos+i)
				}
			}
			if got := h.from(pos); got != want {
				t.Fatalf("%+v from %d in %q: at %d, want %d", set, pos, text, got, want)
			}
		}
	}
}

func TestNeedlesMayOverlapAndRepeat(t *testing.T) {
	for _, row := range []struct {
		expr, text string
		want       []string
	}{
		{"abc|bcd|cde", "abcde\nbcde\nxcd\ncde\nab\n", []string{"abcde", "bcde", "cde"}},
		{"aa|a", "b\na\naa\n", []string{"a", "aa"}},
		{"zz|aa", "aa\nzz\nb\naazz\n", []string{"aa", "zz", "aazz"}},
		{"aab", "aaab\naab\nab\n", []string{"aaab", "aab"}},
		{"a\nb|c", "a\nb\nc\n", []string{"c"}},
		{"xy|yx", "x\ny\nxyx\n", []string{"xyx"}},
	} {
		for _, o := range []ExprOptions{{}, {IgnoreCase: true}} {
			if got := each(compile(t, row.expr, o), row.text); !slices.Equal(got, row.want) {
				t.Errorf("%q in %q: %q, want %q", row.expr, row.text, got, row.want)
			}
		}
	}
}

// A search takes time in proportion to the text, also where a letter of the needle is
// not in the text in the other case, and every line has the needle. One that looked
// through the rest of the text at each line would end long after the test was given up.
func TestASearchTakesTimeInProportionToTheText(t *testing.T) {
	text := []byte(strings.Repeat("a.conf\n", 2<<20))
	for _, row := range []struct {
		expr string
		o    ExprOptions
	}{
		{"conf", ExprOptions{}},
		{"conf", ExprOptions{IgnoreCase: true}},
		{"CONF", ExprOptions{IgnoreCase: true}},
		{"conf|xyz", ExprOptions{IgnoreCase: true}},
		{"conf", ExprOptions{IgnoreCase: true, Invert: true}},
		{"conf", ExprOptions{IgnoreCase: true, OnlyMatching: true}},
		{"xyz", ExprOptions{IgnoreCase: true, Invert: true}},
	} {
		t.Run(fmt.Sprintf("%s %+v", row.expr, row.o), func(t *testing.T) {
			redistest.Within(t, "the search", func() {
				compile(t, row.expr, row.o).Each(text, func([]byte) bool { return true })
			})
		})
	}
}
