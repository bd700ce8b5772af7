package network

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Counter is one of the kernel's network counters, by the names of /proc/net/snmp and
// /proc/net/netstat: Tcp and RetransSegs. Of a line of netstat -s for which that name is
// not known, Name is its words in lower case, without the number. An empty Group, in a
// question, is any.
type Counter struct {
	Group, Name string
}

func (c Counter) String() string {
	if c.Group == "" {
		return c.Name
	}
	return c.Group + "." + c.Name
}

// is compares with a counter that was read.
func (c Counter) is(group, name []byte) bool {
	return (c.Group == "" || equalFold(c.Group, group)) && equalFold(c.Name, name)
}

func equalFold(a string, b []byte) bool { return len(a) == len(b) && strings.EqualFold(a, string(b)) }

// groups are the prefixes of nstat's names. One that begins with another comes before it.
var groups = []string{"IcmpMsg", "Icmp6", "Icmp", "UdpLite6", "UdpLite", "Udp6", "Udp", "IpExt", "Ip6", "Ip", "TcpExt", "Tcp", "MPTcpExt", "Sctp", "Xfrm", "Tls"}

// splitName splits a name of nstat: TcpRetransSegs.
func splitName(name []byte) (group, rest []byte) {
	for _, g := range groups {
		if n := len(g); len(name) > n && string(name[:n]) == g {
			return name[:n], name[n:]
		}
	}
	return nil, name
}

// ParseCounter reads a counter as people write it, in any case: by the kernel's name
// (Tcp.RetransSegs, or RetransSegs where one group alone has it), by nstat's
// (TcpRetransSegs), by the words of netstat -s ("segments retransmitted"), or as
// the original's users do (tcp_segments_retransmited).
func ParseCounter(text string) (Counter, error) {
	text = strings.TrimSpace(text)
	words := normalised([]byte(text), nil)
	if len(words) == 0 || len(text) > maxText {
		return Counter{}, fmt.Errorf("cannot use %.40q as a counter: it is no name", text)
	}
	group, name, dotted := strings.Cut(text, ".")
	if dotted && name != "" {
		if g := groupNamed(group); g != "" {
			return spelled(Counter{g, name}), nil
		}
	}
	if !strings.ContainsAny(text, " _-") {
		return wordCounter(text)
	}
	table := phraseTable()
	for _, g := range groups {
		rest := strings.TrimPrefix(string(words), strings.ToLower(g)+" ")
		for _, phrase := range []string{rest, string(words)} {
			if name, ok := table[g+" "+phrase]; ok {
				return Counter{g, name}, nil
			}
		}
	}
	first, rest, _ := strings.Cut(string(words), " ")
	if g := groupNamed(first); g != "" && rest != "" {
		return Counter{g, rest}, nil
	}
	return Counter{"", string(words)}, nil
}

func groupNamed(text string) string {
	for _, g := range groups {
		if strings.EqualFold(g, text) {
			return g
		}
	}
	return ""
}

// spelled writes a name as the kernel does, where that is known.
func spelled(c Counter) Counter {
	for _, k := range phraseCounters() {
		if k.Group == c.Group && strings.EqualFold(k.Name, c.Name) {
			return k
		}
	}
	return c
}

// wordCounter reads a counter that is one word.
func wordCounter(text string) (Counter, error) {
	for _, k := range phraseCounters() {
		if strings.EqualFold(k.Group+k.Name, text) {
			return k, nil
		}
	}
	var found []string
	for _, k := range phraseCounters() {
		if strings.EqualFold(k.Name, text) && !slices.Contains(found, k.String()) {
			found = append(found, k.String())
		}
	}
	switch {
	case len(found) == 1:
		group, name, _ := strings.Cut(found[0], ".")
		return Counter{group, name}, nil
	case len(found) > 1:
		return Counter{}, fmt.Errorf("cannot tell which counter %q is: it may be %s", text, strings.Join(found, " or "))
	}
	if group, name := splitName([]byte(text)); group != nil {
		return Counter{string(group), string(name)}, nil
	}
	return Counter{"", text}, nil
}

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

// unknown is the value of what a host does not tell.
var unknown = math.NaN()

func known(v float64) bool { return !math.IsNaN(v) }

// merge takes what one object says, if it says all that is asked; else what others add.
// The kernel's own files come before the programs that format them.
func merge(have, more []float64, kernel bool) []float64 {
	if more == nil {
		return have
	}
	if have == nil {
		return more
	}
	for i, v := range more {
		if known(v) && (kernel || !known(have[i])) {
			have[i] = v
		}
	}
	return have
}

// interned numbers the names of counters, for all hosts.
type interned struct {
	mu       sync.RWMutex
	ids      map[string]int
	counters []Counter // by id
}

// number returns the number of a counter, a negative one for a counter beyond the bounds.
func (n *interned) number(group, name []byte) int {
	if len(group)+len(name) > maxText {
		return -1
	}
	key := append(append(append(make([]byte, 0, maxText+1), group...), '.'), name...)
	if id, ok := n.id(key, len(group)); ok {
		return id
	}
	return -1
}

// id is false for a counter beyond the bound.
func (n *interned) id(key []byte, group int) (int, bool) {
	n.mu.RLock()
	id, ok := n.ids[string(key)]
	n.mu.RUnlock()
	if ok {
		return id, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok = n.ids[string(key)]
	if !ok && len(n.counters) < maxDistinct {
		id, ok = len(n.counters), true
		name := strings.ToValidUTF8(string(key), "?")
		n.ids[string(key)] = id
		n.counters = append(n.counters, Counter{name[:min(group, len(name))], name[min(group+1, len(name)):]})
	}
	return id, ok
}
