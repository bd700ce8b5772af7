package lines_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/lines"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A question of which the answer would not fit into memory is refused, whichever host
// sends all the lines; one that fits exactly is answered.
func TestLinesAreBounded(t *testing.T) {
	c, err := sysops.New(sysops.ServerList(redistest.Start(t).URL()), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		var b strings.Builder
		for j := range 500 {
			fmt.Fprintf(&b, "host %d line %03d\n", i, j)
		}
		contents := []byte(b.String())
		snap := snapshot.Snapshot{Host: fmt.Sprintf("h%d", i), Sources: []snapshot.Source{{Name: "/var/log/x", Private: true, Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{Data: contents}, nil }}}}
		if _, err := c.Publish(t.Context(), "", snap); err != nil {
			t.Fatal(err)
		}
	}
	p, err := sysops.ParsePattern("/var/log/x")
	if err != nil {
		t.Fatal(err)
	}
	every, err := sysops.CompileExpr("", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		lines, text int64
		fits        bool
	}{{1500, 1 << 20, true}, {1499, 1 << 20, false}, {1 << 20, 1500 * 15, true}, {1 << 20, 1500*15 - 1, false}, {1, 1 << 20, false}} {
		undo := lines.LimitLines(row.lines, row.text)
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: p})
		if err != nil {
			t.Fatal(err)
		}
		counts, counted := a.CountLines(t.Context(), every, sysops.CountOptions{Hosts: true})
		var deviations int
		var deviated error
		for d, err := range a.Deviations(t.Context(), sysops.DeviationOptions{}) {
			deviated = err
			deviations += len(d.Lines)
		}
		undo()
		if row.fits && (counted != nil || deviated != nil || len(counts) != 1500 || deviations != 1500) {
			t.Errorf("%d lines, %d bytes: %d lines and %d deviations; %v; %v", row.lines, row.text, len(counts), deviations, counted, deviated)
		}
		for _, err := range []error{counted, deviated} {
			if !row.fits && (err == nil || !strings.HasPrefix(err.Error(), "cannot count more than "+words.Grouped(int(row.lines))+" different lines")) {
				t.Errorf("%d lines, %d bytes: got error %v", row.lines, row.text, err)
			}
		}
	}
}
