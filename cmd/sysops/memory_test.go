package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// publishRepeated publishes an object of 64 MiB, the most that is read of one. It is
// private: no base is made of it.
func publishRepeated(t *testing.T, client *sysops.Client, host, unit string) {
	t.Helper()
	const size = 64 << 20
	contents := []byte(strings.Repeat(unit, size/len(unit)))
	_, err := client.Publish(t.Context(), "", snapshot.Snapshot{Host: host, MaxBytes: 2 * size, Sources: []snapshot.Source{{
		Name: "/etc/x", Private: true, Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{Data: contents}, nil },
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// A host may send 64 MiB of empty lines, of one line, or of what becomes six times as much
// in JSON; as zstd, these are a few kilobytes. Whatever a verb makes of one object stays below
// 256 MiB, and either is right or says that it is not there.
func TestOneObjectTakesBoundedMemory(t *testing.T) {
	isolateConfig(t)
	url := redistest.Start(t).URL()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for host, unit := range map[string]string{"root": "root\n", "empty": "\n", "line": "a", "control": "\x01", "json": "[[[[[[[["} {
		publishRepeated(t, client, host, unit)
	}
	publishHost(t, url, "small", 0, map[string]string{"/etc/x": "root\nsmall\n"})
	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, []byte(patiently), 0o600); err != nil {
		t.Fatal(err)
	}
	// The collector is the one that users have, whatever it is set to for tests.
	command := "exec env -u GOGC " + redistest.Build(t, "./cmd/sysops") + " --config " + config + " --server " + url + " "
	const tooMuch = "it has more to be told than 262144 lines, or 16 MiB of them"
	for _, row := range []struct {
		args   string
		code   int
		stdout string // all of it; "": whatever it is
		stderr string // is contained
	}{
		{"grep -c root root#/etc/x", exitMatch, "root#/etc/x:13421772\n", ""},
		{"grep -vc x root#/etc/x", exitMatch, "root#/etc/x:13421772\n", ""},
		{"grep -l root root#/etc/x", exitMatch, "root#/etc/x\n", ""},
		{"grep -L nobody root#/etc/x", exitMatch, "root                                     no line\n", ""},
		{"grep -m 2 root root#/etc/x", exitMatch, "root\nroot\n", ""},
		{"grep --uniq . root#/etc/x", exitMatch, "13421772 root\n", ""},
		{"grep -v --uniq x empty#/etc/x", exitMatch, "67108864 \n", ""},
		{"grep root root#/etc/x", exitPartial, "", tooMuch},
		{"grep -o o root#/etc/x", exitPartial, "", tooMuch},
		{"grep -v x --sort line empty#/etc/x", exitPartial, "", tooMuch},
		{"grep a line#/etc/x", exitPartial, "", tooMuch},
		{"grep -o a line#/etc/x", exitPartial, "", "too many matches on one line"},
		{"grep -c a line#/etc/x", exitMatch, "line#/etc/x:1\n", ""},
		{"cat root#/etc/x", exitMatch, "", ""},
		{"cat -H empty#/etc/x", exitMatch, "", ""},
		{"cat --format json control#/etc/x", exitMatch, "", ""},
		{"cat --sort host --format csv root#/etc/x", exitMatch, "", ""},
		{"cat --uniq root#/etc/x", exitMatch, "", ""},
		{"cat --jq . json#/etc/x", exitPartial, "", "jq is given at most"},
		{"md5sum root#/etc/x", exitMatch, "", ""},
		{"diff small#/etc/x root#/etc/x", exitNothing, "", ""},
		{"diff --set small#/etc/x root#/etc/x", exitPartial, "", "too much to be masked"},
		{"diff --all /etc/x --hosts small,empty", exitNothing, "", ""},
		{"diff --all --set --brief /etc/x --hosts small,root", exitNothing, "", ""},
		{"diff --all --json --brief /etc/x --hosts small,json", exitNothing, "", ""},
		{"diff --all --lines /etc/x --hosts small,root", exitNothing, "", ""},
		{"export --format tar - root#/etc/x", exitMatch, "", ""},
		{"export --format parquet - root#/etc/x", exitPartial, "", "a table takes"},
	} {
		sink := " >/dev/null"
		if row.stdout != "" {
			sink = ""
		}
		r := redistest.Run(t, "sh", []string{"-c", command + strings.ReplaceAll(row.args, "#", "'#'") + sink}, nil)
		if r.ExitCode != row.code || row.stdout != "" && strings.TrimLeft(r.Stdout, " ") != row.stdout || !strings.Contains(r.Stderr, row.stderr) {
			t.Errorf("%s: status %d, want %d; %q, want %q; %s", row.args, r.ExitCode, row.code, r.Stdout, row.stdout, r.Stderr)
		}
		if most := int64(256 << 20); r.MaxRSS >= most {
			t.Errorf("%s: took %d MiB", row.args, r.MaxRSS>>20)
		}
	}
}
