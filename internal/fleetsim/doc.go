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
//     1 % of the file systems are nearly full. A setting in a file of /etc/sysctl.d
//     was never loaded on 1.2 %, and has a typing mistake on 0.4 %.
//   - Who may do what: sudoers of four distributions, with aliases, and rules of each
//     role, are 24 variants; /etc/group has %wheel or %sudo and the groups of the
//     accounts and rules. What deploy may do is wrong on a few: everything, without a
//     password (0.4 %); everything but for shells, of which any copy will do (0.6 %);
//     deploy is in the administrators' group (0.5 %); a rule with an error, which sudo
//     passes over (0.3 %).
//   - The network: hosts stand in racks of 40, in the order of their numbers, with two
//     switches, to which LLDP says that they are connected. Switch a of the fourth rack,
//     and of every hundredth after it, is bad: pushes of four in five hosts behind it
//     take many times as long as others', and one to three segments in a hundred are
//     sent again. 0.3 % are slow wherever they stand, and 1 % send five to ten in a
//     hundred again. Bonds have one active slave or, of cache and lb, LACP. A slave of
//     1 % is down, was down once of 3 %, runs at a tenth of the speed of 0.4 %; to 1 %
//     the switch does not speak LACP. The racks of a fleet at several sites are
//     divided: the hosts of each site have switches of their own.
//   - Silence: 0.8 % have stopped reporting; [Silent] tells which.
//
// What tells of hardware, network, processes and time is made up whole, so that
// a host's objects agree with each other. All else is the real machine's own, byte
// for byte. Where the machine has no usable sysctl -a, a base of a thousand lines
// that comes with the package takes its place, and so do a few common files that
// it lacks: any machine will do for a fleet of 36 objects a host.
package fleetsim
