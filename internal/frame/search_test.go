package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func compile(t testing.TB, expr string, o ExprOptions) *Expr {
	t.Helper()
	x, err := Compile(expr, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func each(x *Expr, text string) []string {
	out := []string{}
	x.Each([]byte(text), func(part []byte) bool {
		out = append(out, string(part))
		return true
	})
	return out
}

type opts = ExprOptions

// lineSemantics are DESIGN section 4, line by line.
var lineSemantics = []struct {
	name, expr string
	options    opts
	text       string
	want       []string
}{
	{"a line excludes its newline", "a", opts{}, "a\nb\na\n", []string{"a", "a"}},
	{"a carriage return stays", "a", opts{}, "a\r\nb\r\n", []string{"a\r"}},
	{"a carriage return is before the end", "a$", opts{}, "a\r\na\n", []string{"a"}},
	{"a carriage return can be matched", `a\r$`, opts{}, "a\r\na\n", []string{"a\r"}},
	{"a missing final newline still ends a line", "a$", opts{}, "x\na", []string{"a"}},
	{"empty text has no lines", "", opts{}, "", nil},
	{"empty text has no lines to lack anything", "x", opts{Invert: true}, "", nil},
	{"a newline alone is one empty line", "^$", opts{}, "\n", []string{""}},
	{"an empty line in between counts", "^$", opts{}, "a\n\n\nb", []string{"", ""}},
	{"no line follows a final newline", "^$", opts{}, "a\n", nil},
	{"the empty expression matches every line", "", opts{}, "a\n\nb", []string{"a", "", "b"}},
	{"repeated lines count each time", "a", opts{}, "a\na\na\n", []string{"a", "a", "a"}},
	{"^ is the start of each line", "^b", opts{}, "ab\nb\n", []string{"b"}},
	{"$ is the end of each line", "b$", opts{}, "ba\nb\n", []string{"b"}},
	{`\A is the start of each line`, `\Ab`, opts{}, "ab\nbc\nb\n", []string{"bc", "b"}},
	{`\z is the end of each line`, `b\z`, opts{}, "b\nba\nab", []string{"b", "ab"}},
	{"nothing crosses lines: a newline", `a\nb`, opts{}, "a\nb\n", nil},
	{"nothing crosses lines: white space", `a\s*b`, opts{}, "a\nb\na b\n", []string{"a b"}},
	{"nothing crosses lines: any character", `(?s)a.b`, opts{}, "a\nb\n", nil},
	{"nothing crosses lines: a negated class", `a[^x]b`, opts{}, "a\nb\n", nil},
	{"nothing crosses lines: text", "a\nb", opts{Fixed: true}, "a\nb\n", nil},
	{"a NUL is a character", "b", opts{}, "a\x00b\nc", []string{"a\x00b"}},
	{"bytes that are not UTF-8 stay", "b", opts{}, "\xffb\xfe\nc", []string{"\xffb\xfe"}},

	{"-v selects the others", "a", opts{Invert: true}, "a\nb\n\nab\nc", []string{"b", "", "c"}},
	{"-v of the empty expression selects none", "", opts{Invert: true}, "a\n\n", nil},
	{"-v and -o select nothing, as in grep", "a", opts{Invert: true, OnlyMatching: true}, "a\nb\n", nil},
	{"-i", "eth", opts{IgnoreCase: true}, "ETH0\nEth1\nwlan\n", []string{"ETH0", "Eth1"}},
	{"-i beyond ASCII", "straße é", opts{IgnoreCase: true}, "STRAßE É\n", []string{"STRAßE É"}},
	{"-i on text", "a.b", opts{IgnoreCase: true, Fixed: true}, "A.B\naxb\n", []string{"A.B"}},
	{"case counts without -i", "eth", opts{}, "ETH0\neth1\n", []string{"eth1"}},
	{"an expression may ask for -i itself", "(?i)eth", opts{}, "ETH0\nx\n", []string{"ETH0"}},
	{"-F takes everything literally", "a.*(b", opts{Fixed: true}, "a.*(b\naxx(b\n", []string{"a.*(b"}},
	{"-F and ^", "^a", opts{Fixed: true}, "a\n^a\n", []string{"^a"}},

	{"-w at both ends of the line", "foo", opts{Word: true}, "foo\n", []string{"foo"}},
	{"-w between other characters", "foo", opts{Word: true}, "a-foo.b\n", []string{"a-foo.b"}},
	{"-w not within a word", "foo", opts{Word: true}, "xfoo\nfoox\nfoo_\n_foo\nfoo1\n", nil},
	{"-w finds a later occurrence", "foo", opts{Word: true}, "xfoo foo\n", []string{"xfoo foo"}},
	{"-w finds an overlapping candidate", "aa", opts{Word: true}, "aaa aa", []string{"aaa aa"}},
	{"-w backs off to a shorter match", "foo.*", opts{Word: true}, "foo bar_\n", []string{"foo bar_"}},
	{"-w tries the alternatives", "foo|foobar", opts{Word: true}, "foobar\n", []string{"foobar"}},
	{"-w is no \\b: what is no word may be at the edges", "-x", opts{Word: true}, "a -x\n", []string{"a -x"}},
	{"-w demands a non-word character even there", "-x", opts{Word: true}, "a-x\n", nil},
	{"-w of punctuation", `\$`, opts{Word: true}, "a $ b\n", []string{"a $ b"}},
	{"-w of punctuation within a word", `\$`, opts{Word: true}, "a$b\n", nil},
	{"-w with letters beyond ASCII before", "foo", opts{Word: true}, "éfoo\n", nil},
	{"-w with letters beyond ASCII behind", "foo", opts{Word: true}, "fooß\n", nil},
	{"-w of letters beyond ASCII", "é", opts{Word: true}, "é\nxé\né.\n", []string{"é", "é."}},
	{"-w beside punctuation beyond ASCII", "foo", opts{Word: true}, "«foo»\n", []string{"«foo»"}},
	{"-w beside a byte that is not UTF-8", "foo", opts{Word: true}, "\xfffoo\xfe\n", []string{"\xfffoo\xfe"}},
	{"-w and ^", "^foo", opts{Word: true}, "foo\n foo\n", []string{"foo"}},
	{"-w and $", "foo$", opts{Word: true}, "foo\nfoo \n", []string{"foo"}},
	{"-w and -v", "foo", opts{Word: true, Invert: true}, "foo\nfoox\n", []string{"foox"}},
	{"-w and -i", "foo", opts{Word: true, IgnoreCase: true}, "FOO\nFOOX\n", []string{"FOO"}},
	{"-w and -F", "a.b", opts{Word: true, Fixed: true}, "a.b\na.bc\naxb\n", []string{"a.b"}},

	{"-o every match", "a+", opts{OnlyMatching: true}, "aabaaa\nb\na\n", []string{"aa", "aaa", "a"}},
	{"-o no empty match", "a*", opts{OnlyMatching: true}, "baab\n\nc\n", []string{"aa"}},
	{"-o of the start", "^a", opts{OnlyMatching: true}, "aaa\n", []string{"a"}},
	{"-o of the end", "a$", opts{OnlyMatching: true}, "aaa\n", []string{"a"}},
	{"-o with a group is still the whole match", "x(a)", opts{OnlyMatching: true}, "xa xa\n", []string{"xa", "xa"}},
	{"-o -w every word", "foo", opts{OnlyMatching: true, Word: true}, "foo foo-foo xfoo foo\n", []string{"foo", "foo", "foo", "foo"}},
	{"-o -w matches that share their boundary", "a", opts{OnlyMatching: true, Word: true}, "a a a\n", []string{"a", "a", "a"}},
	{"-o -w whose last character bounds the next", "a,", opts{OnlyMatching: true, Word: true}, "a,a,\n", []string{"a,"}},
	{"-o -w skips what is within a word", "foo", opts{OnlyMatching: true, Word: true}, "foox foo\n", []string{"foo"}},
	{"-o -w leaves the boundary out", "foo", opts{OnlyMatching: true, Word: true}, "-foo-\n", []string{"foo"}},
	{"-o -w with a group of its own", "f(o)o", opts{OnlyMatching: true, Word: true}, "foo foo\n", []string{"foo", "foo"}},
	{"-o -w no empty match", "a*", opts{OnlyMatching: true, Word: true}, "b a c aa\n", []string{"a", "aa"}},
	{"-o -w of the start, once", "^a", opts{OnlyMatching: true, Word: true}, "a a\n", []string{"a"}},
	{"-o -w with letters beyond ASCII", `[é]+`, opts{OnlyMatching: true, Word: true}, "é éa éé\n", []string{"é", "éé"}},
}

func TestLineSemantics(t *testing.T) {
	for _, row := range lineSemantics {
		t.Run(row.name, func(t *testing.T) {
			if got := each(compile(t, row.expr, row.options), row.text); !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// What is highlighted on a line, which may be a part of a text.
func TestSpansAreWhereTheMatchesAre(t *testing.T) {
	for _, row := range []struct {
		expr    string
		options opts
		line    string
		want    [][2]int
	}{
		{"a+", opts{}, "baab a", [][2]int{{1, 3}, {5, 6}}},
		{"a*", opts{}, "baab", [][2]int{{1, 3}}},
		{"x", opts{}, "baab", nil},
		{"a", opts{}, "", nil},
		{"a(b)", opts{Group: true}, "ab xab", [][2]int{{0, 2}, {4, 6}}}, // the group is for OnlyMatching
		{"a(b)", opts{Group: true, OnlyMatching: true}, "ab xab", [][2]int{{1, 2}, {5, 6}}},
		{"a", opts{Word: true}, "a a ab a", [][2]int{{0, 1}, {2, 3}, {7, 8}}},
		{"É", opts{IgnoreCase: true}, "xéy", [][2]int{{1, 3}}},
		{"a", opts{Invert: true}, "ba", [][2]int{{1, 2}}},
	} {
		text := []byte("a\n" + row.line + "\na")
		if got := compile(t, row.expr, row.options).Spans(text[2 : 2+len(row.line)]); !slices.Equal(got, row.want) {
			t.Errorf("%q with %+v on %q: %v, want %v", row.expr, row.options, row.line, got, row.want)
		}
	}
}

func TestEachEndsWhenItIsToldTo(t *testing.T) {
	for _, o := range []ExprOptions{{}, {OnlyMatching: true}, {Word: true, OnlyMatching: true}} {
		n := 0
		compile(t, "a", o).Each([]byte("a a\na\na a a\n"), func([]byte) bool { n++; return n < 2 })
		if n != 2 {
			t.Errorf("%+v: emit was called %d times", o, n)
		}
	}
	n := 0
	compile(t, "x", ExprOptions{Invert: true}).Each([]byte("a\nb\nc\n"), func([]byte) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("with -v emit was called %d times", n)
	}
}

func TestAnExpressionThatIsNone(t *testing.T) {
	for _, expr := range []string{"(", "[a", "a)(b", "*", `\`, `\1`, "(?<a", "a{5000}"} {
		for _, o := range []ExprOptions{{}, {Word: true}, {IgnoreCase: true}} {
			if _, err := Compile(expr, o); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", expr)) {
				t.Errorf("%q with %+v: %v; want an error that shows it", expr, o, err)
			}
		}
	}
	if _, err := Compile("a)(b[", ExprOptions{Fixed: true}); err != nil {
		t.Errorf("as text: %v", err)
	}
}

func TestNULMakesContentsBinary(t *testing.T) {
	for text, want := range map[string]bool{"": false, "text\n": false, "\xff\xfe": false, "a\x00b": true, "\x00": true} {
		if got := IsBinary([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// naive says what is found, without any shortcut: the first most parts, 0: all.
func naive(expr string, o ExprOptions, text string, most int) []string {
	if o.Fixed {
		expr = regexp.QuoteMeta(expr)
	}
	if o.IgnoreCase {
		expr = "(?i)" + expr
	}
	re := regexp.MustCompile(expr)
	group := 0
	if o.Group && re.NumSubexp() > 0 {
		group = 1
	}
	out := []string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case o.OnlyMatching && o.Invert: // nothing, as in grep
		case o.OnlyMatching && o.Word:
			out = append(out, naiveWords(expr, line, group)...)
		case o.OnlyMatching:
			for _, m := range re.FindAllStringSubmatch(line, -1) {
				if m[group] != "" {
					out = append(out, m[group])
				}
			}
		case o.Word:
			if naiveWord(expr, line) != o.Invert {
				out = append(out, line)
			}
		case re.MatchString(line) != o.Invert:
			out = append(out, line)
		}
	}
	if most > 0 && len(out) > most {
		out = out[:most]
	}
	return out
}

var wordRune = regexp.MustCompile(`^[\p{L}\p{N}_]$`)

// within compiles expr with something before and behind it: \Q may be open at its end.
func within(before, expr, behind string) *regexp.Regexp {
	if re, err := regexp.Compile(before + "(" + expr + ")" + behind); err == nil {
		return re
	}
	return regexp.MustCompile(before + "(" + expr + `\E)` + behind)
}

// naiveWord tries every stretch of the line.
func naiveWord(expr, line string) bool {
	runes := []rune(line)
	for i := 0; i <= len(runes); i++ {
		for j := i; j <= len(runes); j++ {
			if i > 0 && wordRune.MatchString(string(runes[i-1])) || j < len(runes) && wordRune.MatchString(string(runes[j])) {
				continue
			}
			// The stretch must match as a part of this line: ^ and $ are the line's ends.
			whole := within(`\A(?s:.{`+fmt.Sprint(i)+`})`, expr, `(?s:.{`+fmt.Sprint(len(runes)-j)+`})\z`)
			if whole.MatchString(line) {
				return true
			}
		}
	}
	return false
}

// naiveWords tries to match at every character of the line that a match may begin at:
// none is before the end of the last match, nor behind a word character.
func naiveWords(expr, line string, group int) (found []string) {
	runes := []rune(line)
	least := 0 // bytes
	for i, at := 0, 0; i <= len(runes); i++ {
		_, width := utf8.DecodeRuneInString(line[at:])
		if at >= least && (i == 0 || !wordRune.MatchString(string(runes[i-1]))) {
			re := within(`\A(?s:.{`+fmt.Sprint(i)+`})`, expr, `(?:[^\p{L}\p{N}_]|$)`)
			if m := re.FindStringSubmatchIndex(line); m != nil {
				if from, to := m[2+2*group], m[3+2*group]; to > from {
					found = append(found, line[from:to])
				}
				least = m[3]
				if m[3] == m[2] {
					least++
				}
			}
		}
		at += width
	}
	return found
}

func differ(t *testing.T, expr string, o ExprOptions, text string) {
	t.Helper()
	x, err := Compile(expr, o)
	if err != nil {
		if _, without := regexp.Compile(expr); without == nil && !o.Fixed && !strings.Contains(err.Error(), "too large") {
			t.Fatalf("%q with %+v: %v", expr, o, err)
		}
		return
	}
	if got, want := each(x, text), naive(expr, o, text, 0); !slices.Equal(got, want) {
		t.Fatalf("%q with %+v on %q\n got  %q\n want %q", expr, o, text, got, want)
	}
}

// optionsOf are the options, and how many parts are asked for, that bits say.
func optionsOf(bits uint16) (o ExprOptions, most int) {
	set := func(n int) bool { return bits>>n&1 == 1 }
	return ExprOptions{
		Fixed: set(0), IgnoreCase: set(1), Invert: set(2), OnlyMatching: set(3), Group: set(4), Word: set(5),
	}, int(bits >> 6 & 3)
}

// Each dismisses most lines by looking for text that every match holds; that
// must not show.
func FuzzEachAgainstALineByLineLoop(f *testing.F) {
	for _, s := range []string{
		"a", "a|b", "(abc)+x?", "a{2,3}", "^$", "", "[ab]c", "(?i)Ab", "(?:ab|ac)d", "a.*b", `\bfoo\b`, "é+", "\ufffd",
		"(?i:a)b", "ab?c", "(a|)b", `a\x00`, "a\nb", `\C`, "(?m)^a$", "x*", "[^a]", `\pL`, "(abc){0}d", "(ab){2}", `\Qa.b`, `a|\Qb`, "İ", "(?i)[kK]",
	} {
		f.Add(s, "abc\nAB\n\nfoo bar\r\naab\nabab\né \ufffd\xff\nabcd", uint8(0))
		f.Add(s, "x\nab", uint8(0xff))
	}
	f.Fuzz(func(t *testing.T, expr, text string, bits uint8) {
		if len(expr) > 100 || len(text) > 1000 {
			return
		}
		o, _ := optionsOf(uint16(bits))
		o.Word = o.Word && len(expr) < 20 && len(text) < 60 // its definition is slow
		differ(t, expr, o, text)
	})
}

func TestEachAgainstALineByLineLoop(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range redistest.Cases(t, 8000) {
		o := ExprOptions{IgnoreCase: random.IntN(3) == 0, Invert: random.IntN(4) == 0, OnlyMatching: random.IntN(3) == 0, Fixed: random.IntN(8) == 0}
		differ(t, randomExpr(random, 3), o, randomText(random, "abB. é\r\xff_", 30))
	}
}

// -w against the definition: some stretch of the line matches, with no word
// character on either side.
func TestWordAgainstItsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	cases, found := redistest.Cases(t, 500), 0
	for range cases {
		expr, text := randomExpr(random, 2), randomText(random, "ab_é -.", 7)
		differ(t, expr, ExprOptions{Word: true, Invert: random.IntN(4) == 0}, text)
		differ(t, expr, ExprOptions{Word: true, OnlyMatching: true, Group: random.IntN(2) == 0}, text)
		if len(naive(expr, ExprOptions{Word: true}, text, 0)) > 0 {
			found++
		}
	}
	if found < cases/8 {
		t.Errorf("only %d texts had a match: the expressions test too little", found)
	}
}

func randomText(random *rand.Rand, alphabet string, most int) string {
	var b strings.Builder
	letters := []rune(alphabet)
	for range random.IntN(most + 1) {
		if random.IntN(4) == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteRune(letters[random.IntN(len(letters))])
		}
	}
	return b.String()
}

func randomExpr(random *rand.Rand, depth int) string {
	if depth == 0 || random.IntN(3) == 0 {
		return []string{"a", "b", "B", "ab", "aa", ".", "[ab]", "[^a]", "é", " ", `\.`, "_", "^", "$", `\w`, `\W`, "ba", "-"}[random.IntN(18)]
	}
	sub := func() string { return randomExpr(random, depth-1) }
	switch random.IntN(7) {
	case 0:
		return "(" + sub() + "|" + sub() + ")"
	case 1:
		return "(?:" + sub() + ")*"
	case 2:
		return "(?:" + sub() + ")+"
	case 3:
		return "(" + sub() + ")?"
	case 4:
		return "(?:" + sub() + "){1,2}"
	default:
		return sub() + sub()
	}
}

// What grep itself says, on expressions that mean the same to both: no
// alternatives, whose order matters to one of them, and no empty matches.
func TestEachAgainstGrep(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	file := filepath.Join(t.TempDir(), "text")
	var b strings.Builder
	for range 300 {
		b.WriteString(strings.ReplaceAll(randomText(random, "aabbc_1 -.,/", 14), "\n", " ") + "\n")
	}
	text := b.String()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	atoms := []string{"a", "b", "c", "_", "1", "-", `\.`, ",", "[ab]", "[^a]", "[ab]+", "a+", "b+", " ", "[a-c]", "[a-c_]+", "/", "."}
	for n := range redistest.Cases(t, 50) {
		var expr strings.Builder
		for range 1 + random.IntN(3) {
			expr.WriteString(atoms[random.IntN(len(atoms))])
		}
		if n%10 == 0 {
			expr.WriteByte('$')
		}
		for _, row := range []struct {
			flags string
			o     ExprOptions
		}{
			{"-E", ExprOptions{}},
			{"-Ev", ExprOptions{Invert: true}},
			{"-Ei", ExprOptions{IgnoreCase: true}},
			{"-Eo", ExprOptions{OnlyMatching: true}},
			{"-Ew", ExprOptions{Word: true}},
			{"-Ewv", ExprOptions{Word: true, Invert: true}},
			{"-Ewo", ExprOptions{Word: true, OnlyMatching: true}},
		} {
			want := grep(t, row.flags, expr.String(), file)
			got := each(compile(t, expr.String(), row.o), text)
			if !slices.Equal(got, want) {
				t.Errorf("grep %s %q\n%s", row.flags, expr.String(), firstDifference(got, want))
			}
		}
	}
}

func grep(t *testing.T, flags, expr, file string) []string {
	t.Helper()
	cmd := exec.Command("grep", flags, "-e", expr, file)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("grep %s %q: %v (apt-get install grep)", flags, expr, err)
	}
	lines := []string{}
	for line := range bytes.Lines(out) {
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return lines
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "(end)", "(end)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("at %d: got %q, grep says %q", i, g, w)
		}
	}
	return "no difference"
}
