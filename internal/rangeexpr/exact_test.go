package rangeexpr

import "testing"

// The language, row by row: read from top to bottom, these tables teach it. What Range
// has for a syntax error and is read here is said so; nothing that it reads has another
// meaning here.

// A meaning is an expression, and the names that it stands for; see checkMeaning.
type meaning struct{ expr, want string }

func checkMeanings(t *testing.T, clusters Source, rows []meaning) {
	t.Helper()
	e := &Evaluator{Clusters: clusters}
	for _, row := range rows {
		t.Run(row.expr, func(t *testing.T) { checkMeaning(t, e, row.expr, row.want) })
	}
}

func TestAWordStandsForItself(t *testing.T) {
	checkMeanings(t, nil, []meaning{
		// Letters, digits and _ . : may be anywhere, and - after the first.
		{"web1", "web1"},
		{"WEB1,web1", "WEB1 web1"},
		{"web-1.a-b.example.com", "web-1.a-b.example.com"},
		{"_srv._tcp", "_srv._tcp"},
		{".hidden", ".hidden"},
		{"10.0.0.1", "10.0.0.1"},
		{"2001:db8::1,::1", "2001:db8::1 ::1"},
		{"web1:8080", "web1:8080"},
		{"007", "007"},
		{"a--b", "a--b"},
		{"a-", "a-"},
		{"web1.example.com.", "web1.example.com."},

		// Anything else is quoted.
		{`"a b"`, "a b|"},
		{"'a,b'", "a,b|"},
		{"q(a/b)", "a/b"},
		{`"web1..3"`, "web1..3"},
		{`"-a"`, "-a"},
		{`"it's"`, "it's"},
		{`'say "a"'`, `say "a"|`},
		{`"a\"b"`, `a"b`},
		{`"a\\b"`, `a\b`},
		{`q(a\)b)`, "a)b"},
		{"q(a(b)", "a(b"},
		{"q(a(b))", "syntax"}, // the first ) ends it
		{`"{a,b}"`, "{a,b}"},
		{"'é'", "é"},
		{"é", "syntax"},
		{"a|b", "syntax"},
		{"a+b", "syntax"},
		{"a=b", "syntax"},
		{"a[1]", "syntax"},
	})
}

func TestASequenceCountsTheFirstNumberThatItCan(t *testing.T) {
	checkMeanings(t, nil, []meaning{
		{"1..3", "1 2 3"},
		{"web1..1", "web1"},
		{"web1..web3", "web1 web2 web3"},
		{"WEB1..WEB2", "WEB1 WEB2"},
		{"a_b1..2", "a_b1 a_b2"},
		{"a-1..2", "a-1 a-2"},
		{"r1n1..3", "r1n1 r1n2 r1n3"},
		{"10.0.0.1..3", "10.0.0.1 10.0.0.2 10.0.0.3"},
		{"10.0.0.1..10.0.0.3", "10.0.0.1 10.0.0.2 10.0.0.3"},

		// A domain is behind the last number, or behind both.
		{"web1..2.example.com", "web1.example.com web2.example.com"},
		{"web1.example.com..web2.example.com", "web1.example.com web2.example.com"},
		{"web1..2.dc-1.x2", "web1.dc-1.x2 web2.dc-1.x2"},
		{"web1..2.3", "web1.3 web2.3"},
		{"web1..2.", "web1..2."},

		// Zeros in front stay, and a short last number is the end of one as long as the first.
		{"n08..11", "n08 n09 n10 n11"},
		{"n8..11", "n8 n9 n10 n11"},
		{"n098..101", "n098 n099 n100 n101"},
		{"n001..3", "n001 n002 n003"},
		{"n1..03", "n1 n2 n3"},
		{"n123..5", "n123 n124 n125"},
		{"n19..21", "n19 n20 n21"},
		{"n199..01", ""},
		{"n0..0", "n0"},
		{"s20260101000..2", "s20260101000 s20260101001 s20260101002"},
		{"s99999999999999999999..100000000000000000001", "s99999999999999999999 s100000000000000000000 s100000000000000000001"},

		// The higher number first is nothing.
		{"n3..1", ""},
		{"n10..05", ""},
		{"a,n3..1,b", "a b"},

		// What is no sequence is a word.
		{"a..c", "a..c"},
		{"web1..db3", "web1..db3"},
		{"web1..", "web1.."},
		{"..3", "..3"},
		{"1..3x", "1..3x"},
		{"web1..3-x", "web1..3-x"},
		{"web1-x..3", "web1-x..3"},
		{"web1.x..3.y", "web1.x..3.y"},
		{"a:b1..3", "a:b1..3"},
		{"web1..3:80", "web1..3:80"},
		{"web1...3", "web1...3"},
		{"h1..2..3", "h1..3 h2..3"}, // of which ..3 is the domain

		// Its limits are those of all that is made.
		{"n1..9999999", "limit"},
		{"n1..99999999999999999999", "limit"},
	})
}

