package fleetsim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// budgetKey is the setting of the question that the whole project is measured by.
const budgetKey = "net.core.netdev_budget"

// A knob is a setting that somebody turned by hand on a few hosts.
type knob struct {
	key   string
	usual string // empty: what the family has
	tuned string
}

var knobs = []knob{
	{budgetKey, "300", "600"}, // usual on every kernel, whatever the real machine has
	{"net.core.netdev_max_backlog", "1000", "5000"},
	{"net.core.rmem_default", "212992", "1048576"},
	{"net.ipv4.tcp_fin_timeout", "60", "15"},
	{"net.ipv4.tcp_keepalive_time", "7200", "300"},
	{"net.ipv4.tcp_max_syn_backlog", "", "65536"},
	{"net.ipv4.tcp_slow_start_after_idle", "1", "0"},
	{"net.ipv4.tcp_tw_reuse", "", "1"},
	{"net.ipv4.conf.all.accept_redirects", "", "0"},
	{"net.ipv4.conf.all.send_redirects", "1", "0"},
	{"kernel.panic", "0", "10"},
	{"kernel.randomize_va_space", "2", "0"},
	{"vm.dirty_ratio", "20", "40"},
	{"vm.nr_hugepages", "0", "2048"},
	{"vm.zone_reclaim_mode", "0", "1"},
}

// A valueFunc appends the value that a setting has on a host.
type valueFunc func(m *machine, r *rand.Rand, b []byte) []byte

// values are the settings that differ from host to host: what the kernel derives
// from the hardware (by about the kernel's formulas), identifiers, and counters.
var values = map[string]valueFunc{
	"fs.epoll.max_user_watches":   ofMemory(2227, 10000),
	"fs.fanotify.max_user_marks":  ofMemory(1, 120).upTo(1 << 20),
	"fs.file-max":                 ofMemory(1, 10),
	"fs.nfs.nfs_congestion_kb":    congestion,
	"fs.inotify.max_user_watches": ofMemory(1, 128).upTo(1 << 20),
	"kernel.threads-max":          ofMemory(1, 128),
	"net.ipv4.tcp_max_orphans":    ofMemory(1, 128).upTo(1 << 18),
	"net.ipv4.tcp_max_tw_buckets": ofMemory(1, 128).upTo(1 << 18),
	"net.ipv4.tcp_mem":            pressure(64),
	"net.ipv4.udp_mem":            pressure(32),
	"net.ipv4.vs.sync_qlen_max":   ofMemory(1, 128),
	"net.sctp.sctp_mem":           pressure(64),
	"user.max_cgroup_namespaces":  ofMemory(1, 256),
	"user.max_fanotify_marks":     ofMemory(1, 120).upTo(1 << 20),
	"user.max_inotify_watches":    ofMemory(1, 128).upTo(1 << 20),
	"user.max_ipc_namespaces":     ofMemory(1, 256),
	"user.max_mnt_namespaces":     ofMemory(1, 256),
	"user.max_net_namespaces":     ofMemory(1, 256),
	"user.max_pid_namespaces":     ofMemory(1, 256),
	"user.max_time_namespaces":    ofMemory(1, 256),
	"user.max_user_namespaces":    ofMemory(1, 256),
	"user.max_uts_namespaces":     ofMemory(1, 256),
	"vm.user_reserve_kbytes":      ofMemory(1, 32).upTo(1 << 17),

	"kernel.numa_balancing": func(m *machine, _ *rand.Rand, b []byte) []byte { return number(b, m.nodes-1) },
	"vm.min_free_kbytes":    func(m *machine, _ *rand.Rand, b []byte) []byte { return number(b, 45056+22528*m.nodes) },
	"kernel.watchdog_cpumask": func(m *machine, _ *rand.Rand, b []byte) []byte {
		return number(append(b, "0-"...), m.cpus-1)
	},

	"kernel.domainname":         func(_ *machine, _ *rand.Rand, b []byte) []byte { return append(b, "(none)"...) },
	"kernel.hostname":           func(m *machine, _ *rand.Rand, b []byte) []byte { return append(b, m.name...) },
	"kernel.random.boot_id":     func(_ *machine, r *rand.Rand, b []byte) []byte { return hexGroups(b, r, '-', 4, 2, 2, 2, 6) },
	"kernel.random.uuid":        func(_ *machine, r *rand.Rand, b []byte) []byte { return hexGroups(b, r, '-', 4, 2, 2, 2, 6) },
	"net.ipv4.tcp_fastopen_key": func(_ *machine, r *rand.Rand, b []byte) []byte { return hexGroups(b, r, '-', 4, 4, 4, 4) },
	"net.core.netdev_rss_key": func(_ *machine, r *rand.Rand, b []byte) []byte {
		return hexGroups(b, r, ':', slices.Repeat([]int{1}, 52)...)
	},

	"fs.aio-nr":                         oneOf("0", "0", "0", "2048", "5632"),
	"fs.dentry-state":                   counters("\t", 900000, 800000, 1, 1, 90000, 1),
	"fs.file-nr":                        openFiles,
	"fs.inode-nr":                       counters("\t", 800000, 60000),
	"fs.inode-state":                    counters("\t", 800000, 60000, 1, 1, 1, 1, 1),
	"fs.quota.syncs":                    counters("", 400),
	"kernel.ns_last_pid":                counters("", 60000),
	"kernel.perf_event_max_sample_rate": oneOf("100000", "100000", "100000", "63000", "50000", "32000"),
	"kernel.pty.nr":                     counters("", 6),
	"kernel.random.entropy_avail":       entropy,
	"net.netfilter.nf_conntrack_count":  counters("", 20000),
}

