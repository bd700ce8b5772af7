// Package fleetsim makes synthetic fleets out of one real machine's snapshot,
// for demonstrations and for measuring at a size that nobody has on a desk.
//
// Its goals: host i of a seed has the same bytes whatever the fleet's size and
// whoever asks; a fleet compresses, and differs, as a real one does; deriving
// the longest object, sysctl -a, costs some tens of microseconds, so that a
// fleet of tens of thousands is limited by what receives it.
//
// What varies, and why:
//
//   - The distribution and kernel. Four hosts in ten run what the real machine
//     runs; the others run one of four widespread distributions, whose kernels
//     lack the settings that came later, have some that went, and have other
//     defaults. Objects of another packaging system (dpkg-l, yum.repos.d) are
//     absent.
//   - The hardware: six models of server, of 8 to 96 CPUs on one or two sockets
//     and 16 to 512 GiB of memory, which governs kernel.threads-max, fs.file-max,
//     net.ipv4.tcp_mem and the like; 1 to 4 network interfaces, most often a bond
//     of two and one for management, each with its own lines under net.ipv4 and
//     net.ipv6.
//   - Kernel modules, which bring whole groups of lines: bridge, conntrack, xfs,
//     nfs and raid are loaded on four hosts in five, sctp on every other, ipvs on
//     one in five.
//   - The role, which the host's name begins with: web, app, db, cache, lb or
//     log. It decides a few tunables, kernel modules, accounts, processes,
//     connections and disks.
//   - Identifiers and counters: names, addresses, serial numbers, boot ids, uuids,
//     uptime, process ids, dentries, inodes, file descriptors in use. No two hosts
//     agree. (Addresses repeat beyond 64,000 hosts of a domain.)
//   - Local tuning: each setting of a short list is other than usual on about one
//     host in a hundred. net.core.netdev_budget is 600 in place of 300 on 1 %.
//     The files under /etc/sysctl.d say so too.
//   - Mistakes: PasswordAuthentication is yes on 2 %, PermitRootLogin on 0.7 %; a
//     public name server is used by 0.5 %, a second account has uid 0 on 0.3 %;
//     1 % of the file systems are nearly full.
//   - Silence: 0.8 % have stopped reporting; [Silent] tells which.
//
// What tells of hardware, network, processes and time is made up whole, so that
// a host's objects agree with each other. All else is the real machine's own, byte
// for byte. Where the machine has no usable sysctl -a, a base of a thousand lines
// that comes with the package takes its place, and so do a few common files that
// it lacks: any machine will do for a fleet of 25 objects a host.
package fleetsim
