package frame

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// sysctl returns what sysctl -a prints on one of many hosts: about 47 KB, nearly the
// same on all of them. They differ in their network ports, in what counts or names
// something, in their team's settings and, a few of them, in one of their own.
func sysctl(host uint64) []byte {
	random := rand.New(rand.NewPCG(host, 47))
	team := random.IntN(20)
	var b strings.Builder
	for _, name := range strings.Fields(`abi.vsyscall32 debug.exception-trace dev.hpet.max-user-freq fs.aio-max-nr fs.epoll.max_user_watches
		fs.file-max fs.inotify.max_queued_events fs.lease-break-time fs.mqueue.msg_max fs.nr_open fs.pipe-max-size fs.quota.syncs
		kernel.acct kernel.core_pattern kernel.dmesg_restrict kernel.hung_task_timeout_secs kernel.keys.maxkeys kernel.msgmax
		kernel.ostype kernel.panic kernel.pid_max kernel.printk kernel.randomize_va_space kernel.sched_rr_timeslice_ms kernel.sem
		kernel.shmmax kernel.sysrq kernel.threads-max kernel.watchdog_thresh`) {
		fmt.Fprintf(&b, "%s = %d\n", name, len(name)*37)
	}
	fmt.Fprintf(&b, "fs.dentry-state = %d\t%d\t45\t0\t%d\t0\n", random.IntN(1e6), random.IntN(1e6), random.IntN(1e5))
	fmt.Fprintf(&b, "fs.file-nr = %d\t0\t9223372036854775807\nfs.inode-nr = %d\t%d\n", random.IntN(1e5), random.IntN(1e6), random.IntN(1e5))
	fmt.Fprintf(&b, "kernel.hostname = web%05d.example.com\nkernel.ns_last_pid = %d\n", host, random.IntN(1<<22))
	fmt.Fprintf(&b, "kernel.random.boot_id = %08x-%04x-4%03x\n", random.Uint32(), random.IntN(1<<16), random.IntN(1<<12))
	for i := range 25 {
		fmt.Fprintf(&b, "kernel.random.statistic_%02d = %d\n", i, random.IntN(1e5))
	}
	for cpu := range 24 {
		for _, name := range []string{"busy_factor", "cache_nice_tries", "flags", "imbalance_pct", "max_interval", "min_interval", "name"} {
			fmt.Fprintf(&b, "kernel.sched_domain.cpu%d.domain0.%s = %d\n", cpu, name, len(name))
		}
	}
	budget := 300
	if random.IntN(10) == 0 {
		budget = 600
	}
	fmt.Fprintf(&b, "net.core.bpf_jit_enable = 1\nnet.core.netdev_budget = %d\nnet.core.netdev_budget_usecs = 8000\nnet.core.rmem_max = 212992\n", budget)
	ports := []string{"all", "default", "lo", "eth0", "eth1", "bond0"}[:4+random.IntN(3)]
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, port := range ports {
			for _, name := range strings.Fields(`accept_local accept_redirects accept_source_route arp_accept arp_announce arp_evict_nocarrier arp_filter
				arp_ignore arp_notify bc_forwarding bootp_relay disable_policy disable_xfrm drop_gratuitous_arp force_igmp_version forwarding
				igmpv2_unsolicited_report_interval ignore_routes_with_linkdown log_martians mc_forwarding medium_id promote_secondaries
				proxy_arp proxy_arp_pvlan route_localnet rp_filter secure_redirects send_redirects shared_media src_valid_mark tag`) {
				fmt.Fprintf(&b, "net.%s.conf.%s.%s = %d\n", family, port, name, len(name)%3)
			}
		}
		for _, port := range ports[1:] {
			for _, name := range strings.Fields(`anycast_delay app_solicit base_reachable_time_ms delay_first_probe_time gc_stale_time locktime
				mcast_resolicit mcast_solicit proxy_delay proxy_qlen retrans_time_ms ucast_solicit unres_qlen unres_qlen_bytes`) {
				fmt.Fprintf(&b, "net.%s.neigh.%s.%s = %d\n", family, port, name, len(name)*11)
			}
		}
	}
	for i := range 360 {
		timeout := i * 60
		if i%20 == team {
			timeout += team
		}
		fmt.Fprintf(&b, "net.netfilter.nf_conntrack_setting_%03d_timeout = %d\n", i, timeout)
	}
	for i := range 60 {
		fmt.Fprintf(&b, "vm.setting_%02d = %d\n", i, i*13)
	}
	return []byte(b.String())
}

const benchHosts = 200

