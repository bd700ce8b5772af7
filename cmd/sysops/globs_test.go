package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Wherever a person writes a glob, it means what it means in sysops find. Here each host is
// connected to a switch, pushes to a server, and has a setting, all of them of its name.
func TestAGlobMeansTheSameEverywhere(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	hosts := []string{"web1", "wab1", "wb1", "wzb1", "web12"}
	for _, h := range hosts {
		publishHost(t, server.URL(), h, 0, map[string]string{
			"/etc/motd":                 "x\n",
			"/x/interaction_times.json": fmt.Sprintf(`{"total": {"seconds": {"median": 2}}, "servers": {"%s:6379/0": {"seconds": {"median": 2}}}}`, h),
			"/x.json@lldp-keyvalue":     fmt.Sprintf("lldp.eth0.via=LLDP\nlldp.eth0.chassis.name=%s\nlldp.eth0.port.ifname=p0\n", h),
			"/etc/sysctl.conf":          h + " = 1\n",
			"/x.json@sysctl-a":          h + " = 2\n",
		})
	}
	ask := func(args ...string) (out []string) {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"sysops", "--server", server.URL()}, args...), strings.NewReader(""), &stdout, &stderr); code > exitNothing {
			t.Errorf("%q: exit status %d: %s", args, code, stderr.String())
		}
		for line := range strings.Lines(stdout.String()) {
			host, _, _ := strings.Cut(strings.TrimSpace(line), "#")
			out = append(out, strings.SplitN(host, ",", 2)[0])
		}
		slices.Sort(out)
		return out
	}
	for _, glob := range []string{"web1", "w*", "*1", "w?b1", "w??1", "w[a-e]b1", "w[e-a]b1", "w[^e]b1", "w[!e]b1", `w\eb1`, `\w*2`, "w[ez]b1*", "x*", "?"} {
		want := ask("find", glob+"#/etc/motd")
		network := []string{"audit", "network", "--percentile", "0", "--format", "csv"}
		for what, got := range map[string][]string{
			"--hosts":  ask("find", "web*#/etc/motd", "--hosts", glob),
			"--switch": ask(append(network, "--switch", glob)...),
			"--mps":    ask(append(network, "--mps", glob)...),
			"--ignore": ask("audit", "sysctl", "--ignore", glob, "--by-host", "--format", "csv"),
		} {
			got = slices.DeleteFunc(got, func(h string) bool { return h == "host" })
			expected := slices.Clone(want)
			switch what {
			case "--hosts":
				expected = slices.DeleteFunc(expected, func(h string) bool { return !strings.HasPrefix(h, "web") })
			case "--ignore":
				expected = slices.DeleteFunc(slices.Sorted(slices.Values(hosts)), func(h string) bool { return slices.Contains(want, h) })
			}
			if !slices.Equal(got, expected) {
				t.Errorf("%s %s: %v, want %v", what, glob, got, expected)
			}
		}
	}
}
