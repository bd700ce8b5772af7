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
//   - The hardware: memory of 16 to 512 GiB, which governs kernel.threads-max,
//     fs.file-max, net.ipv4.tcp_mem and the like; CPUs; 1 to 4 network
//     interfaces, each with its own lines under net.ipv4 and net.ipv6.
//   - The role, which the host's name begins with: web, app, db, cache, lb or
//     log. It decides a few tunables, kernel modules, accounts, processes and
//     connections.
//   - Identifiers and counters: names, addresses, boot ids, uuids, uptime,
//     process ids, dentries, inodes, file descriptors in use. No two hosts agree.
//   - Local tuning: each setting of a short list is other than usual on about one
//     host in a hundred. net.core.netdev_budget is 600 in place of 300 on 1 %.
//   - Mistakes: PasswordAuthentication is yes on 2 %, PermitRootLogin on 0.7 %; a
//     public name server is used by 0.5 %, a second account has uid 0 on 0.3 %.
//   - Silence: 0.8 % have stopped reporting; [Silent] tells which.
//
// All else is the real machine's own, byte for byte: nothing is invented where
// there is something real. Where the machine has no usable sysctl -a, a base of
// a thousand lines that comes with the package takes its place.
package fleetsim
