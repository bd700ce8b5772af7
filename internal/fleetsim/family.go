package fleetsim

import (
	"slices"
	"strconv"
	"strings"
)

// A family is a distribution with its kernel.
type family struct {
	share    float64
	kernel   int    // see version
	release  string // kernel.osrelease
	build    string // kernel.version
	system   string // /etc/os-release
	packages string // "deb" or "rpm"; empty: neither
	card     string // what names of network cards begin with
	set      []setting

	sysctl program
}

// settings makes this family's settings of the real machine's, which are sorted.
func (f *family) settings(base []setting, since ages) []setting {
	set := append(slices.Clone(f.set), setting{"kernel.osrelease", f.release}, setting{"kernel.version", f.build})
	replaced := make(map[string]bool)
	for _, s := range set {
		replaced[s.key] = true
	}
	out := make([]setting, 0, len(base)+len(set))
	for _, s := range base {
		if !replaced[s.key] && since.of(s.key) <= f.kernel {
			out = append(out, s)
		}
	}
	out = append(out, set...)
	sortSettings(out)
	return out
}

// version is a kernel's "6.1.0-28-amd64" as a number that compares: 6001.
func version(release string) int {
	major, rest, _ := strings.Cut(release, ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	a, _ := strconv.Atoi(major) // what is no number is 0: older than all
	b, _ := strconv.Atoi(rest)
	return a*1000 + b
}

// otherFamilies lists what hosts run other than the real machine's own.
func otherFamilies() []*family {
	return []*family{
		{
			share: 0.12, release: "3.10.0-1160.119.1.el7.x86_64", build: "#1 SMP Tue Jun 4 14:43:51 UTC 2024",
			system:   osRelease("CentOS Linux", "7 (Core)", "7", "centos", "rhel fedora"),
			packages: "rpm", card: "eth", set: el7,
		},
		{
			share: 0.20, release: "5.14.0-503.22.1.el9_5.x86_64", build: "#1 SMP PREEMPT_DYNAMIC Wed Jan 22 08:36:51 UTC 2025",
			system:   osRelease("Rocky Linux", "9.5 (Blue Onyx)", "9.5", "rocky", "rhel centos fedora"),
			packages: "rpm", card: "eno", set: el9,
		},
		{
			share: 0.18, release: "5.15.0-130-generic", build: "#140-Ubuntu SMP Wed Dec 18 17:59:53 UTC 2024",
			system:   osRelease("Ubuntu", "22.04.5 LTS (Jammy Jellyfish)", "22.04", "ubuntu", "debian"),
			packages: "deb", card: "eth", set: ubuntu,
		},
		{
			share: 0.10, release: "6.1.0-28-amd64", build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)",
			system:   osRelease("Debian GNU/Linux", "12 (bookworm)", "12", "debian", ""),
			packages: "deb", card: "eth", set: debian,
		},
	}
}

// ownShare is what the other families leave.
const ownShare = 0.40

func (t *Template) pickFamily(x float64) *family {
	for _, f := range t.families {
		if x -= f.share; x < 0 {
			return f
		}
	}
	return t.families[0]
}

func osRelease(name, version, id, distribution, like string) string {
	text := "PRETTY_NAME=\"" + name + " " + version + "\"\nNAME=\"" + name + "\"\nVERSION_ID=\"" + id + "\"\nVERSION=\"" + version +
		"\"\nID=" + distribution + "\n"
	if like != "" {
		text += "ID_LIKE=\"" + like + "\"\n"
	}
	return text
}

// packagesOf tells from /etc/os-release which packaging system there is.
func packagesOf(system string) string {
	for line := range strings.Lines(system) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for _, word := range strings.Fields(strings.Trim(value, `"'`)) {
			switch word {
			case "debian", "ubuntu":
				return "deb"
			case "rhel", "fedora", "centos", "suse":
				return "rpm"
			}
		}
	}
	return ""
}

