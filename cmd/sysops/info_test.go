package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// What one form takes and the environment has must not keep the others from being printed.
func TestTheEnvironmentIsInNoFormsWay(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/etc/motd", "x\n")
	t.Setenv("SYSOPS_SAMPLE", "10")
	t.Setenv("SYSOPS_EXAMPLES", "10")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"sysops", "--server", server.URL(), "info"}, strings.NewReader(""), &stdout, &stderr); code != exitMatch {
		t.Errorf("exit status %d: %s", code, stderr.String())
	}
}
