package wholetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/mask"
)

// What one machine says at two times, or two machines of one kind, is equal under the
// rules that are there by default; what somebody set is not.
func TestDefaultMasks(t *testing.T) {
	m := masks(t, mask.Options{Rules: mask.Default()})
	for _, row := range []struct {
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
	} {
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
	for _, name := range []string{"/etc/passwd", "/etc/ssh/sshd_config", "/etc/sysctl.conf", "/etc/sysctl.d/10-a.conf", "/etc/hosts", "/etc/sudoers", "x@rpm", "ps"} {
		if !m.Plain(name) && name != "ps" {
			t.Errorf("%s is not compared byte for byte", name)
		}
	}
}

func TestMaskRules(t *testing.T) {
	truth := true
	falsehood := false
	m := masks(t, mask.Options{
		Rules: []mask.Rule{
			{Names: []string{"/a/*", "sect"}, Mask: []string{`\d+`}, Set: &truth},
			{Names: []string{"/a/2"}, Drop: []string{`^#`}, Set: &falsehood},
			{Names: []string{"/a/3"}, Mask: []string{`x`}, Instead: true},
			{Names: []string{"/a/4"}, Instead: true},
			{Names: []string{"/a/5"}, JSON: &truth},
		},
		Mask: []string{`tmp(\w+)`},
	})
	for _, row := range []struct{ name, text, want string }{
		{"/a/1", "b1\na2 tmpx\n", "a* tmp*\nb*\n"},
		{"/a/b/c", "1\n", "*\n"},
		{"f@sect", "1\n", "*\n"},
		{"f@section", "1\n", "1\n"},
		{"sect", "1\n", "*\n"},
		{"/a/2", "#\nb1\na2\n", "b*\na*\n"},
		{"/a/3", "b1x\na2\n", "b1*\na2\n"},
		{"/a/4", "b1 tmpx\n", "b1 tmp*\n"},
		{"/a/5", `{"k":3}`, ".k = *\n"},
		{"/other", "b1 tmpab", "b1 tmp*\n"},
	} {
		for range 2 { // the second time from what is remembered
			if got := string(m.Text(row.name, []byte(row.text))); got != row.want {
				t.Errorf("%s: %q becomes %q, want %q", row.name, row.text, got, row.want)
			}
		}
	}
	everything := masks(t, mask.Options{Set: true, JSON: true})
	if got := string(everything.Text("/x", []byte("b\na"))); got != "a\nb\n" {
		t.Errorf("a set of every name becomes %q", got)
	}
	if got := string((*mask.Set)(nil).Text("/x", []byte("b\na"))); got != "b\na" {
		t.Errorf("no masks make %q", got)
	}
}

func TestMasksThatAreNone(t *testing.T) {
	for _, row := range []struct {
		o    mask.Options
		says string
	}{
		{mask.Options{Mask: []string{"("}}, "cannot mask: cannot compile \"(\""},
		{mask.Options{Rules: []mask.Rule{{Names: []string{"/x"}, Drop: []string{"["}}}}, "the mask rule for /x"},
		{mask.Options{Rules: []mask.Rule{{Mask: []string{"a"}}}}, "mask rule 1: it is for no names"},
	} {
		if _, err := mask.New(row.o); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%v, want %q", err, row.says)
		}
	}
}

// noisyFleet publishes hosts whose contents all differ in what is masked, and some of
// which have a line that nobody else has.
func noisyFleet(t *testing.T, c *sysops.Client, hosts int, planted map[int]string) {
	t.Helper()
	for i := range hosts {
		var w strings.Builder
		for line := range 300 {
			fmt.Fprintf(&w, "key.%03d = %d\n", line, line*line)
			if line%60 == 9 {
				fmt.Fprintf(&w, "kernel.random.uuid = %d-%d\nfs.file-nr = %d\t0\t9\n", line, i, i)
			}
		}
		publish(t, c, snapshotOf(fmt.Sprintf("h%03d", i), text("/hw.json@sysctl-a", w.String()+planted[i]), text("/etc/motd", "same\n")))
	}
}

