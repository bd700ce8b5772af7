package fleetsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What the audits read, and what is to be found in it.

const (
	netstatName = "/etc/hardware_identification.json@netstat-s"
	lldpName    = "/etc/hardware_identification.json@lldp-xml"
	bondName    = "/proc/net/bonding/bond0"
)

// TestFleetsOfFewObjectsKeepTheirBytes: fleets of 21 and 25 objects were measured, and
// are measured again.
func TestFleetsOfFewObjectsKeepTheirBytes(t *testing.T) {
	tpl := template(t)
	sum := sha256.New()
	for i := range 200 {
		for _, src := range tpl.Host(testSeed, i, domain).Sources[:25] {
			c, err := src.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(sum, "%s\x00%s\x00", src.Name, c.Data)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != "76e87f57abef7b6745d28cae1586b917db017b24dcbde25580807411d7d290af" {
		t.Errorf("the first 25 objects are others: %s", got)
	}
}

// counted is what was planted, over how many hosts it may be, and how often it is.
type counted struct {
	of, is int
	share  float64
}

// TestMistakesAreAsFrequentAsClaimed counts over 5,000 hosts.
func TestMistakesAreAsFrequentAsClaimed(t *testing.T) {
	const n = 5000
	tpl := template(t)
	counts := make(map[string]counted)
	compiled := make(map[string]*regexp.Regexp)
	wanted := []string{"/etc/sysctl.d/95-keepalive.conf", "/etc/sudoers.d/10-deploy", "/etc/group", netstatName, interactionsName, bondName}
	for i := range n {
		snap := tpl.Host(testSeed, i, domain)
		snap.Sources = slices.DeleteFunc(snap.Sources, func(s snapshot.Source) bool { return !slices.Contains(wanted, s.Name) })
		objects := read(t, snap)
		count := func(what string, share float64, is bool) {
			c := counts[what]
			c.of, c.share = c.of+1, share
			if is {
				c.is++
			}
			counts[what] = c
		}
		has := func(what string, share float64, object, expr string) {
			re := compiled[expr]
			if re == nil {
				re = regexp.MustCompile("(?m)" + expr)
				compiled[expr] = re
			}
			count(what, share, re.Match(objects[object].Data))
		}
		has("forgotten", shareForgotten, "/etc/sysctl.d/95-keepalive.conf", `^net\.ipv4\.tcp_keepalive_probes = 5$`)
		has("misspelt", shareMisspelt, "/etc/sysctl.d/95-keepalive.conf", `_intervall = `)
		has("deploy may do everything", shareDeployAll, "/etc/sudoers.d/10-deploy", `^deploy ALL=\(ALL\) NOPASSWD: ALL$`)
		has("negation", shareNegation, "/etc/sudoers.d/10-deploy", `^deploy ALL = \(root\) ALL, !SHELLS$`)
		has("error", shareSudoersError, "/etc/sudoers.d/10-deploy", `^deploy ALL \(root\)`)
		has("deploy is an administrator", shareDeployAdmin, "/etc/group", `^(sudo|wheel):x:\d+:deploy$`)
		retransmitted, slow := resent(t, objects[netstatName].Data), medianPush(t, objects[interactionsName].Data) > 0.7
		m := tpl.machine(testSeed, i, domain)
		l := m.links()
		if !l.overBad {
			count("slow", shareSlow, slow)
			if m.uptime > 86400 { // or there are too few segments for a ratio
				count("lossy", shareLossy, retransmitted > 0.045)
			}
		} else {
			count("slow behind a bad switch", shareSlowThere, slow)
		}
		if !l.bonded {
			continue
		}
		if l.lacp {
			has("no partner", shareNoPartner*(1-shareSlowSlave), bondName, `system mac address: 00:00:00:00:00:00`)
		} else {
			has("slave down", shareSlaveDown, bondName, `^MII Status: down$`)
			has("slow slave", shareSlowSlave*(1-shareSlaveDown), bondName, `^Speed: 1000 Mbps$`)
			has("failures", shareFailures+shareSlaveDown*(1-shareFailures), bondName, `^Link Failure Count: [1-9]`)
		}
	}
	for what, c := range counts {
		want := c.share * float64(c.of)
		tolerance := 4 * math.Sqrt(want*(1-c.share)) // four standard deviations
		if c.is == 0 || math.Abs(float64(c.is)-want) > tolerance {
			t.Errorf("%s: %d of %d, want %.1f ± %.0f", what, c.is, c.of, want, tolerance)
		}
	}
}

// resent is the share of the TCP segments that were sent again.
func resent(t *testing.T, netstat []byte) float64 {
	t.Helper()
	var sent, again float64
	for expr, into := range map[string]*float64{`(\d+) segments sen[td] out`: &sent, `(\d+) segments retransmitt?ed`: &again} {
		found := regexp.MustCompile(expr).FindSubmatch(netstat)
		if found == nil {
			t.Fatalf("%s is not in\n%s", expr, netstat)
		}
		fmt.Sscan(string(found[1]), into)
	}
	return again / sent
}

func medianPush(t *testing.T, record []byte) float64 {
	t.Helper()
	var r struct {
		Total struct {
			Seconds struct{ Median float64 }
		}
	}
	if err := json.Unmarshal(record, &r); err != nil || r.Total.Seconds.Median <= 0 {
		t.Fatalf("%v: %s", err, record)
	}
	return r.Total.Seconds.Median
}

// switches are those that a host hears by LLDP, by its interfaces.
func switches(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var all struct {
		Interfaces []struct {
			Name   string `xml:"name,attr"`
			Switch string `xml:"chassis>name"`
		} `xml:"interface"`
	}
	if err := xml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, i := range all.Interfaces {
		out[i.Name] = i.Switch
	}
	return out
}

// TestSlowHostsShareASwitch, already in the fleet of a demonstration.
func TestSlowHostsShareASwitch(t *testing.T) {
	tpl := template(t)
	slow, all := make(map[string]int), make(map[string]int)
	const n = 300
	for i := range n {
		objects := read(t, tpl.Host(testSeed, i, domain))
		for card, name := range switches(t, objects[lldpName].Data) {
			active := regexp.MustCompile(`Currently Active Slave: (.*)\n`).FindSubmatch(objects[bondName].Data)
			if active != nil && string(active[1]) != card {
				continue
			}
			all[name]++
			if medianPush(t, objects[interactionsName].Data) > 0.7 {
				slow[name]++
			}
		}
	}
	for name, hosts := range all {
		if !strings.HasPrefix(name, "sw") || !strings.Contains(name, "-a.") || name == fmt.Sprintf("sw%04d-a.%s", n/rackSize+1, domain) {
			continue
		}
		if hosts < 30 || hosts > rackSize {
			t.Errorf("%s has %d hosts", name, hosts)
		}
		if bad := name == fmt.Sprintf("sw%04d-a.%s", badRack+1, domain); bad != (slow[name] > hosts/2) {
			t.Errorf("%s: %d of %d hosts are slow; bad: %v", name, slow[name], hosts, bad)
		}
	}
}

func TestBondsAndNeighboursAreThoseOfTheInterfaces(t *testing.T) {
	tpl := template(t)
	for i := range 200 {
		objects := read(t, tpl.Host(testSeed, i, domain))
		cards := make(map[string]string) // their addresses
		for _, f := range regexp.MustCompile(`(?m)^\d+: (e\w+|bond0): .*\n +link/ether (\S+) `).FindAllSubmatch(objects["/etc/hardware_identification.json@ip-addr"].Data, -1) {
			cards[string(f[1])] = string(f[2])
		}
		state, bonded := objects[bondName]
		if _, has := cards[bond]; has != bonded {
			t.Errorf("host %d: ip addr has a bond: %v, the driver: %v", i, has, bonded)
		}
		slaves := 0
		for _, f := range regexp.MustCompile(`Slave Interface: (\S+)\n(?:.*\n)*?Permanent HW addr: (\S+)\n`).FindAllSubmatch(state.Data, -1) {
			if slaves++; cards[string(f[1])] != string(f[2]) {
				t.Errorf("host %d: slave %s has %s, ip addr says %q", i, f[1], f[2], cards[string(f[1])])
			}
		}
		if bonded && slaves != 2 {
			t.Errorf("host %d: the bond has %d slaves:\n%s", i, slaves, state.Data)
		}
		delete(cards, bond)
		heard := switches(t, objects[lldpName].Data)
		if len(heard) != len(cards) {
			t.Errorf("host %d has %v, and neighbours of %v", i, cards, heard)
		}
		for card := range heard {
			if cards[card] == "" {
				t.Errorf("host %d: LLDP tells of %s, which is not in ip addr", i, card)
			}
		}
		established := bytes.Count(objects["/etc/hardware_identification.json@ss-anp"].Data, []byte("ESTAB"))
		if want := fmt.Sprintf("    %d connections established\n", established); !bytes.Contains(objects[netstatName].Data, []byte(want)) {
			t.Errorf("host %d: netstat -s lacks %q", i, want)
		}
	}
}

// TestGroupsAreThoseOfAccountsAndRules: of whom sudoers speaks, group knows.
func TestGroupsAreThoseOfAccountsAndRules(t *testing.T) {
	tpl := template(t)
	texts := make(map[string]bool)
	for i := range 500 {
		objects := read(t, tpl.Host(testSeed, i, domain))
		groups := accounts.ParseGroup(objects["/etc/group"].Data)
		known := accounts.ParsePasswd(objects["/etc/passwd"].Data)
		role, _, _ := strings.Cut(roles[cycle[i%len(cycle)]].account, ":")
		for _, name := range []string{role, "deploy"} {
			at := slices.IndexFunc(known, func(a accounts.Account) bool { return a.Name == name })
			if at < 0 || !slices.ContainsFunc(groups, func(g accounts.Group) bool { return g.GID == known[at].GID && g.Name == name }) {
				t.Errorf("host %d: %s has no group of its own", i, name)
			}
		}
		for j, g := range groups {
			for _, name := range g.Members {
				if !slices.ContainsFunc(known, func(a accounts.Account) bool { return a.Name == name }) {
					t.Errorf("host %d: %s in group %s has no account", i, name, g.Name)
				}
			}
			if slices.ContainsFunc(groups[:j], func(o accounts.Group) bool { return o.GID == g.GID || o.Name == g.Name }) {
				t.Errorf("host %d: group %s is there twice, or its number", i, g.Name)
			}
		}
		text := slices.Concat(objects["/etc/sudoers"].Data, objects["/etc/sudoers.d/10-deploy"].Data, objects["/etc/sudoers.d/20-service"].Data)
		texts[string(text)] = true
		for _, f := range regexp.MustCompile(`(?m)^(?:User_Alias \w+ = )?%(\w+)`).FindAllSubmatch(text, -1) {
			if !slices.ContainsFunc(groups, func(g accounts.Group) bool { return g.Name == string(f[1]) }) {
				t.Errorf("host %d: sudoers names group %s, which is not in /etc/group", i, f[1])
			}
		}
		admins := "wheel"
		if packagesOf(string(objects["/etc/os-release"].Data)) == "deb" {
			admins = "sudo"
		}
		if !bytes.Contains(text, []byte("\n%"+admins+"\t")) {
			t.Errorf("host %d: %s is not in sudoers", i, admins)
		}
	}
	if len(texts) < 24 || len(texts) > 60 {
		t.Errorf("500 hosts have %d variants of sudoers, want 24 and a few mistakes", len(texts))
	}
}

// TestAdministratorsAreNobodysOwnGroup: on a machine where another group has the
// number 10, its accounts do not become administrators.
func TestAdministratorsAreNobodysOwnGroup(t *testing.T) {
	tpl := template(t, source("/etc/os-release", "ID=fedora\n"), source("/etc/passwd", "root:x:0:0::/root:/bin/sh\nuucp:x:10:10::/:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"),
		source("/etc/group", "root:x:0:\nuucp:x:10:\nsudo:x:27:ann,deploy\nann:x:1000:\n"))
	for i := range 100 {
		for _, g := range accounts.ParseGroup(read(t, tpl.Host(testSeed, i, domain))["/etc/group"].Data) {
			if g.Name == "wheel" && (g.GID == 10 || !slices.Contains(g.Members, "ann")) {
				t.Errorf("host %d: wheel is %+v", i, g)
			}
		}
	}
}

// TestWhatTellsOfPeopleAndOfItsNetworkIsNotTheRealMachines.
func TestWhatTellsOfPeopleAndOfItsNetworkIsNotTheRealMachines(t *testing.T) {
	const own = "the real machine's own\n"
	names := []string{
		"/etc/sudoers", "/etc/sudoers.d/ann", "/etc/sudoers.rpmnew", "/usr/local/etc/sudoers", "/proc/net/bonding/bond1", "/proc/net/snmp", "/proc/net/snmp6",
		"/proc/net/netstat", "/x.json@lldp-json0", "/x.json@lldp-xml", "/x.json@netstat-s", "/x.json@nstat-asz", "/opt/interaction_times.json", interactionsName,
	}
	var sources []snapshot.Source
	for _, name := range names {
		sources = append(sources, source(name, own))
	}
	snap := template(t, sources...).Host(testSeed, 0, domain)
	for name, c := range read(t, snap) {
		if string(c.Data) == own {
			t.Errorf("%s is the real machine's", name)
		}
	}
	private := []string{"/etc/sudoers", "/etc/sudoers.d/10-deploy", "/etc/sudoers.d/20-service", "/x.json@lldp-xml", interactionsName}
	for _, s := range snap.Sources {
		if slices.Contains(private, s.Name) != s.Private && !slices.Contains([]string{"/x.json@ps", "/x.json@ss-anp", "/x.json@dmidecode"}, s.Name) {
			t.Errorf("%s: private is %v", s.Name, s.Private)
		}
	}
}
