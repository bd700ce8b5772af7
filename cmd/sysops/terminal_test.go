package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Contents come from machines that may be hostile: on a terminal, their escape
// sequences are shown instead of obeyed. A pipe gets what the host has (cat_bytes
// among the scripts).
func TestContentsAreNeutralisedOnATerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/etc/motd", "\x1b[2J\u202ehello\x9b\n")
	for _, verb := range [][]string{
		{"cat", "/etc/motd"},
		{"grep", "hello", "/etc/motd"},
		{"grep", "--uniq", "hello", "/etc/motd"},
		{"grep", "--uniq", "--fold", "hello", "/etc/motd"},
		{"grep", "--sort", "-line", "hello", "/etc/motd"},
		{"extract", "--search", "motd", "--contents"},
	} {
		screen := ownColours.ReplaceAllString(onTerminal(t, append([]string{"sysops", "--server", server.URL()}, verb...)), "")
		if strings.Contains(screen, "\x1b") || !strings.Contains(screen, `^[[2J\u202ehello\x9b`) {
			t.Errorf("%s shows %q", strings.Join(verb, " "), screen)
		}
	}
}

// JSON spells escape sequences harmlessly; --raw-output makes them what they are.
func TestResultsAreNeutralisedOnATerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/facts.json", `{"motd": "\u001b[2J\u202ehello"}`)
	for _, flags := range [][]string{{"-r"}, {"-r", "-H"}, {"-r", "--uniq"}} {
		args := append([]string{"sysops", "--server", server.URL(), "cat", "--jq", ".motd", "/facts.json"}, flags...)
		if screen := onTerminal(t, args); strings.Contains(screen, "\x1b") || !strings.Contains(screen, `^[[2J\u202ehello`) {
			t.Errorf("%v shows %q", flags, screen)
		}
	}
}

// ownColours are ours: what the host sends holds none.
var ownColours = regexp.MustCompile("\x1b\\[[0-9;]*[mK]")

// Names and hosts are text of theirs as well: in errors, they are neutralised even
// where stderr is no terminal, because it ends up on one.
func TestErrorsAreNeutralised(t *testing.T) {
	isolateConfig(t)
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"sysops", "find", "--hosts", "web\x1b[31m", "motd"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitError || strings.Contains(stderr.String(), "\x1b") || stdout.Len() > 0 {
		t.Errorf("status %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}

// isolateConfig keeps the config of the machine and of whoever runs the tests away.
func isolateConfig(t *testing.T) {
	t.Setenv("SYSOPS_CONFIG", os.DevNull)
}

// publish pushes a snapshot of one object, and of more with the same contents.
func publish(t *testing.T, url, host, name, contents string, more ...string) {
	t.Helper()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	pushed := snapshot.Snapshot{Host: host}
	for _, name := range append(more, name) {
		pushed.Sources = append(pushed.Sources, snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte(contents)}, nil
		}})
	}
	if _, err = client.Publish(t.Context(), "", pushed); err != nil {
		t.Fatal(err)
	}
}

// onTerminal runs sysops with a terminal as stdout and returns what the terminal
// was sent.
func onTerminal(t *testing.T, args []string) string {
	t.Helper()
	screen := terminaltest.Open(t, 200)
	var stderr bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), screen.File, &stderr); code != exitMatch {
		t.Fatalf("%v: exit status %d: %s", args, code, stderr.String())
	}
	return screen.Sent()
}

// Whatever hosts call themselves and what they have, an answer and what is told beside it
// end where the screen does.
func TestAnswersFitTheTerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	for _, host := range []string{"web1", "web" + strings.Repeat("0", 60)} {
		publish(t, server.URL(), host, "/etc/motd", "hello\n", "/etc/网络\x1b[2J\u202e"+strings.Repeat("网", 40))
	}
	for _, width := range []int{20, 40, 80, 200} {
		for _, variable := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}} {
			t.Run(fmt.Sprintf("%d columns, %s", width, variable[0]), func(t *testing.T) {
				t.Setenv(variable[0], variable[1])
				screen := terminaltest.Open(t, width)
				for _, verb := range [][]string{{"grep", "-L", "nothing", "/etc/motd"}, {"grep", "-L", "nothing", "网络", "--limit", "1"}, {"ls"}} {
					args := append([]string{"sysops", "--server", server.URL()}, verb...)
					if code := run(t.Context(), args, strings.NewReader(""), screen.File, screen.File); code != exitMatch {
						t.Fatalf("%v: exit status %d", verb, code)
					}
					shown := screen.Sent()
					if strings.ContainsAny(shown, "\x1b\u202e") {
						t.Errorf("%v: the terminal is sent %q", verb, shown)
					}
					for line := range strings.SplitSeq(shown, "\r\n") {
						if n := terminal.Columns(line); n > width && verb[0] != "ls" { // whose names are whole
							t.Errorf("%v: %d of %d columns: %s", verb, n, width, line)
						}
					}
				}
			})
		}
	}
}