// Settings that a family has other than the base, or besides.
var (
	el7 = []setting{
		{"kernel.core_uses_pid", "1"},
		{"kernel.hotplug", ""},
		{"kernel.kptr_restrict", "0"},
		{"kernel.pid_max", "49152"},
		{"kernel.printk", "7\t4\t1\t7"},
		{"kernel.random.poolsize", "4096"},
		{"kernel.random.read_wakeup_threshold", "64"},
		{"kernel.random.write_wakeup_threshold", "896"},
		{"kernel.sched_child_runs_first", "0"},
		{"kernel.sched_latency_ns", "24000000"},
		{"kernel.sched_migration_cost_ns", "500000"},
		{"kernel.sched_min_granularity_ns", "10000000"},
		{"kernel.sched_nr_migrate", "32"},
		{"kernel.sched_shares_window_ns", "10000000"},
		{"kernel.sched_time_avg_ms", "1000"},
		{"kernel.sched_tunable_scaling", "1"},
		{"kernel.sched_wakeup_granularity_ns", "15000000"},
		{"kernel.sem", "250\t32000\t32\t128"},
		{"kernel.sysrq", "16"},
		{"net.core.default_qdisc", "pfifo_fast"},
		{"net.core.optmem_max", "20480"},
		{"net.core.somaxconn", "128"},
		{"net.ipv4.conf.all.rp_filter", "1"},
		{"net.ipv4.conf.default.accept_source_route", "0"},
		{"net.ipv4.conf.default.promote_secondaries", "1"},
		{"net.ipv4.conf.default.rp_filter", "1"},
		{"net.ipv4.tcp_challenge_ack_limit", "1000"},
		{"net.ipv4.tcp_fastopen", "0"},
		{"net.ipv4.tcp_limit_output_bytes", "262144"},
		{"net.ipv4.tcp_max_ssthresh", "0"},
		{"net.ipv4.tcp_min_tso_segs", "2"},
		{"net.ipv4.tcp_thin_dupack", "0"},
		{"net.ipv4.tcp_tw_recycle", "0"},
		{"net.ipv4.tcp_tw_reuse", "0"},
		{"vm.nr_pdflush_threads", "0"},
		{"vm.percpu_pagelist_fraction", "0"},
		{"vm.scan_unevictable_pages", "0"},
		{"vm.swappiness", "30"},
	}
	el9 = []setting{
		{"kernel.core_pattern", "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h"},
		{"kernel.core_pipe_limit", "16"},
		{"kernel.core_uses_pid", "1"},
		{"kernel.kptr_restrict", "1"},
		{"kernel.pid_max", "4194304"},
		{"kernel.printk", "7\t4\t1\t7"},
		{"kernel.sysrq", "16"},
		{"kernel.unprivileged_bpf_disabled", "2"},
		{"net.core.default_qdisc", "fq_codel"},
		{"net.core.optmem_max", "81920"},
		{"net.ipv4.conf.all.rp_filter", "1"},
		{"net.ipv4.conf.default.promote_secondaries", "1"},
		{"net.ipv4.conf.default.rp_filter", "1"},
		{"net.ipv4.ping_group_range", "0\t2147483647"},
		{"net.ipv4.tcp_challenge_ack_limit", "1000"},
		{"net.ipv4.tcp_limit_output_bytes", "1048576"},
	}
	ubuntu = []setting{
		{"kernel.apparmor_display_secid_mode", "0"},
		{"kernel.apparmor_restrict_unprivileged_userns", "0"},
		{"kernel.core_pattern", "|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -- %E"},
		{"kernel.kptr_restrict", "1"},
		{"kernel.pid_max", "4194304"},
		{"kernel.printk", "4\t4\t1\t7"},
		{"kernel.sysrq", "176"},
		{"kernel.unprivileged_userns_apparmor_policy", "1"},
		{"kernel.unprivileged_userns_clone", "1"},
		{"kernel.yama.ptrace_scope", "1"},
		{"net.core.default_qdisc", "fq_codel"},
		{"net.core.optmem_max", "20480"},
		{"net.ipv4.conf.default.rp_filter", "2"},
		{"net.ipv4.conf.all.rp_filter", "2"},
		{"net.ipv4.tcp_limit_output_bytes", "1048576"},
		{"vm.mmap_min_addr", "65536"},
	}
	debian = []setting{
		{"kernel.pid_max", "4194304"},
		{"kernel.sysrq", "438"},
		{"kernel.unprivileged_userns_clone", "1"},
		{"net.core.default_qdisc", "pfifo_fast"},
		{"net.core.optmem_max", "20480"},
		{"net.ipv4.tcp_limit_output_bytes", "1048576"},
	}
)

