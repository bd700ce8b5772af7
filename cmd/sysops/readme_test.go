package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// commandsOf returns the commands that a page shows: the lines of its console blocks that
// begin with "$ ".
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// shellWords splits a command line that quotes with ' alone.
func shellWords(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// Every command of README.md works as it stands there: the questions in the
// demonstration's fleet, the agent's against real servers in place of mps01, mps02.
func TestEveryCommandOfTheREADMEWorks(t *testing.T) {
	agent := redistest.Build(t, "./cmd/sysops-agent") // first: startDemo sets a TMPDIR that goes with the test
	ctx, stop := context.WithCancel(t.Context())
	demo := startDemo(ctx, t)
	config := regexp.MustCompile(`SYSOPS_CONFIG=(\S+)`)
	redistest.WaitFor(t, "the demonstration's invitation to try it", func() bool {
		return config.MatchString(demo.stdout.String() + demo.stderr.String())
	})
	path := config.FindStringSubmatch(demo.stdout.String() + demo.stderr.String())[1]
	servers := redistest.Core(t, 2)
	folder := t.TempDir()

	kinds := make(map[string]int)
	for _, command := range commandsOf(t, "../../README.md") {
		args := shellWords(command)
		kinds[args[0]]++
		switch args[0] {
		case "go":
			if command != "go run ./cmd/sysops demo" {
				t.Errorf("%s is run by nothing", command)
			}
		case "make":
			makefile, err := os.ReadFile("../../Makefile")
			if err != nil || !bytes.Contains(makefile, []byte("\n"+args[1]+":")) {
				t.Errorf("%s: the Makefile has no such target (%v)", command, err)
			}
		case "sysops":
			var stdout, stderr bytes.Buffer
			want := exitMatch
			if args[1] == "diff" {
				want = exitNothing // something differs, as diff(1) says it
			}
			if status := run(t.Context(), append(args, "--config", path), strings.NewReader(""), &stdout, &stderr); status != want || stdout.Len() == 0 {
				t.Errorf("%s: exit status %d\n%s%s", command, status, stdout.String(), stderr.String())
			}
		case "sysops-agent":
			line := strings.NewReplacer("redis://mps01:6379/1", servers[0].URL(), "redis://mps02:6379/1", servers[1].URL()).Replace(command)
			args = append(shellWords(line)[1:], "--outgoing", filepath.Join(folder, "outgoing"), "--json", filepath.Join(folder, "hw.json"))
			if r := redistest.Run(t, agent, args, []string{"SYSOPS_CONFIG=" + os.DevNull}); r.ExitCode != 0 {
				t.Errorf("%s: exit status %d\n%s%s", command, r.ExitCode, r.Stdout, r.Stderr)
			}
		default:
			t.Errorf("%s is run by nothing", command)
		}
	}
	for kind, least := range map[string]int{"go": 1, "make": 1, "sysops": 5, "sysops-agent": 3} {
		if kinds[kind] < least {
			t.Errorf("README.md shows %d commands of %s, want at least %d", kinds[kind], kind, least)
		}
	}
	invited := regexp.MustCompile(`(?m)^  (sysops .*)$`).FindAllStringSubmatch(demo.stderr.String(), -1)
	if len(invited) < 8 {
		t.Errorf("the demonstration invites to %d questions: %q", len(invited), invited)
	}
	for _, m := range invited {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append(shellWords(m[1]), "--config", path), strings.NewReader(""), &stdout, &stderr); status > exitNothing {
			t.Errorf("the demonstration invites to %s: exit status %d\n%s%s", m[1], status, stdout.String(), stderr.String())
		}
	}
	stop()
	if status := demo.wait(t); status != exitMatch {
		t.Errorf("the demonstration ends with status %d", status)
	}
}
