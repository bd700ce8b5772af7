package netstat

import (
	"bytes"
	"strconv"
)

// A counterParser calls visit for each counter in the lines of what netstat -s prints
// (net-tools), of what nstat prints (iproute2), or of files of the kernel: snmp, netstat
// and snmp6 of /proc/net. All that is no counter is passed over. What netstat -s says of
// a group comes after heading is called with its name: it leaves out many counters that
// are zero.
type counterParser struct {
	heading func(group []byte)
	visit   func(group, name []byte, value float64)

	group     []byte // of netstat -s
	direction string // within a histogram of netstat -s: "input " or "output "
	names     []byte // of /proc/net: the line of names that waits for its values
	buf       []byte
}

// line reads a line without the blanks at its end.
func (p *counterParser) line(line []byte) {
	if len(line) == 0 || line[0] == '#' || len(line) > 1<<16 {
		return
	}
	if line[0] == ' ' || line[0] == '\t' {
		if p.group != nil {
			p.phrase(line)
		}
		return
	}
	head, rest, colon := bytes.Cut(line, []byte(":"))
	switch {
	case !colon:
		p.nstat(line)
	case len(rest) > 0:
		p.pair(line)
	case bytes.IndexByte(head, ' ') < 0:
		p.group, p.direction, p.names = head, "", nil
		p.heading(head)
	}
}

// nstat reads "TcpRetransSegs   59957   0.0", or without the rate, as in snmp6.
func (p *counterParser) nstat(line []byte) {
	name, rest := cutBlank(line)
	text, _ := cutBlank(rest)
	if v, ok := number(text); ok {
		group, name := splitName(name)
		p.visit(group, name, v)
	}
}

// pair reads two lines of /proc/net: "Tcp: A B" and "Tcp: 1 2".
func (p *counterParser) pair(line []byte) {
	p.group = nil
	names, values := p.names, line
	if names == nil {
		p.names = line
		return
	}
	p.names = nil
	group, names := cutBlank(names)
	same, values := cutBlank(values)
	if !bytes.Equal(group, same) {
		p.names = line
		return
	}
	group = bytes.TrimSuffix(group, []byte(":"))
	for len(names) > 0 && len(values) > 0 {
		var name, text []byte
		name, names = cutBlank(names)
		text, values = cutBlank(values)
		if v, ok := number(text); ok {
			p.visit(group, name, v)
		}
	}
}

// phrase reads an indented line of netstat -s.
func (p *counterParser) phrase(line []byte) {
	indent := len(line) - len(bytes.TrimLeft(line, " \t"))
	line = line[indent:]
	if indent <= 4 && line[0] != '\t' {
		p.direction = ""
	}
	if name, text, ok := bytes.Cut(line, []byte(": ")); ok && p.direction == "" && bytes.IndexByte(name, ' ') < 0 {
		if v, ok := number(bytes.TrimSpace(text)); ok {
			p.visit(p.group, name, v)
		}
		return
	}
	value, found := 0.0, false
	for rest := line; len(rest) > 0 && !found; {
		var word []byte
		word, rest = cutBlank(rest)
		value, found = number(word)
	}
	if !found {
		switch {
		case bytes.HasSuffix(line, []byte("input histogram:")):
			p.direction = "input "
		case bytes.HasSuffix(line, []byte("output histogram:")):
			p.direction = "output "
		}
		return
	}
	p.buf = append(append(append(p.buf[:0], p.group...), ' '), p.direction...)
	p.buf = normalised(line, p.buf)
	if name, ok := phraseTable()[string(p.buf)]; ok {
		p.visit(p.group, []byte(name), value)
		return
	}
	p.visit(p.group, p.buf[len(p.group)+1:], value)
}

// normalised appends the words of a line to buf: in lower case, without numbers and
// without what versions and people write differently.
func normalised(line, buf []byte) []byte {
	start := len(buf)
	for len(line) > 0 {
		var word []byte
		if word, line = cutBlank(line); len(word) == 0 {
			continue
		}
		if _, ok := number(word); ok {
			continue
		}
		if len(buf) > start {
			buf = append(buf, ' ')
		}
		for _, c := range word {
			switch {
			case c == '.' || c == ':':
			case c == '_' || c == '-':
				buf = append(buf, ' ')
			case 'A' <= c && c <= 'Z':
				buf = append(buf, c+'a'-'A')
			default:
				buf = append(buf, c)
			}
		}
	}
	return buf
}

// cutBlank returns the first word, and what follows the blanks behind it.
func cutBlank(s []byte) (word, rest []byte) {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	n := 0
	for n < len(s) && s[n] != ' ' && s[n] != '\t' {
		n++
	}
	word, rest = s[:n], s[n:]
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		rest = rest[1:]
	}
	return word, rest
}

// number reads what counters hold: whole numbers, MaxConn being -1.
func number(text []byte) (float64, bool) {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || len(digits) > 20 {
		return 0, false
	}
	v := 0.0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + float64(c-'0')
	}
	if v > 1<<53 { // beyond which the sum above rounds at each digit
		n, err := strconv.ParseFloat(string(digits), 64)
		if err != nil {
			return 0, false
		}
		v = n
	}
	if len(digits) < len(text) {
		v = -v
	}
	return v, true
}
