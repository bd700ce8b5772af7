package rangeexpr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// expand evaluates an expression without clusters, as Range reads it.
func expand(expr string) ([]string, error) {
	set, err := (&Evaluator{}).Eval(expr)
	return set.Names(), err
}

func fields(list string) []string {
	names := strings.Fields(list)
	slices.Sort(names)
	return names
}

// What Range itself makes of these expressions was found out by running it; see
// testdata/clusters for the clusters. An error begins with what Range calls it.
var asRange = Files("testdata/clusters")

func TestRangeReadsWordsSequencesAndBraces(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"", ""},
		{"web1", "web1"},
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
		{"a{}b", "ab"},
		{"{a,b}", "a b"},
		{"{}", ""},
		{"()", ""},
		{"a{b,}c", "abc"},
		{"a{3..1}c", "ac"},
		{"{foo,bar,baz}.example.com - /^b/", "foo.example.com"},
		{"(a,b){1,2}", "a1 a2 b1 b2"},
		{"{a,b}(c,d)", "ac ad bc bd"},
		{"a{b}{c}{d}e", "abcde"},
		{"a{b{1..2},c}d", "ab1d ab2d acd"},
		{"web{1,2}..3", "web1..3 web2..3"},
		{"host8..9,host10..1", "host8 host9 host10 host11"}, // what its /expand writes
	})
}

func TestRangeReadsQuotes(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"q(a b)", "a b|"},
		{`"a b"`, "a b|"},
		{"'a b'", "a b|"},
		{`'a\'b'`, "a'b"},
		{`"%web"`, "%web"},
		{"q(-b)", "-b"},
		{`q(x){1,2}`, "x1 x2"},
		{"{1,2}'x'", "1x 2x"},
		{"q", "q"},
		{"q1,qq", "q1 qq"},
		{"'http://example.com/'", "http://example.com/"},
		{"http://example.com/", "syntax"},
	})
}

func TestRangeReadsOperators(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"a,b,c - b", "a c"},
		{"a,b,c ,- b", "a c"},
		{"a,b,c,-b", "a c"},
		{"a,b,c,&b", "b"},
		{"a,b-a", "a b-a"},
		{"a,b - a", "b"},
		{"(a,b)-(a,c)", "b"},
		{"(a,b)-a", "b"},
		{"{a,b}-a", "b"},
		{"{a,b} - a", "b"},
		{"a,b,c & /^[bc]/", "b c"},
		{"a,b,c - /^b/", "a c"},
		{"a,b,c - (/^b/)", "a c"},
		{"a,b - /x/, c & /c/", "c"},
		{"a,(b,c & c)", "a c"},
		{"a,b,c & c", "c"},
		{"a,b & b,c", "b c"},
		{"-b", ""},
		{"&b", ""},
		{",a", "a"},
		{"a,,b,", "a b"},
		{"foo - foo", ""},
		{"foo - bar", "foo"},
		{"foo & foo", "foo"},
		{"foo & bar", ""},
		{"(foo,bar,baz - /^b/), baz", "foo baz"},
		{`a/b,ab & q(a/b)`, "syntax"},
		{`q(a/b),ab & /a\/b/`, "a/b"},
		{`ab1,ab & /\d/`, "ab1"},
		{`q(a\\b),ab & /a\\b/`, `a\b`}, // the expression is a\b: a and the end of a word
		{"a-b-c", "a-b-c"},
		{"a -b", "a"},
	})
}