func number(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// ofMemory is a share of the memory in KiB.
func ofMemory(numerator, denominator int64) valueFunc {
	return func(m *machine, _ *rand.Rand, b []byte) []byte {
		return strconv.AppendInt(b, m.memory*numerator/denominator, 10)
	}
}

// upTo is f, which appends a number, limited.
func (f valueFunc) upTo(limit int64) valueFunc {
	return func(m *machine, r *rand.Rand, b []byte) []byte {
		at := len(b)
		b = f(m, r, b)
		if n, err := strconv.ParseInt(string(b[at:]), 10, 64); err == nil && n > limit {
			b = strconv.AppendInt(b[:at], limit, 10)
		}
		return b
	}
}

// pressure is the kernel's three limits of memory in pages of 4 KiB, of which the
// middle one is that part of all.
func pressure(part int64) valueFunc {
	return func(m *machine, _ *rand.Rand, b []byte) []byte {
		middle := m.memory / part
		b = append(strconv.AppendInt(b, middle/4*3, 10), '\t')
		b = append(strconv.AppendInt(b, middle, 10), '\t')
		return strconv.AppendInt(b, middle/2*3, 10)
	}
}

// congestion is NFS' limit of writes under way, in KiB: 64 times the root of the
// memory's pages, 256 MiB at most.
func congestion(m *machine, _ *rand.Rand, b []byte) []byte {
	return number(b, min(64*int(math.Sqrt(float64(m.memory/4))), 1<<18))
}

func oneOf(values ...string) valueFunc {
	return func(_ *machine, r *rand.Rand, b []byte) []byte { return append(b, values[r.IntN(len(values))]...) }
}

// counters are numbers below these limits.
func counters(between string, limits ...int) valueFunc {
	return func(_ *machine, r *rand.Rand, b []byte) []byte {
		for i, n := range limits {
			if i > 0 {
				b = append(b, between...)
			}
			b = number(b, r.IntN(n))
		}
		return b
	}
}

func openFiles(m *machine, r *rand.Rand, b []byte) []byte {
	b = append(number(b, 300+r.IntN(20000)), "\t0\t"...)
	return strconv.AppendInt(b, m.memory/10, 10)
}

// entropy was an estimate that moved until Linux 5.18, and is the pool's size since.
func entropy(m *machine, r *rand.Rand, b []byte) []byte {
	if m.family.kernel >= 5018 {
		return append(b, "256"...)
	}
	return number(b, 700+r.IntN(3000))
}

// hexGroups appends groups of random bytes in hex.
func hexGroups(b []byte, r *rand.Rand, between byte, sizes ...int) []byte {
	const digits = "0123456789abcdef"
	for i, n := range sizes {
		if i > 0 {
			b = append(b, between)
		}
		bits := r.Uint64()
		for range 2 * n {
			b = append(b, digits[bits&15])
			bits >>= 4
		}
	}
	return b
}
