package verbs_test

import (
	"encoding/json"
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestQueries(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "x"}})
	ran(t, client, &verbs.Find{Search: "motd"})
	rows, o := ran(t, client, &verbs.Queries{Lines: 5})
	var row struct {
		Pattern string
		Keys    int
	}
	if err := json.Unmarshal([]byte(rows), &row); err != nil || row.Pattern != "motd" || row.Keys != 1 || o.Cost.Keys != 1 || o.Partial(true) {
		t.Errorf("the rows are\n%s, the outcome %+v, %v", rows, o, err)
	}
	if err := (&verbs.Queries{Lines: -1}).Check(); err == nil {
		t.Error("a negative number of queries is a number")
	}
}
