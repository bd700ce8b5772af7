package network

import (
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse/netif"
)

// The switch of a host is that of the interface which carries the traffic.
func TestLinksOf(t *testing.T) {
	a, b, c := netif.Neighbour{Interface: "eth0", Switch: "swa", Port: "1"}, netif.Neighbour{Interface: "eth1", Switch: "swb", Port: "2"}, netif.Neighbour{Interface: "eth2", Switch: "swc", Port: "3"}
	all := []netif.Neighbour{a, b, c}
	slaves := func(status ...string) (out []netif.Slave) {
		for i, s := range status {
			out = append(out, netif.Slave{Name: "eth" + string(rune('0'+i)), Status: s})
		}
		return out
	}
	for _, row := range []struct {
		name  string
		bonds []*netif.Bond
		want  []netif.Neighbour
	}{
		{"no bond", nil, all},
		{"active slave", []*netif.Bond{{Active: "eth1", Slaves: slaves("up", "up")}}, []netif.Neighbour{b}},
		{"all slaves that are up", []*netif.Bond{{Slaves: slaves("up", "up", "down")}}, []netif.Neighbour{a, b}},
		{"a bond of other interfaces", []*netif.Bond{{Slaves: []netif.Slave{{Name: "ib0", Status: "up"}}}}, all},
		{"two bonds", []*netif.Bond{{Active: "eth1", Slaves: slaves("up", "up")}, {Slaves: []netif.Slave{{Name: "eth2", Status: "up"}}}}, []netif.Neighbour{b, c}},
	} {
		var want []Link
		for _, n := range row.want {
			want = append(want, Link(n))
		}
		if got := linksOf(row.bonds, all); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", row.name, got, want)
		}
	}
}
