package rangeexpr

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// typist is an evaluator for what a person types. Its globs know * alone.
func typist() *Evaluator {
	return &Evaluator{
		Clusters: Files("testdata/clusters"),
		Glob: func(word string) (func(string) bool, error) {
			if strings.Contains(word, "[") && !strings.Contains(word, "]") {
				return nil, errBadGlob
			}
			re, err := regexp.Compile("^" + strings.NewReplacer(`\*`, `\*`, "*", ".*", "?", ".", ".", `\.`).Replace(word) + "$")
			if err != nil {
				return nil, err
			}
			return re.MatchString, nil
		},
	}
}

var errBadGlob = errors.New("the [ has no closing ]")

func TestGlobsStandWhereverWordsMay(t *testing.T) {
	for _, row := range []struct{ expr, names, in, out string }{
		{"web*", "", "web web1 web1.x", "xweb1 we"},
		{"web1,db1..3", "db1 db2 db3 web1", "db1", "db4"},
		{"web1 {db1,db2} {a,b}", "a b db1 db2 web1", "db1", "web1db1"},
		{"web*,db1..3", "db1 db2 db3", "web9 db2", "db4"},
		{"web[1-3],db?", "", "web2 db7", "web4 db12"},
		{"web* - web13", "", "web1 web14", "web13"},
		{"web*,web13 - web13", "", "web1", "web13"},
		{"web13,web* - web1*", "", "web2", "web13 web1"},
		{"%web & *2", "web2", "web2", "web12 web1"},
		{"*2 & %web", "web2", "web2", "web12 web1"},
		{"web* & /1$/", "", "web1 web11", "web2 db1"},
		{"web* - /1$/", "", "web2", "web1 db1"},
		{"web*,db1 & /1$/", "db1", "web1 db1", "web2 db2"},
		{"web* & *1", "", "web1", "web2 db1"},
		{"web*,db1 & *1,web2", "db1 web2", "web1 web2 db1", "db2"},
		{"web* & *1 & web11", "web11", "web11", "web1"},
		{"(web* - web1),web1", "web1", "web1 web2", "db1"},
		{"(web* - web1),(db* - db1)", "", "web2 db2", "web1 db1"},
		{"*.{esv4,eat1}.x", "", "web1.esv4.x db1.eat1.x", "web1.lva1.x"},
		{"web{01..03}*", "", "web01 web02.x", "web04"},
		{"{web,db}*", "", "web db1", "cache"},
		{"{web*,db1}.x", "db1.x", "web1.x db1.x", "web1 db2.x"},
		{"{web*,db}{1,2}", "db1 db2", "web12 web1", "web3"},
		{"!web*", "cache1 cache2 db1 db2 db3 db9 dbspare9", "db1", "web1"},
		{"%*web1 & web*", "web1 web2 web4", "web1", "cache1 web3"},
		{"@?web2", "web1 web2 web3", "web1", "web4"},
		{`"web*"`, "web*", "web*", "web1"},
		{"web[^!]", "", "web1", "web!"},
		{"a* b*", "", "a1 b1", "c1"},
		{"web1..2.x {db1,db2*}.x", "db1.x web1.x web2.x", "db2.x db23.x", "db1"},
		{"%web,x*", "web1 web2 web4", "x1 web1", "web3"},
	} {
		t.Run(row.expr, func(t *testing.T) {
			set, err := typist().Eval(row.expr)
			if err != nil || !slices.Equal(set.Names(), fields(row.names)) {
				t.Fatalf("names %q (%v), want %q", set.Names(), err, row.names)
			}
			for _, name := range fields(row.in) {
				if !set.Contains(name) {
					t.Errorf("it lacks %s", name)
				}
			}
			for _, name := range fields(row.out) {
				if set.Contains(name) {
					t.Errorf("it holds %s", name)
				}
			}
			onlyNames := !slices.ContainsFunc(fields(row.in), func(n string) bool { return !slices.Contains(set.Names(), n) })
			if set.Open() == onlyNames {
				t.Errorf("it is open: %v", set.Open())
			}
		})
	}
}

