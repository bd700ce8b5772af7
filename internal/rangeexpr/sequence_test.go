package rangeexpr

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// testdata/sequences.txt has what the regular expression of Range, and its printf,
// make of words that were drawn from the parts of sequences.
func TestWordsAreSequencesWhereRangeTakesThemForThat(t *testing.T) {
	table, err := os.ReadFile("testdata/sequences.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		rows++
		want := fields[1:]
		got := []string{"literal"}
		if s, ok := parseSequence(fields[0]); ok {
			got = s.names()
			slices.Sort(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", fields[0], got, want)
		}
	}
	if rows < 300 {
		t.Errorf("only %d rows", rows)
	}
}
