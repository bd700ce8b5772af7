package verbs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestHosts(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "x"}, "web2": {"motd": "y", "rc": "z"}})
	rows, o := ran(t, client, &verbs.Hosts{})
	if !strings.HasPrefix(rows, `{"host": "web1", "state": "live", "pushed": "20`) || strings.Count(rows, "\n") != 2 || o.Matched != 2 || o.Complete.Expected != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	if rows, o = ran(t, client, &verbs.Hosts{Fold: true}); rows != `{"host_count": 2, "hosts": "web1..2"}`+"\n" || o.Matched != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	if rows, o = ran(t, client, &verbs.Hosts{Missing: true, Stale: true}); rows != "" || o.Matched != 0 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}

	if got := told(t, client, &verbs.Forget{Hosts: []string{"web2"}}); got != "removed 2 objects of web2\n" {
		t.Errorf("it tells %q", got)
	}
	if rows, _ = ran(t, client, &verbs.Hosts{Fold: true}); rows != `{"host_count": 1, "hosts": "web1"}`+"\n" {
		t.Errorf("the rows are\n%s", rows)
	}
	for _, exprs := range [][]string{{"web2"}, {"web1", "web2"}, {"db*"}} {
		_, err := (&verbs.Forget{Hosts: exprs}).Run(t.Context(), &verbs.Call{Client: client})
		if h, ok := errors.AsType[*hint.Error](err); !errors.Is(err, sysops.ErrUnknown) || !ok || h.Cause != hint.UnknownHost {
			t.Errorf("%q is forgotten, and unknown: %v", exprs, err)
		}
	}
	if _, o := ran(t, client, &verbs.Hosts{}); o.Matched != 1 {
		t.Error("what was refused removed something")
	}
}

func TestExpand(t *testing.T) {
	rows, o := ran(t, nil, &verbs.Expand{Expr: "web1..3 - web2"})
	if rows != "{\"host\": \"web1\"}\n{\"host\": \"web3\"}\n" || o.Matched != 2 || o.Complete != nil {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
}
