package fleetsim

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/snapshot"
)

const testSeed = 1

func source(name, text string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(text), Stat: &snapshot.Stat{Mode: 0o100640, Ino: 7, Mtime: 1700000000}}, nil
	}}
}

func template(t testing.TB, sources ...snapshot.Source) *Template {
	t.Helper()
	made, err := NewTemplate(context.Background(), sources)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// read returns the objects of a host by name.
func read(t testing.TB, snap snapshot.Snapshot) map[string]snapshot.Content {
	t.Helper()
	out := make(map[string]snapshot.Content)
	for _, src := range snap.Sources {
		c, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[src.Name]; twice {
			t.Errorf("%s has %s twice", snap.Host, src.Name)
		}
		out[src.Name] = c
	}
	return out
}

const (
	sysctlName = "/etc/hardware_identification.json@sysctl-a"
	domain     = "esv4.example.com"
)

func sysctlOf(t testing.TB, tpl *Template, i int) []byte {
	t.Helper()
	return read(t, tpl.Host(testSeed, i, domain))[sysctlName].Data
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	a, b := template(t), template(t)
	for i := range 50 {
		x, y := a.Host(testSeed, i, domain), b.Host(testSeed, i, domain)
		if x.Host != y.Host || x.Machine != y.Machine {
			t.Fatalf("host %d is %s %s, then %s %s", i, x.Host, x.Machine, y.Host, y.Machine)
		}
		again := read(t, x)
		for name, c := range read(t, y) {
			if !bytes.Equal(again[name].Data, c.Data) || *orZero(again[name].Stat) != *orZero(c.Stat) {
				t.Errorf("host %d: %s differs", i, name)
			}
		}
	}
}

func orZero(s *snapshot.Stat) *snapshot.Stat {
	if s == nil {
		return &snapshot.Stat{}
	}
	return s
}

func TestAHostDependsOnNoOtherHost(t *testing.T) {
	tpl := template(t)
	alone := sysctlOf(t, tpl, 4321)
	for _, i := range []int{5000, 17, 4320} {
		sysctlOf(t, tpl, i)
	}
	if !bytes.Equal(alone, sysctlOf(t, tpl, 4321)) {
		t.Error("host 4321 is another one after others were made")
	}
	if bytes.Equal(alone, read(t, tpl.Host(testSeed+1, 4321, domain))[sysctlName].Data) {
		t.Error("host 4321 is the same with another seed")
	}
}

func TestNoTwoHostsAreAlike(t *testing.T) {
	tpl := template(t)
	names, texts, addresses := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	const n = 2000
	for i := range n {
		snap := tpl.Host(testSeed, i, domain)
		objects := read(t, snap)
		names[snap.Host] = true
		texts[string(objects[sysctlName].Data)] = true
		addresses[string(objects["/etc/hosts"].Data)] = true
	}
	if len(names) != n || len(texts) != n || len(addresses) != n {
		t.Errorf("%d hosts have %d names, %d sysctl-a, %d addresses", n, len(names), len(texts), len(addresses))
	}
}

func TestNamesTellRoleAndDomain(t *testing.T) {
	for i, want := range map[int]string{
		0: "web0001.esv4.example.com", 1: "db0001.esv4.example.com", 3: "web0002.esv4.example.com",
		16: "web0007.esv4.example.com", 24246: "cache1516.esv4.example.com",
	} {
		if got := Name(i, domain); got != want {
			t.Errorf("host %d is %s, want %s", i, got, want)
		}
	}
}

// TestSharesAreAsClaimed counts over 5,000 hosts what the package comment says.
func TestSharesAreAsClaimed(t *testing.T) {
	const n = 5000
	tpl := template(t, source("/etc/os-release", "ID=debian\n"), source("/etc/debian_version", "12.9\n"))
	counts := make(map[string]int)
	full := regexp.MustCompile(` (9[6-9]|100)% `)
	fullHosts := 1 - 0.75*math.Pow(1-shareFull, 3) - 0.25*math.Pow(1-shareFull, 4) // a quarter has a disk for data
	for i := range n {
		objects := read(t, tpl.Host(testSeed, i, domain))
		for name, line := range map[string]string{
			"budget 600":   sysctlName + " net.core.netdev_budget = 600",
			"budget 300":   sysctlName + " net.core.netdev_budget = 300",
			"root login":   "/etc/ssh/sshd_config PermitRootLogin yes",
			"password":     "/etc/ssh/sshd_config PasswordAuthentication yes",
			"resolver":     "/etc/resolv.conf nameserver 8.8.8.8",
			"second root":  "/etc/passwd toor:x:0:0:second root:/root:/bin/bash",
			"el7":          sysctlName + " kernel.osrelease = 3.10.0-1160.119.1.el7.x86_64",
			"old kernel":   sysctlName + " net.ipv4.tcp_tw_recycle = 0",
			"bond":         sysctlName + " net.ipv6.conf.bond0.mtu = 1500",
			"deb packages": "/etc/debian_version 12.9",
		} {
			object, line, _ := strings.Cut(line, " ")
			if bytes.Contains(append([]byte("\n"), objects[object].Data...), []byte("\n"+line+"\n")) {
				counts[name]++
			}
		}
		if full.Match(objects["/etc/hardware_identification.json@df-Pk"].Data) {
			counts["full"]++
		}
		if Silent(testSeed, i) {
			counts["silent"]++
		}
	}
	if counts["budget 300"]+counts["budget 600"] != n {
		t.Errorf("%d hosts have a budget of 300 and %d of 600, together not %d", counts["budget 300"], counts["budget 600"], n)
	}
	for name, share := range map[string]float64{
		"budget 600": shareTuned, "root login": shareRootLogin, "password": sharePassword, "resolver": shareResolver, "second root": shareSecondRoot,
		"silent": shareSilent, "el7": 0.12, "old kernel": 0.12, "deb packages": ownShare + 0.18 + 0.10, "bond": 14.0 / 16, "full": fullHosts,
	} {
		tolerance := 4 * math.Sqrt(n*share*(1-share)) // four standard deviations
		if got := float64(counts[name]); math.Abs(got-share*n) > tolerance {
			t.Errorf("%s: %v hosts of %d, want %v ± %.0f", name, got, n, share*n, tolerance)
		}
	}
}

// TestMostLinesAreCommon: a fleet in which every line differed, or none, would
// say nothing about how a real one packs.
func TestMostLinesAreCommon(t *testing.T) {
	const n = 500
	tpl := template(t)
	hosts := make(map[string]int)
	lines, size := 0, 0
	for i := range n {
		text := sysctlOf(t, tpl, i)
		size += len(text)
		for line := range bytes.Lines(text) {
			hosts[string(line)]++
			lines++
		}
	}
	common, unique := 0, 0
	for _, c := range hosts {
		if c > n/2 {
			common += c
		}
		if c == 1 {
			unique++
		}
	}
	t.Logf("a host has %d lines, %d bytes; %d %% of them are on most hosts, %.1f on no other", lines/n, size/n, 100*common/lines, float64(unique)/n)
	if share := float64(common) / float64(lines); share < 0.7 || share > 0.97 {
		t.Errorf("%.0f %% of the lines are on most hosts, want 70 to 97 %%", 100*share)
	}
	if perHost := float64(unique) / n; perHost < 8 || perHost > 40 {
		t.Errorf("%.1f lines of a host are on no other, want 8 to 40", perHost)
	}
	if lines/n < 900 || size/n < 46_000 || size/n > 48_000 { // as the fleets have that the project is measured with
		t.Errorf("a host has %d lines, %d bytes", lines/n, size/n)
	}
}

func TestEachKeyIsThereOnce(t *testing.T) {
	tpl := template(t)
	for i := range 100 {
		seen := make(map[string]bool)
		previous := ""
		for _, s := range parseSysctl(sysctlOf(t, tpl, i)) {
			if seen[s.key] && s.key != "kernel.core_modes" {
				t.Fatalf("host %d: %s is there twice", i, s.key)
			}
			if directory, _, _, ok := splitInterface(s.key); s.key < previous && !ok {
				t.Fatalf("host %d: %s comes after %s (%s)", i, s.key, previous, directory)
			}
			seen[s.key], previous = true, s.key
		}
	}
}

func TestTheRealMachinesLinesAreKept(t *testing.T) {
	base, err := parseBase(baseText)
	if err != nil {
		t.Fatal(err)
	}
	var real strings.Builder
	for _, s := range append(base, setting{"kernel.only_here", "42"}, setting{"net.ipv4.conf.eth0.only_here", "43"}) {
		fmt.Fprintf(&real, "%s = %s\n", s.key, s.value)
	}
	tpl := template(t, source("/opt/facts.json@sysctl-a", real.String()), source("/etc/motd", "hello\n"))
	own, cards := 0, 0
	for i := range 200 {
		snap := tpl.Host(testSeed, i, domain)
		objects := read(t, snap)
		text := objects["/opt/facts.json@sysctl-a"].Data
		if bytes.Contains(text, []byte("\nkernel.only_here = 42\n")) {
			own++
		}
		cards += bytes.Count(text, []byte("only_here = 43\n"))
		if string(objects["/etc/motd"].Data) != "hello\n" {
			t.Fatalf("/etc/motd is %q", objects["/etc/motd"].Data)
		}
		if st := objects["/etc/motd"].Stat; st.Mode != 0o100640 || st.Size != 6 {
			t.Fatalf("/etc/motd has %+v", st)
		}
		if _, ok := objects[sysctlName]; ok {
			t.Fatal("there is a second sysctl-a")
		}
	}
	if own != 200 || cards < 300 {
		t.Errorf("%d of 200 hosts have the machine's own line, and %d interfaces its cards'", own, cards)
	}
}

func TestAShortSysctlIsReplaced(t *testing.T) {
	tpl := template(t, source(sysctlName, "kernel.ostype = Linux\n"))
	if text := sysctlOf(t, tpl, 0); len(text) < 30<<10 {
		t.Errorf("sysctl-a has %d bytes", len(text))
	}
}

func TestWhatCannotBeReadIsLeftOut(t *testing.T) {
	tpl := template(t, snapshot.Source{Name: "/etc/gone", Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{}, fs.ErrNotExist
	}})
	if _, ok := read(t, tpl.Host(testSeed, 0, domain))["/etc/gone"]; ok {
		t.Error("a host has an object that the real machine could not read")
	}
}

