package verbs_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/audit/network"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// noted demands that what an answer comes to is told so.
func noted(t *testing.T, o *verbs.Outcome, want ...string) {
	t.Helper()
	var got []string
	for _, n := range o.Notes {
		got = append(got, n.Text)
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("the notes are %q, want %q", got, want)
	}
}

func TestAuditSysctl(t *testing.T) {
	const live = "/etc/hardware_identification.json@sysctl-a"
	client := fleet(t, map[string]objects{
		"web1": {"/etc/sysctl.conf": "vm.swappiness = 10\nvm.x = 1\n", live: "vm.swappiness = 60\nvm.x = 2\n"},
		"web2": {"/etc/sysctl.conf": "vm.swappiness = 10\n", live: "vm.swappiness = 60\n"},
		"web3": {"/etc/sysctl.conf": "vm.swappiness = 60\n", live: "vm.swappiness = 60\n"},
	})
	rows, o := ran(t, client, &verbs.AuditSysctl{Findings: verbs.Findings{Fold: true}, Ignore: []string{"*.x"}})
	want := `{"count": 2, "state": "differs", "key": "vm.swappiness", "persistent": "10", "live": "60", "file": "/etc/sysctl.conf", "reason": "", "host_count": 2, "hosts": "web1..2"}` + "\n"
	if rows != want || o.Matched != 1 || o.Partial(true) {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	noted(t, o, "3 hosts checked: 1 agree, 2 differ; 0 unknown")
	rows, o = ran(t, client, &verbs.AuditSysctl{Findings: verbs.Findings{ByHost: true}})
	if strings.Count(rows, "\n") != 3 || !strings.HasPrefix(rows, `{"host": "web1", "state": `) || o.Matched != 3 {
		t.Errorf("by host, the rows are\n%s, the outcome %+v", rows, o)
	}
	misused(t, &verbs.AuditSysctl{Findings: verbs.Findings{Fold: true, ByHost: true}}, "audit fold", "fold")
	for _, v := range []verbs.Verb{
		&verbs.AuditSysctl{Findings: verbs.Findings{States: []string{"has"}}},
		&verbs.AuditSysctl{Ignore: []string{"["}},
	} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is well", v)
		}
	}
}

func TestAuditAccess(t *testing.T) {
	client := fleet(t, map[string]objects{
		"web1": {"/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:7:7::/home/ann:/bin/sh\n"},
		"web2": {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n"},
	})
	rows, o := ran(t, client, &verbs.AuditAccess{Users: []string{"ann", "ann"}, UIDs: []string{"0"}, Findings: verbs.Findings{States: []string{"has"}}})
	want := `{"count": 1, "user": "ann", "state": "has", "name": "ann", "uid": 7, "gid": 7, "groups": ["7"], "shell": "/bin/sh", "home": "/home/ann", "sources": "", "reason": ""}
{"count": 2, "user": "0", "state": "has", "name": "root", "uid": 0, "gid": 0, "groups": ["0"], "shell": "/bin/sh", "home": "/root", "sources": "", "reason": ""}
`
	if rows != want || o.Matched != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	noted(t, o, "ann: 1 hosts have an account, 1 have not, 0 unknown", "0: 2 hosts have an account, 0 have not, 0 unknown")
	misused(t, &verbs.AuditAccess{}, "access user", "user")
	misused(t, &verbs.AuditAccess{Users: []string{"ann"}, Findings: verbs.Findings{Fold: true, ByHost: true}}, "audit fold", "fold")
	for _, v := range []verbs.Verb{&verbs.AuditAccess{Users: []string{"a:b"}}, &verbs.AuditAccess{UIDs: []string{"ann"}}} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is well", v)
		}
	}
}

