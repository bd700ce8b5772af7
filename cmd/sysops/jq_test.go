package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// An expression may never end. Ctrl-C ends it, and the answer with it: nothing that was
// not printed passes for left out.
func TestEndlessExpressionIsInterrupted(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	for i := range 20 {
		publish(t, server.URL(), fmt.Sprintf("web%d", i), "/facts.json", fmt.Sprintf(`{"n": %d}`, i))
	}
	for _, expr := range []string{
		`if .n > 3 then def f: f; f else .n end`,
		`if .n > 3 then [range(infinite) | select(false)] else .n end`,
		`if .n > 3 then last(repeat(1)) else .n end`,
		`try (def f: f; f) catch .`,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel)
		var stdout, stderr bytes.Buffer
		code := run(ctx, []string{"sysops", "--server", server.URL(), "cat", "--jq", expr, "/facts.json"}, strings.NewReader(""), &stdout, &stderr)
		cancel()
		if code != exitSignal || stderr.String() != "sysops: interrupted\n" {
			t.Errorf("%s: status %d, stderr %q", expr, code, stderr.String())
		}
	}
}

// Objects are evaluated side by side: their results come in the order of the keys all
// the same, each object's together, for more objects than are under way at a time.
func TestResultsComeInKeyOrder(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	var want strings.Builder
	for i := range 200 {
		host := fmt.Sprintf("web%03d", i)
		publish(t, server.URL(), host, "/facts.json", fmt.Sprintf(`{"n": %d}`, i))
		fmt.Fprintf(&want, "%s#/facts.json:%d\n%s#/facts.json:\"end\"\n", host, i, host)
	}
	var stdout, stderr bytes.Buffer
	// the earlier an object, the longer it takes
	expr := `.n, (last(range((200 - .n) * 100)) | "end")`
	code := run(t.Context(), []string{"sysops", "--server", server.URL(), "cat", "-H", "--jq", expr, "/facts.json"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitMatch || stdout.String() != want.String() {
		t.Errorf("status %d, %s\n%s", code, stderr.String(), stdout.String())
	}
}
