package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	sudoPasswd = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nann:x:1001:1001::/home/ann:/bin/sh\nbob:x:1002:1002::/home/bob:/bin/sh\n"
	sudoGroup  = "wheel:x:10:ann\n"
)

// sudoFleet are hosts of which each shows something else.
var sudoFleet = map[string]map[string]string{
	"web01.example.com": {
		"/etc/sudoers": "root ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) NOPASSWD: ALL\nHost_Alias WEB = web*\nbob WEB = /usr/bin/systemctl restart *\n%admins ALL = ALL\n",
		"/etc/passwd":  sudoPasswd, "/etc/group": sudoGroup,
	},
	"web02.example.com": {
		"/etc/sudoers":          "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
		"/etc/sudoers.d/10-all": "%wheel ALL=(ALL) NOPASSWD: ALL\nbob db* = ALL\n", "/etc/sudoers.d/bad.rpmsave": "bob ALL = ALL\n",
		"/etc/passwd": sudoPasswd, "/etc/group": sudoGroup, "/etc/nsswitch.conf": "sudoers: files sss\n",
	},
	"db01.example.com": { // rules in a folder that nobody knew of, and a mistake
		"/etc/sudoers":      "Defaults !authenticate\n@include /opt/rules/main\nbob ALL =\n",
		"/opt/rules/main":   "bob db01 = (postgres) /usr/bin/psql\n@includedir /opt/rules/more\n@include /opt/rules/gone\n",
		"/opt/rules/more/1": "bob ALL = /usr/bin/id\n",
		"/etc/passwd":       sudoPasswd, "/etc/group": sudoGroup,
	},
	"db02.example.com": {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n"},
	"db03.example.com": {"/etc/sudoers": "bob ALL = ALL\nbob ALL = \\\n", "/etc/passwd": sudoPasswd, "/etc/group": sudoGroup},
	"db04.example.com": {"/etc/sudoers": "bob ALL = ALL\n", "/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": sudoGroup},
}

func publishSudoFleet(t *testing.T) string {
	t.Helper()
	url := redistest.Start(t).URL()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for host, objects := range sudoFleet {
		snap := snapshot.Snapshot{Host: host}
		for name, text := range objects {
			snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Private: true, Read: func(context.Context) (snapshot.Content, error) {
				return snapshot.Content{Data: []byte(text)}, nil
			}})
		}
		if _, err := client.Publish(t.Context(), "", snap); err != nil {
			t.Fatal(err)
		}
	}
	return url
}

