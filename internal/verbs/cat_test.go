package verbs_test

import (
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestCat(t *testing.T) {
	client := fleet(t, map[string]objects{
		"db1":  {"facts": `{"cpus": 8}`},
		"web1": {"facts": `{"cpus": 4}`},
		"web2": {"facts": `{"cpus": 4}`},
		"web3": {"facts": "none\n"},
	})
	rows, o := ran(t, client, &verbs.Cat{Pattern: "db1#facts"})
	if rows != `{"key": "db1#facts", "host": "db1", "name": "facts", "contents": "{\"cpus\": 8}"}`+"\n" || o.Matched != 1 || o.Complete.Answered != 1 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	rows, o = ran(t, client, &verbs.Cat{Pattern: "web?#facts", Uniq: true, Fold: true})
	want := `{"count": 2, "sha256": "0d1610b4458c0cb9c139099db9b19b8c3faad82d868c4beaade35abcb98a5c1e", "example": "web1#facts", "host_count": 2, "hosts": "web1..2"}
{"count": 1, "sha256": "fcf33dfbe13c2354bf0e1b063f9fb422747a46cee00b7420bceff2b81457b345", "example": "web3#facts", "host_count": 1, "hosts": "web3"}
`
	if rows != want || o.Matched != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	cpus := ".cpus"
	rows, o = ran(t, client, &verbs.Cat{Pattern: "facts", JQ: &cpus, Uniq: true, Fold: true})
	want = `{"count": 2, "value": 4, "host_count": 2, "hosts": "web1..2"}
{"count": 1, "value": 8, "host_count": 1, "hosts": "db1"}
`
	if rows != want || o.Matched != 2 || len(*o.LeftOut) != 1 || !o.Partial(false) {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	misused(t, &verbs.Cat{Pattern: "facts", Fold: true}, "cat fold", "fold")
	misused(t, &verbs.Cat{Pattern: "facts", Raw: true}, "cat raw", "raw-output")
}
