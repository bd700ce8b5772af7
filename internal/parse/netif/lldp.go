package netif

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse"
)

// A Neighbour is what LLDP says is at the other end of an interface's cable.
type Neighbour struct {
	Interface string
	Switch    string // its name; its chassis id where it has none
	Port      string // of the switch: by its interface's name, else its description, else its id
}

// ParseLLDP reads what lldpctl and lldpcli print with -f xml, json0 or keyvalue. Of what
// a host may make up, it reads 1 MiB and 64 neighbours. XML with a document type, which
// might define entities, is refused.
func ParseLLDP(contents []byte) ([]Neighbour, error) {
	if len(contents) > maxLLDP {
		return nil, fmt.Errorf("cannot read LLDP neighbours: they take %d bytes, %d are the most", len(contents), maxLLDP)
	}
	var found []lldpNeighbour
	var err error
	switch text := bytes.TrimSpace(contents); {
	case len(text) == 0:
		return nil, nil // no neighbour, with -f keyvalue
	case text[0] == '<':
		var scanned bool
		if found, scanned = scanLLDPXML(text); !scanned {
			found, err = parseLLDPXML(text)
		}
	case text[0] == '{':
		found, err = parseLLDPJSON(text)
	default:
		found, err = parseLLDPKeyValue(text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read LLDP neighbours: %w", err)
	}
	var out []Neighbour
	for i := range found {
		n := found[i].neighbour()
		if n.Interface != "" && n.Switch != "" && !slices.Contains(out, n) && len(out) < maxNeighbours {
			out = append(out, n) // a switch may speak several protocols
		}
	}
	return out, nil
}

// An lldpNeighbour has the words of lldpctl.
type lldpNeighbour struct {
	iface                         string
	chassisID, chassisName        string
	portID, portIDType, portDescr string
}

func (n *lldpNeighbour) neighbour() Neighbour {
	port := cmp.Or(n.portDescr, n.portID)
	if n.portIDType == "ifname" {
		port = n.portID
	}
	return Neighbour{parse.Name(n.iface), parse.Name(cmp.Or(n.chassisName, n.chassisID)), parse.Name(port)}
}

// set takes a value by its path below the neighbour.
func (n *lldpNeighbour) set(path, value string) {
	switch path {
	case "chassis/id":
		n.chassisID = value
	case "chassis/name":
		n.chassisName = value
	case "port/id":
		n.portID = value
	case "port/descr":
		n.portDescr = value
	}
}

// Bounds of what is read of a host.
const (
	maxLLDP       = 1 << 20 // bytes
	maxNeighbours = 64
)

// maxXMLDepth is several times that of lldpctl's output.
const maxXMLDepth = 32

func parseLLDPXML(text []byte) ([]lldpNeighbour, error) {
	var out []lldpNeighbour
	var open []string
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.RawToken() // the nesting is checked below
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				return nil, fmt.Errorf("<%.40s> is not closed", open[len(open)-1])
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("it has a document type")
		case xml.StartElement:
			if open = append(open, t.Name.Local); len(open) > maxXMLDepth {
				return nil, fmt.Errorf("elements are nested deeper than %d", maxXMLDepth)
			}
			switch {
			case len(open) == 2 && t.Name.Local == "interface":
				if len(out) == maxNeighbours {
					return out, nil
				}
				out = append(out, lldpNeighbour{iface: attribute(t, "name")})
			case len(open) == 4 && open[2] == "port" && open[3] == "id" && len(out) > 0:
				out[len(out)-1].portIDType = attribute(t, "type")
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name.Local {
				return nil, fmt.Errorf("</%.40s> closes nothing", t.Name.Local)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 4 && open[1] == "interface" && len(out) > 0 {
				out[len(out)-1].set(open[2]+"/"+open[3], strings.TrimSpace(string(t)))
			}
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// lldpJSON is the form of -f json0, in which everything is a list.
type lldpJSON struct {
	LLDP []struct {
		Interface []struct {
			Name    string
			Chassis []struct{ ID, Name []lldpValue }
			Port    []struct{ ID, Descr []lldpValue }
		}
	}
}

type lldpValue struct{ Type, Value string }

func parseLLDPJSON(text []byte) ([]lldpNeighbour, error) {
	var all lldpJSON
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	first := func(values []lldpValue) lldpValue {
		if len(values) == 0 {
			return lldpValue{}
		}
		return values[0]
	}
	var out []lldpNeighbour
	for _, l := range all.LLDP {
		for _, i := range l.Interface {
			if len(out) == maxNeighbours {
				return out, nil
			}
			n := lldpNeighbour{iface: i.Name}
			if len(i.Chassis) > 0 {
				n.chassisID, n.chassisName = first(i.Chassis[0].ID).Value, first(i.Chassis[0].Name).Value
			}
			if len(i.Port) > 0 {
				n.portID, n.portIDType = first(i.Port[0].ID).Value, first(i.Port[0].ID).Type
				n.portDescr = first(i.Port[0].Descr).Value
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// parseLLDPKeyValue reads lldp.eth0.chassis.name=sw1. The id is a key by its type:
// lldp.eth0.port.ifname. A value may go on over lines that are no keys.
func parseLLDPKeyValue(text []byte) ([]lldpNeighbour, error) {
	var out []lldpNeighbour
	keys := 0
	for line := range bytes.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "=")
		rest, lldp := strings.CutPrefix(key, "lldp.")
		if !ok || !lldp {
			continue
		}
		keys++
		if iface, ok := strings.CutSuffix(rest, ".via"); ok { // with which each neighbour begins
			if len(out) == maxNeighbours {
				break
			}
			out = append(out, lldpNeighbour{iface: iface})
			continue
		}
		if len(out) == 0 {
			continue
		}
		n := &out[len(out)-1]
		key, own := strings.CutPrefix(rest, n.iface+".")
		switch {
		case !own:
		case slices.Contains([]string{"chassis.mac", "chassis.local", "chassis.ip", "chassis.ifname", "chassis.ifalias", "chassis.component"}, key):
			n.set("chassis/id", value)
		case slices.Contains([]string{"port.ifname", "port.mac", "port.local", "port.ip", "port.ifalias", "port.component"}, key):
			n.set("port/id", value)
			n.portIDType = strings.TrimPrefix(key, "port.")
		default:
			n.set(strings.Replace(key, ".", "/", 1), value)
		}
	}
	if keys == 0 {
		return nil, errors.New("it is neither XML nor JSON, and has no key that begins with lldp")
	}
	return out, nil
}
