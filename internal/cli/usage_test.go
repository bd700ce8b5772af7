package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Paragraphs are filled; a line that begins with a space stays as it is, however long.
func TestFill(t *testing.T) {
	table := "  a   " + strings.Repeat("b", 90)
	in := strings.Repeat("word ", 20) + "\nends.\n\nTwo:\n" + table + "\nlast ü" + strings.Repeat("x", 79)
	want := strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word ends.\n\nTwo:\n" + table + "\nlast\nü" + strings.Repeat("x", 79)
	if got := fill(in); got != want {
		t.Errorf("filled, it is\n%s\nwant\n%s", got, want)
	}
}

// The manual groups flags as the help does.
func TestManualGroupsFlags(t *testing.T) {
	cmd := &cobra.Command{Use: "grep", Short: "Print", Run: func(*cobra.Command, []string) {}}
	GroupFlags(cmd, "Flags of most questions", func() { cmd.Flags().String("hosts", "", "these `hosts`") })
	cmd.Flags().Bool("count", false, "count them")
	own, shared, ok := strings.Cut(string(manualPage(cmd, Build{})), `.SH "OPTIONS OF MOST QUESTIONS"`)
	if !ok || !strings.Contains(own, `\-\-count`) || !strings.Contains(shared, `\-\-hosts`) {
		t.Errorf("the page is\n%s%s", own, shared)
	}
}
