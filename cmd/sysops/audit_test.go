package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// publishHost publishes a host with these objects.
func publishHost(t *testing.T, url, host string, ttl time.Duration, objects map[string]string) {
	t.Helper()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	snap := snapshot.Snapshot{Host: host, TTL: ttl}
	for name, text := range objects {
		snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte(text)}, nil
		}})
	}
	if _, err := client.Publish(t.Context(), "", snap); err != nil {
		t.Fatal(err)
	}
}

// An auditTest is a command line, and what it is to print.
type auditTest struct {
	args   string
	code   int
	stdout string
	stderr string // is contained in what is printed there
}

func runAudits(t *testing.T, url string, tests []auditTest) {
	t.Helper()
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		args := append([]string{"sysops", "--server", url, "audit"}, strings.Fields(tt.args)...)
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if code != tt.code || stdout.String() != tt.stdout || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("audit %s: exit status %d, want %d; stdout\n%s\nwant\n%s\nstderr\n%s\nwant in it %q", tt.args, code, tt.code, stdout.String(), tt.stdout, stderr.String(), tt.stderr)
		}
	}
}

const liveObject = "/etc/hardware_identification.json@sysctl-a"

func TestAuditSysctl(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	url := server.URL()
	const live = "fs.dentry-state = 1\t2\nnet.core.netdev_budget = 600\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0\n" +
		"net.ipv4.conf.lo.rp_filter = 1\nnet.ipv4.tcp_rmem = 4096\t87380\t6291456\nvm.swappiness = 60\n"
	usual := map[string]string{
		"/etc/sysctl.conf":                      "vm.swappiness = 60\n",
		"/etc/sysctl.d/90-local.conf":           "vm.swappiness = 10\nnet.core.netdev_budget = 300\nnet.ipv4.tcp_rmem = 4096 87380 6291456\n",
		"/usr/lib/sysctl.d/90-local.conf":       "vm.swappiness = 99\n",
		"/usr/lib/sysctl.d/50-default.conf":     "net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\nfs.dentry-state = 9\n-net.gone = 1\n",
		"/etc/sysctl.d/sub/99.conf":             "vm.swappiness = 1\n",
		liveObject:                              live,
		"/etc/other.json@sysctl-all":            "vm.swappiness = 0\n",
		"/etc/hardware_identification.json@x-a": "vm.swappiness = 0\n",
	}
	publishHost(t, url, "web1", 0, usual)
	publishHost(t, url, "web2", 0, usual)
	publishHost(t, url, "good", 0, map[string]string{"/etc/sysctl.conf": "vm.swappiness = 60\n", liveObject: live})
	publishHost(t, url, "absent", 0, map[string]string{"/etc/sysctl.conf": "net.bridge.x\t=\t\x1b[1m\n", liveObject: live})
	publishHost(t, url, "nolive", 0, map[string]string{"/etc/sysctl.conf": "vm.swappiness = 10\n"})
	publishHost(t, url, "nofiles", 0, map[string]string{liveObject: live})
	publishHost(t, url, "hidden", 0, map[string]string{"/etc/sysctl.conf": "net.ipv4.tcp_fastopen_key = [redacted]\n", liveObject: "net.ipv4.tcp_fastopen_key = 0\n"})

	budget := "net.core.netdev_budget: 300 in /etc/sysctl.d/90-local.conf, live 600\n"
	filter := "net.ipv4.conf.eth0.rp_filter: 1 in /usr/lib/sysctl.d/50-default.conf, live 0\n"
	absent := "net.bridge.x: \x1b[1m in /etc/sysctl.conf, absent from the kernel\n"
	runAudits(t, url, []auditTest{
		{"sysctl", exitMatch, "      2 " + budget + "      2 " + filter + "      1 " + absent, "5 hosts checked: 2 agree, 3 differ; 2 unknown\n"},
		{"sysctl --fold --limit 1 -q", exitMatch, "      2 " + strings.TrimSuffix(budget, "\n") + "\tweb1..2\n", ""},
		{"sysctl --by-host --hosts web*", exitMatch, "web1: " + budget + "web1: " + filter + "web2: " + budget + "web2: " + filter, "2 hosts checked: 0 agree, 2 differ; 0 unknown\n"},
		{"sysctl --state absent", exitMatch, "      1 " + absent, "5 hosts checked"},
		{"sysctl --state unknown", exitMatch, "      1 unknown: it has no live values (sysctl-a)\n      1 unknown: it has no sysctl.conf and nothing in sysctl.d\n", ""},
		{"sysctl --hosts good", exitNothing, "", "1 hosts checked: 1 agree, 0 differ; 0 unknown\n"},
		{"sysctl --ignore net.core.*,*.rp_filter --state differs", exitNothing, "", "4 agree, 1 differ"},
		{"sysctl --all-keys --hosts web1 --ignore net.*", exitMatch, "      1 fs.dentry-state: 9 in /usr/lib/sysctl.d/50-default.conf, live 1 2\n", ""},
		{"sysctl --hosts web1 --sort -key --limit 1 --format csv", exitMatch, "count,state,key,persistent,live,file,reason\n1,differs,net.ipv4.conf.eth0.rp_filter,1,0,/usr/lib/sysctl.d/50-default.conf,\n", "1 more rows"},
		{"sysctl --ignore [a", exitError, "", "cannot ignore keys \"[a\""},
		{"sysctl --state differ", exitError, "", "the states are differs, absent, unknown"},
		{"sysctl --fold --by-host", exitError, "", "leave out --by-host"},
		{"sysctl --sort color", exitError, "", "the fields are count, state, key,"},
		{"sysclt --scope global", exitError, "", "did you mean sysops audit sysctl?"},
		{"sysctl --hosts nobody", exitNothing, "", "no live host is selected"},
		{"sysctl --require-complete --hosts good,gone", exitPartial, "", "1 missing"},
	})

	var stdout, stderr bytes.Buffer
	run(t.Context(), []string{"sysops", "--server", url, "audit", "sysctl", "--fold", "--format", "json"}, strings.NewReader(""), &stdout, &stderr)
	var answer struct {
		Results []struct {
			State, Key, Persistent, Live, File, Hosts string
			Count                                     int
		}
		Completeness *struct{}
	}
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil || answer.Completeness == nil || len(answer.Results) != 3 ||
		answer.Results[0].Hosts != "web1..2" || answer.Results[0].Live != "600" || answer.Results[2].State != "absent" {
		t.Errorf("%v: %s", err, stdout.String())
	}

	// without one of its files, nothing is said about a host
	server.Must("LSET", "web2#/etc/sysctl.d/90-local.conf", "0", "garbage")
	runAudits(t, url, []auditTest{
		{
			"sysctl --hosts web* --by-host --state differs,unknown", exitPartial,
			"web1: " + budget + "web1: " + filter + "web2: unknown: its files or live values cannot be read\n", "1 hosts checked: 0 agree, 1 differ; 1 unknown\n",
		},
	})
}

