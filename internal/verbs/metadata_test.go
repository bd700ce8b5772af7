package verbs_test

import (
	"regexp"
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestElements(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "one two\n"}, "web2": {"motd": "x"}})
	const key = `{"key": "web1#motd", "host": "web1", "name": "motd", `
	for _, tt := range []struct {
		verb verbs.Verb
		want string // of the first row, an expression
	}{
		{&verbs.Stat{Elements: verbs.Elements{Pattern: "motd"}}, `"stat": null}`},
		{&verbs.MD5Sum{Elements: verbs.Elements{Pattern: "motd"}}, `"md5sum": "d93a8e472924b95f416914d2fe376747"}`},
		{&verbs.Counts{Elements: verbs.Elements{Pattern: "motd"}}, `"lines": 1, "words": 2, "bytes": 8}`},
		{&verbs.Time{Elements: verbs.Elements{Pattern: "motd"}, Ago: true}, `"time": "20..-..-..T..:..:..(\.\d+)?Z"}`},
	} {
		rows, o := ran(t, client, tt.verb)
		if !regexp.MustCompile("^"+regexp.QuoteMeta(key)+tt.want+"\n").MatchString(rows) || o.Matched != 2 || o.Complete.Answered != 2 {
			t.Errorf("the rows of %T are\n%s, the outcome %+v", tt.verb, rows, o)
		}
	}
	misused(t, &verbs.Time{Elements: verbs.Elements{Pattern: "motd"}, Ago: true, Unix: true}, "time forms", "ago", "unix")
	if err := (&verbs.Stat{}).Check(); err == nil {
		t.Error("no pattern selects objects")
	}
}
