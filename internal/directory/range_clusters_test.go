package directory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What a Range server says of hosts that are in no cluster takes nothing from what it
// says of the others; any other trouble does.
func TestInNoCluster(t *testing.T) {
	many := "NO_CLUSTER: h1"
	for i := range 300 {
		many += fmt.Sprintf(", NO_CLUSTER: host%d.example.com", i)
	}
	for _, c := range []struct {
		said string
		ok   bool
	}{
		{"NO_CLUSTER: h1", true},
		{"NO_CLUSTER: h1, h2", true},
		{"NO_CLUSTER: h1, NO_CLUSTER: h2", true},
		{"NO_CLUSTER: h1, there are 5 more problems", true},
		{many[:2047], true},
		{"NO_CLUSTER: h1, NOCLUSTERDEF: web", false},
		{"NOCLUSTERDEF: web; NO_CLUSTER: h1", false},
		{"NO_FUNCTION: clusters", false},
		{"clusters: cannot list them", false},
		{"syntax error, unexpected end", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("RangeException", c.said)
			fmt.Fprint(w, "rack1\nrack2\n")
		}))
		service, err := Open("range://"+strings.TrimPrefix(server.URL, "http://"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.(Expander).Expand(t.Context(), "clusters(h0,h1)")
		server.Close()
		if err == nil {
			t.Fatalf("%q is no error", c.said)
		}
		got, ok := InNoCluster(err)
		if ok != c.ok || ok && !slices.Equal(got, []string{"rack1", "rack2"}) {
			t.Errorf("%.80q: got %q, %v", c.said, got, ok)
		}
	}
	if _, ok := InNoCluster(errors.Join(context.Canceled, nil)); ok {
		t.Error("what is cancelled was answered")
	}
	if _, ok := InNoCluster(nil); ok {
		t.Error("no error is an answer")
	}
}
