package rangeexpr

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// What Range itself makes of these expressions was found out by running it.
func TestExpressionsMeanWhatRangeMakesOfThem(t *testing.T) {
	for _, row := range []struct{ expr, want string }{
		{"host1..3", "host1 host2 host3"},
		{"host1..host3", "host1 host2 host3"},
		{"host01..3", "host01 host02 host03"},
		{"host8..11", "host8 host9 host10 host11"},
		{"foo100..1", "foo100 foo101"},
		{"foo100..10", "foo100 foo101 foo102 foo103 foo104 foo105 foo106 foo107 foo108 foo109 foo110"},
		{"host3..1", ""},
		{"h1..3.example.com", "h1.example.com h2.example.com h3.example.com"},
		{"h1.example.com..3.example.com", "h1.example.com h2.example.com h3.example.com"},
		{"a..c", "a..c"},
		{"h1.example.com..3", "h1.example.com..3"},
		{"a{b,c}d", "abd acd"},
		{"{a,b}{1..2}", "a1 a2 b1 b2"},
		{"a,b-a", "a b-a"},
		{"%cf3.promises.{esv4,eat1}-mps-cores", "error"},
		{"cf3.promises.{esv4,eat1}-mps-cores", "cf3.promises.esv4-mps-cores cf3.promises.eat1-mps-cores"}, // an error in Range
		{"q(a b)", "a b|"},
		{`"a b"`, "a b|"},
		{"host8..9,host10..1", "host8 host9 host10 host11"}, // what its /expand writes

		// What is not understood here is refused, not taken for names.
		{"a,b,c - b", "error"},
		{"a,b,c ,- b", "error"},
		{"a,b,c,-b", "error"},
		{"a,b,c,&b", "error"},
		{"(a,b)-(a,c)", "error"},
		{"a,b,c & /^[bc]/", "error"},
		{"a,(b,c & c)", "error"},
		{"/x/", "error"},
		{"!a", "error"},
		{"%c", "error"},
		{"%c:{UP,DOWN}", "error"},
		{"%%c", "error"},
		{"@web", "error"},
		{"?web1", "error"},
		{"*host", "error"},
		{"clusters(host)", "error"},
		{"has(DOWN;h)", "error"},
	} {
		t.Run(row.expr, func(t *testing.T) {
			want := strings.Fields(row.want)
			if one, ok := strings.CutSuffix(row.want, "|"); ok {
				want = []string{one}
			}
			slices.Sort(want)
			got, err := Expand(row.expr)
			if row.want == "error" {
				if err == nil {
					t.Errorf("it stands for %q, want an error", got)
				}
			} else if err != nil || !slices.Equal(got, want) {
				t.Errorf("it stands for %q (%v), want %q", got, err, want)
			}
		})
	}
}

// testdata/sequences.txt has what the regular expression of Range, and its printf,
// make of words that were drawn from the parts of sequences.
func TestWordsAreSequencesWhereRangeTakesThemForThat(t *testing.T) {
	table, err := os.ReadFile("testdata/sequences.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		rows++
		want := fields[1:]
		got := []string{"literal"}
		if s, ok := parseSequence(fields[0]); ok {
			got = s.appendTo(nil)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", fields[0], got, want)
		}
	}
	if rows < 300 {
		t.Errorf("only %d rows", rows)
	}
}

