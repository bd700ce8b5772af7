package netif

import (
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse"
)

func TestParseLLDP(t *testing.T) {
	want := []Neighbour{
		{"eth0", "sw01-a.esv4.example.com", "Ethernet7"},
		{"eth1.100", "00:1c:73:0a:00:02", "ge-0/0/7.0"}, // the switch has no name, the port no name of an interface
	}
	for _, name := range []string{"lldp.xml", "lldp.json0", "lldp.keyvalue"} {
		got, err := ParseLLDP(readSample(t, name))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q (%v), want %q", name, got, err, want)
		}
	}
}

func TestNobodyIsAtTheOtherEnd(t *testing.T) {
	for _, text := range []string{"", "\n", `<?xml version="1.0"?><lldp label="LLDP neighbors"/>`, `{"lldp": [{}]}`} {
		if got, err := ParseLLDP([]byte(text)); err != nil || len(got) > 0 {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestHostileLLDPIsRefused(t *testing.T) {
	for _, row := range []struct{ text, why string }{
		{`<!DOCTYPE lldp [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><lldp>&b;</lldp>`, "document type"},
		{`<lldp>&b;</lldp>`, "entity"},
		{strings.Repeat("<a>", 1000), "deeper than 32"},
		{"<lldp><interface>", "not closed"},
		{"<lldp></b></lldp>", "closes nothing"},
		{"</lldp>", "closes nothing"},
		{"<lldp" + strings.Repeat(" ", maxLLDP) + ">", "are the most"},
		{`<?xml version="1.0" encoding="utf-7"?><lldp/>`, "utf-7"},
		{`{"lldp": 1}`, "cannot unmarshal"},
		{`{"lldp": [`, "unexpected end"},
		{"command not found\n", "no key that begins with lldp"},
	} {
		if got, err := ParseLLDP([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.why) {
			t.Errorf("%.40q: %q, %v", row.text, got, err)
		}
	}
}

func TestNeighboursAreBounded(t *testing.T) {
	long := strings.Repeat("ü", 1000)
	one := `<interface name="eth` + long + `"><chassis><name>` + long + `</name></chassis><port><descr>` + long + `</descr></port></interface>`
	got, err := ParseLLDP([]byte("<lldp>" + one + "</lldp>"))
	if err != nil || len(got) != 1 || len(got[0].Switch) > parse.MaxName || len(got[0].Port) > parse.MaxName || len(got[0].Interface) > parse.MaxName {
		t.Errorf("%q, %v", got, err)
	}
	var many strings.Builder
	for i := range 1000 {
		many.WriteString(`<interface name="eth` + strings.Repeat("1", i%100) + `"><chassis><name>sw` + strings.Repeat("2", i/100) + `</name></chassis></interface>`)
	}
	if got, err = ParseLLDP([]byte("<lldp>" + many.String() + "</lldp>")); err != nil || len(got) != maxNeighbours {
		t.Errorf("%d neighbours, %v", len(got), err)
	}
}

// A name may hold anything: it must not make rows of its own.
func TestNamesStayOnTheirLine(t *testing.T) {
	const name = "sw1\n      9 of       9 100.000%  core-switch"
	got, err := ParseLLDP([]byte(`<lldp><interface name="eth0"><chassis><name>` + name + `</name></chassis></interface></lldp>`))
	if err != nil || len(got) != 1 || strings.Contains(got[0].Switch, "\n") {
		t.Errorf("%q, %v", got, err)
	}
}

// What lldpctl prints is scanned; all else is left to encoding/xml.
func TestScanOfLLDP(t *testing.T) {
	sample := string(readSample(t, "lldp.xml"))
	for _, row := range []struct {
		name, text string
		scanned    bool
	}{
		{"as it is", strings.TrimSpace(sample), true},
		{"without a neighbour", `<?xml version="1.0" encoding="UTF-8"?><lldp label="LLDP neighbors"/>`, true},
		{"with an entity in what is wanted", strings.Replace(sample, "sw01-a", "a&amp;b", 1), false},
		{"with an entity in the name of an interface", strings.Replace(sample, `name="eth0"`, `name="a&amp;b"`, 1), false},
		{"with another entity", strings.Replace(sample, "&amp;", "&lt;", 1), false},
		{"with a comment", strings.Replace(sample, "Ethernet7", "Ether<!-- -->net7", 1), false},
		{"with text in pieces", strings.Replace(sample, "Ethernet7", "Ether<b/>net7", 1), true},
		{"with bytes as they are", strings.Replace(sample, "Ethernet7", "<![CDATA[Ethernet7]]>", 1), false},
		{"with a namespace", strings.ReplaceAll(sample, "chassis", "x:chassis"), false},
		{"with other quotes", strings.ReplaceAll(sample, `"`, `'`), false},
		{"with a bracket in an attribute", strings.Replace(sample, `"eth0"`, `"eth>0"`, 1), false},
		{"with a name in an attribute", strings.Replace(sample, `label="Interface"`, `label=" name=x"`, 1), true},
		{"with two names", strings.Replace(sample, `name="eth0"`, `name="eth0" name="eth9"`, 1), true},
		{"with lines of Windows", strings.ReplaceAll(sample, "\n", "\r\n"), false},
	} {
		got, ok := scanLLDPXML([]byte(row.text))
		if ok != row.scanned {
			t.Errorf("%s: scanned %v", row.name, ok)
		}
		want, err := parseLLDPXML([]byte(row.text))
		if ok && (err != nil || !slices.Equal(got, want)) {
			t.Errorf("%s: %q, want %q, %v", row.name, got, want, err)
		}
	}
}

func FuzzLLDP(f *testing.F) {
	for _, name := range []string{"lldp.xml", "lldp.json0", "lldp.keyvalue"} {
		f.Add(readSample(f, name))
	}
	f.Add([]byte("<lldp><interface name='a'><port><id type='ifname'>x</id></port></interface></lldp>"))
	f.Fuzz(func(t *testing.T, contents []byte) {
		if scanned, ok := scanLLDPXML(contents); ok {
			if parsed, err := parseLLDPXML(contents); err == nil && !slices.Equal(scanned, parsed) {
				t.Errorf("%q was scanned, %q is right", scanned, parsed)
			}
		}
		got, err := ParseLLDP(contents)
		if err != nil && got != nil || len(got) > maxNeighbours {
			t.Errorf("%d neighbours, %v", len(got), err)
		}
		for _, n := range got {
			if n.Interface == "" || n.Switch == "" || len(n.Switch) > 4*parse.MaxName {
				t.Errorf("%q", n)
			}
		}
	})
}