// Every host differs; under the masks, the variants are the planted ones.
func TestVariantsUnderMasks(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	noisyFleet(t, c, 60, map[int]string{7: "vm.swappiness = 1\n", 21: "vm.swappiness = 1\n", 40: "vm.swappiness = 2\n"})
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "*#*")})
	count := func(o sysops.VariantOptions) []sysops.Variant {
		progress := 0
		o.Progress = func() { progress++ }
		variants, err := a.Variants(t.Context(), o)
		if err != nil || progress != 120 {
			t.Fatalf("%v; progress was told %d times", err, progress)
		}
		return variants
	}
	if all := count(sysops.VariantOptions{ByName: true}); len(all) != 61 {
		t.Errorf("%d variants without masks, want 61", len(all))
	}
	m := masks(t, mask.Options{Rules: mask.Default()})
	variants := count(sysops.VariantOptions{ByName: true, Masks: m})
	var got []string
	for _, v := range variants {
		got = append(got, fmt.Sprintf("%s %d of %d, %d contents, sum %v, %s", v.Name, v.Count, v.Of, v.Sums, v.Sum != "", v.Example.Host))
	}
	equalLists(t, "masked", got, []string{
		"/etc/motd 60 of 60, 1 contents, sum true, h000",
		"/hw.json@sysctl-a 57 of 60, 57 contents, sum false, h000",
		"/hw.json@sysctl-a 2 of 60, 2 contents, sum false, h007",
		"/hw.json@sysctl-a 1 of 60, 1 contents, sum true, h040",
	})
	if hosts := variants[2].Hosts(); !slices.Equal(hosts, []string{"h007", "h021"}) {
		t.Errorf("the planted line is on %v", hosts)
	}
	// the noise of the example is no difference, and after a push the next holder is read
	publish(t, c, snapshotOf("h007", text("/hw.json@sysctl-a", "new\n")))
	got = nil
	for found, err := range a.CompareVariants(t.Context(), &variants[1], variants[2:], sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(&found))
	}
	equalLists(t, "differences", got, []string{
		`h021#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 1\n"`,
		`h040#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 2\n"`,
	})
}

