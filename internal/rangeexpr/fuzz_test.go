package rangeexpr

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fuzzClusters = sourceOf{
	"all":    "CLUSTER: '%{web,db}'\n",
	"web":    "CLUSTER: $ALL - $DOWN\nALL: web1..9\nDOWN: web3\nBAD: 'x,('\n",
	"db":     "CLUSTER: [db1..3, 'x{$A,y}z']\nA: '%loop'\n",
	"loop":   "CLUSTER: '%db'\nSELF: $SELF\nGONE: '%gone'\n",
	"GROUPS": "front: web1..3\nback: '%db,%nosuch'\n",
	"bomb":   "CLUSTER: '{1..99}{1..99}{1..99}'\n",
	"list":   "- a\n",
}

// Whatever the expression, it stands for hosts within the limits, or an error says
// where in it, or in which file, it stops.
func FuzzEval(f *testing.F) {
	for _, expr := range []string{
		"host8..11", "h1.example.com..3.example.com", "{a,b}{1..2}", "a{b{1..2},c}d", "q(a b)", `"a\"b"`, "'a'{b}(c)",
		"a,b,c - b", "a,b,c ,- b", "a,(b,c & c)", "a - /x/ & /[a-z]+/", "/x/", "!web1", "{a}!b{c}", "-", ",,", "{}", "()",
		"%web", "%web:{ALL,DOWN}", "%%web", "%web:KEYS", "%loop", "%loop:SELF", "%bomb", "%list", "%web:BAD", "%{web,nosuch}-mps",
		"@front", "?web1", "*web1", "^x", "$front", "clusters(web1)", "has(ALL;web1)", "mem(web;web3)", "allclusters()", "#cluster(web)", "f(;)",
		"web*,db[1-3]", "web* - web13", "{web*,db}.x", "%*web1", "@?web1", "web{1..3", "1..1..1.a..1.a", "{{{{", "h{1..99999}{1..99999}", "é", "\x00\xff",
		"h0..99999999999999999999999999", "{1..9}{1..9}{1..9}{1..9}{1..9}{1..9}", "a & /(((/", "(a|b)", "web1..{3,4}", "a-b -c",
	} {
		f.Add(expr, false)
		f.Add(expr, true)
	}
	const most = 5_000
	globs := typist().Glob
	f.Fuzz(func(t *testing.T, expr string, typed bool) {
		e := &Evaluator{Clusters: fuzzClusters, MaxHosts: most, MaxWork: 200_000}
		if typed {
			e.Glob = globs
		}
		set, err := e.Eval(expr)
		checkError(t, expr, err)
		partly, problems := e.EvalPartly(expr)
		for _, p := range problems {
			checkError(t, expr, p)
		}
		for _, s := range []*Set{set, partly} {
			if names := s.Names(); len(names) > most || !slices.IsSorted(names) || len(slices.Compact(names)) != s.Len() {
				t.Fatalf("%q: %q", expr, names)
			}
			s.Contains("web1")
		}
		if err != nil {
			if set != nil || len(problems) == 0 {
				t.Fatalf("%q: %v, but partly %q", expr, err, problems)
			}
			return
		}
		if len(problems) > 0 || !slices.Equal(set.Names(), partly.Names()) {
			t.Fatalf("%q stands for %q, but partly for %q (%v)", expr, set.Names(), partly.Names(), problems)
		}
		checkFold(t, set.Names())
		checkCompress(t, set.Names())
		if want, ok := wordsOfText(expr); ok && !typed && !slices.Equal(set.Names(), want) {
			t.Fatalf("%q stands for %q, want %q", expr, set.Names(), want)
		}
	})
}

func checkError(t *testing.T, expr string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if in, ok := err.(*FileError); ok { // not one within: a cluster that cannot be read is named in expr
		expr = fuzzText(in)
	}
	var column int
	if bad, ok := errors.AsType[*SyntaxError](err); ok {
		column = bad.Column
	} else if bad, ok := errors.AsType[*LookupError](err); ok {
		column = bad.Column
	} else if bad, ok := errors.AsType[*LimitError](err); ok {
		column = bad.Column
	} else if strings.HasSuffix(err.Error(), "more problems") {
		return
	}
	if column < 1 || column > len(expr)+1 {
		t.Fatalf("%q: column %d: %v", expr, column, err)
	}
}

// fuzzText returns what of a file an error is about, at least.
func fuzzText(in *FileError) string { return fuzzClusters[strings.TrimSuffix(in.File, ".yaml")] }

var (
	onlyWords   = regexp.MustCompile(`^[A-Za-z0-9_.:\-,{} \n]*$`)
	besideBrace = regexp.MustCompile(`[ \n]+(\{)|(\})[ \n]+`) // white space that means nothing
)

// wordsOfText expands words and braces in the way of a shell, text by text. It is for
// what has nothing else, and whose braces are closed.
func wordsOfText(expr string) ([]string, bool) {
	if !onlyWords.MatchString(expr) || regexp.MustCompile(`(^|[ \n,{}])-`).MatchString(expr) {
		return nil, false
	}
	expr = besideBrace.ReplaceAllString(expr, "$1$2")
	var all []string
	for expr != "" {
		end := endOfWord(expr)
		all = append(all, textsOfWord(expr[:end])...)
		expr = expr[min(end+1, len(expr)):]
	}
	slices.Sort(all)
	return slices.Compact(all), true
}

// endOfWord returns where the first separator outside braces is.
func endOfWord(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ' ', '\n', ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

func textsOfWord(w string) []string {
	texts := []string{""}
	for w != "" {
		var part []string
		if w[0] == '{' {
			end := 1
			for depth := 1; depth > 0; end++ {
				switch w[end] {
				case '{':
					depth++
				case '}':
					depth--
				}
			}
			part, _ = wordsOfText(w[1 : end-1])
			w = w[end:]
		} else {
			text, _, _ := strings.Cut(w, "{")
			w = w[len(text):]
			part = []string{text}
			if s, ok := parseSequence(text); ok {
				part = s.names()
			}
		}
		if len(part) == 0 {
			continue // is the empty text
		}
		var longer []string
		for _, head := range texts {
			for _, tail := range part {
				longer = append(longer, head+tail)
			}
		}
		slices.Sort(longer)
		texts = slices.Compact(longer)
	}
	if slices.Equal(texts, []string{""}) {
		return nil
	}
	return texts
}

// Whatever the names, they fold, are compressed, and come back.
func FuzzFold(f *testing.F) {
	f.Add("web1\nweb2\nweb3.x")
	f.Add("08\n8\n9\n09\n10\n010")
	f.Add("r1.n1.n1\nr1.n2.n1\nr1.n3.n1\nr1.n4.n1\nr1.n5.n1")
	f.Add("a1-1\na2-1\na1-2\na-\n-a\n..\n.1\n.2")
	f.Add("::1\n::2\n::3\n::4\n\"\n\\\n\x00\n ")
	f.Add("r1n1\nr1n2\nr2n1\nr2n2\nr3n1\nr3n2\nr4n1\nr4n2\nr5n1\nr5n2")
	f.Add("h999999999\nh1000000000\nh0999999999\nh99999999999999999999\nh100000000000000000000")
	f.Fuzz(func(t *testing.T, names string) {
		checkFold(t, strings.Split(names, "\n"))
		checkCompress(t, strings.Split(names, "\n"))
	})
}
