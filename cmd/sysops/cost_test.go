package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// costless are the verbs that ask no fleet, and those that change one.
var costless = []string{"acl", "completion", "demo", "gc", "help", "hosts block", "hosts expand", "hosts forget", "index", "man", "serve-range", "simulate", "version"}

// asking are the arguments with which each verb asks something.
var asking = map[string][]string{
	"cat": {"motd"}, "diff": {"web01#/etc/motd", "web02#/etc/motd"}, "find": {"motd"}, "grep": {"hello", "motd"}, "ls": nil, "hosts": nil, "info": nil, "queries": nil,
	"md5sum": {"motd"}, "stat": {"motd"}, "time": {"motd"}, "wc": {"motd"}, "extract": {"--search", "motd"},
	"export":       {"$DIR"},
	"audit access": {"--user", "root"}, "audit network": nil, "audit sudo": nil, "audit sysctl": nil,
}

// Every verb that asks tells what it cost, in total and for each server.
func TestEveryVerbThatAsksTellsItsCost(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web01", "/etc/motd", "hello\n")
	publish(t, server.URL(), "web02", "/etc/motd", "hello you\n")
	publish(t, server.URL(), "web03", "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	var verbs func(*cobra.Command, string)
	verbs = func(cmd *cobra.Command, prefix string) {
		for _, sub := range cmd.Commands() {
			name := strings.TrimSpace(prefix + " " + sub.Name())
			if slices.Contains(costless, name) {
				continue
			}
			verbs(sub, name)
			if sub.HasSubCommands() && sub.Flags().Lookup("cost") == nil {
				continue // it only has those that ask
			}
			t.Run(name, func(t *testing.T) {
				args, known := asking[name]
				if !known {
					t.Fatal("this test does not know how to make it ask: it is new, or belongs among those that do not")
				}
				var stdout, stderr bytes.Buffer
				line := append(append([]string{"sysops"}, strings.Fields(name)...), args...)
				for i, arg := range line {
					line[i] = strings.ReplaceAll(arg, "$DIR", t.TempDir())
				}
				code := run(t.Context(), append(line, "--cost", "--server", server.URL()), strings.NewReader(""), &stdout, &stderr)
				text := stderr.Bytes()
				if name == "extract" { // as in the original
					text = stdout.Bytes()
				}
				at := bytes.Index(text, []byte("{\n"))
				if at < 0 {
					t.Fatalf("status %d, no cost in:\n%s", code, text)
				}
				var cost sysops.CostReport
				if err := json.NewDecoder(bytes.NewReader(text[at:])).Decode(&cost); err != nil {
					t.Fatalf("the cost is no JSON: %v\n%s", err, text)
				}
				one := cost.Servers[server.Addr()+"/0"]
				if len(cost.Servers) != 1 || one.Downloaded == 0 || one.Waits == 0 || cost.Downloaded != one.Downloaded || cost.Uploaded != one.Uploaded || cost.Seconds <= 0 || cost.Unpacked != one.Unpacked {
					t.Errorf("the cost is %+v", cost)
				}
			})
		}
	}
	verbs(newRoot(newUI(strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))), "")
}

func TestTheCostOfContentsIsThatOfTheServersThatGaveThem(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web01", "/etc/motd", strings.Repeat("hello\n", 100))
	var stdout, stderr bytes.Buffer
	run(t.Context(), []string{"sysops", "cat", "motd", "-q", "--cost", "--server", server.URL()}, strings.NewReader(""), &stdout, &stderr)
	var cost sysops.CostReport
	if err := json.Unmarshal(stderr.Bytes(), &cost); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	one := cost.Servers[server.Addr()+"/0"]
	if cost.Keys != 1 || one.Keys != 1 || cost.Unpacked != 600 || one.Unpacked != 600 || cost.Ratio <= 1 || one.Ratio != cost.Ratio || one.Rate != cost.Rate || cost.Rate <= 0 {
		t.Errorf("the cost is %+v", cost)
	}
}