func TestObjectsOfAnotherPackagingSystemAreAbsent(t *testing.T) {
	tpl := template(t, source("/etc/os-release", "ID=ubuntu\n"), source("/etc/apt/sources.list", "deb\n"), source("/x.json@dpkg-l", "ii\n"))
	for i := range 100 {
		objects := read(t, tpl.Host(testSeed, i, domain))
		_, apt := objects["/etc/apt/sources.list"]
		_, dpkg := objects["/x.json@dpkg-l"]
		deb := packagesOf(string(objects["/etc/os-release"].Data)) == "deb"
		if apt != deb || dpkg != deb {
			t.Fatalf("host %d: Debian's packages: %v; sources.list: %v, dpkg-l: %v", i, deb, apt, dpkg)
		}
	}
}

func TestAFewObjectsAreTheFamiliarOnes(t *testing.T) {
	tpl := template(t, source("/etc/apt/sources.list", "deb\n"), source("/x.json@who", "root\n"), source("/var/lib/x/y", "y\n"))
	var names []string
	for _, src := range tpl.Host(testSeed, bonded(t, tpl), domain).Sources {
		names = append(names, src.Name)
	}
	if names[0] != "/x.json@sysctl-a" || names[1] != "/etc/ssh/sshd_config" || names[len(names)-1] != "/var/lib/x/y" {
		t.Errorf("the order is %q", names)
	}
	if at := slices.Index(names, "/x.json@who"); at != len(familiar) {
		t.Errorf("an output that is not familiar comes at %d of %q", at, names)
	}
}

