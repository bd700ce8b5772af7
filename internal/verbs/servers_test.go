package verbs_test

import (
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestChangesOfServers(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "x"}})
	for _, v := range []verbs.Verb{&verbs.GC{}, &verbs.Adopt{}} {
		rows, o := ran(t, client, v)
		if strings.Count(rows, "\n") != 1 || !strings.Contains(rows, `"hosts": 0, "entries": 0, "names": 0, "objects": 0, "repaired": 0, "ahead": 0, "bases": 0, "error": ""}`) || o.Failed != nil {
			t.Errorf("the rows of %T are\n%s, the outcome %+v", v, rows, o)
		}
	}
	_, o := ran(t, clientOf(t, "redis://127.0.0.1:1"), &verbs.GC{})
	if o.Failed == nil {
		t.Error("a server that cannot be reached was pruned")
	}
	misused(t, &verbs.GC{Keep: -1}, "gc keep", "keep")
}