func TestWordsAreSeparatedByCommasOrWhiteSpace(t *testing.T) {
	for expr, want := range map[string]string{
		"":                    "",
		" , \n":               "",
		"b,a":                 "a b",
		",a,,b,":              "a b",
		"a b\tc\nd\r\ne":      "a b c d e",
		"a,a,a1..2,a1":        "a a1 a2",
		"web{1..3,7}.x db1":   "db1 web1.x web2.x web3.x web7.x",
		"web{ 1..2 , 5 }.x":   "web1.x web2.x web5.x",
		"r{1..2}n1..2":        "r1n1 r1n2 r2n1 r2n2",
		"h1..2{a,b}":          "h1a h1b h2a h2b",
		"a{b{1..2},c}d":       "ab1d ab2d acd",
		"a{b}c":               "abc",
		"{a,b}-{c,d}":         "a-c a-d b-c b-d",
		`"web1..3",web1`:      "web1 web1..3",
		`"a"{1,2}`:            "a1 a2",
		`{1,2}q(-b)`:          "1-b 2-b",
		`"-web1"`:             "-web1",
		`"a\"b\\",q(c\)d)`:    `a"b\ c)d`,
		"q,query1":            "q query1",
		"{}":                  "",
		"2001:db8::{1..2}":    "2001:db8::1 2001:db8::2",
		"10.1.2.9..11":        "10.1.2.10 10.1.2.11 10.1.2.9",
		"r1.n1..2.n1":         "r1.n1 r2.n1", // the leftmost number that works
		"h098..101":           "h098 h099 h100 h101",
		"h8..0010":            "h8 h9 h10",
		"h20260101000119..21": "h20260101000119 h20260101000120 h20260101000121",
		"h99999999999999999999..100000000000000000001": "h99999999999999999999 h100000000000000000000 h100000000000000000001",
	} {
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if got, err := Expand(expr); err != nil || !slices.Equal(got, wanted) {
			t.Errorf("%q stands for %q (%v), want %q", expr, got, err, wanted)
		}
	}
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	for _, row := range []struct {
		expr   string
		column int
		reason string
	}{
		{"db1,web{1..3", 8, "no closing }"},
		{"web1..3}", 8, "no { before it"},
		{`db1,"web`, 5, "no closing \""},
		{"q(web", 1, "no closing )"},
		{`"web`, 1, "no closing \""},
		{`"web\`, 1, "no closing \""},
		{`web"1"`, 4, "a word of its own"},
		{`"1"web`, 4, "a word of its own"},
		{`q(1)"2"`, 5, "a word of its own"},
		{"web{}", 4, "stands for nothing"},
		{"a,web3..1{x,y}", 10, "stands for nothing"},
		{"a web{3..1}", 6, "stands for nothing"},
		{"web{1,2}..3", 9, "both of its ends"},
		{"web1..{3,4}", 5, "both of its ends"},
		{"web1;web2", 5, "';' is not one of A-Z a-z 0-9 . _ : - , and clusters"},
		{"web1,é", 6, "is not one of A-Z a-z 0-9 . _ : -"},
		{"web[1-3]", 4, "'[' is not one of"},
		{"a,-b", 3, "begins with -"},
		{"a{-b}", 3, "begins with -"},
		{"a - b", 3, "begins with -"},
		{strings.Repeat("{", 40), 33, "too deeply"},
		{strings.Repeat("{a}", 65), 193, "too many braces"},
		{"web1,web1..1000000", 6, "more than 1000000 hosts: ask for fewer"},
		{"h{1..1000}{1..1000}{1..1000}", 1, "more than 1000000 hosts"},
		{"h0..99999999999999999999999999", 1, "more than 1000000 hosts"},
		{strings.Repeat("x", 300) + "{1..1000000}", 1, "too long to be names"},
	} {
		hosts, err := Expand(row.expr)
		var bad *SyntaxError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %d hosts, %v; want a SyntaxError", row.expr, len(hosts), err)
			continue
		}
		if bad.Column != row.column || !strings.Contains(bad.Reason, row.reason) || bad.Expr != row.expr {
			t.Errorf("%q: column %d, %q; want column %d, %q", row.expr, bad.Column, bad.Reason, row.column, row.reason)
		}
	}
}

func TestErrorsShowWhatIsAroundThem(t *testing.T) {
	_, err := Expand("web{1..3")
	if want := `cannot expand "web{1..3": column 4: the { has no closing }`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = Expand(strings.Repeat("web1,", 100) + "w$b" + strings.Repeat(",web1", 100))
	if err == nil || !strings.Contains(err.Error(), `"…eb1,`) || !strings.Contains(err.Error(), `,w$b,web1`) ||
		!strings.Contains(err.Error(), `…": column 502: '$' is not one of`) || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
}

func TestTypedWordsMayBeGlobs(t *testing.T) {
	for expr, want := range map[string]string{
		"web*,db1..3":            "db1 db2 db3 web*",
		"web[1-3],db?":           "db? web[1-3]",
		"*.{esv4,eat1}.x":        "*.eat1.x *.esv4.x",
		"web{01..03}*":           "web01* web02* web03*",
		"{web*,db1}.x":           "db1.x web*.x",
		`web\*`:                  `web\*`,
		"web[^!]":                "web[^!]",
		"web1..2.x {db1,db2*}.x": "db1.x db2*.x web1.x web2.x",
	} {
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if got, err := ExpandTyped(expr); err != nil || !slices.Equal(got, wanted) {
			t.Errorf("%q stands for %q (%v), want %q", expr, got, err, wanted)
		}
	}
}

func TestTypedWordsThatAreRefused(t *testing.T) {
	for expr, want := range map[string]string{
		"db1,web01..03*": "column 10: a sequence goes in braces where the word is a glob: web{1..3}*",
		"web1..3.*":      "column 5: a sequence goes in braces",
		"db1,web3..1":    "column 5: this stands for no host: write the lower number first",
		"web{3..1,5}":    "column 5: this stands for no host",
		"web{}*":         "column 4: this word has a part that stands for nothing",
		"web*,%db":       "column 6: '%' is not one of",
		"web*{a,b;c}":    "column 9: ';' is not one of",
	} {
		if hosts, err := ExpandTyped(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q stands for %q (%v); want the error %s", expr, hosts, err, want)
		}
	}
}

func TestAMillionHostsAreExpanded(t *testing.T) {
	hosts, err := Expand("web{000000..999999}.prod.example.com")
	if err != nil || len(hosts) != MaxHosts || hosts[MaxHosts-1] != "web999999.prod.example.com" {
		t.Errorf("%d hosts, %v", len(hosts), err)
	}
}
