package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Whoever tries sysops before any agent is installed is to see each audit find
// something.
func TestEveryAuditFindsSomethingInASyntheticFleet(t *testing.T) {
	const hosts = 600
	server := redistest.Start(t)
	startSimulate(t.Context(), t, "--hosts", fmt.Sprint(hosts), "--server", server.URL()).ends(t, exitMatch)
	silent := 0
	for i := range hosts {
		if fleetsim.Silent(1, i) {
			silent++
		}
	}
	live := hosts - silent
	clusters := t.TempDir()
	writeRacks(t, clusters, hosts)
	for _, c := range auditFinds(live, silent, clusters) {
		var stdout, stderr bytes.Buffer
		args := append([]string{"sysops", "--server", server.URL(), "audit"}, strings.Fields(c.args)...)
		if status := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); status != exitMatch {
			t.Errorf("audit %s: exit status %d; stderr\n%s", c.args, status, &stderr)
		}
		for _, want := range c.stdout {
			if !regexp.MustCompile(want).MatchString(stdout.String()) {
				t.Errorf("audit %s: %s does not match\n%s", c.args, want, &stdout)
			}
		}
		if !regexp.MustCompile(c.stderr).MatchString(stderr.String()) {
			t.Errorf("audit %s: %s does not match what stderr has:\n%s", c.args, c.stderr, &stderr)
		}
		stdout.Reset()
		run(t.Context(), append(args, "--format", "json"), strings.NewReader(""), &stdout, &stderr)
		checkAuditJSON(t, c.args, stdout.Bytes(), live)
	}
}

// An auditFind is what an audit is to print of a synthetic fleet, as expressions.
type auditFind struct {
	args   string
	stdout []string
	stderr string
}

