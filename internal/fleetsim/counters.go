package fleetsim

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A pace is how a host fares on the network.
type pace struct {
	slow   bool    // its pushes take many times as long as others'
	resent float64 // share of the TCP segments that are sent again
}

func (m *machine) pace() pace {
	r := m.random(streamPace)
	there, anywhere, lossy := r.Float64() < shareSlowThere, r.Float64() < shareSlow, r.Float64() < shareLossy
	usual, bad := 0.0001+0.0003*r.ExpFloat64(), r.Float64()
	suffers := m.links().overBad && there
	p := pace{slow: suffers || anywhere, resent: usual}
	switch {
	case lossy:
		p.resent = 0.05 + 0.05*bad
	case suffers:
		p.resent = 0.01 + 0.02*bad
	}
	return p
}

// traffic is how many TCP segments a second the hosts of a role send.
var traffic = [roleCount]float64{web: 700, app: 500, db: 900, cache: 1500, lb: 2500, logs: 1100}

// A quantity is what a counter is a share of.
type quantity int

const (
	ofSegments quantity = iota // sent since the host booted
	ofOpens                    // connections that were opened
	ofDatagrams
	ofResent   // segments that were sent again
	ofConstant // 1
	quantities
)

// A counterLine is a line of "netstat -s". The counter is a share of something, give
// or take a half. net-tools leaves a line out whose counter is zero.
type counterLine struct {
	text  string // after four blanks; with %d, or without: a heading
	of    quantity
	share float64
	exact bool // it is that share
	zero  bool // it is printed although it is zero
}