func TestAuditAccess(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	url := server.URL()
	const root, ann, group = "root:x:0:0:root:/root:/bin/bash\n", "ann:x:1000:1000:Ann,,,:/home/ann:/bin/sh\n", "root:x:0:\nann:x:1000:\nwheel:x:10:bob,ann\n"
	publishHost(t, url, "a1", 0, map[string]string{"/etc/passwd": root + ann, "/etc/group": group, "/etc/nsswitch.conf": "passwd: files systemd\n"})
	publishHost(t, url, "a2", 0, map[string]string{"/etc/passwd": root + strings.Replace(ann, "Ann", "Anna", 1) + "ann:x:5:5::/:/none\n", "/etc/group": group})
	publishHost(t, url, "b1", 0, map[string]string{"/etc/passwd": root, "/etc/nsswitch.conf": "# passwd: nis\npasswd:\tfiles [NOTFOUND=continue] sss # all\n"})
	publishHost(t, url, "b2", 0, map[string]string{"/etc/passwd": root + "toor:x:0:0::/root:\n+::::::\n"})
	publishHost(t, url, "c1", 0, map[string]string{"/etc/group": group})
	publishHost(t, url, "c2", 0, map[string]string{"/etc/motd": "x\n"})
	publishHost(t, url, "gone", time.Second, map[string]string{"/etc/passwd": root + ann})
	redistest.WaitFor(t, "the host to be gone", func() bool {
		var stdout bytes.Buffer
		run(t.Context(), []string{"sysops", "--server", url, "hosts", "--missing"}, strings.NewReader(""), &stdout, &bytes.Buffer{})
		return strings.Contains(stdout.String(), "gone")
	})

	has := "ann has: ann uid 1000 gid 1000 groups ann,wheel shell /bin/sh home /home/ann"
	not1, not2 := "ann has-not in the file; accounts come from sss as well", "ann has-not in the file; accounts come from compat as well"
	lacks, missing := "unknown: it reports no /etc/passwd", "unknown: it has not reported, or its snapshot has expired"
	unknown := "      2 ann " + lacks + "\n      1 ann " + missing + "\n"
	rootIs := " has: root uid 0 gid 0 groups "
	runAudits(t, url, []auditTest{
		{"access --user ann", exitMatch, "      2 " + has + "\n      1 " + not1 + "\n      1 " + not2 + "\n" + unknown, "ann: 2 hosts have an account, 2 have not, 3 unknown\n2 of these hosts take accounts from other sources"},
		{"access --user ann --by-host --state has -q", exitMatch, "a1: " + has + "\na2: " + has + "\n", ""},
		{"access --user ann --fold --state has-not,unknown --hosts b*,c*", exitMatch, "      1 " + not1 + "\tb1\n      1 " + not2 + "\tb2\n      2 ann " + lacks + "\tc1..2\n", ""},
		{"access --uid 1000 --state has", exitMatch, "      2 1000" + strings.TrimPrefix(has, "ann") + "\n", "1000: 2 hosts have an account"},
		{"access --user 0 --state has --by-host --hosts b*", exitMatch, "b1: 0" + rootIs + "0 shell /bin/bash home /root\nb2: 0" + rootIs + "0 shell /bin/bash home /root\nb2: 0 has: toor uid 0 gid 0 groups 0 shell \"\" home /root\n", "0: 2 hosts have an account, 0 have not"},
		{"access --user nobody-has,ann,ann --hosts a1", exitMatch, "      1 nobody-has has-not\n      1" + " " + has + "\n", "nobody-has: 0 hosts have an account, 1 have not, 0 unknown\nann: 1 "},
		{"access --user ann --state has --hosts b1", exitNothing, "", "ann: 0 hosts have an account, 1 have not"},
		{"access --user ann --hosts a1,unheard", exitMatch, "      1 " + has + "\n      1 ann " + missing + "\n", ""},
		{"access --user ann --hosts a1 --format csv", exitMatch, "count,user,state,name,uid,gid,groups,shell,home,sources,reason\n1,ann,has,ann,1000,1000,ann wheel,/bin/sh,/home/ann,,\n", ""},
		{"access --user ann --hosts b2 --format jsonl", exitMatch, `{"count": 1, "user": "ann", "state": "has-not", "name": null, "uid": null, "gid": null, "groups": null, "shell": null, "home": null, "sources": "compat", "reason": ""}` + "\n", ""},
		{"access", exitError, "", "name a user"},
		{"access --user a:b", exitError, "", "it is no name of an account"},
		{"sudo --user ann,bob", exitError, "", "the audit of sudo is of one user, or of all"},
		{"access --uid ann", exitError, "", "it is no number from 0 to 4294967295"},
	})

	// what cannot be read is unknown, not absent
	publishHost(t, url, "d1", 0, map[string]string{"/etc/passwd": root + ann, "/etc/group": group})
	server.Must("LSET", "d1#/etc/passwd", "0", "garbage")
	runAudits(t, url, []auditTest{
		{"access --user ann --hosts d1", exitPartial, "      1 ann unknown: its /etc/passwd cannot be read\n", ""},
	})
	server.Must("LSET", "a2#/etc/group", "0", "garbage")
	runAudits(t, url, []auditTest{
		{"access --user ann --hosts a1,a2", exitPartial, "      1 " + has + "\n      1 ann unknown: its /etc/group cannot be read\n", "ann: 1 hosts have an account, 0 have not, 1 unknown\n"},
	})
	server.Must("LSET", "b1#/etc/nsswitch.conf", "0", "garbage")
	doubted := "ann has-not in the file; accounts may come from elsewhere: its /etc/nsswitch.conf cannot be read"
	runAudits(t, url, []auditTest{
		{"access --user ann --hosts b*", exitPartial, "      1 " + doubted + "\n      1 " + not2 + "\n", "of 1 hosts it is not known whether accounts come from other sources"},
		{"access --user ann --hosts b1 --format jsonl", exitPartial, `{"count": 1, "user": "ann", "state": "has-not", "name": null, "uid": null, "gid": null, "groups": null, "shell": null, "home": null, "sources": "", "reason": "its /etc/nsswitch.conf cannot be read"}` + "\n", ""},
	})
}