// since lists, by kernel version, settings that older kernels lack: whole keys,
// with * for an interface, and directories, which end in a dot. The versions are
// those of the upstream changes as far as they matter to tell the families
// apart; what distributions brought back into older kernels is not followed.
var since = map[int]string{
	4005: "net.core.bpf_jit_harden net.core.bpf_jit_kallsyms net.ipv4.conf.*.drop_gratuitous_arp net.ipv6.conf.*.drop_unsolicited_na " +
		"net.ipv4.conf.*.drop_unicast_in_l2_multicast net.ipv6.conf.*.drop_unicast_in_l2_multicast net.ipv4.conf.*.ignore_routes_with_linkdown " +
		"net.ipv6.conf.*.ignore_routes_with_linkdown net.ipv6.conf.*.use_oif_addrs_only net.ipv6.conf.*.accept_ra_min_hop_limit " +
		"net.ipv6.conf.*.accept_ra_from_local net.ipv6.conf.*.accept_ra_mtu net.ipv4.tcp_ecn_fallback net.ipv4.tcp_probe_interval " +
		"net.ipv4.tcp_probe_threshold net.ipv6.idgen_delay net.ipv6.idgen_retries vm.compact_unevictable_allowed vm.dirtytime_expire_seconds " +
		"fs.pipe-user-pages-hard fs.pipe-user-pages-soft net.ipv4.neigh.*.mcast_resolicit net.ipv6.neigh.*.mcast_resolicit net.ipv4.tcp_max_reordering",
	4009: "user. fs.mount-max kernel.perf_event_max_stack kernel.perf_event_max_contexts_per_stack vm.watermark_scale_factor " +
		"vm.mmap_rnd_bits vm.mmap_rnd_compat_bits net.ipv6.conf.*.enhanced_dad net.ipv6.conf.*.keep_addr_on_down net.ipv4.tcp_notsent_lowat " +
		"net.ipv4.tcp_min_rtt_wlen net.ipv4.tcp_recovery net.ipv4.tcp_pacing_ca_ratio net.ipv4.tcp_pacing_ss_ratio kernel.printk_devkmsg",
	4014: "net.core.netdev_budget_usecs net.core.dev_weight_rx_bias net.core.dev_weight_tx_bias kernel.seccomp. net.ipv6.conf.*.seg6_enabled " +
		"net.ipv6.conf.*.seg6_require_hmac net.ipv6.conf.*.addr_gen_mode net.ipv6.conf.*.disable_policy net.ipv6.conf.*.rtr_probe_interval " +
		"net.ipv6.conf.*.router_solicitation_max_interval net.ipv4.tcp_fastopen_blackhole_timeout_sec net.ipv6.flowlabel_reflect " +
		"net.sctp.reconf_enable net.sctp.intl_enable net.ipv4.udp_early_demux net.ipv4.tcp_early_demux net.ipv4.udp_l3mdev_accept net.ipv4.tcp_l3mdev_accept vm.numa_stat",
	4019: "fs.protected_fifos fs.protected_regular net.core.fb_tunnels_only_for_init_net net.ipv4.conf.*.bc_forwarding " +
		"net.ipv6.conf.*.ndisc_tclass net.ipv4.tcp_comp_sack_delay_ns net.ipv4.tcp_comp_sack_nr net.ipv4.ip_forward_update_priority " +
		"net.ipv6.max_dst_opts_length net.ipv6.max_dst_opts_number net.ipv6.max_hbh_length net.ipv6.max_hbh_opts_number net.ipv6.seg6_flowlabel",
	5006: "net.mptcp. net.core.gro_normal_batch net.core.high_order_alloc_disable net.core.devconf_inherit_init_net net.core.bpf_jit_limit " +
		"kernel.bpf_stats_enabled kernel.panic_print kernel.split_lock_mitigate net.ipv6.conf.*.rpl_seg_enabled net.ipv4.nexthop_compat_mode " +
		"vm.compaction_proactiveness vm.watermark_boost_factor vm.unprivileged_userfaultfd vm.page_lock_unfairness vm.percpu_pagelist_high_fraction " +
		"kernel.oops_all_cpu_backtrace kernel.hung_task_all_cpu_backtrace kernel.hung_task_check_interval_secs fs.fanotify. fs.dentry-negative " +
		"dev.tty. kernel.sched_deadline_period_max_us kernel.sched_deadline_period_min_us kernel.max_rcu_stall_to_panic kernel.task_delayacct " +
		"net.ipv4.tcp_comp_sack_slack_ns net.ipv4.tcp_no_ssthresh_metrics_save net.ipv4.tcp_reflect_tos net.ipv4.tcp_migrate_req " +
		"fs.verity. kernel.sched_energy_aware kernel.sched_util_clamp_max kernel.sched_util_clamp_min kernel.sched_util_clamp_min_rt_default " +
		"net.sctp.encap_port net.sctp.l3mdev_accept net.sctp.pf_expose net.sctp.plpmtud_probe_interval net.sctp.ps_retrans net.sctp.udp_port " +
		"net.netfilter.nf_flowtable_tcp_timeout net.netfilter.nf_flowtable_udp_timeout net.ipv4.vs.run_estimation " +
		"net.ipv6.conf.*.ra_defrtr_metric net.netfilter.nf_hooks_lwtunnel net.ipv4.ip_autobind_reuse net.ipv4.icmp_echo_enable_probe",
	5016: "net.ipv6.conf.*.ioam6_enabled net.ipv6.conf.*.ioam6_id net.ipv6.conf.*.ioam6_id_wide net.ipv6.ioam6_id net.ipv6.ioam6_id_wide " +
		"net.ipv4.conf.*.arp_evict_nocarrier net.ipv6.conf.*.ndisc_evict_nocarrier net.core.netdev_unregister_timeout_secs net.core.txrehash " +
		"net.core.skb_defer_max net.core.netdev_tstamp_prequeue kernel.io_uring_disabled kernel.io_uring_group kernel.oops_limit kernel.warn_limit " +
		"net.ipv4.neigh.*.interval_probe_time_ms net.ipv6.neigh.*.interval_probe_time_ms net.ipv6.conf.*.accept_untracked_na " +
		"kernel.numa_balancing_promote_rate_limit_MBps kernel.arch vm.hugetlb_optimize_vmemmap",
	6002: "kernel.kexec_load_limit_panic kernel.kexec_load_limit_reboot net.ipv4.vs.est_cpulist net.ipv4.vs.est_nice net.core.mem_pcpu_rsv net.core.rps_default_mask net.core.max_skb_frags vm.memfd_noexec fs.fuse. kernel.core_sort_vma " +
		"net.ipv6.conf.*.accept_ra_min_lft net.ipv4.tcp_plb_enabled net.ipv4.tcp_plb_cong_thresh net.ipv4.tcp_plb_idle_rehash_rounds " +
		"net.ipv4.tcp_plb_rehash_rounds net.ipv4.tcp_plb_suspend_rto_sec net.ipv4.tcp_shrink_window net.ipv4.tcp_pingpong_thresh " +
		"net.ipv4.tcp_syn_linear_timeouts net.ipv4.tcp_backlog_ack_defer net.ipv4.tcp_rto_min_us net.ipv4.tcp_rto_max_ms net.ipv4.tcp_ecn_option " +
		"net.ipv4.tcp_ecn_option_beacon net.ipv4.tcp_tw_reuse_delay kernel.core_file_note_size_limit kernel.core_modes kernel.panic_sys_info " +
		"kernel.hung_task_detect_count net.ipv6.conf.*.force_forwarding net.ipv6.conf.*.ra_honor_pio_life net.ipv6.conf.*.ra_honor_pio_pflag " +
		"net.ipv6.route.skip_notify_on_dev_down net.ipv4.icmp_msgs_per_sec net.ipv4.igmp_link_local_mcast_reports vm.defrag_mode " +
		"vm.vfs_cache_pressure_denom vm.shrink_inodes_with_pagecache net.mptcp.blackhole_timeout net.mptcp.close_timeout net.mptcp.scheduler " +
		"net.mptcp.available_schedulers net.mptcp.path_manager net.mptcp.available_path_managers net.mptcp.syn_retrans_before_tcp_fallback",
}

// ages tell since which kernel a setting exists, 0 for always.
type ages struct {
	keys, directories map[string]int
}

func newAges() ages {
	a := ages{keys: make(map[string]int), directories: make(map[string]int)}
	for kernel, names := range since {
		for _, name := range strings.Fields(names) {
			if strings.HasSuffix(name, ".") {
				a.directories[name] = kernel
			} else {
				a.keys[name] = kernel
			}
		}
	}
	return a
}

func (a ages) of(key string) int {
	if directory, name, rest, ok := splitInterface(key); ok && name != "" {
		key = directory + "*." + rest
	}
	newest := a.keys[key]
	for i := range len(key) {
		if key[i] == '.' {
			newest = max(newest, a.directories[key[:i+1]])
		}
	}
	return newest
}