func TestBracesPutEachOfWhatTheyHoldBetweenItsNeighbours(t *testing.T) {
	checkMeanings(t, nil, []meaning{
		{"a{b}c", "abc"},
		{"a{b,c}", "ab ac"},
		{"{a,b}c", "ac bc"},
		{"{a,b}", "a b"},
		{"{a,a}", "a"},
		{"{{a,b}}", "a b"},
		{"{a,b}{c,d}", "ac ad bc bd"},
		{"a{b}c{d,e}f{g}", "abcdfg abcefg"},
		{"{a,b}-c", "a b"}, // - after a } takes away
		{"{a,b}-a", "b"},
		{"{a,b}c-d", "ac-d bc-d"},
		{"web-{a,b}", "web-a web-b"},
		{"web-{a,b}.x-y", "web-a.x-y web-b.x-y"},
		{"{a{b{c,d}e,f}g,h}", "abceg abdeg afg h"},
		{"{a,{b,c}{1,2}}x", "ax b1x b2x c1x c2x"},
		{"{a,b}:{80,443}", "a:80 a:443 b:80 b:443"},
		{"10.{0..1}.0.{1,2}", "10.0.0.1 10.0.0.2 10.1.0.1 10.1.0.2"},

		// With sequences in them, and beside them.
		{"web{1..3}", "web1 web2 web3"},
		{"n{08..11}", "n08 n09 n10 n11"},
		{"web{1..3,7,9..10}.x", "web1.x web2.x web3.x web7.x web9.x web10.x"},
		{"web{1..2}.{x,y}", "web1.x web1.y web2.x web2.y"},
		{"{a,b}1..3", "a1 a2 a3 b1 b2 b3"},
		{"1..2{a,b}", "1a 1b 2a 2b"},
		{"web1..2{a,b}", "web1a web1b web2a web2b"},
		{"{web1..2,db1}.x", "web1.x web2.x db1.x"},
		{"{1..2}{1..2}", "11 12 21 22"},
		{"{1..2}..{3..4}", "1..3 1..4 2..3 2..4"}, // literally: a sequence is one word
		{"web{1}..3", "web1..3"},
		{"web{1..}3", "web1..3"},

		// What is empty adds nothing, so that neither a name is lost nor one without it made.
		{"a{}", "a"},
		{"{}a", "a"},
		{"a{,b}", "ab"},
		{"{,a}b", "ab"},
		{"a{b,}", "ab"},
		{"a{,}b", "ab"},
		{"a{b - b}c", "ac"},
		{"{a,b}{}", "a b"},
		{"{}{}", ""},
		{`a{"",b}c`, "ac abc"}, // the name without a letter is one

		// Any expression may be in them, and in parentheses, which are the same here.
		{"a{b,c - b}d", "acd"},
		{"a{b,c & c,d}e", "ace ade"},
		{"a{b,c - /b/}d", "acd"},
		{"a{b,(c,d - c)}", "ab ad"},
		{"(a,b){1,2}", "a1 a2 b1 b2"},
		{"(a,b){1}(c,d)", "a1c a1d b1c b1d"},
		{"{1,2}(a,b)", "1a 1b 2a 2b"},
		{"{a}'b c'{d}", "ab cd|"},
		{`x{"a b",c}`, "xa b|xc|"},

		// White space beside them means nothing.
		{"a {b,c} d", "abd acd"},
		{"{a, b} {c}", "ac bc"},
		{"a{ b\t,\n c }", "ab ac"},

		{"a{b", "syntax"},
		{"a}b", "syntax"},
		{"a{b)}", "syntax"},
		{"a{b,(c}", "syntax"},
		{"a{b}(c", "syntax"},
		{"(a)b", "syntax"},
		{"a{b}(c)(d)", "syntax"},
	})
}

