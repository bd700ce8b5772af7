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

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 24247: "24,247", 1234567: "1,234,567", -5: "-5", -999: "-999", -1000: "-1,000", -123456: "-123,456"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestSizesAreWrittenAsRedisDoes(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 1 << 20: "1.00M", 5 << 29: "2.50G", 1 << 50: "1024.00T"} {
		if got := Size(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
