package rangeexpr_test

import (
	"fmt"
	"path"

	"github.com/sysops-api/sysops-api/internal/rangeexpr"
)

func ExampleEvaluator_Eval() {
	e := &rangeexpr.Evaluator{Clusters: rangeexpr.Files("testdata/clusters")}
	for _, expr := range []string{
		"web08..11.example.com, db{1,3}",
		"%web,%{web,db}:DOWN - web5",
		"%{has(TYPE;redis)} & /[12]$/",
		"%weg",
	} {
		hosts, err := e.Eval(expr)
		fmt.Println(hosts.Names(), err)
	}
	// Output:
	// [db1 db3 web08.example.com web09.example.com web10.example.com web11.example.com] <nil>
	// [db2 web1 web2 web3 web4] <nil>
	// [cache1 cache2 db1 db2 web1] <nil>
	// [] column 1: there is no cluster weg: is it web?
}

// What a person types may have globs. Which hosts they stand for is not known, but
// whether one is among them is.
func ExampleEvaluator_Eval_globs() {
	e := &rangeexpr.Evaluator{Glob: func(word string) (func(string) bool, error) {
		_, err := path.Match(word, "")
		return func(name string) bool { ok, _ := path.Match(word, name); return ok }, err
	}}
	hosts, err := e.Eval("db1, web* - web13")
	fmt.Println(hosts.Names(), hosts.Open(), err)
	fmt.Println(hosts.Contains("web12"), hosts.Contains("web13"))
	// Output:
	// [db1] true <nil>
	// true false
}

// A server of Range answers what it can, and names what is missing.
func ExampleEvaluator_EvalPartly() {
	e := &rangeexpr.Evaluator{Clusters: rangeexpr.Files("testdata/clusters")}
	hosts, problems := e.EvalPartly("%nosuch,web1..3")
	fmt.Println(rangeexpr.Compress(hosts.Names()))
	for _, p := range problems {
		if lookup, ok := p.(*rangeexpr.LookupError); ok {
			fmt.Println("RangeException:", lookup.Exception())
		}
	}
	// Output:
	// web1..3
	// RangeException: NOCLUSTERDEF: nosuch
}

func ExampleFold() {
	fmt.Println(rangeexpr.Fold([]string{"web10.example.com", "web9.example.com", "web8.example.com", "db1"}))
	// Output: db1,web8..10.example.com
}

func ExampleCompress() {
	fmt.Println(rangeexpr.Compress([]string{"host8", "host9", "host10", "host11"}))
	// Output: host8..9,host10..1
}