func TestOperatorsAssociateToTheLeftAndHaveOnePrecedence(t *testing.T) {
	checkMeanings(t, nil, []meaning{
		{"a,b,a", "a b"},
		{"a , b", "a b"},
		{"a - a", ""},
		{"a & a", "a"},
		{"a&a", "a"},
		{"a,b&b", "b"},
		{"a,b - a,c", "b c"},
		{"a,(b - a),c", "a b c"},
		{"a,b,c - b & c", "c"},
		{"a,b,c & b,c - c", "b"},
		{"a,b,c & (b,c - c)", "b"},
		{"a,b - (a - a)", "a b"},
		{"a,b - (b,(c & c))", "a"},
		{"(a,b) & (b,c)", "b"},
		{"((a),((b)))", "a b"},
		{"{a,b}&{b,c}", "b"},
		{"{a,b}-{b,c},d", "a d"},
		{"web1..5 - web2..3", "web1 web4 web5"},
		{"web1..5 & web{2,4,9}", "web2 web4"},
		{"web1 - web10", "web1"}, // names are whole
		{"web10 & web1", ""},

		// A - within a word is its own, before one an operator.
		{"a-b", "a-b"},
		{"a,b -b", "a"},
		{"a,b,-b", "a"},
		{"a -b-c", "a"},
		{"a-b -a-b", ""},
		{"(a,b)-b", "a"},
		{`"a"-"a"`, ""},
		{"a,b-", "a b-"},

		// What is left out stands for nothing.
		{"", ""},
		{" \t\r\n", ""},
		{",", ""},
		{",,a,,b,,", "a b"},
		{"a,,-a", ""},
		{"a -", "a"},
		{"a &", ""},
		{"- a", ""},
		{"-a,b", "b"},
		{"& a", ""},
		{"a - - a", ""},
		{"a & & a", ""},
		{"a,-,b", "a b"},
		{"(),a", "a"},
		{"a & ()", ""},
		{"a - ()", "a"},
		{"(,a)", "a"},

		// Two words without an operator are an error in Range, and here united, except
		// where white space is in what somebody means to be one word.
		{"a b\tc\nd", "a b c d"},
		{"a b - a", "b"},
		{"(a) (b)", "a b"},
		{"::1 ::2", "::1 ::2"},
		{"a. b.", "a. b."},
		{"web1 .. 3", "syntax"},
		{"web1.. 3", "syntax"},
		{"web1 ..3", "syntax"},
		{"a,b- b", "syntax"},
		{"web :UP", "syntax"},
		{`"a""b"`, "syntax"},
		{"a;b", "syntax"},
		{"(a", "syntax"},
		{"a)", "syntax"},
		{")", "syntax"},
	})
}

func TestARegularExpressionFiltersWhatIsToItsLeft(t *testing.T) {
	checkMeanings(t, nil, []meaning{
		{"web1,db1 & /web/", "web1"},
		{"web1,db1 - /web/", "db1"},
		{"web1,db1 & /b/", "web1 db1"}, // it matches anywhere
		{"web1,web11 & /^web1$/", "web1"},
		{"web1..12 & /[05]$/", "web5 web10"},
		{"web1..12 - /[^05]$/", "web5 web10"},
		{"web1..12 & /^web1?2$/", "web2 web12"},
		{"web1,db1,mx1 & /^(web|db)/", "web1 db1"},
		{"web1,db1,mx1 - /web|db/", "mx1"},
		{"a.b,axb & /a.b/", "a.b axb"},
		{`a.b,axb & /a\.b/`, "a.b"},
		{`a1,ab & /a\d/`, "a1"},
		{`a1..12 & /^a\d{2}$/`, "a10 a11 a12"},
		{"a,A & /a/", "a"},
		{"a,A & /(?i)a/", "a A"},
		{"'a b',ab & /a b/", "a b|"},
		{"'a,b',ab & /a,b/", "a,b"},
		{"a,b & /[a-b]/", "a b"},
		{`'a/b',ab & /a\/b/`, "a/b"},
		{"'/etc/passwd' & /passwd/", "/etc/passwd"},
		{"'a{b}',c & /{b}/", "a{b}"},
		{"'a(b)',c & /[(]/", "a(b)"},
		{"a,b & //", "a b"},

		// One after the other, with or without white space and parentheses.
		{"web1..12 & /1/ - /2/", "web1 web10 web11"},
		{"web1..12 & /1/ & /2/", "web12"},
		{"web1..3 - /1/,web1", "web1 web2 web3"},
		{"web1..3&/[12]/-/2/", "web1"},
		{"web1..3 & (/1/)", "web1"},
		{"web1..3 - ((/1/))", "web2 web3"},
		{"{a,b}1..2 & /^a/", "a1 a2"},
		{"x{web1..3 & /2/}", "xweb2"},
		{"(a,b & /a/),b", "a b"},
		{"& /a/", ""},

		{"a & /(/", "syntax"},
		{"a & /a", "syntax"},
		{"a & /a/i", "syntax"},
		{"a & /(?=a)/", "syntax"}, // of PCRE, which RE2 lacks
		{`a & /(a)\1/`, "syntax"},
		{"/a/", "NOCLUSTERDEF: all"},
		{"a,/a/", "NOCLUSTERDEF: all"},
		{"a & (/a/,/b/)", "NOCLUSTERDEF: all"}, // it is not to the right of the &
		{"!a", "NOCLUSTERDEF: all"},
	})
}