func TestRangeReadsClusters(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"%web", "web1 web2 web4"},
		{"%web:ALL", "web1 web2 web3 web4 web5"},
		{"%web:UP", "web1 web2 web4"},
		{"%web:{UP,DOWN}", "web1 web2 web3 web4 web5"},
		{"%{web,db}:DOWN", "web3 web5 db2"},
		{"%web:KEYS", "CLUSTER ALL UP DOWN DC TYPE EMPTY NULL_ NUMBER OWNER"},
		{"%web:EMPTY", ""},
		{"%web:NULL_", ""},
		{"%web:NUMBER", "010"},
		{"%web:OWNER", "The Web Team|"},
		{"%db:DOC", `a document: of "ours"|`},
		{"%db", "db1 db2 db3 db9 dbspare9"},
		{"%db:ALL", "db1 db2 db3 db9 dbspare dbspare9"},
		{"%nodefault", ""},
		{"%nodefault:CLUSTER", ""},
		{"%nodefault:ONLY", "x"},
		{"%nosuch", "NOCLUSTERDEF: nosuch"},
		{"%nosuch:KEY", "NOCLUSTERDEF: nosuch"},
		{"%web:NOPE", "NOCLUSTER: web:NOPE"},
		{"%web,%nosuch", "NOCLUSTERDEF: nosuch"},
		{"%", ""},
		{"%,a", "a"},
		{"%web - web1", "web2 web4"},
		{"%web & %cache", "web1"},
		{"%web & /[12]/", "web1 web2"},
		{"web9,%web - %web:DOWN, db1", "web9 web1 web2 web4 db1"},
		{"%web{}", "web1 web2 web4"},
		{"{%web}.x", "web1.x web2.x web4.x"},
		{"x{y}%cache", "xycache1 xycache2 xyweb1"},
		{"%%sites", "web1 web2 web4 db1 db2 db3 db9 dbspare9"},
		{"%{%sites}:DOWN", "web3 web5 db2"},
		{"%sites:NESTED", "web3 web5 db2"},
		{"%%sites:KEYED", "web3 web5"},
		{"%(web,db:DOWN)", "web1 web2 web4 db2"},
		{"%cf3.promises.esv4-mps-cores", "cf3.promises.esv4-2360-mps"},
		{"%cf3.promises.all-mps-cores", "cf3.promises.esv4-2360-mps cf3.promises.eat1-1-mps"},
		{"%cf3.promises.{esv4,eat1}-mps-cores", "NOCLUSTERDEF: cf3.promises.eat1"},
		{"%cf3.promises.{esv4,eat1}{-mps-cores}", "NOCLUSTERDEF: cf3.promises.eat1"}, // {-x} is nothing
		{"%cf3.promises.{esv4,eat1}q(-mps-cores)", "cf3.promises.esv4-2360-mps cf3.promises.eat1-1-mps"},
		{"%../clusters/web", "syntax"},
		{"%q(../clusters/web)", "NOCLUSTERDEF: ../clusters/web"},
	})
}

func TestRangeReadsWhatIsRelativeToTheClusterAll(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"/^web/", "web1 web2 web4"},
		{"/^web/,a", "a web1 web2 web4"},
		{"{x}/^web/", "xweb1 xweb2 xweb4"},
		{"!%db", "web1 web2 web4 cache1 cache2"},
		{"!web1,web1", "web1 web2 web4 cache1 cache2 db1 db2 db3 db9 dbspare9"},
		{"!%db - %cache", "web2 web4"},
		{"!/e/", "db1 db2 db3 db9"},
	})
}

func TestRangeReadsGroups(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"@front", "web1 web2 web3"},
		{"@{front,mixed}", "web1 web2 web3 db1 db2 db3 db9 dbspare dbspare9"},
		{"@mixed", "web1 db1 db2 db3 db9 dbspare dbspare9"},
		{"group(front)", "web1 web2 web3"},
		{"%GROUPS:front", "web1 web2 web3"},
		{"$front", "web1 web2 web3"},
		{"$front - web1", "web2 web3"},
		{"@nosuch", "NOCLUSTER: GROUPS:nosuch"},
		{"?web1", "front mixed"},
		{"?{web2,db1}", "front back mixed"},
		{"get_groups(web3)", "front"},
		{"?nobody", ""},
		{"@?web2", "web1 web2 web3"},
		{"%@owners", "NOCLUSTERDEF: cf3"},
	})
}

