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

// eachCounter calls visit for each counter in contents, which may be what netstat -s
// prints (net-tools), what nstat prints (iproute2), or files of the kernel: snmp,
// netstat and snmp6 of /proc/net. All that is no counter is passed over. What netstat -s
// says of a group comes after heading is called with its name: it leaves out many
// counters that are zero.
func eachCounter(contents []byte, heading func(group []byte), visit func(group, name []byte, value float64)) {
	p := counterParser{heading: heading, visit: visit}
	for line := range bytes.Lines(contents) {
		p.line(bytes.TrimRight(line, " \t\r\n"))
	}
}

type counterParser struct {
	heading func(group []byte)
	visit   func(group, name []byte, value float64)

	group     []byte // of netstat -s
	direction string // within a histogram of netstat -s: "input " or "output "
	names     []byte // of /proc/net: the line of names that waits for its values
	buf       []byte
}

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

// pick returns the values of the counters that are asked for, and calls heard for those
// that are named: others may be zero because netstat -s leaves them out, or because
// there is no such counter.
func pick(contents []byte, counters []Counter, heard func(int)) []float64 {
	values := make([]float64, len(counters))
	for i := range values {
		values[i] = unknown
	}
	eachCounter(contents, func(group []byte) {
		for i, c := range counters {
			if !known(values[i]) && equalFold(c.Group, group) {
				values[i] = 0
			}
		}
	}, func(group, name []byte, value float64) {
		for i, c := range counters {
			if c.is(group, name) {
				values[i] = value
				heard(i)
			}
		}
	})
	return values
}

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

