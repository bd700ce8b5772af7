package mask

var defaultMasks = []Rule{
	{Names: []string{"*.json", "*-json", "*-J", "collection"}, JSON: boolean(true)},
	{
		Names: []string{"sysctl-a"}, Set: boolean(true), // procps before version 4 does not sort
		Mask: []string{keysPattern(
			`fs\.(?:aio-nr|dentry-state|file-nr|inode-nr|inode-state|mount-nr|super-nr)`,
			`fs\.quota\.(?:allocated_dquots|cache_hits|drops|free_dquots|lookups|reads|syncs|writes)`,
			`kernel\.(?:hostname|ns_last_pid|perf_event_max_sample_rate|pty\.nr)`,
			`kernel\.random\.(?:boot_id|entropy_avail|uuid)`,
			`kernel\.sched_domain\..*\.max_newidle_lb_cost`,
			`net\.core\.netdev_rss_key`,
			`net\.ipv4\.tcp_fastopen_key`,
			`net\.ipv6\.conf\..*\.stable_secret`,
			`net\.netfilter\.nf_conntrack_count`,
		)},
	},
	{Names: []string{"uname-a"}, Mask: []string{`^Linux (\S+) `}}, // the host's name
	{Names: []string{"uptime", "/proc/uptime", "/proc/loadavg"}, Mask: []string{`.+`}},

	// Columns are as wide as the widest value in them, so the space beside what is masked
	// is masked too.
	{
		Names: []string{"ps"}, Set: boolean(true),
		Drop: []string{
			`^USER +PID`,
			// the kernel's come and go; what takes their name has another parent, or memory
			`^\S+ +\d+ +2 +\S+ +\d+ +0 .* \[kworker/[^ \]]+\]$`,
			`^ *\d+ +root +[\d:]+ +\[kworker/[^ \]]+\]$`, // busybox
		},
		Mask: []string{
			`^\S+( +\d+ +\d+ +)\S+( +\d+ +\d+ +(?:\w{3} \w{3} +\d+ [\d:]{8} \d{4} +)?)`, // pid ppid ni nlwp rss lstart
			`^( *\d+ +)\S+( +[\d:]+ +)`, // busybox: pid user time
		},
	},
	{
		Names: []string{"ss-anp"}, Set: boolean(true),
		Drop: []string{`^Netid +State`},
		Mask: []string{
			`\b(?:pid|fd)=(\d+)`,
			`^u_\w+ +[\w-]+ +\d+ +\d+ +\S+ (\d+ +)\* (\d+ *)`, // inodes of unix sockets
			`\* (\d+)`,
			`^nl +[\w-]+ +\d+ +\d+ +\S*[:/](-?\d+) `,     // process ids
			`^\w+( +)[\w-]+( +\d+ +\d+ +)\S+( +)\S+( *)`, // netid state queues local peer process
		},
	},
	{
		Names: []string{"netstat-anp"}, Set: boolean(true), // the original's
		Mask: []string{`^\w+( +\d+ +\d+ +)\S+( +)\S+( +)(?:[A-Z_]+( +))?(\d*)`},
	},
	{Names: []string{"netstat-s"}, Mask: []string{`[ \t]*\d[\d.]*`}},
	{Names: []string{"ip-addr"}, Mask: []string{`\b(?:valid_lft|preferred_lft) (\S+)`}},
	{Names: []string{"ip-route", "ip-6-route"}, Mask: []string{`\bexpires (\S+)`}},
	{Names: []string{"lldp-xml"}, Mask: []string{`\bage="([^"]*)"`}},
	{Names: []string{"df-Pk", "df-Pi"}, Mask: []string{`^\S+( +)[\d-]+( +[\d-]+ +[\d-]+ +[\d%-]+ +)/`}, Drop: []string{`^Filesystem`}},
	{Names: []string{"lsmod"}, Set: boolean(true), Mask: []string{`^\S+ +\d+( +-?\d+)`}},
	{Names: []string{"mount", "/proc/mounts", "/proc/self/mounts"}, Set: boolean(true)},
	{Names: []string{"dpkg-l", "rpm-qa", "systemctl-list-unit-files"}, Set: boolean(true)},
	{Names: []string{"/proc/modules"}, Set: boolean(true), Mask: []string{`^\S+ \d+ (-?\d+) \S+ \w+ (0x[\da-f]+)`}}, // users, address
	{
		Names: []string{"systemctl-list-units"}, Set: boolean(true),
		Drop: []string{`^ *(?:session-\S+\.scope|run-(?:u\d+|r[\da-f]{32}|p\d+-i\d+)\.\w+|run-(?:user-\d+|docker)\S*\.mount|user@\d+\.service|user-\d+\.slice|user-runtime-dir@\d+\.service) `},
	},
	{Names: []string{"lscpu"}, Mask: []string{`^(?:CPU MHz|CPU\(s\) scaling MHz|BogoMIPS):(.*)`}},
	{Names: []string{"/proc/cpuinfo"}, Mask: []string{`^(?:cpu MHz|bogomips|BogoMIPS)\s*:(.*)`}},
	{
		Names: []string{"/proc/meminfo"},
		Mask: []string{`^(?:MemFree|MemAvailable|Buffers|Cached|SwapCached|SwapFree|Active|Inactive|Active\(\w+\)|Inactive\(\w+\)|` +
			`Unevictable|Mlocked|Zswap|Zswapped|Dirty|Writeback|WritebackTmp|AnonPages|Mapped|Shmem|KReclaimable|Slab|SReclaimable|` +
			`SUnreclaim|KernelStack|PageTables|SecPageTables|NFS_Unstable|Bounce|Committed_AS|VmallocUsed|VmallocChunk|Percpu|AnonHugePages|` +
			`ShmemHugePages|ShmemPmdMapped|FileHugePages|FilePmdMapped|CmaFree|Unaccepted|Balloon|DirectMap\w+|HugePages_Free|` +
			`HugePages_Rsvd):(.*)`},
	},
	{Names: []string{"/proc/net/bonding/*"}, Mask: []string{`^(?:Link Failure Count|Actor Churned Count|Partner Churned Count|Permanent HW addr):(.*)`, `^\s*(?:system mac address|Partner Mac Address):(.*)`}},
	{Names: []string{"dmidecode"}, Mask: []string{`^\s*(?:Serial Number|UUID|Asset Tag):(.*)`}},
	{Names: []string{"lshw-json"}, Mask: []string{`\.(?:serial|uuid|date) = (.*)`}},

	// What the agent writes of its own doing.
	{Names: []string{"collection", "*interaction_times.json"}, Mask: []string{` = (-?[\d.eE+-]+)$`, ` = ("\d{4}-\d\d-\d\dT.*)`}},
}