func TestRangeReadsFunctions(t *testing.T) {
	checkMeanings(t, asRange, []meaning{
		{"*web1", "all"},
		{"*web4", "all"},
		{"*cf3.promises.eat1-1-mps", "cf3.promises.all-mps-cores"},
		{"get_cluster(web1)", "all"},
		{"*nobody", "NO_CLUSTER: nobody"},
		{"clusters(web1)", "all cache web"},
		{"clusters(web1,db1)", "all cache db web"},
		{"clusters(nobody)", "NO_CLUSTER: nobody"},
		{"%clusters(web4)", "web1 web2 web4 cache1 cache2 db1 db2 db3 db9 dbspare9"},
		{"%{clusters(db1) - all}:{DOC,DOWN}", "db2|a document: of \"ours\"|"},
		{"has(DC;east)", "db web"},
		{"has(TYPE;redis)", "cache db"},
		{"has(DC;east) & has(TYPE;redis)", "db"},
		{"%{has(DC;east) & has(TYPE;redis)}:DOWN", "db2"},
		{"has(TYPE;%{clusters(cache1) - all}:TYPE)", "cache db"},
		{"has(DOWN;web3)", "web"},
		{"has(NOPE;x)", ""},
		{"has(TYPE;)", ""},
		{"has(;x)", ""},
		{"mem(GROUPS;web1)", "front mixed"},
		{"mem(web;web3)", "ALL DOWN"},
		{"mem(web;nobody)", ""},
		{"mem(nosuch;web1)", "NOCLUSTERDEF: nosuch"},
		{"allclusters()", "GROUPS all cache cf3.promises.all-mps-cores cf3.promises.eat1-mps-cores cf3.promises.esv4-mps-cores db nodefault sites web"},
		{"allclusters() & /^w/", "web"},
		{"#allclusters() & /^w/", "web"},
		{"cluster(web)", "web1 web2 web4"},
		{"cluster(web:DOWN)", "web3 web5"},
		{"cluster (web:DOWN)", "web3 web5"},
		{"cluster()", ""},
		{"clusters()", ""},
		{"group()", ""},
		{"nosuch(a)", "NO_FUNCTION: nosuch"},
		{"^web1", "NO_FUNCTION: get_admin"},
		{"get_admin(web1)", "NO_FUNCTION: get_admin"},
		{"has(DC)", "syntax"},
		{"mem(a;b;c)", "syntax"},
		{"allclusters(a)", "syntax"},
		{"cluster(a;b)", "syntax"},
	})
}

// checkMeaning demands names, separated by blanks or by '|', or else an error.
func checkMeaning(t *testing.T, e *Evaluator, expr, want string) {
	t.Helper()
	set, err := e.Eval(expr)
	if class, ok := classOf(want); ok {
		if got := describe(err); !strings.HasPrefix(got, class) {
			t.Errorf("it stands for %q (%v: %s), want %s", set.Names(), err, got, want)
		}
		return
	}
	wanted := fields(want)
	if strings.HasSuffix(want, "|") {
		wanted = strings.Split(strings.TrimSuffix(want, "|"), "|")
		slices.Sort(wanted)
	}
	if got := set.Names(); err != nil || !slices.Equal(got, wanted) {
		t.Errorf("it stands for %q (%v), want %q", got, err, wanted)
	}
	if set.Open() {
		t.Error("it is open, without any glob")
	}
}

func classOf(want string) (string, bool) {
	for _, class := range []string{"NO", "CYCLE", "syntax", "limit"} {
		if strings.HasPrefix(want, class) {
			return want, true
		}
	}
	return want, strings.HasSuffix(want, ": malformed")
}

func describe(err error) string {
	if e, ok := errors.AsType[*LookupError](err); ok {
		return e.Exception()
	}
	if _, ok := errors.AsType[*SyntaxError](err); ok {
		return "syntax"
	}
	if _, ok := errors.AsType[*LimitError](err); ok {
		return "limit"
	}
	return fmt.Sprint(err)
}

