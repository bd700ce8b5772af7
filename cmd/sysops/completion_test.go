package main

import (
	"io"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// What the shell completes is what the commands take.
func TestChoicesAreTaken(t *testing.T) {
	u := newUI(strings.NewReader(""), io.Discard, io.Discard)
	for flag, take := range map[string]func(string) error{
		"format": func(s string) error { _, err := output.NewSink(s, u.stdout.Writer, nil); return err },
		"color":  func(s string) error { _, err := terminal.Colored(s, false); return err },
		"scope":  func(s string) error { _, err := sysops.ParseScope(s); return err },
	} {
		for _, value := range choices()[flag] {
			if err := take(value); err != nil {
				t.Errorf("--%s %s is completed and refused: %v", flag, value, err)
			}
		}
		if err := take("no such " + flag); err == nil {
			t.Errorf("--%s takes anything: this test shows nothing", flag)
		}
	}
}