func TestAuditSudo(t *testing.T) {
	const passwd = "root:x:0:0::/root:/bin/sh\nann:x:7:7::/home/ann:/bin/sh\n"
	client := fleet(t, map[string]objects{
		"web1": {"/etc/sudoers": "@include /opt/rules\n", "/opt/rules": "ann ALL = /usr/bin/id\n", "/etc/passwd": passwd, "/etc/group": "root:x:0:\n"},
		"web2": {"/etc/sudoers": "ann ALL = /usr/bin/id\n@include /opt/gone\n", "/etc/passwd": passwd, "/etc/group": "root:x:0:\n"},
		"web3": {"/etc/sudoers": "root ALL = ALL\n", "/etc/passwd": passwd, "/etc/group": "root:x:0:\n"},
	})
	ann, command := "ann", "/usr/bin/id"
	rows, o := ran(t, client, &verbs.AuditSudo{User: &ann, Fold: true})
	want := `{"count": 2, "user": "ann", "account": true, "entry": "(root) /usr/bin/id", "run_as": "root", "commands": "/usr/bin/id", "no_password": false, "host_count": 2, "hosts": "web1..2"}` + "\n"
	if rows != want || o.Matched != 1 || !o.Partial(false) || len(*o.LeftOut) != 1 || (*o.LeftOut)[0].Key != "web2#/opt/gone" {
		t.Errorf("the rows are\n%s, left out is %+v, the outcome %+v", rows, *o.LeftOut, o)
	}
	noted(t, o, "sudoers of 3 hosts; on 1 of them ann may not do anything")
	rows, o = ran(t, client, &verbs.AuditSudo{User: &ann, Command: &command, ByHost: true})
	if strings.Count(rows, "\n") != 3 || strings.Count(rows, `"allowed": true`) != 2 || o.Matched != 2 {
		t.Errorf("of a command, the rows are\n%s, the outcome %+v", rows, o)
	}
	misused(t, &verbs.AuditSudo{Fold: true, ByHost: true}, "audit fold", "fold")
	misused(t, &verbs.AuditSudo{As: "ann"}, "sudo as", "as")
	nobody, two, word := "", "ann,bob", "id"
	for _, v := range []verbs.Verb{&verbs.AuditSudo{User: &nobody}, &verbs.AuditSudo{User: &two}, &verbs.AuditSudo{Command: &word}} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is well", v)
		}
	}
}

// slowFleet are hosts of which the last takes longest, each at a switch with its number.
func slowFleet(t *testing.T) map[string]objects {
	t.Helper()
	hosts := make(map[string]objects)
	for i := range 20 {
		hosts[fmt.Sprintf("web%02d", i)] = objects{
			"/x/interaction_times.json": fmt.Sprintf(`{"total": {"seconds": {"median": %d}}}`, 1+i),
			"/x.json@lldp-keyvalue":     fmt.Sprintf("lldp.eth0.via=LLDP\nlldp.eth0.chassis.name=sw%d\nlldp.eth0.port.ifname=p0\n", i),
		}
	}
	return hosts
}

