package sysctl

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/parse/sysctl"
)

// What a host has is held until all of it has come: but for what is too much.
func TestAHostThatSendsTooMuchIsNotHeld(t *testing.T) {
	const files = 64
	big := strings.Repeat("a", sysctl.MaxLive/4)
	objects := func(yield func(sysops.Mapped[part], error) bool) {
		for _, host := range []string{"large", "small"} {
			for i := range files {
				o := sysops.Object{Key: sysops.Key{Host: host, Name: fmt.Sprintf("/etc/sysctl.d/%02d.conf", i)}, Contents: []byte(big)}
				if host == "small" {
					o.Contents = []byte("kernel.a = 1\n")
				}
				if !yield(sysops.Mapped[part]{Object: sysops.Object{Key: o.Key}, Value: read(&o)}, nil) {
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
		if held > sysctl.MaxFiles+sysctl.MaxLive {
			t.Errorf("%d bytes of %s are held", held, h.Name)
		}
		h.Objects = append(h.Objects, sysops.Mapped[part]{Object: sysops.Object{Key: sysops.Key{Host: h.Name, Name: section}}, Value: part{contents: "kernel.a = 1\n"}})
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
		text := fmt.Sprintf("kernel.a = %d\n#%s", i, strings.Repeat(" ", sysctl.MaxFiles-64))
		if _, err := a.planOf([]sysctl.File{{Name: sysctl.MainFile, Contents: text}}); err != nil {
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
		return slices.ContainsFunc(Ignored(), func(text string) bool { return naming.NewGlob(text).Match(key) })
	}
	for _, key := range strings.Fields("fs.dentry-state kernel.random.uuid net.ipv6.conf.eth0/100.mc_forwarding net.ipv4.neigh.eth0.retrans_time kernel.shm_next_id") {
		if !ignored(key) {
			t.Errorf("%s is not ignored", key)
		}
	}
	for _, key := range strings.Fields("vm.swappiness kernel.randomize_va_space net.ipv4.conf.all.forwarding fs.file-max net.core.netdev_budget") {
		if ignored(key) {
			t.Errorf("%s is ignored", key)
		}
	}
}
