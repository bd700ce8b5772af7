package network

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/parse/interactions"
	"github.com/sysops-api/sysops-api/internal/parse/netstat"
)

// A Metric is what hosts are compared by.
type Metric struct {
	Name   string
	Unit   Unit
	Low    bool   // small values are the bad ones
	Server string // only interactions with this Redis server; see Interactions

	servers       naming.Glob // Server
	statisticName string
	rate          bool
	counters      []netstat.Counter // one, or two of which the first is divided by the second
}

// A Unit says how a Metric's values are to be written.
type Unit string

// The units.
const (
	Seconds        Unit = "seconds"
	BytesPerSecond Unit = "bytes_per_second"
	Count          Unit = "count"
	Share          Unit = "share"  // 0 to 1, for the most part
	Square         Unit = "square" // of seconds, or of bytes a second
)

// Statistics are what Interactions can compare by, the usual one first.
func Statistics() []string { return interactions.Statistics() }

// Interactions compares by how long pushes took or, with rate, by the bytes a second of
// which slow ones are bad: the statistic (of Statistics) of a host's last pushes. server
// is a Redis server, host:port/db or its host, or a glob of that; empty: the whole push.
func Interactions(statistic string, rate bool, server string) (*Metric, error) {
	if !slices.Contains(Statistics(), statistic) {
		return nil, fmt.Errorf("cannot compare by the %s of interactions: the statistics are %s", statistic, strings.Join(Statistics(), ", "))
	}
	if err := naming.CheckGlob(server); err != nil {
		return nil, fmt.Errorf("cannot use %q as a server: %w", server, err)
	}
	m := &Metric{Name: statistic + " push time", Unit: Seconds, Server: server, servers: naming.NewGlob(server), statisticName: statistic, rate: rate}
	if rate {
		m.Name, m.Unit, m.Low = statistic+" push speed", BytesPerSecond, true
		if statistic == "std" || statistic == "var" {
			m.Low = false
		}
	}
	if statistic == "var" {
		m.Unit = Square
	}
	if server != "" {
		m.Name += " of " + server
	}
	return m, nil
}

// CounterMetric compares by a counter, as netstat.ParseCounter reads it: since the host booted.
func CounterMetric(name string) (*Metric, error) {
	c, err := netstat.ParseCounter(name)
	if err != nil {
		return nil, err
	}
	return &Metric{Name: c.String(), Unit: Count, counters: []netstat.Counter{c}}, nil
}

// A Ratio is one counter over another, by a name of its own.
type Ratio struct {
	Name, Of, Over string
}

// Ratios lists the ratios that have a name, those of the original first.
func Ratios() []Ratio {
	return []Ratio{
		{"tcp-retransmitted", "Tcp.RetransSegs", "Tcp.OutSegs"},
		{"udp-receive-errors", "Udp.InErrors", "Udp.InDatagrams"},
		{"udp-buffer-errors", "Udp.RcvbufErrors", "Udp.InDatagrams"},
		{"tcp-bad-segments", "Tcp.InErrs", "Tcp.InSegs"},
		{"tcp-failed-connections", "Tcp.AttemptFails", "Tcp.ActiveOpens"},
		{"tcp-resets-sent", "Tcp.OutRsts", "Tcp.OutSegs"},
		{"tcp-listen-drops", "TcpExt.ListenDrops", "Tcp.PassiveOpens"},
		{"ip-discarded", "Ip.InDiscards", "Ip.InReceives"},
	}
}

// originalRatios are those of the original's names that its ratios had.
var originalRatios = map[string]string{
	"tcp_segments_retransmited_ratio": "tcp-retransmitted",
	"udp_packet_recieve_errors_ratio": "udp-receive-errors",
}

// RatioMetric compares by the share that one counter has of another: a name of Ratios,
// or A/B for any two. A host where the second is zero has none.
func RatioMetric(text string) (*Metric, error) {
	name := strings.ToLower(text)
	if n, ok := originalRatios[name]; ok {
		name = n
	}
	of, over, divided := strings.Cut(text, "/")
	for _, r := range Ratios() {
		if r.Name == name {
			of, over, divided = r.Of, r.Over, true
		}
	}
	if !divided {
		return nil, fmt.Errorf("cannot use %.60q as a ratio: it is neither one that has a name nor A/B", text)
	}
	m := &Metric{Name: name, Unit: Share}
	for _, half := range []string{of, over} {
		c, err := netstat.ParseCounter(half)
		if err != nil {
			return nil, err
		}
		m.counters = append(m.counters, c)
	}
	if name == strings.ToLower(text) && strings.Contains(text, "/") {
		m.Name = m.counters[0].String() + "/" + m.counters[1].String()
	}
	return m, nil
}

func (m *Metric) ofCounters() bool { return len(m.counters) > 0 }

// statistic is that of interactions: of a nil Metric, and of counters, the median.
func (m *Metric) statistic() string {
	if m == nil || m.statisticName == "" {
		return Statistics()[0]
	}
	return m.statisticName
}

// measure fills in what the metric is on a host. values are those of its counters, nil
// where it has none.
func (m *Metric) measure(h *Host, times *interactions.Record, values []float64) {
	if times != nil {
		h.Seconds, h.Rate = times.Total.Seconds.Of(m.statistic()), times.Total.Rate.Of(m.statistic())
		if m.Server != "" {
			h.Seconds, h.Rate = m.slowest(times)
		}
	}
	if h.Rate == 0 {
		h.Rate = unknown // the record of an agent that has none yet
	}
	switch {
	case !m.ofCounters() && m.rate:
		h.Value = h.Rate
	case !m.ofCounters():
		h.Value = h.Seconds
	case len(values) == 0:
	case len(values) == 1:
		h.Value = values[0]
	case known(values[0]) && values[1] > 0:
		h.Value = values[0] / values[1]
	}
}

// slowest returns the figures of the servers that match: host:port/db as a whole, its
// host, or a glob of either. Of several, the time of the one that took longest counts,
// and the rate of the one that was slowest.
func (m *Metric) slowest(record *interactions.Record) (seconds, rate float64) {
	seconds, rate = unknown, unknown
	for name, one := range record.Servers {
		if !m.isOf(name) {
			continue
		}
		if v := one.Seconds.Of(m.statistic()); known(v) && !(v <= seconds) {
			seconds = v
		}
		if v := one.Rate.Of(m.statistic()); known(v) && !(v >= rate) {
			rate = v
		}
	}
	return seconds, rate
}

// isOf reports whether interactions with the server of this name are what is asked for.
func (m *Metric) isOf(name string) bool {
	name = strings.TrimPrefix(name[strings.Index(name, "//")+1:], "/") // of a URL
	whole, _, _ := strings.Cut(name, "/")
	host := whole
	if at := strings.LastIndexByte(whole, ':'); at > 0 {
		host = whole[:at]
	}
	return slices.ContainsFunc([]string{name, whole, host}, func(s string) bool {
		return s == m.Server || m.servers.Match(s) // [::1] is a server, and a class
	})
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