func TestAuditNetwork(t *testing.T) {
	client := fleet(t, slowFleet(t))
	rows, o := ran(t, client, &verbs.AuditNetwork{Percentile: 90, Least: 1})
	want := `{"host": "web19", "metric": "median push time", "value": 20, "seconds": 20, "bytes_per_second": null, "interface": "eth0", "switch": "sw19", "port": "p0"}
{"host": "web18", "metric": "median push time", "value": 19, "seconds": 19, "bytes_per_second": null, "interface": "eth0", "switch": "sw18", "port": "p0"}
`
	if rows != want || o.Matched != 2 || o.Partial(true) {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	value := 15.0
	for _, row := range []struct {
		v       verbs.AuditNetwork
		matched int
		begin   string
	}{
		{verbs.AuditNetwork{Above: &value, Fold: true}, 5, `{"host_count": 5, "hosts": "web15..19"}`},
		{verbs.AuditNetwork{Above: &value, Switch: "SW1[5-7]", Fold: true}, 3, `{"host_count": 3, "hosts": "web15..17"}`},
		{verbs.AuditNetwork{Mode: network.ModeOf(network.BySwitch), Percentile: 95}, 1, `{"switch": "sw19", "beyond": 1, "of": 1, `},
		{verbs.AuditNetwork{Mode: network.ModeOf(network.Spreads), Percentile: 95}, 6, `{"metric": "median push time", "percentile": 50, `},
		{verbs.AuditNetwork{Mode: network.ModeOf(network.Bins), Percentile: 95}, 10, `{"from": 0, "to": 2, "count": 1}`},
		{verbs.AuditNetwork{Mode: network.ModeOf(network.Report), Percentile: 95}, 1, `{"report": {"metric":"median push time","unit":"seconds","hosts":20,`},
		{verbs.AuditNetwork{Mode: network.ModeOf(network.Bonding)}, 0, ""},
		{verbs.AuditNetwork{Counter: "Tcp.RetransSegs"}, 0, ""},
	} {
		row.v.Least = 1
		if rows, o := ran(t, client, &row.v); !strings.HasPrefix(rows, row.begin) || o.Matched != row.matched {
			t.Errorf("%+v: the rows are\n%s, the outcome %+v", row.v, rows, o)
		}
	}
}

func TestMisusesOfAuditNetwork(t *testing.T) {
	value, nan := 15.0, math.NaN()
	mode := network.ModeOf
	for _, row := range []struct {
		v      verbs.AuditNetwork
		code   string
		params []string
	}{
		{verbs.AuditNetwork{Mode: mode(network.Bonding), Above: &value}, "network by nothing", []string{"bonding"}},
		{verbs.AuditNetwork{Mode: mode(network.ByServer), Speed: true}, "network by push time", []string{"per-mps"}},
		{verbs.AuditNetwork{Mode: mode(network.Spreads), Switch: "sw1"}, "network narrowed", []string{"switch"}},
		{verbs.AuditNetwork{Counter: "Tcp.OutSegs", Ratio: "tcp-retransmitted"}, "network metrics", []string{"netstat", "ratio"}},
		{verbs.AuditNetwork{Counter: "Tcp.OutSegs", Server: "mps01"}, "network sources", []string{"speed", "mps"}},
		{verbs.AuditNetwork{Percentile: 101}, "network percentile", []string{"percentile"}},
		{verbs.AuditNetwork{Above: &nan}, "network above", []string{"above"}},
		{verbs.AuditNetwork{}, "network least", []string{"switchcount"}},
		{verbs.AuditNetwork{Least: 1, Mode: mode(network.Spreads), Fold: true}, "network fold", []string{"fold"}},
		{verbs.AuditNetwork{Least: 1, Switch: "["}, "network switch", []string{"switch"}},
	} {
		misused(t, &row.v, row.code, row.params...)
	}
	for _, v := range []verbs.Verb{&verbs.AuditNetwork{Statistic: "mode"}, &verbs.AuditNetwork{Counter: "x"}, &verbs.AuditNetwork{Ratio: "x"}, &verbs.AuditNetwork{Server: "["}} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is well", v)
		}
	}
}

// A page has words of its own for what to do; without any, a sentence is whole all the same.
func TestAdviceIsTheCallers(t *testing.T) {
	client := fleet(t, slowFleet(t))
	for advice, want := range map[string]string{
		"":       "no host has a counter Tcp.RetransSegs",
		"ask me": "no host has a counter Tcp.RetransSegs; ask me",
	} {
		v := &verbs.AuditNetwork{Counter: "Tcp.RetransSegs", Least: 1}
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		var told []verbs.Note
		_, err := v.Run(t.Context(), &verbs.Call{
			Client: client,
			Tell:   func(n verbs.Note) { told = append(told, n) },
			Advice: func(cause hint.Cause, _ ...string) string {
				if cause != hint.NoHostCounts {
					t.Errorf("the cause is %s", cause)
				}
				return advice
			},
		})
		if err != nil || len(told) != 1 || told[0].Text != want {
			t.Errorf("%v: %+v is told, want %q", err, told, want)
		}
	}
}
