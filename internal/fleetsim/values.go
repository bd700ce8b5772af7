package fleetsim

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
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

// values are the settings that differ from host to host: what the kernel derives
// from the hardware (the formulas are the kernel's, rounded), identifiers, and
// counters.
var values = map[string]func(m *machine, r *rand.Rand, b []byte) []byte{
	"fs.epoll.max_user_watches":      ofMemory(2227, 10000),
	"fs.fanotify.max_user_marks":     upTo(1048576, ofMemory(1, 120)),
	"fs.file-max":                    ofMemory(1, 10),
	"fs.inotify.max_user_watches":    upTo(1048576, ofMemory(1, 128)),
	"kernel.threads-max":             ofMemory(1, 128),
	"user.max_fanotify_marks":        upTo(1048576, ofMemory(1, 120)),
	"user.max_inotify_watches":       upTo(1048576, ofMemory(1, 128)),
	"user.max_cgroup_namespaces":     ofMemory(1, 256),
	"user.max_ipc_namespaces":        ofMemory(1, 256),
	"user.max_mnt_namespaces":        ofMemory(1, 256),
	"user.max_net_namespaces":        ofMemory(1, 256),
	"user.max_pid_namespaces":        ofMemory(1, 256),
	"user.max_time_namespaces":       ofMemory(1, 256),
	"user.max_user_namespaces":       ofMemory(1, 256),
	"user.max_uts_namespaces":        ofMemory(1, 256),
	"vm.user_reserve_kbytes":         upTo(131072, ofMemory(1, 32)),
	"net.ipv4.tcp_max_orphans":       upTo(262144, ofMemory(1, 128)),
	"net.ipv4.tcp_max_tw_buckets":    upTo(262144, ofMemory(1, 128)),
	"net.ipv4.tcp_mem":               pages(256),
	"net.ipv4.udp_mem":               pages(128),
	"kernel.numa_balancing":          onNodes("0", "1"),
	"vm.min_free_kbytes":             onNodes("67584", "90112"),
	"kernel.watchdog_cpumask":        cpuMask,
	"kernel.hostname":                func(m *machine, _ *rand.Rand, b []byte) []byte { return append(b, m.name...) },
	"kernel.domainname":              func(_ *machine, _ *rand.Rand, b []byte) []byte { return append(b, "(none)"...) },
	"kernel.random.boot_id":          uuid,
	"kernel.random.uuid":             uuid,
	"kernel.random.entropy_avail":    entropy,
	"kernel.ns_last_pid":             counter(400, 60000),
	"kernel.pty.nr":                  counter(0, 6),
	"kernel.perf_event_max_sample_rate": oneOf("100000", "100000", "100000", "63000", "50000", "32000"),
	"net.core.netdev_rss_key":        rssKey,
	"net.ipv4.tcp_fastopen_key":      fastopenKey,
	"net.netfilter.nf_conntrack_count": counter(0, 20000),
	"fs.aio-nr":                      oneOf("0", "0", "0", "2048", "5632"),
	"fs.dentry-state":                dentries,
	"fs.file-nr":                     openFiles,
	"fs.inode-nr":                    inodes("\t"),
	"fs.inode-state":                 inodes("\t", "0\t0\t0\t0\t0"),
	"fs.quota.syncs":                 counter(0, 400),
}

type valueFunc = func(m *machine, r *rand.Rand, b []byte) []byte

// ofMemory is that share of the memory in KiB.
func ofMemory(numerator, denominator int64) valueFunc {
	return func(m *machine, _ *rand.Rand, b []byte) []byte {
		return strconv.AppendInt(b, m.memory*numerator/denominator, 10)
	}
}
