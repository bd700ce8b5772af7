package rangeexpr

import (
	"slices"
	"strings"
	"testing"
)

func TestTypedWordsMayBeGlobs(t *testing.T) {
	for expr, want := range map[string]string{
		"":                       "",
		"web*,db1..3":            "db1 db2 db3 web*",
		"web[1-3],db?":           "db? web[1-3]",
		"*.{esv4,eat1}.x":        "*.eat1.x *.esv4.x",
		"web{01..03}*":           "web01* web02* web03*",
		"{web*,db1}.x":           "db1.x web*.x",
		`web\*`:                  `web\*`,
		"web[^!]":                "web[^!]",
		"web1..2.x {db1,db2*}.x": "db1.x db2*.x web1.x web2.x",
		"{esv4,eat1}-mps":        "eat1-mps esv4-mps",
		"a,{b,c}-{d,e}-f,g":      "a b-d-f b-e-f c-d-f c-e-f g",
		`"web1..3"`:              "web1..3",
	} {
		if got, err := ExpandTyped(expr); err != nil || !slices.Equal(got, fields(want)) {
			t.Errorf("%q stands for %q (%v), want %q", expr, got, err, want)
		}
	}
	if got, err := ExpandTyped("*{1..2000}"); err != nil || len(got) != 2000 {
		t.Errorf("%d globs, %v", len(got), err)
	}
}

func TestTypedWordsThatAreRefused(t *testing.T) {
	for expr, want := range map[string]string{
		"db1,web01..03*": "column 10: a sequence goes in braces where the word is a glob: web{1..3}*",
		"db1,web3..1":    "column 5: this stands for no host: write the lower number first",
		"web{}":          "column 4: this word has a part that stands for nothing",
		"web*,%db":       "column 6: only hosts, sequences, braces and globs are understood here",
		"a - b":          "column 5: only hosts",
		"a{b - c}":       "column 7: only hosts",
		"(a & b)":        "column 6: only hosts",
		"a,!b":           "column 3: only hosts",
		"a,$b":           "column 3: only hosts",
		"a,/b/":          "column 3: only hosts",
		"a,f(b)":         "column 3: only hosts",
	} {
		if hosts, err := ExpandTyped(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q stands for %q (%v); want the error %s", expr, hosts, err, want)
		}
	}
}
