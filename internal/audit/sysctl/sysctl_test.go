package sysctl

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
)

// A value is the same if the kernel makes one of the other when it is written.
func TestSame(t *testing.T) {
	for _, row := range []struct {
		persistent, live string
		want             bool
	}{
		{"1", "1", true},
		{"1", "2", false},
		{"4096 87380  6291456", "4096\t87380\t6291456", true},
		{"4096 87380 6291456", "4096\t87380\t6291457", false},
		{"0x10", "16", true},
		{"0xb", "11", true},
		{"010", "8", true},
		{"010", "10", false},
		{"-1", "-1", true},
		{"-01", "-1", true},
		{"-1", "1", false},
		{"08", "8", false}, // no number to the kernel
		{"1_0", "10", false},
		{"0b1", "1", false},
		{"4", "4\t4\t1\t7", true}, // kernel.printk: the rest is left alone
		{"7 4", "4\t4\t1\t7", false},
		{"4 4 1 7 9", "4\t4\t1\t7", false},
		{"cubic", "cubic", true},
		{"cubic", "bbr", false},
		{"core", "core extra", false}, // not numbers: the whole value counts
		{"|/usr/lib/dump %P %u", "|/usr/lib/dump %P %u", true},
		{"", "", true},
		{"", "0", false},
		{"0", "", false},
	} {
		if got := Same(row.persistent, row.live); got != row.want {
			t.Errorf("%q written, %q live: %v, want %v", row.persistent, row.live, got, row.want)
		}
	}
}