func TestAuditSudo(t *testing.T) {
	isolateConfig(t)
	url := publishSudoFleet(t)
	for _, c := range []struct {
		args   []string
		status int
		stdout string
		stderr []string // are contained in what is printed there
	}{
		{
			[]string{"--user", "ann", "--fold"},
			exitPartial,
			"      2 ann: (ALL) NOPASSWD: ALL\tweb01..02.example.com\n",
			[]string{
				"sudoers of 5 hosts; on 3 of them ann may not do anything",
				"db02.example.com#/etc/sudoers is left out: it is not in the cache: sudo is not installed there, or the agent does not send it",
				"db01.example.com#/opt/rules/gone is left out: /opt/rules/main includes it, and it is not in the cache",
				"db03.example.com#/etc/sudoers: nobody may do anything there: /etc/sudoers ends in a backslash",
				"2 hosts have sudoers entries with errors, which sudo passes over: db01.example.com#/etc/sudoers:3: syntax error",
				"1 hosts ask sss for sudoers as well (nsswitch.conf): what that gives is not in the cache",
			},
		},
		{
			[]string{"--user", "bob", "--by-host"},
			exitPartial,
			"db01.example.com: bob: (postgres) /usr/bin/psql  [no password]\ndb01.example.com: bob: (root) /usr/bin/id  [no password]\n" +
				"db04.example.com: bob: (root) ALL  [no account]\nweb01.example.com: bob: (root) /usr/bin/systemctl restart *\n",
			nil,
		},
		{
			[]string{"--hosts", "web01.example.com,web02.example.com"},
			exitMatch,
			"      2 ann: (ALL) NOPASSWD: ALL\n      2 root: (ALL : ALL) ALL\n      1 %admins: (root) ALL  [no account]\n      1 bob: (root) /usr/bin/systemctl restart *\n",
			[]string{"sudoers of 2 hosts\n"},
		},
		{
			[]string{"--hosts", "web*", "--user", "bob", "--command", "/usr/bin/systemctl restart nginx"},
			exitMatch,
			"      1 bob: (root) /usr/bin/systemctl restart *\n      1 bob: denied\n",
			[]string{"on 1 of them bob may not run it"},
		},
		{
			[]string{"--hosts", "web*", "--user", "bob", "--command", "/usr/bin/id"},
			exitNothing,
			"      2 bob: denied\n", nil,
		},
		{
			[]string{"--hosts", "db01*", "--command", "/usr/bin/psql -l", "--as", "postgres"},
			exitPartial,
			"      1 bob: (postgres) /usr/bin/psql  [no password]  [if postgres has an account there]\n", nil,
		},
		{[]string{"--hosts", "web*", "--user", "nobody", "--quiet"}, exitNothing, "", nil},
		{[]string{"--as", "root"}, exitError, "", []string{"cannot decide what may be run as root: no command is named\nhint: --as goes with --command"}},
		{[]string{"--command", "id"}, exitError, "", []string{`cannot decide the command "id": it is no path`, "hint: sudoers(5) has whole paths, such as /usr/bin/id"}},
		{[]string{"--user", ""}, exitError, "", []string{`cannot look for user ""`}},
		{[]string{"--fold", "--by-host"}, exitError, "", []string{"leave out --by-host"}},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"sysops", "--server", url, "audit", "sudo"}, c.args...)
		status := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if status != c.status || stdout.String() != c.stdout {
			t.Errorf("%q: exit status %d, want %d; stdout\n%s\nwant\n%s\nstderr\n%s", c.args, status, c.status, &stdout, c.stdout, &stderr)
		}
		for _, want := range c.stderr {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%q: on stderr is\n%s\nwant %q", c.args, &stderr, want)
			}
		}
	}
}

func TestAuditSudoFormats(t *testing.T) {
	isolateConfig(t)
	url := publishSudoFleet(t)
	ask := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		run(t.Context(), append([]string{"sysops", "--server", url, "audit", "sudo"}, args...), strings.NewReader(""), &stdout, &stderr)
		if stdout.Len() == 0 {
			t.Fatalf("%q: %s", args, &stderr)
		}
		return stdout.String()
	}
	var answer struct {
		Results []map[string]any `json:"results"`
		LeftOut []output.LeftOut `json:"left_out"`
	}
	if err := json.Unmarshal([]byte(ask("--user", "bob", "--format", "json", "--fold", "--sort", "entry")), &answer); err != nil {
		t.Fatal(err)
	}
	first := answer.Results[0]
	if len(answer.Results) != 4 || first["entry"] != "(postgres) /usr/bin/psql" || first["run_as"] != "postgres" || first["commands"] != "/usr/bin/psql" ||
		first["no_password"] != true || first["account"] != true || first["hosts"] != "db01.example.com" || first["count"] != 1.0 {
		t.Errorf("got %v", answer.Results)
	}
	if !slices.ContainsFunc(answer.LeftOut, func(l output.LeftOut) bool { return l.Key == "db02.example.com#/etc/sudoers" }) {
		t.Errorf("left out: %v", answer.LeftOut)
	}
	csv := ask("--user", "bob", "--command", "/usr/bin/id", "--format", "csv", "--by-host", "--hosts", "web01*")
	if want := "host,user,account,allowed,condition,entry,run_as,commands,no_password\nweb01.example.com,bob,true,false,,,,,false\n"; csv != want {
		t.Errorf("got %s, want %s", csv, want)
	}
	if got := strings.Count(ask("--format", "jsonl"), "\n"); got != 7 {
		t.Errorf("%d rows of JSON, want 7", got)
	}
}
