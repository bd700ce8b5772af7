package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
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

func publish(t *testing.T, url, host, name, contents string) {
	t.Helper()
	client, err := sysops.New(sysops.Servers(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Publish(t.Context(), "", sysops.Snapshot{Host: host, Sources: []sysops.Source{
		{Name: name, Read: func(context.Context) (sysops.Content, error) {
			return sysops.Content{Data: []byte(contents)}, nil
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// onTerminal runs sysops with a terminal as stdout and returns what the terminal
// was sent. The output must fit the terminal's buffer, some KiB.
func onTerminal(t *testing.T, args []string) string {
	t.Helper()
	screen, terminal := openTerminal(t)
	defer screen.Close()
	defer terminal.Close()
	var stderr bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), terminal, &stderr); code != exitMatch {
		t.Fatalf("%v: exit status %d: %s", args, code, stderr.String())
	}
	return untilEnd(t, screen, terminal)
}

// untilEnd returns what has been written to the terminal.
func untilEnd(t *testing.T, screen, terminal *os.File) string {
	t.Helper()
	if _, err := terminal.WriteString("\n[end]"); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(shown, []byte("[end]")) {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, buf[:n]...)
	}
	return string(bytes.TrimSuffix(shown, []byte("[end]")))
}

// openTerminal opens a pseudo terminal: the side that a person looks at, and the
// side that a program writes to.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var unlocked, number int32
	for _, request := range []struct {
		code uintptr
		arg  *int32
	}{{syscall.TIOCSPTLCK, &unlocked}, {syscall.TIOCGPTN, &number}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request.code, uintptr(unsafe.Pointer(request.arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

// A bar beside rows that are being printed would be among them on a terminal; one that
// is wiped before the first row would not.
func TestWhereBarsAreShown(t *testing.T) {
	for _, row := range []struct{ out, err, beside, before bool }{
		{out: true, err: true, before: true},
		{err: true, beside: true, before: true},
		{out: true},
		{},
	} {
		var stderr bytes.Buffer
		u := &ui{stderr: &stderr, outTerminal: row.out, errTerminal: row.err}
		for _, bar := range []struct {
			p     *progress
			shown bool
		}{{u.progress("objects", 100), row.beside}, {u.progressBefore("objects", 100), row.before}} {
			stderr.Reset()
			bar.p.began = bar.p.began.Add(-progressAfter)
			bar.p.stride = 1
			bar.p.step()
			bar.p.done()
			if shown := strings.Contains(stderr.String(), "] 1 of 100 objects"); shown != bar.shown {
				t.Errorf("%+v: %q", row, stderr.String())
			}
			if bar.shown && !strings.HasSuffix(stderr.String(), " \r") {
				t.Errorf("%+v: the bar is not wiped: %q", row, stderr.String())
			}
		}
	}
}