// bonded returns a host with a bond, which has all objects.
func bonded(t testing.TB, tpl *Template) int {
	t.Helper()
	for i := range 100 {
		if tpl.machine(testSeed, i, domain).links().bonded {
			return i
		}
	}
	t.Fatal("no host has a bond")
	return 0
}

// TestAnyMachineHasEnoughToMakeAFleetOf: 25 objects a host are 600,000 keys, the
// size that the cache is measured at.
func TestAnyMachineHasEnoughToMakeAFleetOf(t *testing.T) {
	tpl := template(t)
	for i := range 200 {
		if n := len(tpl.Host(testSeed, i, domain).Sources); n < 25 || n > tpl.Objects() {
			t.Fatalf("host %d has %d objects, of at most %d", i, n, tpl.Objects())
		}
	}
}

func TestObjectsCountsThoseOfOneHost(t *testing.T) {
	none := template(t).Objects()
	both := template(t, source("/etc/apt/sources.list", "deb\n"), source("/etc/yum.conf", "rpm\n"), source("/etc/motd", "hello\n")).Objects()
	if both != none+2 {
		t.Errorf("with a file of each packaging system and one more, a host has %d objects, without %d", both, none)
	}
}

// TestObjectsAgreeAboutTheirHost: a question may go over several of them.
func TestObjectsAgreeAboutTheirHost(t *testing.T) {
	tpl := template(t)
	for i := range 100 {
		objects := read(t, tpl.Host(testSeed, i, domain))
		section := func(name string) []byte { return objects["/etc/hardware_identification.json@"+name].Data }
		sysctl := append([]byte("\n"), section("sysctl-a")...)
		for line := range bytes.Lines(objects["/etc/sysctl.d/90-local.conf"].Data) {
			key, _, _ := bytes.Cut(line, []byte(" "))
			if has := bytes.Contains(sysctl, slices.Concat([]byte("\n"), key)); has && !bytes.Contains(sysctl, append([]byte("\n"), line...)) {
				t.Errorf("host %d: sysctl -a does not have %s", i, line)
			}
		}
		for _, same := range []struct {
			section, contains, sysctl string
		}{{"lsmod", "\nsctp ", "\nnet.sctp."}, {"lsmod", "\nbonding ", "\nnet.ipv4.conf.bond0."}, {"lscpu", ": 0-95\n", "\nkernel.watchdog_cpumask = 0-95\n"}} {
			if a, b := bytes.Contains(regexp.MustCompile(" +").ReplaceAll(section(same.section), []byte(" ")), []byte(same.contains)), bytes.Contains(sysctl, []byte(same.sysctl)); a != b {
				t.Errorf("host %d: %s says %q: %v; sysctl -a %q: %v", i, same.section, same.contains, a, same.sysctl, b)
			}
		}
	}
}

