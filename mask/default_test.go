package mask_test

import (
	"testing"

	"github.com/sysops-api/sysops-api/mask"
)

// twoTimes are what two machines of one kind say, or one machine at two times.
var twoTimes = []struct {
	name, a, b string
	planted    string // a line that differs from both; "": there is none
}{
	{
		"/etc/hw.json@sysctl-a",
		"fs.dentry-state = 1\t2\nkernel.hostname = web1\nkernel.random.uuid = 5e\nnet.ipv4.ip_forward = 0\nfs.file-nr = 1\t0\t9\n",
		"fs.dentry-state = 9\t7\nfs.file-nr = 2\t0\t9\nkernel.hostname = web2\nkernel.random.uuid = 7a\nnet.ipv4.ip_forward = 0\n",
		"fs.file-max = 5",
	},
	{"x@uname-a", "Linux web1 6.1.0-18 #1 SMP x86_64\n", "Linux web2 6.1.0-18 #1 SMP x86_64\n", "Linux web1 6.1.0-19 #1 SMP x86_64"},
	{"x@uptime", " 22:44:25 up  9:37,  0 user,  load average: 9.49\n", " 01:00:00 up 3 days,  1:07,  2 users,  load average: 0.10\n", ""},
	{
		"x@ps",
		"USER               PID  PPID  NI NLWP   RSS                  STARTED COMMAND\n" +
			"root                 1     0 -10   14 20864 Sun Nov 22 13:07:11 2026 /sbin/init splash\n" +
			"root                 4     2 -20    1     0 Sun Nov 22 13:07:11 2026 [kworker/R-rcu_gp]\n" +
			"sshd             12345     1   0    1  9000 Sun Nov 22 13:07:12 2026 sshd: [listener]\n",
		"USER                PID  PPID  NI NLWP    RSS                  STARTED COMMAND\n" +
			"sshd                777     1   0    1 109000 Mon Jan  5 03:07:12 2026 sshd: [listener]\n" +
			"root                  1     0 -10   15  20864 Mon Jan  5 03:07:11 2026 /sbin/init splash\n",
		"root               999     1   0    1  9000 Sun Nov 22 13:07:12 2026 /tmp/miner",
	},
	{
		"x@ps", "root                 4     2 -20    1     0 Sun Nov 22 13:07:11 2026 [kworker/R-rcu_gp]\n", "",
		"root               999     1   0    1  9000 Sun Nov 22 13:07:12 2026 [kworker/0:1-events]",
	},
	{"x@ps", "   12 root      0:00 [kworker/0:1]\n", "", "   13 www       0:09 [kworker/0:2]"},
	{
		"x@ss-anp",
		"u_str LISTEN    0      4096      /run/a.sock 17281            * 0     users:((\"a\",pid=1,fd=5))\nnl    UNCONN    0      0          rtnl:systemd-network/612              *\n",
		"u_str LISTEN 0  4096   /run/a.sock 9281  * 0  users:((\"a\",pid=77,fd=5))\nnl    UNCONN  0  0    rtnl:systemd-network/10612    *\n",
		"u_str LISTEN    0      4096      /run/b.sock 17281            * 0     users:((\"a\",pid=1,fd=5))",
	},
	{
		"/proc/modules", "xfs 100 3 - Live 0xffffffffc0a00000\nnfs 200 0 xfs, Live 0xffffffffc0b00000 (OE)\n",
		"nfs 200 1 xfs, Live 0xffffffffc1b00000 (OE)\nxfs 100 5 - Live 0xffffffffc1a00000\n", "evil 100 0 - Live 0xffffffffc0a00000",
	},
	{"x@systemctl-list-units", "cron.service loaded active running\nrun-user-1000.mount loaded active mounted\nrun-r0123456789abcdef0123456789abcdef.scope loaded active running\nrun-p12-i13.scope loaded active\n", "cron.service loaded active running\n", "run-backup.service loaded active running"},
	{"/proc/net/bonding/bond0", "Actor Churned Count: 1\n", "Actor Churned Count: 2\n", "MII Status: down"},
	{
		"x@ss-anp",
		"Netid State     Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n" +
			"tcp   LISTEN    0      128          0.0.0.0:22         0.0.0.0:*     users:((\"sshd\",pid=710,fd=3))\n" +
			"u_str ESTAB     0      0                  * 12345            * 12346 users:((\"dbus\",pid=9,fd=7))\n",
		"Netid State  Recv-Q Send-Q  Local Address:Port Peer Address:Port  Process\n" +
			"u_str ESTAB  0      12                * 99               * 100 users:((\"dbus\",pid=1009,fd=17))\n" +
			"tcp   LISTEN 3      128         0.0.0.0:22        0.0.0.0:*  users:((\"sshd\",pid=1,fd=4))\n",
		"tcp   LISTEN    0      128          0.0.0.0:2222       0.0.0.0:*     users:((\"sshd\",pid=710,fd=3))",
	},
	{
		"x@netstat-anp",
		"tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      710/sshd\n",
		"tcp        5      0 0.0.0.0:22   0.0.0.0:*   LISTEN   1710/sshd\n",
		"tcp        0      0 0.0.0.0:23              0.0.0.0:*               LISTEN      710/telnetd",
	},
	{"x@netstat-s", "Ip:\n    106 total packets received\n    Forwarding: 2\n", "Ip:\n    9 total packets received\n    Forwarding: 1\n", ""},
	{"x@netstat-s", "#kernel\nIpInReceives                    106923529          0.0\n", "#kernel\nIpInReceives                    5                  1.5\n", ""},
	{"x@ip-addr", "    inet 10.0.0.1/8\n       valid_lft 3599sec preferred_lft 3599sec\n", "    inet 10.0.0.1/8\n       valid_lft 12sec preferred_lft 11sec\n", "    inet 10.0.0.2/8"},
	{"x@ip-6-route", "default via fe80::1 dev e0 expires 1700sec\n", "default via fe80::1 dev e0 expires 3sec\n", "default via fe80::2 dev e0 expires 1700sec"},
	{"x@lldp-xml", "<interface name=\"e0\" age=\"0 day, 00:01:02\">\n", "<interface name=\"e0\" age=\"9 days, 03:01:02\">\n", "<interface name=\"e1\" age=\"0 day, 00:01:02\">"},
	{
		"x@df-Pk",
		"Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/vda         264212084 76502152  18999112      81% /\n",
		"Filesystem     1024-blocks Used Available Capacity Mounted on\n/dev/vda       264212084 1 2 1% /\n",
		"/dev/vdb         264212084 76502152  18999112      81% /srv",
	},
	{"x@lsmod", "Module                  Size  Used by\nxfs   100  1\nnfs 200  0\n", "Module                  Size  Used by\nnfs 200  3\nxfs   100  0\n", "evil 1 0"},
	{"x@dpkg-l", "ii  a  1  amd64  x\nii  b  1  amd64  y\n", "ii  b  1  amd64  y\nii  a  1  amd64  x\n", "ii  b  2  amd64  y"},
	{"x@systemctl-list-units", "cron.service loaded active running\nsession-3.scope loaded active running\nrun-u5.service loaded\n", "cron.service loaded active running\n", "cron.service loaded failed failed"},
	{"x@lscpu", "Model name: X\nCPU(s) scaling MHz: 40%\nBogoMIPS: 1\n", "Model name: X\nCPU(s) scaling MHz: 99%\nBogoMIPS: 2\n", "Model name: Y"},
	{"/proc/meminfo", "MemTotal: 5 kB\nMemFree: 1 kB\nActive(anon): 5 kB\n", "MemTotal: 5 kB\nMemFree: 22 kB\nActive(anon): 6 kB\n", "MemTotal: 6 kB"},
	{"/proc/cpuinfo", "model name\t: X\ncpu MHz\t\t: 800.0\n", "model name\t: X\ncpu MHz\t\t: 2999.1\n", "model name\t: Y"},
	{"/proc/mounts", "proc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n", "sysfs /sys sysfs rw 0 0\nproc /proc proc rw 0 0\n", "/dev/sdb /srv ext4 rw,suid 0 0"},
	{"x@dmidecode", "\tSerial Number: 123\n\tProduct Name: R720\n", "\tSerial Number: 9\n\tProduct Name: R720\n", "\tProduct Name: R730"},
	{"x@lshw-json", `{"id":"web1","serial":"1","children":[{"size":5}]}`, "{\n \"children\": [{\"size\": 5}],\n \"serial\": \"2\", \"id\":\"web1\"}\n", ""},
	{"/etc/app.json", `{"a":1,"b":[1,2]}`, "{\"b\": [1, 2],\n \"a\": 1}\n", ""},
}

// All that is equal under the rules that are there by default; what somebody set is not.
func TestDefaultMasks(t *testing.T) {
	m := masks(t, mask.Options{Rules: mask.Default()})
	for _, row := range twoTimes {
		a, b := string(m.Text(row.name, []byte(row.a))), string(m.Text(row.name, []byte(row.b)))
		if a != b {
			t.Errorf("%s: two times differ:\n%s\nand\n%s", row.name, a, b)
		}
		if row.planted == "" {
			continue
		}
		for _, text := range []string{row.a, row.b} {
			if got := string(m.Text(row.name, []byte(text+row.planted+"\n"))); got == a {
				t.Errorf("%s: %q is masked away", row.name, row.planted)
			}
		}
	}
	for _, name := range []string{"/etc/passwd", "/etc/ssh/sshd_config", "/etc/sysctl.conf", "/etc/sysctl.d/10-a.conf", "/etc/hosts", "/etc/sudoers", "x@rpm"} {
		if !m.Plain(name) {
			t.Errorf("%s is not compared byte for byte", name)
		}
	}
}