// Lines of sysctl -a that are no values, and values of several lines.
func TestLiveValues(t *testing.T) {
	plan, err := NewPlan([]File{{mainFile, "kernel.a = x\nkernel.cores = 1\nkernel.gone = 1\nkernel.empty =\n"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Apply("sysctl: permission denied on key 'kernel.gone'\nkernel.gone\nsysctl: kernel.gone = no\n" +
		"kernel.a = b = c\nkernel.cores = one\nkernel.cores = two\nkernel.empty = \n= 1\n")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range got {
		value := a.Live
		if a.Absent {
			value = "absent"
		}
		out = append(out, a.Key+":"+value)
	}
	if want := []string{"kernel.a:b = c", "kernel.cores:one\ntwo", "kernel.gone:absent", "kernel.empty:"}; !slices.Equal(out, want) {
		t.Errorf("got %q, want %q", out, want)
	}
}

// What a hostile host can send costs bounded time and memory.
func TestTooMuchIsNotDecided(t *testing.T) {
	if _, err := NewPlan([]File{{mainFile, strings.Repeat("a", maxFiles)}, {"/etc/sysctl.d/a.conf", "b"}}); err == nil {
		t.Error("files of any size are read")
	}
	plan, err := NewPlan([]File{{mainFile, strings.Repeat("a.* = 1\n", 1000)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Apply(strings.Repeat("\n", 1000)); err != nil {
		t.Errorf("1000 globs for 1000 lines: %v", err)
	}
	if _, err := plan.Apply(strings.Repeat("\n", 100_000)); err == nil {
		t.Error("1000 globs are matched with 100,000 lines")
	}
	if _, err := NewPlan([]File{{mainFile, strings.Repeat("*.x=1\n", maxGlobs+1)}}); err == nil {
		t.Error("any number of globs is compiled")
	}
	long, err := NewPlan([]File{{mainFile, strings.Repeat("*a", 2000) + "b = 1\n"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.Apply(strings.Repeat(strings.Repeat("a", 4000)+" = 1\n", 100)); err == nil {
		t.Error("long globs are matched with long keys, whatever time that takes")
	}
	var matching strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&matching, "a.%d = 0\n", i)
	}
	if got, err := plan.Apply(matching.String()); err == nil {
		t.Errorf("1000 globs are %d assignments", len(got))
	}
	if _, err := plan.Apply(strings.Repeat("a", maxLive+1)); err == nil {
		t.Error("live values of any size are read")
	}
}

// What a host has is held until all of it has come: but for what is too much.
func TestAHostThatSendsTooMuchIsNotHeld(t *testing.T) {
	const files = 64
	big := strings.Repeat("a", maxLive/4)
	objects := func(yield func(sysops.Made[part], error) bool) {
		for _, host := range []string{"large", "small"} {
			for i := range files {
				o := sysops.Object{Key: sysops.Key{Host: host, Name: fmt.Sprintf("/etc/sysctl.d/%02d.conf", i)}, Contents: []byte(big)}
				if host == "small" {
					o.Contents = []byte("kernel.a = 1\n")
				}
				if !yield(sysops.Made[part]{Object: sysops.Object{Key: o.Key}, Value: read(&o)}, nil) {
					return
				}
			}
		}
	}
	a := newAuditing()
	for h, err := range audit.ByHost(bounded(objects)) {
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, o := range h.Objects {
			held += len(o.Value.contents)
		}
		if held > maxFiles+maxLive {
			t.Errorf("%d bytes of %s are held", held, h.Name)
		}
		h.Objects = append(h.Objects, sysops.Made[part]{Object: sysops.Object{Key: sysops.Key{Host: h.Name, Name: section}}, Value: part{contents: "kernel.a = 1\n"}})
		a.host(&h)
	}
	for p, hosts := range a.found {
		if p.State != Unknown || !strings.Contains(p.Reason, "too much to decide") || !slices.Equal(*hosts, []string{"large"}) {
			t.Errorf("%v: %+v", *hosts, p)
		}
	}
	if state, ok := a.checked["small"]; !ok || state != "" {
		t.Errorf("the host behind it is %q", state)
	}
}

// Each host may have other files, of 1 MiB.
func TestPlansThatAreRememberedAreBounded(t *testing.T) {
	held := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	a := newAuditing()
	before := held()
	for i := range 64 {
		text := fmt.Sprintf("kernel.a = %d\n#%s", i, strings.Repeat(" ", maxFiles-64))
		if _, err := a.planOf([]File{{mainFile, text}}); err != nil {
			t.Fatal(err)
		}
	}
	if grown := held() - before; grown > 16<<20 {
		t.Errorf("%d MiB are held of 64 files of 1 MiB", grown>>20)
	}
	runtime.KeepAlive(a)
}

// Keys that are ignored are given as globs, in which * matches dots, too.
func TestIgnored(t *testing.T) {
	ignored := func(key string) bool {
		return slices.ContainsFunc(Ignored(), func(text string) bool {
			g, err := newGlob(text, "")
			if err != nil {
				t.Fatal(err)
			}
			return g.match(key)
		})
	}
	for _, key := range strings.Fields("fs.dentry-state kernel.random.uuid net.ipv6.conf.eth0/100.mc_forwarding net.ipv4.neigh.eth0.retrans_time kernel.shm_next_id") {
		if !ignored(key) {
			t.Errorf("%s is not ignored", key)
		}
	}
	if g, err := newGlob("a[.b]c", ""); err != nil || !g.match("a.c") {
		t.Error("a class of an ignored glob has no dot")
	}
	for _, key := range strings.Fields("vm.swappiness kernel.randomize_va_space net.ipv4.conf.all.forwarding fs.file-max net.core.netdev_budget") {
		if ignored(key) {
			t.Errorf("%s is ignored", key)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add("net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n", "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.lo.rp_filter = 0\n")
	f.Add("a[!b-*?\\ = \x00\n--[[:x:]]\n", "a = \nb =\n = \n")
	f.Fuzz(func(t *testing.T, conf, live string) {
		plan, err := NewPlan([]File{{mainFile, conf}})
		if err != nil {
			return
		}
		assignments, err := plan.Apply(live)
		if err != nil {
			return
		}
		last := Last(assignments)
		if !slices.IsSortedFunc(last, func(a, b Assignment) int { return strings.Compare(a.Key, b.Key) }) {
			t.Errorf("not sorted: %+v", last)
		}
		for _, a := range last {
			if a.Absent == strings.Contains("\n"+live, "\n"+a.Key+" =") && a.Key != "" && !strings.ContainsAny(a.Key, " \t\n") {
				t.Errorf("%q: absent %v from %q", a.Key, a.Absent, live)
			}
		}
	})
}