// packedFleet returns the frames of many hosts against five bases, as a name has them, and
// how many bytes of contents they hold.
func packedFleet(b *testing.B) (frames [][]byte, against []*Base, size, packed int) {
	b.Helper()
	bases := make([]*Base, 5)
	for i := range bases {
		bases[i] = NewBase(sysctl(uint64(1e6 + i)))
	}
	enc := NewEncoder()
	for host := range uint64(benchHosts) {
		contents := sysctl(host)
		p := NewPacking(contents)
		for _, base := range bases {
			p.Offer(base)
		}
		frame, base, _ := enc.Frame(p)
		if base == nil {
			b.Fatal("a host's frame stands by itself: the text is not what this measures")
		}
		frames, against = append(frames, frame), append(against, base)
		size, packed = size+len(contents), packed+len(frame)
	}
	return frames, against, size, packed
}

func BenchmarkPack(b *testing.B) {
	contents := sysctl(1)
	bases := make([]*Base, 5)
	for i := range bases {
		bases[i] = NewBase(sysctl(uint64(1e6 + i)))
		bases[i].lookup()
	}
	enc := NewEncoder()
	for _, n := range []int{0, 1, 5} {
		b.Run(fmt.Sprintf("against %d bases", n), func(b *testing.B) {
			b.SetBytes(int64(len(contents)))
			b.ReportAllocs()
			for b.Loop() {
				p := NewPacking(contents)
				for _, base := range bases[:n] {
					p.Offer(base)
				}
				enc.Frame(p)
			}
		})
	}
}

func BenchmarkNewBase(b *testing.B) {
	contents := sysctl(1)
	b.SetBytes(int64(len(contents)))
	b.ReportAllocs()
	for b.Loop() {
		NewBase(contents)
	}
}

func BenchmarkDecode(b *testing.B) {
	contents := sysctl(1)
	base, own := NewBase(sysctl(1e6)), NewBase(contents)
	dec := NewDecoder(0)
	for _, row := range []struct {
		name  string
		frame []byte
		base  *Base
	}{
		{"zstd", NewEncoder().Encode(contents), nil},
		{"delta", NewPacking(contents).delta(base), base},
		{"same", SameAs(own.ID, len(contents)), own},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.SetBytes(int64(len(contents)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dec.Decode(row.frame, row.base); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One object is one host's: ns/op is for all of benchHosts.
func BenchmarkSearch(b *testing.B) {
	enc := NewEncoder()
	for _, row := range []struct {
		name, expr string
		o          ExprOptions
	}{
		{"headline", `net\.core\.netdev_budget\b`, ExprOptions{}},
		{"-i", `NetDev_Budget`, ExprOptions{IgnoreCase: true}},
		{"-i, many lines", `CONF`, ExprOptions{IgnoreCase: true}},
		{"-v", `^(net|kernel)\.`, ExprOptions{Invert: true}},
		{"no needle", `[0-9]{5}$`, ExprOptions{}},
		{"-o with a group", `rp_filter = ([0-9]+)`, ExprOptions{OnlyMatching: true, Group: true}},
	} {
		x := compile(b, row.expr, row.o)
		b.Run("delta/"+row.name, func(b *testing.B) {
			frames, bases, size, packed := packedFleet(b)
			search := NewSearch(x, NewDecoder(0), SearchOptions{})
			scanner := search.NewScanner()
			for _, base := range bases {
				search.of(base) // once a query, not once an object
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				found = 0
				for i, frame := range frames {
					f, err := scanner.Frame(frame, bases[i])
					if err != nil {
						b.Fatal(err)
					}
					f.Each(func(r Run) bool {
						found += r.Len()
						return true
					})
				}
			}
			b.ReportMetric(float64(found)/benchHosts, "found/object")
			b.ReportMetric(float64(size)/benchHosts, "B-contents/object")
			b.ReportMetric(float64(packed)/benchHosts, "B-frame/object")
		})
		b.Run("zstd/"+row.name, func(b *testing.B) {
			frame := enc.Encode(sysctl(1))
			scanner := NewSearch(x, NewDecoder(0), SearchOptions{}).NewScanner()
			b.SetBytes(int64(len(sysctl(1))) * benchHosts)
			b.ReportAllocs()
			for b.Loop() {
				for range benchHosts {
					f, err := scanner.Frame(frame, nil)
					if err != nil {
						b.Fatal(err)
					}
					f.Each(func(Run) bool { return true })
				}
			}
		})
		b.Run("base/"+row.name, func(b *testing.B) {
			base := NewBase(sysctl(1))
			b.SetBytes(int64(len(base.all)))
			b.ReportAllocs()
			for b.Loop() {
				NewSearch(x, nil, SearchOptions{}).of(base)
			}
		})
	}
}