func TestSSHDConfigSaysWhatHolds(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Port 22\n#PermitRootLogin prohibit-password\nMatch User x\n", "Port 22\nPermitRootLogin yes\nMatch User x\n"},
		{"Port 22\n", "PermitRootLogin yes\nPort 22\n"},
	} {
		if got := string(setKeyword([]byte(c.in), "PermitRootLogin", true)); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSettingsKnowTheirKernel(t *testing.T) {
	a := newAges()
	for key, want := range map[string]int{
		"net.mptcp.enabled": 5006, "net.ipv6.conf.eth0.ioam6_id": 5016, "net.ipv6.conf.eth0/7.ioam6_id": 5016, budgetKey: 0,
	} {
		if got := a.of(key); got != want {
			t.Errorf("%s came with %d, want %d", key, got, want)
		}
	}
	if v := version("5.14.0-503.el9"); v != 5014 {
		t.Errorf("5.14 is %d", v)
	}
	families := otherFamilies()
	if !slices.ContainsFunc(families, func(f *family) bool { return version(f.release) == 3010 }) {
		t.Error("no family has an old kernel")
	}
}

func BenchmarkSysctl(b *testing.B) {
	tpl := template(b)
	size := 0
	for i := 0; b.Loop(); i++ {
		for _, src := range tpl.Host(testSeed, i, domain).Sources {
			if src.Name == sysctlName {
				c, _ := src.Read(b.Context())
				size += len(c.Data)
			}
		}
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/host")
}
