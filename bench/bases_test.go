package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Every one of 100 objects of 47 KB has changed, and is packed against the bases of
// its own name, which are on disk: under 0.5 s of CPU, under 48 MiB.
func BenchmarkAgentPushAgainstBases(b *testing.B) {
	h := newBasesHost(b, 4)
	var first, w runs
	first.add(h.push(b)) // downloads the bases
	sent := int64(0)
	version := 0
	for b.Loop() {
		version++
		h.change(b, version, basesNames)
		h.proxy.Reset()
		w.add(h.push(b))
		sent = max(sent, h.proxy.Traffic().Sent)
	}
	w.report(b)
	b.ReportMetric(float64(sent), "B-sent")
	b.ReportMetric(first.cpu.Seconds(), "s-CPU-first")
	b.ReportMetric(float64(first.rss)/(1<<20), "MiB-peak-first")
	h.reportBases(b)
}

// One of 100 objects has changed: under 4 KB more than a push of nothing new.
func BenchmarkAgentPushOneChange(b *testing.B) {
	h := newBasesHost(b, 1)
	h.push(b)
	sent := func() int64 {
		h.proxy.Reset()
		h.push(b)
		return h.proxy.Traffic().Sent
	}
	var unchanged, change int64
	version := 0
	for b.Loop() {
		version++
		h.push(b)
		before := sent()
		h.change(b, version, 1)
		unchanged, change = max(unchanged, before), max(change, sent()-before)
	}
	b.ReportMetric(float64(unchanged), "B-unchanged")
	b.ReportMetric(float64(change), "B-more-changed")
	h.reportBases(b)
}

const (
	basesNames  = 100
	basesOthers = 40 // hosts that push before the one that is measured
)

// A basesHost is a host whose files are each the sysctl -a of another derived host,
// beside hosts that have such files too. No two names have a text in common, and so
// no base.
type basesHost struct {
	servers  []*redistest.Server
	proxy    *redistest.Proxy // before the first of them
	template *fleetsim.Template
	files    string
	command  string
	args     []string
}

func newBasesHost(b *testing.B, servers int) *basesHost {
	b.Helper()
	h := &basesHost{servers: redistest.Core(b, servers), command: redistest.Build(b, "./cmd/sysops-agent")}
	h.proxy = redistest.NewProxy(b, h.servers[0].Addr())
	var err error
	if h.template, err = fleetsim.NewTemplate(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	outgoing := filepath.Join(dir, "outgoing")
	h.files = filepath.Join(dir, "files")
	for _, open := range []string{filepath.Dir(dir), dir, h.files, outgoing} { // what others cannot reach is private
		if err := os.Mkdir(open, 0o755); err != nil && !os.IsExist(err) {
			b.Fatal(err)
		}
		if err := os.Chmod(open, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.Symlink(h.files, filepath.Join(outgoing, "files")); err != nil {
		b.Fatal(err)
	}
	h.args = append([]string{
		"push", "--quiet", "--host", "bench.example.com", "--outgoing", outgoing, "--json", "/nonexistent",
		"--state", filepath.Join(dir, "state"), "--server", h.proxy.URL(),
	}, serverFlags(h.servers[1:])...)
	h.pushOthers(b)
	h.change(b, 0, basesNames)
	return h
}

func (h *basesHost) name(n int) string { return filepath.Join(h.files, fmt.Sprintf("object-%03d", n)) }

func (h *basesHost) contents(b *testing.B, n, host int) []byte {
	snap := h.template.Host(seed, n*1000+host, "example.com")
	return section(b, &snap, sysctl)
}

func (h *basesHost) pushOthers(b *testing.B) {
	b.Helper()
	client, err := sysops.New(sysops.ServerList(redistest.URLs(h.servers)...), sysops.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for host := range basesOthers {
		snap := snapshot.Snapshot{Host: fmt.Sprintf("other%02d.example.com", host)}
		for n := range basesNames {
			snap.Sources = append(snap.Sources, snapshot.Source{Name: h.name(n), Read: func(context.Context) (snapshot.Content, error) {
				return snapshot.Content{Data: h.contents(b, n, host), Stat: &snapshot.Stat{Mode: 0o100644}}, nil
			}})
		}
		if _, err := client.Publish(b.Context(), "", snap); err != nil {
			b.Fatal(err)
		}
	}
}

// change gives the first so many files other contents: those of other derived hosts,
// which is more than ever changes from one push to the next.
func (h *basesHost) change(b *testing.B, version, files int) {
	b.Helper()
	for n := range files {
		write(b, h.name(n), h.contents(b, n, basesOthers+version))
		if err := os.Chmod(h.name(n), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func (h *basesHost) push(b *testing.B) redistest.Result {
	b.Helper()
	return run(b, h.command, h.args...)
}

// reportBases tells how many bases a name has, on average.
func (h *basesHost) reportBases(b *testing.B) {
	bases := h.servers[0].Must("KEYS", "$base:*").([]any)
	b.ReportMetric(float64(len(bases))/basesNames, "bases/name")
}
