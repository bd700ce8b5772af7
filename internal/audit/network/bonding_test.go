package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/parse"
	"github.com/sysops-api/sysops-api/internal/parse/netif"
)

func bondSample(t *testing.T, name string) *netif.Bond {
	t.Helper()
	b, err := netif.ParseBond("bond0", sample(t, "netif", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTroublesOfABond(t *testing.T) {
	for _, row := range []struct {
		name string
		bond *netif.Bond
		want []string
	}{
		{"active-backup", bondSample(t, "bond-active-backup"), []string{
			"eth1 speed mismatch: 1000 Mbps, and eth0 has 10000 Mbps",
			"eth0 not on primary: eth1 is active",
			"eth0 had link failures: 2",
			"eth1 half duplex: 1000 Mbps",
			"eth2 slave down: MII status down",
			"eth2 had link failures: 1",
		}},
		{"lacp", bondSample(t, "bond-lacp"), []string{
			" split aggregate: aggregators 1 and 2",
			"ens1f1 no LACP partner: the other end does not answer",
		}},
		{"old", bondSample(t, "bond-old"), nil},
		{"down", &netif.Bond{Status: "down", Slaves: []netif.Slave{{Name: "a", Status: "down"}, {Name: "b", Status: "down"}}}, []string{
			" bond down: MII status down", "a slave down: MII status down", "b slave down: MII status down",
		}},
		{"one slave", &netif.Bond{Status: "up", Slaves: []netif.Slave{{Name: "a", Status: "up"}}}, []string{"a one slave: it has no other"}},
		{"no slave", &netif.Bond{Status: "down"}, []string{" bond down: MII status down", " one slave: it has no slave"}},
	} {
		var got []string
		for _, p := range troublesOf("web1", row.bond) {
			if p.Host != "web1" || p.Bond != row.bond.Name || !slices.Contains(Problems(), p.Problem) {
				t.Errorf("%s: %+v", row.name, p)
			}
			got = append(got, fmt.Sprintf("%s %s: %s", p.Slave, p.Problem, p.Detail))
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s:\n%q, want\n%q", row.name, got, row.want)
		}
	}
}

// However many slaves a bond has, and whatever is wrong with them, what is told is bounded.
func TestTroublesOfABondAreBounded(t *testing.T) {
	bond := &netif.Bond{Status: "down", Slaves: slices.Repeat([]netif.Slave{{Name: "a", Status: "down", Failures: 1}}, maxTroubles)}
	if got := troublesOf("web1", bond); len(got) != maxTroubles {
		t.Errorf("%d troubles", len(got))
	}
}

// A host may have any number of bonds.
func TestTroublesOfAHostAreBounded(t *testing.T) {
	f := &Fleet{}
	f.addTroubles("web01", slices.Repeat([]*netif.Bond{{Name: "bond0", Status: "down"}}, 1000))
	if len(f.Troubles) != maxTroubles || f.Bonds != 1000 {
		t.Errorf("%d troubles of %d bonds", len(f.Troubles), f.Bonds)
	}
}

// What a host has is held until all of it has come: but for what is too much.
func TestWhatIsHeldOfAHostIsBounded(t *testing.T) {
	var bond, lldp strings.Builder
	bond.WriteString("Bonding Mode: load balancing (round-robin)\n")
	for i := range 128 {
		fmt.Fprintf(&bond, "Slave Interface: eth%d%s\nSpeed: %s\n", i, strings.Repeat(" ", 4096), strings.Repeat("1", 256))
		fmt.Fprintf(&lldp, "lldp.eth%d.via=LLDP\nlldp.eth%[1]d.chassis.name=%[2]s\nlldp.eth%[1]d.port.descr=%[2]s\n", i, strings.Repeat("s", parse.MaxName))
	}
	r := &reader{Options: Options{Mode: ModeOf(Bonding)}}
	for what, o := range map[string]sysops.Object{
		"bonds":      {Key: sysops.Key{Name: "/proc/net/bonding/bond%03d"}, Contents: []byte(bond.String())},
		"neighbours": {Key: sysops.Key{Name: "/etc/%03d.json@lldp-keyvalue"}, Contents: []byte(lldp.String())},
	} {
		const most = 1000
		objects := func(yield func(sysops.Mapped[part], error) bool) {
			for _, host := range []string{"large", "small"} {
				for i := range most {
					made := o
					made.Key = sysops.Key{Host: host, Name: fmt.Sprintf(o.Name, i)}
					if !yield(sysops.Mapped[part]{Object: sysops.Object{Key: made.Key}, Value: r.part(&made)}, nil) || host == "small" {
						break
					}
				}
			}
		}
		read := make(map[string]int)
		for h, err := range audit.ByHost(bounded(objects)) {
			if err != nil {
				t.Fatal(err)
			}
			held, told := 0, false
			for _, o := range h.Objects {
				held += o.Value.size()
				told = told || o.Value.err != nil
				if o.Value.bond != nil || o.Value.neighbours != nil {
					read[h.Name]++
				}
			}
			if held > maxHost || told != (h.Name == "large") {
				t.Errorf("%s: %d bytes of %s are held, that something is left out is told: %v", what, held, h.Name, told)
			}
		}
		if read["large"] == 0 || read["large"] == most || read["small"] != 1 {
			t.Errorf("%s: read are %v", what, read)
		}
	}
}