// What many hosts hold is judged by one of them, which may have pushed since, or be
// unreadable.
func TestMaskedVariantsOfContentsThatMove(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	truth := true
	m := masks(t, mask.Options{Rules: []mask.Rule{{Names: []string{"/etc/a"}, Set: &truth}}})
	for host, a := range map[string]string{"h1": "1\n2\n", "h2": "1\n2\n", "h3": "2\n1\n", "h4": "2\n1\n", "h5": "3\n"} {
		publish(t, c, snapshotOf(host, text("/etc/a", a)))
	}
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/a"), Where: sysops.Where{Partial: true}})
	pushed := false
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{ByName: true, Masks: m, Progress: func() {
		if !pushed { // between the index and the contents, or after: both must do
			pushed = true
			publish(t, c, snapshotOf("h1", text("/etc/a", "new\n")))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	equalLists(t, "variants", listed(variants), []string{
		`"/etc/a" 4/5 h1#/etc/a [h1 h2 h3 h4]`, `"/etc/a" 1/5 h5#/etc/a [h5]`,
	})
}

// With masks, what is equal but for noise is identical, and said to be so.
func TestCompareUnderMasks(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	noisyFleet(t, c, 3, map[int]string{2: "vm.swappiness = 1\n"})
	publish(t, c, snapshotOf("h003", text("/hw.json@sysctl-a", "x\n")))
	m := masks(t, mask.Options{Rules: mask.Default()})
	from := readOne(t, c, pattern(t, "h000#sysctl-a"), sysops.Contents)
	for _, brief := range []bool{false, true} {
		a := ask(t, c, sysops.Query{Pattern: pattern(t, "sysctl-a"), Where: sysops.Where{Hosts: hostSet(t, "h00[0-2]")}})
		var got []string
		for found, err := range a.Compare(t.Context(), from, sysops.CompareOptions{Masks: m, Brief: brief}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s masked %v", told(&found), found.Masked))
		}
		want := []string{"h000#/hw.json@sysctl-a identical masked false", "h001#/hw.json@sysctl-a identical masked true"}
		if brief {
			want = append(want, "h002#/hw.json@sysctl-a differs masked false")
		} else {
			want = append(want, `h002#/hw.json@sysctl-a "@@ -310,0 +311 @@\n+vm.swappiness = 1\n" masked false`)
		}
		equalLists(t, fmt.Sprintf("brief %v", brief), got, want)
	}
}

// All that two hosts have is compared, name by name.
func TestCompareHosts(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web1", text("/a", "1\n"), text("/b", "same\n"), text("/d", "x\ny\n"), text("/only1", ""), text("/e.json", `{"a":1,"b":2}`), text("/z", "1\n")))
	publish(t, c, snapshotOf("web2", text("/a", "2\n"), text("/b", "same\n"), text("/c", "only 2\n"), text("/d", "y\nx\n"), text("/e.json", `{"b":2,"a":1}`), text("/z", "2\n")))
	publish(t, c, snapshotOf("web3", text("/a", "3\n"), text("/only3", "")))
	truth := true
	m := masks(t, mask.Options{Rules: append(mask.Default(), mask.Rule{Names: []string{"/d"}, Set: &truth})})
	compare := func(o sysops.CompareOptions, first, second string) []string {
		var got []string
		for d, err := range ask(t, c, sysops.Query{Pattern: pattern(t, "web*#*")}).CompareHosts(t.Context(), first, second, o) {
			switch {
			case err != nil:
				t.Fatal(err)
			case d.OnlyOn != "":
				got = append(got, d.Name+" only on "+d.OnlyOn)
			default:
				got = append(got, fmt.Sprintf("%s %s masked %v", d.From.Key, told(&d.Comparison), d.Masked))
			}
		}
		return got
	}
	equalLists(t, "masked", compare(sysops.CompareOptions{Masks: m}, "web1", "web2"), []string{
		`web1#/a web2#/a "@@ -1 +1 @@\n-1\n+2\n" masked false`,
		"web1#/b web2#/b identical masked false",
		"/c only on web2",
		"web1#/d web2#/d identical masked true",
		"web1#/e.json web2#/e.json identical masked true",
		"/only1 only on web1",
		`web1#/z web2#/z "@@ -1 +1 @@\n-1\n+2\n" masked false`,
	})
	equalLists(t, "byte for byte, in brief", compare(sysops.CompareOptions{Brief: true}, "web2", "web1"), []string{
		"web2#/a web1#/a differs masked false", "web2#/b web1#/b identical masked false", "/c only on web2", "web2#/d web1#/d differs masked false",
		"web2#/e.json web1#/e.json differs masked false", "/only1 only on web1", "web2#/z web1#/z differs masked false",
	})
	equalLists(t, "word counts", compare(sysops.CompareOptions{Element: sysops.CountsOf}, "web1", "web3"), []string{
		"web1#/a web3#/a identical masked false", "/b only on web1", "/d only on web1", "/e.json only on web1", "/only1 only on web1", "/only3 only on web3", "/z only on web1",
	})
	// an object that cannot be read is left out, and told
	server.Do("LSET", "web1#/a", "0", "garbage")
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "web*#*"), Where: sysops.Where{Partial: true}})
	names := ""
	for d, err := range a.CompareHosts(t.Context(), "web1", "web2", sysops.CompareOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names += d.Name + " "
	}
	if names != "/b /c /d /e.json /only1 /z " || len(a.Completeness().Unreadable) != 1 {
		t.Errorf("compared %s; unreadable %v", names, a.Completeness().Unreadable)
	}
}
