package netstat

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eachCounter reads all lines of an object, and remembers nothing.
func eachCounter(contents []byte, heading func(group []byte), visit func(group, name []byte, value float64)) {
	p := counterParser{heading: heading, visit: visit}
	for line := range bytes.Lines(contents) {
		p.line(bytes.TrimRight(line, " \t\r\n"))
	}
}

func allCounters(contents []byte) map[string]float64 {
	out := make(map[string]float64)
	eachCounter(contents, func([]byte) {}, func(group, name []byte, value float64) {
		out[Counter{string(group), string(name)}.String()] = value
	})
	return out
}

// The samples are what net-tools 2.10 and iproute2 6.1 print of the files snmp and
// netstat, in which each counter has a value of its own: so a phrase that is taken for
// another counter shows.
func TestProgramsAndKernelAgreeOnCounters(t *testing.T) {
	kernel := allCounters(append(readSample(t, "snmp"), readSample(t, "netstat")...))
	if len(kernel) < 300 || kernel["Tcp.RetransSegs"] == 0 {
		t.Fatalf("%d counters: %v", len(kernel), kernel)
	}
	for _, name := range []string{"netstat-s.txt", "nstat-asz.txt"} {
		got := allCounters(readSample(t, name))
		if len(got) < 250 {
			t.Errorf("%s: only %d counters", name, len(got))
		}
		for counter, value := range got {
			if v, ok := kernel[counter]; !ok || v != value {
				t.Errorf("%s: %s is %v, the kernel has %v", name, counter, value, v)
			}
		}
		for _, counter := range []string{"Tcp.OutSegs", "Udp.InErrors", "Icmp.InEchos", "Icmp.OutDestUnreachs", "TcpExt.TCPSACKReorder", "TcpExt.DelayedACKLost", "IpExt.InOctets", "IcmpMsg.InType3"} {
			if _, ok := got[counter]; !ok {
				t.Errorf("%s: %s is missing", name, counter)
			}
		}
	}
}

func TestCountersOfAnOldNetstat(t *testing.T) {
	got := allCounters(readSample(t, "netstat-s-1.60.txt"))
	for counter, want := range map[string]float64{
		"Tcp.OutSegs": 1699213, "Tcp.RetransSegs": 340, "Tcp.InErrs": 7, "Tcp.ActiveOpens": 14441,
		"Udp.InDatagrams": 457001, "Udp.NoPorts": 93, "Udp.InErrors": 11, "Udp.RcvbufErrors": 11,
		"Icmp.InErrors": 0, "Icmp.InDestUnreachs": 51, "Icmp.OutDestUnreachs": 93, "Icmp.OutEchoReps": 40,
		"IcmpMsg.InType8": 40, "TcpExt.TCPBacklogDrop": 5, "TcpExt.TCPLoss": 3, "TcpExt.TCPSackRecovery": 17,
		"TcpExt.something that no version says": 8, "IpExt.InOctets": 1188334511,
	} {
		if v, ok := got[counter]; !ok || v != want {
			t.Errorf("%s is %v, want %v", counter, v, want)
		}
	}
}

