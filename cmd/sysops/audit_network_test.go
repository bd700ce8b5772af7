package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// publishAll publishes hosts, each with objects by name.
func publishAll(t *testing.T, url string, hosts map[string]map[string]string) {
	t.Helper()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for host, objects := range hosts {
		snap := snapshot.Snapshot{Host: host}
		for name, contents := range objects {
			snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
				return snapshot.Content{Data: []byte(contents)}, nil
			}})
		}
		if _, err := client.Publish(t.Context(), "", snap); err != nil {
			t.Fatal(err)
		}
	}
}

// audited runs sysops audit network, demands an exit status, and returns what it printed.
func audited(t *testing.T, url string, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	line := append([]string{"sysops", "--server", url, "audit", "network"}, args...)
	if code := run(t.Context(), line, strings.NewReader(""), &out, &errs); code != status {
		t.Errorf("%v: exit status %d, want %d; stderr:\n%s", args, code, status, errs.String())
	}
	return out.String(), errs.String()
}

func bondText(mode, active string, slaves ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Ethernet Channel Bonding Driver: v5.14.0\n\nBonding Mode: %s\n", mode)
	if active != "" {
		fmt.Fprintf(&b, "Primary Slave: None\nCurrently Active Slave: %s\n", active)
	}
	b.WriteString("MII Status: up\n")
	for i, status := range slaves {
		fmt.Fprintf(&b, "\nSlave Interface: eth%d\nMII Status: %s\nSpeed: 10000 Mbps\nDuplex: full\nLink Failure Count: 0\n", i, status)
	}
	return b.String()
}

// A host may have any number of bonds: some of them are looked at, and that is said once.
func TestAuditBondsOfAHostAreBounded(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	large := bondText("load balancing (round-robin)", "", slices.Repeat([]string{strings.Repeat("d", 500)}, 64)...)
	bonds := make(map[string]string)
	for i := range 200 {
		bonds[fmt.Sprintf("/proc/net/bonding/bond%03d", i)] = large
	}
	publishAll(t, server.URL(), map[string]map[string]string{"web1": bonds, "web2": {"/proc/net/bonding/bond0": bondText("load balancing (round-robin)", "", "up", "down")}})
	stdout, stderr := audited(t, server.URL(), exitPartial, "--bonding")
	if !strings.Contains(stdout, "web2") || strings.Count(stderr, "is left out: what is made of the host's objects takes more than 1 MiB") != 1 || strings.Contains(stderr, "more objects") {
		t.Errorf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
	}
}

