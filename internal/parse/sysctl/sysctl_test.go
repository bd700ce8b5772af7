package sysctl

import (
	"fmt"
	"slices"
	"strings"
	"testing"
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
	plan, err := NewPlan([]File{{MainFile, "kernel.a = x\nkernel.cores = 1\nkernel.gone = 1\nkernel.empty =\n"}})
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
	if _, err := NewPlan([]File{{MainFile, strings.Repeat("a", MaxFiles)}, {"/etc/sysctl.d/a.conf", "b"}}); err == nil {
		t.Error("files of any size are read")
	}
	plan, err := NewPlan([]File{{MainFile, strings.Repeat("a.* = 1\n", 1000)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Apply(strings.Repeat("\n", 1000)); err != nil {
		t.Errorf("1000 globs for 1000 lines: %v", err)
	}
	if _, err := plan.Apply(strings.Repeat("\n", 100_000)); err == nil {
		t.Error("1000 globs are matched with 100,000 lines")
	}
	if _, err := NewPlan([]File{{MainFile, strings.Repeat("*.x=1\n", maxGlobs+1)}}); err == nil {
		t.Error("any number of globs is compiled")
	}
	long, err := NewPlan([]File{{MainFile, "a[b]" + strings.Repeat("*a", 2000) + "b = 1\n"}}) // which a key fails at once
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
	if _, err := plan.Apply(strings.Repeat("a", MaxLive+1)); err == nil {
		t.Error("live values of any size are read")
	}
}

// In a glob that somebody writes, * and classes match dots, too; in a file they do not.
func TestGlobs(t *testing.T) {
	for _, row := range []struct {
		text, key string
		want      bool
	}{
		{"a[.b]c", "a.c", false},
		{"net.*.x", "net.ipv4.conf.x", false},
		{"net.*.x", "net.ipv4.x", true},
		{"net.?", "net.a", true},
		{"net.?", "net.ab", false},
	} {
		if g, err := newGlob(row.text); err != nil || g.match(row.key) != row.want {
			t.Errorf("%s and %s: %v, %v", row.text, row.key, !row.want, err)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add("net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n", "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.lo.rp_filter = 0\n")
	f.Add("a[!b-*?\\ = \x00\n--[[:x:]]\n", "a = \nb =\n = \n")
	f.Fuzz(func(t *testing.T, conf, live string) {
		plan, err := NewPlan([]File{{MainFile, conf}})
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