func TestParseCounter(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"Tcp.RetransSegs", "Tcp.RetransSegs"},
		{"tcp.retranssegs", "Tcp.RetransSegs"},
		{"TcpRetransSegs", "Tcp.RetransSegs"},
		{"RetransSegs", "Tcp.RetransSegs"},
		{"segments retransmitted", "Tcp.RetransSegs"},
		{"340 segments retransmited", "Tcp.RetransSegs"},
		{"tcp_segments_retransmited", "Tcp.RetransSegs"}, // as the original called it
		{"tcpext_packets_dropped_from_out_of_order_queue_because_of_socket_buffer_overrun", "TcpExt.OfoPruned"},
		{"udp_packet_receive_errors", "Udp.InErrors"},
		{"Quick ack mode was activated 59773 times", "TcpExt.DelayedACKLost"},
		{"bad segments received.", "Tcp.InErrs"},
		{"input destination unreachable", "Icmp.InDestUnreachs"},
		{"TcpExt.TCPBacklogDrop", "TcpExt.TCPBacklogDrop"}, // not among the phrases
		{"TcpExtTCPBacklogDrop", "TcpExt.TCPBacklogDrop"},
		{"TCPBacklogDrop", "TCPBacklogDrop"},
		{"tcpext_something_that_no_version_says", "TcpExt.something that no version says"},
		{"Ip6InReceives", "Ip6.InReceives"},
		{"InDatagrams", "Udp.InDatagrams"},
		{"InErrors", "error: Icmp.InErrors or Udp.InErrors"},
		{" ", "error: no name"},
		{" 0", "error: no name"},
		{strings.Repeat("x", 200), "error: no name"},
	} {
		got, err := ParseCounter(row.text)
		if why, bad := strings.CutPrefix(row.want, "error: "); bad {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%q: %v, %v", row.text, got, err)
			}
		} else if err != nil || got.String() != row.want {
			t.Errorf("%q: %q (%v), want %q", row.text, got, err, row.want)
		}
	}
}

// Every counter can be asked for by what any format calls it.
func TestCountersAreFoundByTheirNames(t *testing.T) {
	for _, name := range []string{"snmp", "netstat", "netstat-s.txt", "nstat-asz.txt", "netstat-s-1.60.txt"} {
		contents := readSample(t, name)
		for text, want := range allCounters(contents) {
			c, err := ParseCounter(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
			} else if got := NewReader([]Counter{c}).Pick(contents, func(int) {}); got[0] != want {
				t.Errorf("%s: %s is %v, want %v", name, text, got[0], want)
			}
		}
	}
}

// netstat -s leaves out many counters that are zero; the kernel's files do not.
func TestACounterThatNetstatLeavesOutIsZero(t *testing.T) {
	wanted := []Counter{{"Tcp", "RetransSegs"}, {"TcpExt", "TCPTimeouts"}, {"Udp", "InErrors"}}
	got := NewReader(wanted).Pick([]byte("Tcp:\n    5 segments retransmitted\nTcpExt:\nIpExt:\n"), func(int) {})
	if got[0] != 5 || got[1] != 0 || !math.IsNaN(got[2]) {
		t.Errorf("got %v", got)
	}
	got = NewReader(wanted).Pick([]byte("Tcp: InSegs RetransSegs\nTcp: 1 5\nTcpExt: A\nTcpExt: 1\n"), func(int) {})
	if got[0] != 5 || !math.IsNaN(got[1]) {
		t.Errorf("of the kernel's file: %v", got)
	}
}

