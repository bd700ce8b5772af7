package sysops

var defaultMasks = []MaskRule{
	{Names: []NameGlob{"*.json", "*-json", "*-J", "collection"}, JSON: boolean(true)},
	{
		Names: []NameGlob{"sysctl-a"}, Set: boolean(true), // procps before version 4 does not sort
		Mask: []Regexp{keysPattern(
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
	{Names: []NameGlob{"uname-a"}, Mask: []Regexp{`^Linux (\S+) `}}, // the host's name
	{Names: []NameGlob{"uptime", "/proc/uptime", "/proc/loadavg"}, Mask: []Regexp{`.+`}},

	// Columns are as wide as the widest value in them, so the space beside what is masked
	// is masked too.
	{
		Names: []NameGlob{"ps"}, Set: boolean(true),
		Drop: []Regexp{
			`^USER +PID`,
			// the kernel's come and go; what takes their name has another parent, or memory
			`^\S+ +\d+ +2 +\S+ +\d+ +0 .* \[kworker/[^ \]]+\]$`,
			`^ *\d+ +root +[\d:]+ +\[kworker/[^ \]]+\]$`, // busybox
		},
		Mask: []Regexp{
			`^\S+( +\d+ +\d+ +)\S+( +\d+ +\d+ +(?:\w{3} \w{3} +\d+ [\d:]{8} \d{4} +)?)`, // pid ppid ni nlwp rss lstart
			`^( *\d+ +)\S+( +[\d:]+ +)`, // busybox: pid user time
		},
	},
	{
		Names: []NameGlob{"ss-anp"}, Set: boolean(true),
		Drop: []Regexp{`^Netid +State`},
		Mask: []Regexp{
			`\b(?:pid|fd)=(\d+)`,
			`^u_\w+ +[\w-]+ +\d+ +\d+ +\S+ (\d+ +)\* (\d+ *)`, // inodes of unix sockets
			`\* (\d+)`,
			`^nl +[\w-]+ +\d+ +\d+ +\S*[:/](-?\d+) `,     // process ids
			`^\w+( +)[\w-]+( +\d+ +\d+ +)\S+( +)\S+( *)`, // netid state queues local peer process
		},
	},
	{
		Names: []NameGlob{"netstat-anp"}, Set: boolean(true), // the original's
		Mask: []Regexp{`^\w+( +\d+ +\d+ +)\S+( +)\S+( +)(?:[A-Z_]+( +))?(\d*)`},
	},
	{Names: []NameGlob{"netstat-s"}, Mask: []Regexp{`[ \t]*\d[\d.]*`}},
	{Names: []NameGlob{"ip-addr"}, Mask: []Regexp{`\b(?:valid_lft|preferred_lft) (\S+)`}},
	{Names: []NameGlob{"ip-route", "ip-6-route"}, Mask: []Regexp{`\bexpires (\S+)`}},
	{Names: []NameGlob{"lldp-xml"}, Mask: []Regexp{`\bage="([^"]*)"`}},
	{Names: []NameGlob{"df-Pk", "df-Pi"}, Mask: []Regexp{`^\S+( +)[\d-]+( +[\d-]+ +[\d-]+ +[\d%-]+ +)/`}, Drop: []Regexp{`^Filesystem`}},
	{Names: []NameGlob{"lsmod"}, Set: boolean(true), Mask: []Regexp{`^\S+ +\d+( +-?\d+)`}},
	{Names: []NameGlob{"mount", "/proc/mounts", "/proc/self/mounts"}, Set: boolean(true)},
	{Names: []NameGlob{"dpkg-l", "rpm-qa", "systemctl-list-unit-files"}, Set: boolean(true)},
	{Names: []NameGlob{"/proc/modules"}, Set: boolean(true), Mask: []Regexp{`^\S+ \d+ (-?\d+) \S+ \w+ (0x[\da-f]+)`}}, // users, address
	{
		Names: []NameGlob{"systemctl-list-units"}, Set: boolean(true),
		Drop: []Regexp{`^ *(?:session-\S+\.scope|run-(?:u\d+|r[\da-f]{32}|p\d+-i\d+)\.\w+|run-(?:user-\d+|docker)\S*\.mount|user@\d+\.service|user-\d+\.slice|user-runtime-dir@\d+\.service) `},
	},
	{Names: []NameGlob{"lscpu"}, Mask: []Regexp{`^(?:CPU MHz|CPU\(s\) scaling MHz|BogoMIPS):(.*)`}},
	{Names: []NameGlob{"/proc/cpuinfo"}, Mask: []Regexp{`^(?:cpu MHz|bogomips|BogoMIPS)\s*:(.*)`}},
	{
		Names: []NameGlob{"/proc/meminfo"},
		Mask: []Regexp{`^(?:MemFree|MemAvailable|Buffers|Cached|SwapCached|SwapFree|Active|Inactive|Active\(\w+\)|Inactive\(\w+\)|` +
			`Unevictable|Mlocked|Zswap|Zswapped|Dirty|Writeback|WritebackTmp|AnonPages|Mapped|Shmem|KReclaimable|Slab|SReclaimable|` +
			`SUnreclaim|KernelStack|PageTables|SecPageTables|NFS_Unstable|Bounce|Committed_AS|VmallocUsed|VmallocChunk|Percpu|AnonHugePages|` +
			`ShmemHugePages|ShmemPmdMapped|FileHugePages|FilePmdMapped|CmaFree|Unaccepted|Balloon|DirectMap\w+|HugePages_Free|` +
			`HugePages_Rsvd):(.*)`},
	},
	{Names: []NameGlob{"/proc/net/bonding/*"}, Mask: []Regexp{`^(?:Link Failure Count|Actor Churned Count|Partner Churned Count|Permanent HW addr):(.*)`, `^\s*(?:system mac address|Partner Mac Address):(.*)`}},
	{Names: []NameGlob{"dmidecode"}, Mask: []Regexp{`^\s*(?:Serial Number|UUID|Asset Tag):(.*)`}},
	{Names: []NameGlob{"lshw-json"}, Mask: []Regexp{`\.(?:serial|uuid|date) = (.*)`}},

	// What the agent writes of its own doing.
	{Names: []NameGlob{"collection", "*interaction_times.json"}, Mask: []Regexp{` = (-?[\d.eE+-]+)$`, ` = ("\d{4}-\d\d-\d\dT.*)`}},
}
