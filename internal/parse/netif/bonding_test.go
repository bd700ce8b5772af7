package netif

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse"
)

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bondSample(t *testing.T, name string) *Bond {
	t.Helper()
	b, err := ParseBond("bond0", readSample(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseBond(t *testing.T) {
	b := bondSample(t, "bond-lacp")
	want := []Slave{
		{Name: "ens1f0", Status: "up", Speed: "25000 Mbps", Duplex: "full", Aggregator: "1", Partner: "00:1c:73:0a:00:01"},
		{Name: "ens1f1", Status: "up", Speed: "25000 Mbps", Duplex: "full", Aggregator: "2", Partner: "00:00:00:00:00:00"},
	}
	if b.Mode != "IEEE 802.3ad Dynamic link aggregation" || b.Status != "up" || b.Active != "" || !slices.Equal(b.Slaves, want) {
		t.Errorf("got %+v", b)
	}
	if b = bondSample(t, "bond-active-backup"); b.Primary != "eth0" || b.Active != "eth1" || len(b.Slaves) != 3 || b.Slaves[0].Failures != 2 {
		t.Errorf("got %+v", b)
	}
	if _, err := ParseBond("bond0", []byte("Slave Interface: eth0\n")); err == nil {
		t.Error("what is no bond is taken for one")
	}
}

func FuzzBond(f *testing.F) {
	for _, name := range []string{"bond-active-backup", "bond-lacp", "bond-old"} {
		f.Add(readSample(f, name))
	}
	f.Add([]byte("Bonding Mode: x\n" + strings.Repeat("Slave Interface: a\nLink Failure Count: 99999999999999999999\n", 100)))
	f.Fuzz(func(t *testing.T, contents []byte) {
		b, err := ParseBond("bond0", contents)
		if err != nil {
			return
		}
		if len(b.Slaves) > maxSlaves {
			t.Errorf("%d slaves", len(b.Slaves))
		}
		for _, s := range b.Slaves {
			if len(s.Name) > parse.MaxName || strings.ContainsAny(s.Name, "\r\n") {
				t.Errorf("a slave is called %q", s.Name)
			}
		}
	})
}
