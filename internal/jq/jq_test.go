package jq

import (
	"bytes"
	"strings"
	"testing"
)

// What one object can cost is bounded, in what it holds and in what is made of it.
func TestJQIsBounded(t *testing.T) {
	p := func(expr string) *Program {
		t.Helper()
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, err := p(".").results(t.Context(), bytes.Repeat([]byte("1 "), jqObject)); err == nil || !strings.Contains(err.Error(), "jq is given at most") {
		t.Errorf("a large object: %v", err)
	}
	if _, err := p("repeat(.)").results(t.Context(), []byte(`"x"`)); err == nil || !strings.Contains(err.Error(), "makes more than") {
		t.Errorf("endless results: %v", err)
	}
	deep := strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000)
	if _, err := p(".").results(t.Context(), []byte(deep)); err == nil {
		t.Error("a deep object was taken")
	}
}