// counterLines are those of net-tools 2.10. The older net-tools of EL 7 write three of
// them otherwise; see oldWords.
var counterLines = []counterLine{
	{text: "Ip:"},
	{text: "Forwarding: %d", of: ofConstant, share: 1, exact: true},
	{text: "%d total packets received", of: ofSegments, share: 1.1, zero: true},
	{text: "%d with invalid addresses", of: ofSegments, share: 1e-8},
	{text: "%d forwarded", zero: true},
	{text: "%d incoming packets discarded", of: ofSegments, share: 2e-9, zero: true},
	{text: "%d incoming packets delivered", of: ofSegments, share: 1.1, zero: true},
	{text: "%d requests sent out", of: ofSegments, share: 1.05, zero: true},
	{text: "%d outgoing packets dropped", of: ofSegments, share: 1e-7},
	{text: "%d dropped because of missing route", of: ofSegments, share: 1e-8},
	{text: "%d fragments dropped after timeout", of: ofSegments, share: 1e-9},
	{text: "%d reassemblies required", of: ofSegments, share: 1e-7},
	{text: "%d packets reassembled ok", of: ofSegments, share: 5e-8},
	{text: "Icmp:"},
	{text: "%d ICMP messages received", of: ofOpens, share: 0.03, zero: true},
	{text: "%d input ICMP message failed", of: ofOpens, share: 1e-5, zero: true},
	{text: "ICMP input histogram:"},
	{text: "    destination unreachable: %d", of: ofOpens, share: 0.01},
	{text: "    timeout in transit: %d", of: ofOpens, share: 1e-6},
	{text: "    echo requests: %d", of: ofOpens, share: 0.02},
	{text: "    echo replies: %d", of: ofOpens, share: 1e-5},
	{text: "%d ICMP messages sent", of: ofOpens, share: 0.03, zero: true},
	{text: "%d ICMP messages failed", zero: true},
	{text: "ICMP output histogram:"},
	{text: "    destination unreachable: %d", of: ofOpens, share: 0.01},
	{text: "    echo replies: %d", of: ofOpens, share: 0.02},
	{text: "IcmpMsg:"},
	{text: "    InType3: %d", of: ofOpens, share: 0.01},
	{text: "    InType8: %d", of: ofOpens, share: 0.02},
	{text: "    OutType0: %d", of: ofOpens, share: 0.02},
	{text: "    OutType3: %d", of: ofOpens, share: 0.01},
	{text: "Tcp:"},
	{text: "%d active connection openings", of: ofOpens, share: 1, zero: true},
	{text: "%d passive connection openings", of: ofOpens, share: 1.5, zero: true},
	{text: "%d failed connection attempts", of: ofOpens, share: 0.004, zero: true},
	{text: "%d connection resets received", of: ofOpens, share: 0.02, zero: true},
	{text: established, zero: true},
	{text: "%d segments received", of: ofSegments, share: 1, zero: true},
	{text: "%d segments sent out", of: ofSegments, share: 1, exact: true, zero: true},
	{text: "%d segments retransmitted", of: ofResent, share: 1, exact: true, zero: true},
	{text: "%d bad segments received", of: ofSegments, share: 1e-8, zero: true},
	{text: "%d resets sent", of: ofOpens, share: 0.03, zero: true},
	{text: "Udp:"},
	{text: "%d packets received", of: ofDatagrams, share: 1, zero: true},
	{text: "%d packets to unknown port received", of: ofDatagrams, share: 1e-4, zero: true},
	{text: "%d packet receive errors", of: ofDatagrams, share: 2e-6, zero: true},
	{text: "%d packets sent", of: ofDatagrams, share: 1.1, zero: true},
	{text: "%d receive buffer errors", of: ofDatagrams, share: 1e-6, zero: true},
	{text: "%d send buffer errors", of: ofDatagrams, share: 1e-8, zero: true},
	{text: "IgnoredMulti: %d", of: ofDatagrams, share: 0.001},
	{text: "UdpLite:"},
	{text: "TcpExt:"},
	{text: "%d invalid SYN cookies received", of: ofOpens, share: 1e-6},
	{text: "%d resets received for embryonic SYN_RECV sockets", of: ofOpens, share: 1e-5},
	{text: "%d packets pruned from receive queue because of socket buffer overrun", of: ofSegments, share: 1e-8},
	{text: "%d ICMP packets dropped because they were out-of-window", of: ofOpens, share: 1e-7},
	{text: "%d TCP sockets finished time wait in fast timer", of: ofOpens, share: 0.5},
	{text: "%d packets rejected in established connections because of timestamp", of: ofOpens, share: 1e-4},
	{text: "%d delayed acks sent", of: ofSegments, share: 0.02},
	{text: "%d delayed acks further delayed because of locked socket", of: ofSegments, share: 1e-5},
	{text: "Quick ack mode was activated %d times", of: ofResent, share: 0.3},
	{text: "%d times the listen queue of a socket overflowed", of: ofOpens, share: 3e-7},
	{text: "%d SYNs to LISTEN sockets dropped", of: ofOpens, share: 3e-7},
	{text: "%d packet headers predicted", of: ofSegments, share: 0.5, zero: true},
	{text: "%d acknowledgments not containing data payload received", of: ofSegments, share: 0.2, zero: true},
	{text: "%d predicted acknowledgments", of: ofSegments, share: 0.3, zero: true},
	{text: "TCPSackRecovery: %d", of: ofResent, share: 0.2},
	{text: "Detected reordering %d times using SACK", of: ofResent, share: 0.05},
	{text: "Detected reordering %d times using time stamp", of: ofResent, share: 0.01},
	{text: "%d congestion windows fully recovered without slow start", of: ofResent, share: 0.005},
	{text: "%d congestion windows partially recovered using Hoe heuristic", of: ofResent, share: 0.002},
	{text: "TCPDSACKUndo: %d", of: ofResent, share: 0.01},
	{text: "%d congestion windows recovered without slow start after partial ack", of: ofResent, share: 0.01},
	{text: "TCPLostRetransmit: %d", of: ofResent, share: 0.02},
	{text: "%d timeouts in loss state", of: ofResent, share: 0.001},
	{text: "%d fast retransmits", of: ofResent, share: 0.5},
	{text: "%d retransmits in slow start", of: ofResent, share: 0.03},
	{text: "TCPTimeouts: %d", of: ofResent, share: 0.1},
	{text: "TCPLossProbes: %d", of: ofResent, share: 0.4},
	{text: "TCPLossProbeRecovery: %d", of: ofResent, share: 0.01},
	{text: "%d packets collapsed in receive queue due to low socket buffer", of: ofSegments, share: 1e-8},
	{text: "TCPBacklogCoalesce: %d", of: ofSegments, share: 0.001},
	{text: "TCPDSACKOldSent: %d", of: ofResent, share: 0.3},
	{text: "TCPDSACKRecv: %d", of: ofResent, share: 0.3},
	{text: "%d connections reset due to unexpected data", of: ofOpens, share: 0.005},
	{text: "%d connections reset due to early user close", of: ofOpens, share: 0.004},
	{text: "%d connections aborted due to timeout", of: ofResent, share: 0.001},
	{text: "TCPSpuriousRTOs: %d", of: ofResent, share: 0.002},
	{text: "TCPSackShifted: %d", of: ofResent, share: 0.1},
	{text: "TCPSackMerged: %d", of: ofResent, share: 0.15},
	{text: "TCPSackShiftFallback: %d", of: ofResent, share: 0.3},
	{text: "TCPReqQFullDoCookies: %d", of: ofOpens, share: 1e-7},
	{text: "TCPRcvCoalesce: %d", of: ofSegments, share: 0.1},
	{text: "TCPOFOQueue: %d", of: ofResent, share: 2},
	{text: "TCPChallengeACK: %d", of: ofOpens, share: 1e-4},
	{text: "TCPSYNChallenge: %d", of: ofOpens, share: 1e-4},
	{text: "TCPSpuriousRtxHostQueues: %d", of: ofResent, share: 0.002},
	{text: "TCPAutoCorking: %d", of: ofSegments, share: 0.01},
	{text: "TCPFromZeroWindowAdv: %d", of: ofOpens, share: 1e-5},
	{text: "TCPToZeroWindowAdv: %d", of: ofOpens, share: 1e-5},
	{text: "TCPSynRetrans: %d", of: ofResent, share: 0.05},
	{text: "TCPOrigDataSent: %d", of: ofSegments, share: 0.7},
	{text: "TCPHystartTrainDetect: %d", of: ofOpens, share: 0.002},
	{text: "TCPHystartTrainCwnd: %d", of: ofOpens, share: 0.06},
	{text: "TCPKeepAlive: %d", of: ofOpens, share: 0.3},
	{text: "TCPDelivered: %d", of: ofSegments, share: 0.7},
	{text: "TCPAckCompressed: %d", of: ofResent, share: 0.2},
	{text: "TcpTimeoutRehash: %d", of: ofResent, share: 0.08},
	{text: "IpExt:"},
	{text: "InMcastPkts: %d", of: ofDatagrams, share: 0.001},
	{text: "OutMcastPkts: %d", of: ofDatagrams, share: 0.001},
	{text: "InBcastPkts: %d", of: ofDatagrams, share: 0.002},
	{text: "InOctets: %d", of: ofSegments, share: 700},
	{text: "OutOctets: %d", of: ofSegments, share: 900},
	{text: "InMcastOctets: %d", of: ofDatagrams, share: 0.04},
	{text: "OutMcastOctets: %d", of: ofDatagrams, share: 0.04},
	{text: "InBcastOctets: %d", of: ofDatagrams, share: 0.4},
	{text: "InNoECTPkts: %d", of: ofSegments, share: 1.1},
	{text: "InECT0Pkts: %d", of: ofSegments, share: 1e-6},
}