func TestNamesOfClustersMayHaveColons(t *testing.T) {
	dir := t.TempDir()
	for cluster, text := range map[string]string{
		"a:b":        "CLUSTER: ab\nKEY: ab-key\nc: ab-c\n",
		"a:b:c":      "KEY: abc-key\n",
		"split":      "b: split-b\nb:c: split-bc\n",
		"split:b":    "CLUSTER: never\nc: never\n",
		"2001:db8::": "CLUSTER: v6\n",
	} {
		write(t, filepath.Join(dir, cluster+".yaml"), text)
	}
	e := &Evaluator{Clusters: Files(dir)}
	for expr, want := range map[string]string{
		"%a:b":         "ab",
		"%a:b:KEY":     "ab-key",
		"%a:b:c":       "ab-c",
		"%a:b:c:KEY":   "abc-key",
		"%a:c":         "NOCLUSTERDEF: a",
		"%a:b:NOPE":    "NOCLUSTERDEF: a",
		"%split:b":     "split-b",
		"%split:b:c":   "split-bc",
		"%split:NOPE":  "NOCLUSTER: split:NOPE",
		"%2001:db8::":  "v6",
		"%::::::::::a": "NOCLUSTERDEF: ",
	} {
		checkMeaning(t, e, expr, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Range takes two words for a syntax error; beside a brace white space means nothing.
func TestWhiteSpaceSeparatesWords(t *testing.T) {
	for expr, want := range map[string]string{
		"a b\tc\nd\r\ne":        "a b c d e",
		"a b - b":               "a",
		"a - a b":               "b",
		"web{1..3,7}.x db1":     "db1 web1.x web2.x web3.x web7.x",
		"web1 {a,b}":            "web1a web1b",
		"web{ 1..2 , 5 }.x":     "web1.x web2.x web5.x",
		`"a b" c`:               "c|a b|",
		"{a,b} {c}":             "ac bc",
		"a\n- b\n& c":           "",
		"( a , b ) - ( b , c )": "a",
	} {
		checkMeaning(t, &Evaluator{}, expr, want)
	}
	e := &Evaluator{Clusters: Files("testdata/clusters")}
	checkMeaning(t, e, "%web %db:DOWN", "web1 web2 web4 db2")
	checkMeaning(t, e, "% web @front", "web1 web2 web3 web4")
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	deep := strings.Repeat("{", 80)
	for _, row := range []struct {
		expr   string
		column int
		reason string
	}{
		{"db1,web{1..3", 8, "the { has no closing }"},
		{"(a,b", 1, "the ( has no closing )"},
		{"(a,b}", 1, "the ( has no closing )"},
		{"web1..3}", 8, "the } has no { before it"},
		{"a)", 2, "the ) has no ( before it"},
		{`db1,"web`, 5, `no closing "`},
		{"q(web", 1, "no closing )"},
		{"'web", 1, "no closing '"},
		{`"web\`, 1, `no closing "`},
		{"a & /web", 5, "no closing /"},
		{`a & /web\/`, 5, "no closing /"},
		{"a & /(/", 5, "regular expressions are those of RE2"},
		{"a & /a(?=b)/", 5, "regular expressions are those of RE2"},
		{`web"1"`, 4, "a word of its own"},
		{`"1"web`, 4, "a word of its own"},
		{`q(1)"2"`, 5, "a word of its own"},
		{"(a)b", 4, "a word of its own"},
		{"web1 .. 3", 6, "no word of its own: put a comma before it, or leave out the white space"},
		{"a,b- b", 6, "a - that takes away has some before it"},
		{"a%b", 2, "'%' is not one of A-Z a-z 0-9 . _ : - and cannot be here: put a comma before it"},
		{"web1..3(a)", 8, "'(' is not one of"},
		{"web1;web2", 5, "';' is not one of A-Z a-z 0-9 . _ : - and cannot be here: it separates the arguments of a function"},
		{"web1,é", 6, "'é' is not one of A-Z a-z 0-9 . _ : -"},
		{"web[1-3]", 4, "'[' is not one of"},
		{"a,$", 3, "the $ has no name of a key"},
		{"a,#b", 3, "the # has no function after it"},
		{"a,#", 3, "the # has no function after it"},
		{"a,has(b)", 3, "has takes 2 arguments, separated by ;: has(KEY;values)"},
		{"cluster(a;b)", 1, "cluster takes one argument: cluster(names)"},
		{"allclusters(a)", 1, "allclusters takes no argument: allclusters()"},
		{deep, 65, "nested too deeply"},
		{strings.Repeat("(", 80), 65, "nested too deeply"},
		{strings.Repeat("%", 80), 65, "nested too deeply"},
		{strings.Repeat("f(", 80), 130, "nested too deeply"},
		{strings.Repeat("{a}", 65), 1, "too many braces"},
	} {
		_, err := (&Evaluator{}).Eval(row.expr)
		bad, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("%q: %v; want a SyntaxError", row.expr, err)
			continue
		}
		if bad.Column != row.column || !strings.Contains(bad.Reason, row.reason) || bad.Expr != row.expr {
			t.Errorf("%q: column %d, %q; want column %d, %q", row.expr, bad.Column, bad.Reason, row.column, row.reason)
		}
	}
}

func TestErrorsShowWhatIsAroundThem(t *testing.T) {
	_, err := expand("web{1..3")
	if want := `cannot expand "web{1..3": column 4: the { has no closing }`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = expand(strings.Repeat("web1,", 100) + "w|b" + strings.Repeat(",web1", 100))
	if err == nil || !strings.Contains(err.Error(), `"…eb1,`) || !strings.Contains(err.Error(), `,w|b,web1`) ||
		!strings.Contains(err.Error(), `…": column 502: '|' is not one of`) || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
}

func TestLookupsThatFailSayWhereAndWhatToDo(t *testing.T) {
	for _, row := range []struct{ expr, want string }{
		{"a,%nosuch", "column 3: there is no cluster nosuch"},
		{"%wev", "column 1: there is no cluster wev: is it web?"},
		{"%web:UPP", "column 1: there is no key web:UPP: is it UP?"},
		{"%{%nodefault}:ALL", `column 1: there is no cluster ""`},
		{"a,(b,@fromt)", "column 6: there is no key GROUPS:fromt: is it front?"},
		{"*nobody", "column 1: no cluster holds nobody"},
		{"a,web1(db1)", "column 3: there is no function web1: put a comma before the parenthesis where it is a host"},
		{"%cf3.promises.{esv4,eat1}-mps-cores", "column 1: there is no cluster cf3.promises.eat1: a - after a } takes away: put the rest of the name within the braces"},
	} {
		_, err := (&Evaluator{Clusters: Files("testdata/clusters")}).Eval(row.expr)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: %v; want %s", row.expr, err, row.want)
		}
	}
	for _, row := range []struct{ expr, want string }{
		{"%web", "column 1: there is no cluster web: there are no cluster files"},
		{"a,/web/", "column 3: there is no cluster all: a regular expression on its own filters that cluster; put & before it to filter what is to its left"},
		{"!a", "column 1: there is no cluster all: ! takes away from that cluster"},
		{"$KEY", "column 1: there is no cluster GROUPS: there are no cluster files"},
		{"*web1", "column 1: no cluster holds web1"},
	} {
		if _, err := expand(row.expr); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v; want %s", row.expr, err, row.want)
		}
	}
}

func TestProblemsInClusterFilesSayWhere(t *testing.T) {
	e := &Evaluator{Clusters: Files("testdata/broken")}
	for _, row := range []struct{ expr, want string }{
		{"%mapping", "column 1: cannot read the cluster mapping: testdata/broken/mapping.yaml:3: BAD: a value is an expression or a list of expressions"},
		{"%mapping:CLUSTER", "column 1: cannot read the cluster mapping: testdata/broken/mapping.yaml:3: BAD: a value is"},
		{"a,%nested", "column 3: cannot read the cluster nested: testdata/broken/nested.yaml:1: CLUSTER: what is in a list is an expression"},
		{"%twice", "column 1: cannot read the cluster twice: testdata/broken/twice.yaml:2: CLUSTER: the key is also in line 1"},
		{"%list", "column 1: cannot read the cluster list: testdata/broken/list.yaml:1: a cluster file is a mapping"},
		{"%yaml", "column 1: cannot read the cluster yaml: testdata/broken/yaml.yaml: "},
		{"%syntax", `testdata/broken/syntax.yaml:3: CLUSTER: cannot expand "x, web{1..3": column 7: the { has no closing }`},
		{"%lookup", "testdata/broken/lookup.yaml:3: CLUSTER: column 4: there is no cluster nosuch"},
		{"%lookup:OTHER", "testdata/broken/lookup.yaml:4: OTHER: column 1: there is no key good:NOPE"},
		{"%lookup:REGEX", `testdata/broken/lookup.yaml:5: REGEX: cannot expand "/(/": column 1: error parsing regexp`},
		{"%cycle1", "testdata/broken/cycle2.yaml:3: CLUSTER: column 1: cycle1:CLUSTER needs itself"},
		{"%cycle2", "testdata/broken/cycle1.yaml:1: CLUSTER: column 1: cycle2:CLUSTER needs itself"},
		{"%cycle1:SELF", "testdata/broken/cycle1.yaml:2: SELF: column 1: cycle1:SELF needs itself"},
	} {
		if _, err := e.Eval(row.expr); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s:\n%v; want\n%s", row.expr, err, row.want)
		}
	}
	for expr, want := range map[string]string{
		"%good": "good1", "%empty": "", "%comment": "", "%empty:KEYS": "",
		// A search passes over what cannot be evaluated.
		"*good1": "good", "clusters(good1)": "good", "has(CLUSTER;good1)": "good",
	} {
		checkMeaning(t, e, expr, want)
	}
	_, err := e.Eval("*nobody")
	if want := "column 1: no cluster holds nobody: not all can be read: testdata/broken/cycle2.yaml:3"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}

