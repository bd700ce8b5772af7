package parse

import (
	"strings"
	"testing"
)

// A name may hold anything: it must not make rows of its own, nor take a row's room.
func TestANameStaysOnItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"sw1":                                "sw1",
		"sw1\r\n  core":                      "sw1??  core",
		"sw\xff":                             "sw?",
		strings.Repeat("x", 300):             strings.Repeat("x", MaxName),
		strings.Repeat("x", MaxName-1) + "ü": strings.Repeat("x", MaxName-1) + "?",
	} {
		if got := Name(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