// established is of the present, as "ss -anp" has it.
const established = "%d connections established"

var oldWords = strings.NewReplacer(
	"active connection openings", "active connections openings", "segments sent out", "segments send out", "segments retransmitted", "segments retransmited",
)

// newCounters came with kernels that EL 7 does not have.
var newCounters = []string{"TCPAckCompressed", "TcpTimeoutRehash", "TCPDelivered", "TCPKeepAlive"}

// netstat is "netstat -s".
func netstat(m *machine) []byte {
	r := m.random(streamCounters)
	sent := float64(m.uptime+30) * traffic[m.role] * (0.3 + r.Float64()) * float64(m.cpus) / 16
	of := [quantities]float64{
		ofSegments: sent, ofOpens: sent / 40, ofDatagrams: float64(m.uptime+30) * (2 + 5*r.Float64()), ofResent: sent * m.pace().resent, ofConstant: 1,
	}
	if roles[m.role].set["net.ipv4.ip_forward"] != "1" {
		of[ofConstant] = 2 // not forwarding, as the MIB has it
	}
	old := m.family.kernel < 4000
	b := make([]byte, 0, 4<<10)
	for i := range counterLines {
		l := &counterLines[i]
		share := l.share
		if around := 0.5 + r.Float64(); !l.exact {
			share *= around
		}
		value := int64(math.Round(of[l.of] * share))
		if l.text == established {
			value = int64(bytes.Count(connections(m), []byte("ESTAB")))
		}
		text := l.text
		if old {
			if name, _, _ := strings.Cut(text, ":"); slices.Contains(newCounters, name) {
				continue
			}
			text = oldWords.Replace(text)
		}
		switch number := strings.Contains(text, "%d"); {
		case !number && !strings.HasSuffix(text, "histogram:"): // of a group
			b = append(append(b, text...), '\n')
		case !number:
			b = append(append(append(b, "    "...), text...), '\n')
		case value > 0 || l.zero:
			b = append(fmt.Appendf(append(b, "    "...), text, value), '\n')
		}
	}
	return b
}
