package netstat

import (
	"slices"
	"strings"
	"sync"
)

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
