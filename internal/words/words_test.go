package words

import "testing"

func TestNearestFindsMisspellings(t *testing.T) {
	words := []string{"directory", "redis", "agent", "stale_after", "legacy"}
	for text, want := range map[string]string{"directry": "directory", "reddis": "redis", "agnet": "agent", "staleafter": "stale_after", "entirely": "", "xyz": ""} {
		if got := Nearest(text, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", text, got, want)
		}
	}
}
