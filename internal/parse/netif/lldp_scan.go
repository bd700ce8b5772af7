package netif

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// scanLLDPXML reads what lldpctl -f xml prints. It is false for whatever else XML may
// be (comments, document types, namespaces, entities in what is wanted), and for what is
// none: that is left to encoding/xml, which takes ten times as long.
func scanLLDPXML(text []byte) ([]lldpNeighbour, bool) {
	if bytes.Count(text, []byte("&")) != bytes.Count(text, []byte("&amp;")) || bytes.IndexByte(text, '\r') >= 0 || !utf8.Valid(text) {
		return nil, false
	}
	text = bytes.TrimPrefix(text, []byte(`<?xml version="1.0" encoding="UTF-8"?>`))
	var out []lldpNeighbour
	var open [maxXMLDepth][]byte
	depth := 0
	for {
		start := bytes.IndexByte(text, '<')
		if start < 0 {
			return out, depth == 0
		}
		if start > 0 && depth == 4 && string(open[1]) == "interface" && len(out) > 0 && !out[len(out)-1].scan(open[2], open[3], text[:start]) {
			return nil, false
		}
		text = text[start+1:]
		end := bytes.IndexByte(text, '>')
		if end <= 0 {
			return nil, false
		}
		tag := text[:end]
		text = text[end+1:]
		if tag[0] == '/' {
			if depth == 0 || !bytes.Equal(tag[1:], open[depth-1]) {
				return nil, false
			}
			depth--
			continue
		}
		tag, empty := bytes.CutSuffix(tag, []byte("/"))
		name, rest, _ := bytes.Cut(tag, []byte(" "))
		if depth == maxXMLDepth || !isPlainName(name) {
			return nil, false
		}
		open[depth] = name
		depth++
		sound := true
		switch {
		case depth == 2 && string(name) == "interface":
			if len(out) == maxNeighbours {
				return out, true
			}
			out = append(out, lldpNeighbour{})
			out[len(out)-1].iface, sound = scanAttribute(rest, "name")
		case depth == 4 && string(open[2]) == "port" && string(name) == "id" && len(out) > 0:
			out[len(out)-1].portIDType, sound = scanAttribute(rest, "type")
		default:
			_, sound = scanAttribute(rest, "")
		}
		if !sound {
			return nil, false
		}
		if empty {
			depth--
		}
	}
}

// scan takes the text of an element below a neighbour.
func (n *lldpNeighbour) scan(parent, name, value []byte) bool {
	path := string(parent) + "/" + string(name)
	switch path {
	case "chassis/id", "chassis/name", "port/id", "port/descr":
		n.set(path, string(bytes.TrimSpace(value)))
		return bytes.IndexByte(value, '&') < 0
	}
	return true
}

// isPlainName leaves out what begins with ! or ?, and names of a namespace.
func isPlainName(name []byte) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(name) > 0
}

// scanAttribute returns the value of an attribute, empty where there is none of that
// name. It is false where the attributes are written otherwise than by lldpctl.
func scanAttribute(attributes []byte, name string) (value string, ok bool) {
	for found := false; ; {
		if attributes = bytes.TrimLeft(attributes, " "); len(attributes) == 0 {
			return value, true
		}
		key, rest, quoted := bytes.Cut(attributes, []byte(`="`))
		text, rest, closed := bytes.Cut(rest, []byte(`"`))
		if !quoted || !closed || !isPlainName(key) || len(rest) > 0 && rest[0] != ' ' || bytes.IndexByte(text, '<') >= 0 {
			return "", false
		}
		if !found && string(key) == name {
			if value, found = string(text), true; strings.Contains(value, "&") {
				return "", false
			}
		}
		attributes = rest
	}
}