func TestTypedExpressionsThatAreRefused(t *testing.T) {
	for expr, want := range map[string]string{
		"db1,web01..03*":                        "column 10: a sequence goes in braces where the word is a glob: web{1..3}*",
		"web1..3.*":                             "column 5: a sequence goes in braces",
		"db1,web3..1":                           "column 5: this stands for no host: write the lower number first",
		"web{3..1,5}":                           "column 5: this stands for no host",
		"web{}*":                                "column 5: this word has a part that stands for nothing",
		"web{%web:EMPTY}":                       "column 5: this word has a part that stands for nothing",
		"web{1,2}..3":                           "column 9: a sequence has both of its ends within the braces, or both outside",
		"web* :UP":                              "column 6: this is no word of its own",
		"web1..{3,4}":                           "column 5: a sequence has both of its ends",
		"web*{a,b;c}":                           "column 9: ';' is not one of",
		"a,web[1":                               "column 3: the [ has no closing ]",
		"%web*":                                 "column 2: a glob is for names of hosts",
		"has(DC;*)":                             "column 8: a glob is for names of hosts",
		"{web* - web1}.x":                       "column 2: braces hold names and globs",
		"*{1..1001}":                            "column 1: there are more than 1000 globs",
		"{*a,*b}" + strings.Repeat("{1,2}", 20): "column 1: this stands for more than 1000000 hosts",
		"a*" + strings.Repeat(" - a", 1001):     "there are more than 1000 globs",
	} {
		set, err := typist().Eval(expr)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q stands for %q (%v); want the error %s", expr, set.Names(), err, want)
		}
	}
	if _, err := typist().Eval("web[1"); !errors.Is(err, errBadGlob) {
		t.Errorf("%v does not wrap what Glob said", err)
	}
}

func TestNamesOfHostsAreLoweredWhereThatIsWanted(t *testing.T) {
	e := typist()
	e.Lower = true
	e.Clusters = sourceOf{
		"Web": "CLUSTER: Web1..3, WEB2\nDown: WEB3\n",
		"all": "CLUSTER: Web1, DB1\n",
	}
	for expr, want := range map[string]string{
		"Web1,WEB1,web{A,B}": "web1 weba webb",
		"Web1..2.X":          "web1.x web2.x",
		"%Web":               "web1 web2 web3",
		"%Web - web3":        "web1 web2",
		"%Web - %Web:Down":   "web1 web2",
		"%Web & /^w/ - /3/":  "web1 web2",
		"%Web & /W/":         "",
		"%{W{eb}}:Down":      "web3",
		"%web":               "NOCLUSTERDEF: web",
		"!db1":               "web1",
		"/^web/":             "web1",
		"%clusters(WEB2)":    "web1 web2 web3",
		"q(A B) & /a b/":     "a b|",
	} {
		checkMeaning(t, e, expr, want)
	}
	set, err := e.Eval("web*,DB1 - WEB2")
	if err != nil || !set.Contains("web1") || set.Contains("web2") || !set.Contains("db1") {
		t.Errorf("%q, %v", set.Names(), err)
	}
}

func TestSetsUnite(t *testing.T) {
	of := func(expr string) *Set {
		s, err := typist().Eval(expr)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	u := of("a,b*").Union(of("a,c,d*"))
	if !slices.Equal(u.Names(), []string{"a", "c"}) || !u.Contains("b1") || !u.Contains("d1") || u.Contains("e") || !u.Open() || u.Len() != 2 {
		t.Errorf("%q", u.Names())
	}
	var none *Set
	if a := of("a"); none.Union(a) != a || a.Union(none) != a || none.Union(nil) != nil {
		t.Error("the union with none is not the other set")
	}
	if none.Contains("") || none.Open() || none.Names() != nil || none.Len() != 0 {
		t.Error("no set holds a name")
	}
	names := u.Names()
	names[0] = "z"
	if !u.Contains("a") || u.Names()[0] != "a" {
		t.Error("a set is changed through its names")
	}
}
