package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// onWideTerminal runs sysops with a terminal of so many columns as stdout, and returns
// what the terminal was sent. Something must differ.
func onWideTerminal(t *testing.T, width int, args []string) string {
	t.Helper()
	screen := terminaltest.Open(t, width)
	var stderr bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), screen.File, &stderr); code != exitNothing {
		t.Fatalf("%v: exit status %d: %s", args, code, stderr.String())
	}
	return screen.Sent()
}

// Whatever the form of the differences, what hosts send is shown, not obeyed: on a
// terminal, where colours are ours, and in colours that are asked for.
func TestDifferencesAreNeutralisedOnATerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/etc/motd", "same\x1b[2J\nhello\x1b[31m world\n")
	publish(t, server.URL(), "web2", "/etc/motd", "same\x1b[2J\nhello\x1b[32m\u202eworld\x9b\n")
	for _, question := range [][]string{
		{"diff", "web1#/etc/motd", "web2#/etc/motd"},
		{"diff", "--all", "/etc/motd"},
		{"extract", "--search", "web1#/etc/motd", "--compare", "web2#/etc/motd"},
		{"extract", "--search", "/etc/motd", "--compare-all"},
	} {
		forms := [][]string{nil}
		if question[0] == "diff" {
			forms = [][]string{{}, {"--word"}, {"-y"}, {"--color", "never"}, {"--color", "never", "--word"}, {"--color", "never", "-y"}}
		}
		for _, form := range forms {
			args := append(append([]string{"sysops", "--server", server.URL()}, question...), form...)
			var screen string
			if question[0] == "diff" {
				screen = onWideTerminal(t, 160, args)
			} else {
				screen = onTerminal(t, args)
			}
			rest := ownColours.ReplaceAllString(screen, "")
			if strings.Contains(rest, "\x1b") || strings.ContainsRune(rest, '\u202e') || !utf8.ValidString(rest) || !strings.Contains(rest, "hello") || !strings.Contains(rest, "^[") {
				t.Errorf("%v %v shows %q", question, form, screen)
			}
			if strings.Contains(screen, "\x1b[2J") || strings.Contains(screen, "hello\x1b[3") {
				t.Errorf("%v %v shows %q: escapes of the host", question, form, screen)
			}
			if colored := rest != screen; colored != (question[0] == "diff" && len(form) < 2) {
				t.Errorf("%v %v shows %q: coloured %v", question, form, screen, colored)
			}
		}
	}
}

// Two columns are as wide as the terminal, whatever is in them.
func TestColumnsFillTheTerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	long := strings.Repeat("grüße ", 40)
	publish(t, server.URL(), "web1", "/etc/motd", "a\tb\n"+long+"1\n\x1b\x1b\x1b"+long+"\n")
	publish(t, server.URL(), "web2", "/etc/motd", "a\tb\n"+long+"2\n\x1b\x1b\x1b\x1b"+long+"\n")
	for _, width := range []int{61, 80, 160} {
		screen := onWideTerminal(t, width, []string{"sysops", "--server", server.URL(), "diff", "--color", "never", "-y", "web1#/etc/motd", "web2#/etc/motd"})
		half := (int(width) - 3) / 2
		lines := strings.Split(strings.TrimRight(strings.ReplaceAll(screen, "\r", ""), "\n"), "\n")
		if len(lines) != 5 {
			t.Fatalf("%d columns: %q", width, lines)
		}
		for _, line := range lines[3:] {
			if runes := []rune(line); len(runes) != 2*half+3 || string(runes[half:half+3]) != " | " || runes[half-1] != '…' || runes[len(runes)-1] != '…' {
				t.Errorf("%d columns: %q", width, line)
			}
		}
		if want := fmt.Sprintf("%-*s   a       b", half, "a       b"); lines[2] != want {
			t.Errorf("%d columns: %q, want %q", width, lines[2], want)
		}
	}
}

// Every two of very many variants would be more than anybody reads. The list and the
// differences from the most common one are not bounded so.
func TestTooManyPairsAreRefused(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	const mostPairs = 100
	for i := range mostPairs + 1 {
		publish(t, server.URL(), fmt.Sprintf("web%03d", i), "/etc/motd", fmt.Sprintf("%d\n", i))
	}
	for _, tt := range []struct {
		args []string
		code int
		want int // diffs
	}{
		{[]string{"diff", "--all", "/etc/motd"}, exitNothing, mostPairs},
		{[]string{"diff", "--all", "--pairs", "/etc/motd"}, exitError, 0},
		{[]string{"diff", "--all", "--pairs", "--limit", fmt.Sprint(mostPairs), "/etc/motd"}, exitNothing, mostPairs * (mostPairs - 1) / 2},
		{[]string{"extract", "--search", "/etc/motd", "--compare-all"}, exitNothing, 0},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"sysops", "--server", server.URL()}, tt.args...), strings.NewReader(""), &stdout, &stderr)
		if got := strings.Count(stdout.String(), "\n+++ "); code != tt.code || got != tt.want {
			t.Errorf("%v: exit status %d and %d diffs, want %d and %d: %s", tt.args, code, got, tt.code, tt.want, stderr.String())
		}
		if refused := strings.Contains(stderr.String(), "cannot show how every two of 101 variants differ: 100 are the most"); refused != (tt.want == 0) {
			t.Errorf("%v: refused %v: %s", tt.args, refused, stderr.String())
		}
	}
}

// What is too much to be read is said, in every form and format.
func TestTooLargeDifferencesAreSaid(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/etc/motd", "x\n")
	publish(t, server.URL(), "web2", "/etc/motd", strings.Repeat("y\n", 200_000))
	publish(t, server.URL(), "web3", "/etc/motd", strings.Repeat("y", 8<<20)+"\n")
	for _, form := range [][]string{nil, {"-y"}, {"--word"}, {"--color", "always"}, {"--format", "json"}} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"sysops", "--server", server.URL(), "diff", "web1#/etc/motd", "/etc/motd"}, form...)
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if n := strings.Count(stdout.String(), "#/etc/motd differ too much to be shown: 1 lines removed, "); n != 2 || code != exitNothing || stdout.Len() > 2000 {
			t.Errorf("%v: exit status %d, %d of 2 are said, %d bytes: %s", form, code, n, stdout.Len(), stderr.String())
		}
	}
}
