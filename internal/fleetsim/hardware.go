package fleetsim

import (
	"fmt"
	"slices"
	"strings"
)

// What commands and files tell of the hardware and what drives it. They follow
// the host's model even where the real machine has its own, since the host's
// sysctl -a does.

// hardware is a model that was bought many times.
type hardware struct {
	gib, cpus, nodes int
	product, cpu     string
}

var models = []hardware{
	{16, 8, 1, "PowerEdge R240", "Intel(R) Xeon(R) E-2144G CPU @ 3.60GHz"},
	{32, 16, 1, "PowerEdge R340", "Intel(R) Xeon(R) E-2288G CPU @ 3.70GHz"},
	{64, 32, 1, "PowerEdge R6515", "AMD EPYC 7302P 16-Core Processor"},
	{128, 48, 2, "PowerEdge R440", "Intel(R) Xeon(R) Gold 5118 CPU @ 2.30GHz"},
	{256, 64, 2, "PowerEdge R640", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"},
	{512, 96, 2, "PowerEdge R740xd", "Intel(R) Xeon(R) Gold 6252 CPU @ 2.10GHz"},
}

// firmwares are the versions of BIOS that hosts have.
var firmwares = [...]string{"2.4.8", "2.12.2", "2.19.1"}

// hasDisks reports whether the host has a disk for data besides the system's.
func (m *machine) hasDisks() bool { return m.role == db || m.role == logs }

func lscpu(m *machine) []byte {
	b := []byte("Architecture:            x86_64\nCPU op-mode(s):          32-bit, 64-bit\nByte Order:              Little Endian\n")
	line := func(name string, value any) { b = fmt.Appendf(b, "%-24s %v\n", name+":", value) }
	line("CPU(s)", m.cpus)
	line("On-line CPU(s) list", fmt.Sprintf("0-%d", m.cpus-1))
	vendor := "GenuineIntel"
	if strings.HasPrefix(m.cpu, "AMD") {
		vendor = "AuthenticAMD"
	}
	line("Vendor ID", vendor)
	line("Model name", m.cpu)
	line("Thread(s) per core", 2)
	line("Core(s) per socket", m.cpus/m.nodes/2)
	line("Socket(s)", m.nodes)
	line("Virtualization features", "full")
	line("NUMA node(s)", m.nodes)
	for node := range m.nodes {
		line(fmt.Sprintf("NUMA node%d CPU(s)", node), fmt.Sprintf("%d-%d", node*m.cpus/m.nodes, (node+1)*m.cpus/m.nodes-1))
	}
	return b
}

func dmidecode(m *machine) []byte {
	r := m.random(streamHardware)
	serial := fmt.Sprintf("%07X", r.IntN(1<<28))
	b := fmt.Appendf(nil, "# dmidecode 3.4\nGetting SMBIOS data from sysfs.\nSMBIOS 3.2.0 present.\n\n"+
		"Handle 0x0000, DMI type 0, 26 bytes\nBIOS Information\n\tVendor: Dell Inc.\n\tVersion: %s\n\n"+
		"Handle 0x0100, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: Dell Inc.\n\tProduct Name: %s\n\tSerial Number: %s\n\tUUID: ",
		firmwares[m.firmware], m.product, serial)
	b = append(hexGroups(b, r, '-', 4, 2, 2, 2, 6), '\n')
	for socket := range m.nodes {
		b = fmt.Appendf(b, "\nHandle 0x04%02X, DMI type 4, 48 bytes\nProcessor Information\n\tSocket Designation: CPU%d\n\tVersion: %s\n\tCore Count: %d\n\tThread Count: %d\n",
			socket, socket+1, m.cpu, m.cpus/m.nodes/2, m.cpus/m.nodes)
	}
	const slots = 8
	for slot := range slots {
		b = fmt.Appendf(b, "\nHandle 0x11%02X, DMI type 17, 84 bytes\nMemory Device\n\tSize: %d GB\n\tLocator: A%d\n\tType: DDR4\n\tSpeed: 2933 MT/s\n\tSerial Number: %08X\n",
			slot, m.gib/slots, slot+1, r.Uint32())
	}
	return b
}

// fstab names the file systems by the same identifiers each time.
func fstab(m *machine) []byte {
	r := m.random(streamDisks)
	kind := "ext4"
	if m.family.packages == "rpm" {
		kind = "xfs"
	}
	var b []byte
	uuid := func() { b = hexGroups(append(b, "UUID="...), r, '-', 4, 2, 2, 2, 6) }
	uuid()
	b = fmt.Appendf(b, " / %s defaults 0 1\n", kind)
	uuid()
	b = append(b, " /boot ext4 defaults 0 2\n"...)
	if m.hasDisks() {
		b = append(b, "/dev/md0 /data xfs noatime 0 0\n"...)
	}
	if m.modules&moduleNFS != 0 {
		b = fmt.Appendf(b, "nfs1.%s:/export/home /home nfs4 rw,hard 0 0\n", m.domain)
	}
	return append(b, "tmpfs /tmp tmpfs nosuid,nodev 0 0\n"...)
}

// diskSpace is "df -P -k". The disk of a few hosts is as good as full.
func diskSpace(m *machine) []byte {
	r := m.random(streamSpace)
	b := []byte("Filesystem     1024-blocks       Used  Available Capacity Mounted on\n")
	line := func(device string, gib int, on string) {
		percent := 5 + r.IntN(80)
		if r.Float64() < shareFull {
			percent = 96 + r.IntN(5)
		}
		size := gib << 20
		used := size/100*percent - r.IntN(size/200)
		b = fmt.Appendf(b, "%-14s %11d %10d %10d %7d%% %s\n", device, size, used, size-used, percent, on)
	}
	line("/dev/sda2", 200, "/")
	line("/dev/sda1", 1, "/boot")
	if m.hasDisks() {
		line("/dev/md0", 4<<10, "/data")
	}
	line("tmpfs", max(1, m.gib/2), "/tmp")
	return b
}

// kernelModules are what each module of sysctl brings to lsmod, and what all have.
var kernelModules = map[module][]string{
	0: {
		"ext4 987136 2", "jbd2 184320 1", "mbcache 16384 1", "ahci 49152 2", "libahci 45056 1", "libata 401408 2", "sd_mod 65536 4",
		"ipmi_si 81920 0", "ipmi_devintf 20480 0", "ipmi_msghandler 139264 2", "kvm 1142784 0", "mei_me 53248 0", "tg3 192512 0",
		"i2c_i801 36864 0", "button 24576 0", "evdev 28672 3", "sg 45056 0", "wmi 36864 0",
	},
	moduleBridge:    {"br_netfilter 36864 0", "bridge 315392 1", "stp 16384 1", "llc 16384 2"},
	moduleConntrack: {"nf_conntrack 188416 4", "nf_defrag_ipv4 16384 1", "nf_defrag_ipv6 24576 1", "nf_flow_table 45056 0", "nf_tables 303104 112"},
	moduleXFS:       {"xfs 1957888 1", "libcrc32c 16384 2"},
	moduleNFS:       {"nfsv4 1036288 1", "nfs 548864 2", "lockd 135168 1", "grace 16384 1", "sunrpc 692224 12"},
	moduleRAID:      {"raid1 53248 1", "md_mod 192512 2"},
	moduleSCTP:      {"sctp 434176 4", "libcrc32c 16384 1"},
	moduleIPVS:      {"ip_vs 212992 2", "ip_vs_rr 16384 0"},
}

func loadedModules(m *machine) []byte {
	list := slices.Clone(kernelModules[0])
	for bit := module(1); bit < moduleEnd; bit <<= 1 {
		if m.modules&bit != 0 {
			list = append(list, kernelModules[bit]...)
		}
	}
	if slices.Contains(m.interfaces, bond) {
		list = append(list, "bonding 217088 0")
	}
	slices.Sort(list)
	b := []byte("Module                  Size  Used by\n")
	previous := ""
	for _, l := range list {
		f := strings.Fields(l)
		if f[0] != previous {
			b = fmt.Appendf(b, "%-19s %8s  %s\n", f[0], f[1], f[2])
		}
		previous = f[0]
	}
	return b
}