func TestCounterValues(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-1": -1, "18446744073709551615": math.MaxUint64, "9007199254740993": 9007199254740992,
	} {
		if got, ok := number([]byte(text)); !ok || got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"", "-", "1e5", "0x1", "NaN", "+1", "1.5", strings.Repeat("9", 21)} {
		if got, ok := number([]byte(text)); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// sameCounters demands that a memo reads what the parser does, in its order.
func sameCounters(t *testing.T, memo *Reader, contents []byte) {
	t.Helper()
	var got, want []string
	all, err := memo.All(contents)
	if err != nil {
		return // it has made up more than may be numbered
	}
	for _, c := range all {
		got = append(got, fmt.Sprintf("%v %v", memo.names.counters[c.ID], c.Value))
	}
	eachCounter(contents, func([]byte) {}, func(group, name []byte, value float64) {
		if id, _ := memo.names.number(group, name, true); id >= 0 {
			want = append(want, fmt.Sprintf("%v %v", memo.names.counters[id], value))
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("of %.200q: %q, want %q", contents, got, want)
	}
}

// What lines mean is remembered from host to host, whatever numbers they have, whichever
// lines a host leaves out, and under whichever heading the same line was met before.
func TestRememberedLines(t *testing.T) {
	memo := NewReaderOfAll(NewNames(20_000))
	for _, name := range []string{"netstat-s.txt", "nstat-asz.txt", "netstat-s-1.60.txt", "netstat"} {
		lines := strings.SplitAfter(string(readSample(t, name)), "\n")
		for left := range 7 {
			var host strings.Builder
			for i, line := range lines {
				if left == 0 || i%7 != left {
					host.WriteString(strings.ReplaceAll(line, "7", strings.Repeat("9", left)))
				}
			}
			sameCounters(t, memo, []byte(host.String()))
		}
	}
	for _, text := range []string{
		"Tcp:\n    5 x\nUdp:\n    5 x\n    y: 6\n",
		"Udp:\n    7 x\nTcp:\n    8 x\n",
		"    5 x\nTcp:\n    5 x\nTcp: A\n    5 x\nTcp: 1\n    5 x\n",
		"Icmp:\n    ICMP input histogram:\n        echo requests: 5\n    ICMP output histogram:\n        echo requests: 6\n    5 x\n        echo requests: 7\n",
		"a 5\na 123456789012345\na 1234567890123456\na 12345678901234567890\na -5\na 123456789012345678901\n5 5\n5 a 5\na b 5\na 5 6\n",
		"Tcp:\r\n    5 x\r\n    6 x \t\n    7 x",
		"Tcp:\n    5 x\n#c 5\n\n    6 x\n:\n    5 x\n",
	} {
		for range 3 {
			sameCounters(t, memo, []byte(text))
		}
	}
	memo.bytes = maxKnown // all is forgotten
	sameCounters(t, memo, []byte("z 5\n"))
	if len(memo.known) != 1 || memo.bytes > 1<<10 {
		t.Errorf("%d lines are remembered, as %d bytes", len(memo.known), memo.bytes)
	}
}

// A host that makes up counters takes no numbers from those of others, nor does what it has
// beside them change how theirs are read.
func TestOneObjectCannotUseUpTheNumbers(t *testing.T) {
	memo := NewReaderOfAll(NewNames(3000))
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "x%d 1\n", i)
	}
	honest := readSample(t, "nstat-asz.txt")
	b.Write(honest)
	for range 2 {
		if all, err := memo.All([]byte(b.String())); !errors.Is(err, ErrTooMany) || all != nil {
			t.Errorf("%d counters, %v", len(all), err)
		}
	}
	all, err := memo.All(honest)
	if want := len(allCounters(honest)); err != nil || len(all) != want {
		t.Errorf("%d counters, %v; want %d", len(all), err, want)
	}
}

func FuzzCounters(f *testing.F) {
	for _, name := range []string{"snmp", "netstat", "netstat-s.txt", "nstat-asz.txt", "netstat-s-1.60.txt"} {
		f.Add(readSample(f, name))
	}
	f.Add([]byte("a:\n \t: \n  -\n x: 1 2\nb: c\nb: d e\n"))
	f.Fuzz(func(t *testing.T, contents []byte) {
		before := bytes.Clone(contents)
		for name, v := range allCounters(contents) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%q is %v", name, v)
			}
		}
		memo := NewReaderOfAll(NewNames(20_000))
		for range 3 { // learnt, looked up, and followed
			sameCounters(t, memo, contents)
		}
		memo = NewReaderOfAll(memo.names)
		sameCounters(t, memo, readSample(t, "netstat-s.txt"))
		sameCounters(t, memo, contents)
		sameCounters(t, memo, readSample(t, "netstat-s.txt"))
		if !bytes.Equal(before, contents) {
			t.Error("the contents have been changed")
		}
	})
}

func FuzzParseCounter(f *testing.F) {
	f.Add("Tcp.RetransSegs")
	f.Add("tcp_segments_retransmited")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCounter(text)
		if err == nil && c.Name == "" {
			t.Errorf("%q is a counter without a name", text)
		}
	})
}