// all returns every counter in contents.
func (n *interned) all(contents []byte) []counted {
	var out []counted
	var key []byte
	eachCounter(contents, func([]byte) {}, func(group, name []byte, value float64) {
		if len(group)+len(name) > maxText {
			return
		}
		key = append(append(append(key[:0], group...), '.'), name...)
		if id, ok := n.id(key, len(group)); ok {
			out = append(out, counted{id, value})
		}
	})
	return out
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

// phraseTable maps a group and the normalised words of netstat -s to the kernel's name.
var phraseTable = sync.OnceValue(func() map[string]string {
	table := make(map[string]string)
	for line := range strings.Lines(phrases) {
		counter, words, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if group, name, dotted := strings.Cut(counter, "."); ok && dotted {
			table[group+" "+words] = name
		}
	}
	return table
})

// phraseCounters are the counters of that table, each once, in its order.
var phraseCounters = sync.OnceValue(func() []Counter {
	var out []Counter
	for line := range strings.Lines(phrases) {
		counter, _, _ := strings.Cut(line, " ")
		if group, name, dotted := strings.Cut(counter, "."); dotted && !slices.Contains(out, Counter{group, name}) {
			out = append(out, Counter{group, name})
		}
	}
	return out
})

// phrases are the words of netstat -s in net-tools 2.10, and of older ones back to 1.60:
// found by giving it files in which every counter has another value.
const phrases = `
Ip.InReceives total packets received
Ip.InHdrErrors with invalid headers
Ip.InAddrErrors with invalid addresses
Ip.ForwDatagrams forwarded
Ip.InUnknownProtos with unknown protocol
Ip.InDiscards incoming packets discarded
Ip.InDelivers incoming packets delivered
Ip.OutRequests requests sent out
Ip.OutDiscards outgoing packets dropped
Ip.OutNoRoutes dropped because of missing route
Ip.ReasmTimeout fragments dropped after timeout
Ip.ReasmReqds reassemblies required
Ip.ReasmOKs packets reassembled ok
Ip.ReasmFails packet reassemblies failed
Ip.FragOKs outgoing packets fragmented ok
Ip.FragFails outgoing packets failed fragmentation
Ip.FragCreates fragments created
Ip.DefaultTTL default ttl is
Icmp.InMsgs icmp messages received
Icmp.InErrors input icmp message failed
Icmp.InDestUnreachs input destination unreachable
Icmp.InTimeExcds input timeout in transit
Icmp.InParmProbs input wrong parameters
Icmp.InSrcQuenchs input source quenches
Icmp.InRedirects input redirects
Icmp.InEchos input echo requests
Icmp.InEchoReps input echo replies
Icmp.InTimestamps input timestamp request
Icmp.InTimestampReps input timestamp reply
Icmp.InAddrMasks input address mask request
Icmp.InAddrMaskReps input address mask replies
Icmp.OutMsgs icmp messages sent
Icmp.OutErrors icmp messages failed
Icmp.OutDestUnreachs output destination unreachable
Icmp.OutTimeExcds output time exceeded
Icmp.OutParmProbs output wrong parameters
Icmp.OutSrcQuenchs output source quench
Icmp.OutRedirects output redirect
Icmp.OutEchos output echo requests
Icmp.OutEchoReps output echo replies
Icmp.OutTimestamps output timestamp requests
Icmp.OutTimestampReps output timestamp replies
Icmp.OutAddrMasks output address mask requests
Icmp.OutAddrMaskReps output address mask replies
Tcp.ActiveOpens active connection openings
Tcp.PassiveOpens passive connection openings
Tcp.AttemptFails failed connection attempts
Tcp.EstabResets connection resets received
Tcp.CurrEstab connections established
Tcp.InSegs segments received
Tcp.OutSegs segments sent out
Tcp.RetransSegs segments retransmitted
Tcp.InErrs bad segments received
Tcp.OutRsts resets sent
Tcp.OutSegs segments send out
Tcp.ActiveOpens active connections openings
Tcp.RetransSegs segments retransmited
Udp.InDatagrams packets received
Udp.NoPorts packets to unknown port received
Udp.InErrors packet receive errors
Udp.OutDatagrams packets sent
Udp.RcvbufErrors receive buffer errors
Udp.SndbufErrors send buffer errors
TcpExt.SyncookiesSent syn cookies sent
TcpExt.SyncookiesRecv syn cookies received
TcpExt.SyncookiesFailed invalid syn cookies received
TcpExt.EmbryonicRsts resets received for embryonic syn recv sockets
TcpExt.PruneCalled packets pruned from receive queue because of socket buffer overrun
TcpExt.RcvPruned packets pruned from receive queue
TcpExt.OfoPruned packets dropped from out of order queue because of socket buffer overrun
TcpExt.OutOfWindowIcmps icmp packets dropped because they were out of window
TcpExt.LockDroppedIcmps icmp packets dropped because socket was locked
TcpExt.TW tcp sockets finished time wait in fast timer
TcpExt.TWRecycled time wait sockets recycled by time stamp
TcpExt.PAWSActive active connections rejected because of time stamp
TcpExt.PAWSEstab packets rejected in established connections because of timestamp
TcpExt.DelayedACKs delayed acks sent
TcpExt.DelayedACKLocked delayed acks further delayed because of locked socket
TcpExt.DelayedACKLost quick ack mode was activated times
TcpExt.ListenOverflows times the listen queue of a socket overflowed
TcpExt.ListenDrops syns to listen sockets dropped
TcpExt.TCPHPHits packet headers predicted
TcpExt.TCPPureAcks acknowledgments not containing data payload received
TcpExt.TCPHPAcks predicted acknowledgments
TcpExt.TCPRenoRecovery times recovered from packet loss due to fast retransmit
TcpExt.TCPSACKReorder detected reordering times using sack
TcpExt.TCPRenoReorder detected reordering times using reno fast retransmit
TcpExt.TCPTSReorder detected reordering times using time stamp
TcpExt.TCPFullUndo congestion windows fully recovered without slow start
TcpExt.TCPPartialUndo congestion windows partially recovered using hoe heuristic
TcpExt.TCPLossUndo congestion windows recovered without slow start after partial ack
TcpExt.TCPRenoFailures timeouts after reno fast retransmit
TcpExt.TCPLossFailures timeouts in loss state
TcpExt.TCPFastRetrans fast retransmits
TcpExt.TCPSlowStartRetrans retransmits in slow start
TcpExt.TCPRcvCollapsed packets collapsed in receive queue due to low socket buffer
TcpExt.TCPAbortOnData connections reset due to unexpected data
TcpExt.TCPAbortOnClose connections reset due to early user close
TcpExt.TCPAbortOnMemory connections aborted due to memory pressure
TcpExt.TCPAbortOnTimeout connections aborted due to timeout
TcpExt.TCPAbortOnLinger connections aborted after user close in linger timeout
TcpExt.TCPAbortFailed times unable to send rst due to no memory
TcpExt.TCPMemoryPressures tcp ran low on memory times
TcpExt.TWKilled tcp sockets finished time wait in slow timer
TcpExt.PAWSPassive passive connections rejected because of time stamp
TcpExt.TCPPrequeued packets directly queued to recvmsg prequeue
TcpExt.TCPDirectCopyFromBacklog bytes directly in process context from backlog
TcpExt.TCPDirectCopyFromPrequeue bytes directly received in process context from prequeue
TcpExt.TCPPrequeueDropped packets dropped from prequeue
TcpExt.TCPHPHitsToUser packet headers predicted and directly queued to user
TcpExt.TCPSackRecovery times recovered from packet loss by selective acknowledgements
TcpExt.TCPSACKReneging bad sack blocks received
TcpExt.TCPSACKReneging bad sacks received
TcpExt.TCPSackRecovery times recovered from packet loss due to sack data
TcpExt.TCPFACKReorder detected reordering times using fack
TcpExt.TCPDSACKUndo congestion windows recovered without slow start by dsack
TcpExt.TCPDSACKUndo congestion window recovered without slow start using dsack
TcpExt.TCPLoss tcp data loss events
TcpExt.TCPLostRetransmit retransmits lost
TcpExt.TCPSackFailures timeouts after sack recovery
TcpExt.TCPForwardRetrans forward retransmits
TcpExt.TCPTimeouts other tcp timeouts
TcpExt.TCPRenoRecoveryFail classic reno fast retransmits failed
TcpExt.TCPSackRecoveryFail sack retransmits failed
TcpExt.TCPSchedulerFailed times receiver scheduled too late for direct processing
TcpExt.TCPDSACKOldSent dsacks sent for old packets
TcpExt.TCPDSACKOfoSent dsacks sent for out of order packets
TcpExt.TCPDSACKRecv dsacks received
TcpExt.TCPDSACKOfoRecv dsacks for out of order packets received
TcpExt.TCPAbortOnSyn connections reset due to unexpected syn
IpExt.InNoRoutes incoming packets with no route
IpExt.InTruncatedPkts with truncated packets
IpExt.InMcastPkts incoming multicast packets
IpExt.OutMcastPkts outgoing multicast packets
`