// What a server of Range answers: a body, and beside it what is missing from it.
func TestWhatCannotBeLookedUpStandsForNothing(t *testing.T) {
	good := &Evaluator{Clusters: Files("testdata/clusters")}
	broken := &Evaluator{Clusters: Files("testdata/broken")}
	for _, row := range []struct {
		e                    *Evaluator
		expr, want, problems string
	}{
		{good, "%web", "web1 web2 web4", ""},
		{good, "%nosuch,web1", "web1", "NOCLUSTERDEF: nosuch"},
		{good, "%nosuch,%web:NOPE,*nobody,f(x),web1", "web1", "NOCLUSTERDEF: nosuch, NOCLUSTER: web:NOPE, NO_CLUSTER: nobody, NO_FUNCTION: f"},
		{good, "%{web,nosuch}", "web1 web2 web4", "NOCLUSTERDEF: nosuch"},
		{good, "*{web1,nobody}", "all", "NO_CLUSTER: nobody"},
		{good, "web1,(", "", "syntax"},
		{broken, "%lookup", "good1 good2 x", "NOCLUSTERDEF: nosuch"},
		{broken, "%syntax,a", "a", "syntax"},
		{broken, "%nested,a", "a", "nested: malformed cluster definition"},
		{broken, "%cycle1", "ok", "CYCLE: cycle1:CLUSTER"},
		{broken, "has(CLUSTER;good1)", "good", ""},
		{&Evaluator{MaxHosts: 10}, "a,b{1..20}", "", "limit"},
		{&Evaluator{}, "/x/,a", "a", "NOCLUSTERDEF: all"},
	} {
		set, problems := row.e.EvalPartly(row.expr)
		var got []string
		for _, p := range problems {
			got = append(got, describe(p))
		}
		if !slices.Equal(set.Names(), fields(row.want)) || strings.Join(got, ", ") != row.problems {
			t.Errorf("%s: %q and %q, want %q and %s", row.expr, set.Names(), got, row.want, row.problems)
		}
	}
}

func TestProblemsAreCountedBeyondAHundred(t *testing.T) {
	set, problems := (&Evaluator{}).EvalPartly("a,%{h1..150}")
	if !slices.Equal(set.Names(), []string{"a"}) || len(problems) != 101 || problems[100].Error() != "there are 50 more problems" {
		t.Errorf("%q, %d problems: %v", set.Names(), len(problems), problems[len(problems)-1])
	}
}
