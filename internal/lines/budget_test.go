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

// publishLines pushes objects of which each has so many lines that no other has.
func publishLines(t *testing.T, c *sysops.Client, host string, lines int, names ...string) {
	t.Helper()
	snap := snapshot.Snapshot{Host: host}
	for _, name := range names {
		var b strings.Builder
		for j := range lines {
			fmt.Fprintf(&b, "host %s line %03d%s\n", host, j, strings.TrimPrefix(name, "/var/log/x"))
		}
		contents := []byte(b.String())
		snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Private: true, Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{Data: contents}, nil }})
	}
	if _, err := c.Publish(t.Context(), "", snap); err != nil {
		t.Fatal(err)
	}
}

// A host that sends more lines than fit beside those of the others is left out, and told.
func TestOneHostCannotUseUpTheLinesOfAll(t *testing.T) {
	c, err := sysops.New(sysops.ServerList(redistest.Start(t).URL()), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		publishLines(t, c, fmt.Sprintf("h%d", i), 100, "/var/log/x")
	}
	publishLines(t, c, "evil", 900, "/var/log/x1", "/var/log/x2", "/var/log/x3")
	p, err := sysops.ParsePattern("log")
	if err != nil {
		t.Fatal(err)
	}
	every, err := sysops.CompileExpr("", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []struct{ lines, text int64 }{{2000, 1 << 20}, {1 << 20, 30_000}} {
		undo := lines.LimitLines(limit.lines, limit.text)
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: p})
		if err != nil {
			t.Fatal(err)
		}
		counts, err := a.CountLines(t.Context(), every, sysops.CountOptions{})
		undo()
		if err != nil || len(counts) != 300 {
			t.Errorf("%+v: %d lines, %v; want the 300 of the others", limit, len(counts), err)
		}
		complete := a.Completeness()
		if !complete.Partial() || complete.Answered != 3 || len(complete.Unreadable) != 3 || complete.Unreadable[0].Key != "evil#/var/log/x1" {
			t.Errorf("%+v: %v, %+v", limit, complete, complete.Unreadable)
		}
	}
}

// A question of which the answer would not fit into memory is refused, whichever host
// sends all the lines; one that fits exactly is answered.
func TestLinesAreBounded(t *testing.T) {
	c, err := sysops.New(sysops.ServerList(redistest.Start(t).URL()), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		publishLines(t, c, fmt.Sprintf("h%d", i), 500, "/var/log/x")
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
	}{{1500, 1 << 20, true}, {1499, 1 << 20, false}, {1 << 20, 1500 * 16, true}, {1 << 20, 1500*16 - 1, false}, {1, 1 << 20, false}} {
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