func TestAuditBonds(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	backup := "fault-tolerance (active-backup)"
	publishAll(t, server.URL(), map[string]map[string]string{
		"web1": {"/proc/net/bonding/bond0": bondText(backup, "eth0", "up", "up")},
		"web2": {"/proc/net/bonding/bond0": bondText(backup, "eth1", "down", "up"), "/proc/net/bonding/bond1": bondText(backup, "eth0", "up")},
		"web3": {"/proc/net/bonding/bond0": bondText(backup, "eth1", "down", "up")},
		"db1":  {"/etc/motd": "no bond\n"},
	})
	stdout, stderr := audited(t, server.URL(), exitMatch, "--bonding")
	want := strings.Join([]string{
		"web2  bond0  eth0  slave down  MII status down",
		"web2  bond1  eth0  one slave  it has no other",
		"web3  bond0  eth0  slave down  MII status down",
	}, "\n")
	var got []string
	for line := range strings.Lines(stdout) {
		got = append(got, strings.Join(strings.FieldsFunc(strings.TrimSpace(line), func(r rune) bool { return r == ' ' }), " "))
	}
	if text := strings.Join(got, "\n"); text != strings.ReplaceAll(want, "  ", " ") {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if !strings.HasPrefix(stderr, "4 bonds were looked at\n3 of 4 hosts answered · 1 lacks it") {
		t.Errorf("stderr %s", stderr)
	}
	if stdout, _ = audited(t, server.URL(), exitMatch, "--bonding", "--fold"); stdout != "      2 slave down\tweb2..3\n      1 one slave\tweb2\n" {
		t.Errorf("folded:\n%s", stdout)
	}
	if stdout, _ = audited(t, server.URL(), exitMatch, "--bonding", "--sort", "-host,bond", "--limit", "1", "--format", "csv"); stdout !=
		"host,bond,slave,problem,detail\nweb3,bond0,eth0,slave down,MII status down\n" {
		t.Errorf("csv:\n%s", stdout)
	}
	if stdout, _ = audited(t, server.URL(), exitNothing, "--bonding", "--hosts", "web1"); stdout != "" {
		t.Errorf("nothing is wrong with web1: %s", stdout)
	}
	if stdout, _ = audited(t, server.URL(), exitMatch, "--report"); !strings.Contains(stdout, "no host has a record of interaction times") ||
		!strings.Contains(stdout, "\nBonds: 4\n       2  slave down          web2, web3\n       1  one slave           web2\n") {
		t.Errorf("report:\n%s", stdout)
	}
}

// The switch is that of the active slave, as bonding says, not of the one that waits.
func TestAuditNetworkTakesTheActiveSlave(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	const record = `{"total": {"seconds": {"median": 2}}}`
	const lldp = "lldp.eth0.via=LLDP\nlldp.eth0.chassis.name=sw0\nlldp.eth0.port.ifname=p0\nlldp.eth1.via=LLDP\nlldp.eth1.chassis.name=sw1\nlldp.eth1.port.ifname=p1\n"
	publishAll(t, server.URL(), map[string]map[string]string{
		"web1": {
			"/var/lib/sysops/state/interaction_times.json":    record,
			"/etc/hardware_identification.json@lldp-keyvalue": lldp,
			"/proc/net/bonding/bond0":                         bondText("fault-tolerance (active-backup)", "eth1", "down", "up"),
		},
		"web2": {
			"/var/lib/sysops/state/interaction_times.json":    record,
			"/etc/hardware_identification.json@lldp-keyvalue": lldp,
			"/proc/net/bonding/bond0":                         bondText("IEEE 802.3ad Dynamic link aggregation", "", "up", "up"),
		},
	})
	stdout, _ := audited(t, server.URL(), exitMatch, "--percentile", "0", "--format", "csv", "--sort", "host")
	if want := "host,metric,value,seconds,bytes_per_second,interface,switch,port\n" +
		"web1,median push time,2,2,,eth1,sw1,p1\nweb2,median push time,2,2,,\"eth0,eth1\",\"sw0,sw1\",\"p0,p1\"\n"; stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
	if stdout, _ = audited(t, server.URL(), exitMatch, "--bonding", "--switch", "SW1", "--fold"); stdout != "      1 slave down\tweb1\n" {
		t.Errorf("bonds of sw1:\n%s", stdout)
	}
	if stdout, _ = audited(t, server.URL(), exitNothing, "--bonding", "--switch", "sw0"); stdout != "" {
		t.Errorf("bonds of sw0:\n%s", stdout)
	}
	if stdout, _ = audited(t, server.URL(), exitMatch, "--percentile", "0", "--switchcount"); !strings.HasPrefix(stdout, "      2 of       2 100.000%  sw1\n      1 of       1 ") {
		t.Errorf("switches:\n%s", stdout)
	}
}

// Names of switches are text of whoever is at the other end of the cable.
func TestNeighboursAreNeutralisedOnATerminal(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publishAll(t, server.URL(), map[string]map[string]string{"web1": {
		"/var/lib/sysops/state/interaction_times.json": `{"total": {"seconds": {"median": 2}}, "servers": {"\u001b[2Jmps": {"seconds": {"median": 2}}}}`,
		"/etc/hardware_identification.json@lldp-json0": `{"lldp": [{"interface": [{"name": "eth0", "chassis": [{"name": [{"value": "\u001b[2Jsw"}]}], "port": [{"id": [{"value": "\u202ep"}]}]}]}]}`,
		"/proc/net/bonding/bond\x1b[2J":                bondText("x", "eth0", "down"),
	}})
	for args, want := range map[string]string{
		"--percentile 0":               `^[[2Jsw \u202ep`,
		"--percentile 0 --switchcount": "^[[2Jsw",
		"--per-mps":                    "^[[2Jmps",
		"--bonding":                    "bond^[[2J",
		"--report --percentile 0":      "^[[2Jsw",
	} {
		screen := onTerminal(t, append([]string{"sysops", "--server", server.URL(), "audit", "network"}, strings.Fields(args)...))
		if strings.Contains(screen, "\x1b") || !strings.Contains(screen, want) {
			t.Errorf("%s shows %q", args, screen)
		}
	}
}

// A terminal is shown a histogram beside the percentiles; a pipe has rows alone.
func TestPercentilesOnATerminal(t *testing.T) {
	isolateConfig(t)
	t.Setenv("LC_ALL", "C.UTF-8")
	server := redistest.Start(t)
	hosts := make(map[string]map[string]string)
	for i := range 20 {
		hosts[fmt.Sprintf("web%02d", i)] = map[string]string{"/x/interaction_times.json": fmt.Sprintf(`{"total": {"seconds": {"median": %d}}}`, 1+i*i)}
	}
	publishAll(t, server.URL(), hosts)
	screen := strings.ReplaceAll(onTerminal(t, []string{"sysops", "--server", server.URL(), "audit", "network", "--percentiles"}), "\r\n", "\n")
	if !strings.Contains(screen, "█\n") || !strings.Contains(screen, " ← 95th percentile\n") || !strings.Contains(screen, "\n    max         362 s        0 beyond\n\n  1 s –   2 s") {
		t.Errorf("the terminal shows\n%s", screen)
	}
	if stdout, _ := audited(t, server.URL(), exitMatch, "--percentiles"); strings.Contains(stdout, "█") || strings.Count(stdout, "\n") != 6 {
		t.Errorf("a pipe gets\n%s", stdout)
	}
}