// auditFinds are what the audits find in a fleet of so many live and silent hosts.
func auditFinds(live, silent int, clusters string) []auditFind {
	return []auditFind{
		{
			"sysctl",
			[]string{`(?m)^ +\d net\.ipv4\.tcp_keepalive_probes: 5 in /etc/sysctl\.d/95-keepalive\.conf, live 9$`},
			fmt.Sprintf(`(?m)^%d hosts checked: \d+ agree, \d+ differ; 0 unknown$`, live),
		},
		{
			"access --user 0 --state has",
			[]string{fmt.Sprintf(`(?m)^ +%d 0 has: root uid 0 `, live), `(?m)^ +\d 0 has: toor uid 0 gid 0 groups root `},
			fmt.Sprintf(`(?m)^0: %d hosts have an account, 0 have not, %d unknown$`, live, silent),
		},
		{
			"access --user deploy --state has",
			[]string{`(?m)^ +\d\d\d deploy has: .* groups deploy,ssh-users shell`, `(?m)^ +\d deploy has: .* groups deploy,ssh-users,(sudo|wheel) shell`},
			fmt.Sprintf(`(?m)^deploy: %d hosts have an account, 0 have not, %d unknown$`, live, silent),
		},
		{
			"sudo --user deploy",
			[]string{
				`(?m)^ +\d\d\d deploy: \(root\) NOPASSWD: /usr/bin/systemctl restart nginx, /usr/bin/systemctl reload nginx$`,
				`(?m)^ +\d deploy: \(ALL\) NOPASSWD: ALL$`, `(?m)^ +\d deploy: \(root\) ALL, !/usr/bin/bash, !/usr/bin/sh, !/usr/bin/su$`,
				`(?m)^ +\d deploy: \(ALL( : ALL)?\) ALL$`,
			},
			fmt.Sprintf(`(?m)^sudoers of %d hosts\nwarning: \d hosts have sudoers entries with errors, which sudo passes over: \S+#/etc/sudoers\.d/10-deploy:3: `, live),
		},
		{
			"sudo",
			[]string{
				`(?m)^ +\d+ root: \(ALL : ALL\) ALL$`, `(?m)^ +\d+ %wheel: \(ALL\) ALL  \[no account\]$`,
				`(?m)^ +\d+ postgres: \(root\) /usr/bin/systemctl restart postgresql, /usr/sbin/mdadm --detail \*, `,
				`(?m)^ +\d+ %netops: \(root\) /usr/sbin/ip, `,
			},
			fmt.Sprintf(`(?m)^sudoers of %d hosts$`, live),
		},
		{
			"sudo --user deploy --command /opt/shell",
			[]string{`(?m)^ +\d deploy: \(root\) ALL$`, `(?m)^ +\d\d\d deploy: denied$`},
			"",
		},
		{"network --limit 9", []string{`^( +\d\.\d\d s +\d\.\d\d kB/s  \S+ +sw0004-a\.site1\.example\.com .*\n){5}`}, ""},
		{"network --switchcount", []string{`^ +\d\d of +\d\d +[6-8]\d\.\d+%  sw0004-a\.site1\.example\.com\n`}, ""},
		{
			"network --range-clusters --clusters " + clusters,
			[]string{`^ +\d\d of +\d\d +[6-8]\d\.\d+%  rack4\n`},
			"",
		},
		{"network --ratio tcp-retransmitted --limit 9", []string{`(?m)^ +[5-9]\.\d\d%  `, `(?m)^ +[12]\.\d\d%  \S+ +sw0004-a\.`}, ""},
		{"network --bonding", []string{`(?m) slave down +MII status down$`, `(?m) had link failures  `}, `\d{3} bonds were looked at`},
		{"network --percentiles", []string{`(?m)^ +p50 +1\d\d ms `, `(?m)^ +max +[2-4]\.\d\d s `}, ""},
		{"network --per-mps", []string{fmt.Sprintf(`(?m)^ +%d +.* mps01\.site1\.example\.com:6379/1$`, live)}, ""},
		{"network --list-netstat", []string{fmt.Sprintf(`(?m)^ +%d .*  Tcp\.RetransSegs$`, live)}, ""},
		{
			"network --report --clusters " + clusters,
			[]string{`(?m)^Switches with hosts .*\n +\d+ of .*  sw0004-a\.`, `(?m)^Clusters with hosts .*\n +\d+ of .*  rack4$`, `(?m)^Bonds: \d+\n +\d+  slave down `},
			"",
		},
	}
}

// checkAuditJSON demands rows, and that nothing is left out of what live hosts said.
func checkAuditJSON(t *testing.T, audit string, text []byte, live int) {
	t.Helper()
	var answer struct {
		Results      []map[string]any `json:"results"`
		LeftOut      []output.LeftOut `json:"left_out"`
		Completeness struct {
			Answered int `json:"hosts_answered"`
		} `json:"completeness"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Errorf("audit %s --format json: %v in\n%s", audit, err, text)
		return
	}
	bonded := strings.Contains(audit, "--bonding") // not all hosts have a bond
	if len(answer.Results) == 0 || len(answer.LeftOut) > 0 || answer.Completeness.Answered != live && !bonded {
		t.Errorf("audit %s --format json: %d rows, %d of %d hosts answered, left out %v", audit, len(answer.Results), answer.Completeness.Answered, live, answer.LeftOut)
	}
	for _, row := range answer.Results {
		if row["state"] == "unknown" {
			t.Errorf("audit %s: %v", audit, row)
		}
	}
}

// writeRacks writes a folder of cluster files, with a cluster for each rack.
func writeRacks(t *testing.T, dir string, hosts int) {
	t.Helper()
	const rack = 40
	for first := 0; first < hosts; first += rack {
		var b strings.Builder
		b.WriteString("CLUSTER:\n")
		for i := first; i < min(first+rack, hosts); i++ {
			b.WriteString("  - " + fleetsim.Name(i, "site1.example.com") + "\n")
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("rack%d.yaml", first/rack+1)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
