package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A server that is full refuses all objects for one reason, on every host and every 20 minutes.
func TestAServerThatRefusesManyObjectsIsToldOfInAFewLines(t *testing.T) {
	for refused, lines := range map[int]int{0: 1, 3: 4, 4: 5, 1000: 5} {
		report := snapshot.ServerReport{Server: "mps01:6379/1"}
		for i := range refused {
			name := fmt.Sprintf("/etc/%04d", i)
			report.Refused = append(report.Refused, snapshot.Problem{Name: name, Err: fmt.Errorf("cannot replace %s: %w", name, errors.New("server mps01:6379/1 is out of memory"))})
		}
		var w strings.Builder
		printReport(&w, &snapshot.Report{Servers: []snapshot.ServerReport{report}}, nil)
		got := w.String()
		more := refused - mostRefused
		if strings.Count(got, "\n") != lines || strings.Contains(got, fmt.Sprintf(" did not take %s\n", words.Plural(more, "more object"))) != (more > 0) {
			t.Errorf("%d refused objects:\n%s", refused, got)
		}
		if counts := fmt.Sprintf(", %d REFUSED · ", refused); strings.Contains(got, counts) != (refused > 0) {
			t.Errorf("%d refused objects are not counted:\n%s", refused, got)
		}
	}
}
