package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const (
	seed        = 2013
	sysctl      = "/etc/hardware_identification.json@sysctl-a"
	objectBytes = 47_000
)

// load pushes the sysctl-a section of n derived hosts to the servers, and returns
// how many bytes of contents that is.
func load(b *testing.B, n int, servers []*redistest.Server) int64 {
	b.Helper()
	client, err := sysops.New(sysops.ServerList(redistest.URLs(servers)...), sysops.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	template, err := fleetsim.NewTemplate(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var total int64
	hosts := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range hosts {
				snap := template.Host(seed, i, "example.com")
				text := section(b, &snap, sysctl)
				if _, err := client.Publish(b.Context(), "", snap); err != nil {
					b.Error(err)
				}
				mu.Lock()
				total += int64(len(text))
				mu.Unlock()
			}
		})
	}
	for i := range n {
		hosts <- i
	}
	close(hosts)
	wg.Wait()
	return total
}

// section narrows a snapshot to one object, 47 KB of it, and returns its contents.
func section(b *testing.B, snap *snapshot.Snapshot, name string) []byte {
	for _, s := range snap.Sources {
		if s.Name != name {
			continue
		}
		c, err := s.Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		text := strings.TrimSuffix(string(c.Data), "\n") + "\n"
		for i := 0; len(text) < objectBytes; i++ {
			text += fmt.Sprintf("bench.filler.%d = %d\n", i, i*i)
		}
		c.Data = []byte(text)
		snap.Sources = []snapshot.Source{{Name: name, Read: func(context.Context) (snapshot.Content, error) { return c, nil }}}
		return c.Data
	}
	b.Fatalf("the derived host has no %s", name)
	return nil
}

// run runs a command with its output to /dev/null, and fails unless it succeeds.
func run(b *testing.B, program string, args ...string) redistest.Result {
	b.Helper()
	line := "exec " + program + " '" + strings.Join(args, "' '") + "' >/dev/null"
	r := redistest.Run(b, "/bin/sh", []string{"-c", line}, nil)
	if r.ExitCode != 0 {
		b.Fatalf("%s: exit status %d\n%s", line, r.ExitCode, r.Stderr)
	}
	return r
}

func serverFlags(servers []*redistest.Server) []string {
	var flags []string
	for _, url := range redistest.URLs(servers) {
		flags = append(flags, "--server", url)
	}
	return flags
}

// runs keeps what several runs of a command took: the worst of what is promised as
// a limit, and the median of the time, because machines are noisy.
type runs struct {
	rss   int64
	cpu   time.Duration
	walls []time.Duration
}

func (r *runs) add(one redistest.Result) {
	r.rss, r.cpu = max(r.rss, one.MaxRSS), max(r.cpu, one.CPU)
	r.walls = append(r.walls, one.Wall)
}

func (r *runs) median() time.Duration {
	sorted := slices.Sorted(slices.Values(r.walls))
	return sorted[len(sorted)/2]
}

func (r *runs) report(b *testing.B) {
	b.ReportMetric(float64(r.rss)/(1<<20), "MiB-peak")
	b.ReportMetric(r.cpu.Seconds(), "s-CPU-max")
	b.ReportMetric(r.median().Seconds(), "s-median")
}

// cat over 5,000 hosts x 47 KB: at least 300 MB/s of contents, under 150 MiB.
func BenchmarkCat5000Hosts(b *testing.B) {
	command := redistest.Build(b, "./cmd/sysops")
	servers := redistest.Core(b, 2)
	bytes := load(b, 5000, servers)
	args := append([]string{"cat", "sysctl-a", "--quiet"}, serverFlags(servers)...)
	var w runs
	for b.Loop() {
		w.add(run(b, command, args...))
	}
	w.report(b)
	b.ReportMetric(float64(bytes)/1e6/w.median().Seconds(), "MB/s-median")
}

// push of 100 objects of 47 KB to 4 servers: under 40 MiB, under 0.5 s of CPU.
func BenchmarkAgentPush100Objects(b *testing.B) { benchmarkPush(b, false) }

// the same with one file of 10 MiB more: under 64 MiB.
func BenchmarkAgentPushBigFile(b *testing.B) { benchmarkPush(b, true) }

func benchmarkPush(b *testing.B, big bool) {
	command := redistest.Build(b, "./cmd/sysops-agent")
	servers := redistest.Core(b, 4)
	outgoing := b.TempDir()
	if err := os.Chmod(outgoing, 0o700); err != nil {
		b.Fatal(err)
	}
	template, err := fleetsim.NewTemplate(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		snap := template.Host(seed, i, "example.com")
		write(b, filepath.Join(outgoing, fmt.Sprintf("object-%03d", i)), section(b, &snap, sysctl))
	}
	if big {
		noise := make([]byte, 10<<20)
		rand.Read(noise)
		write(b, filepath.Join(outgoing, "big"), noise)
	}
	args := append([]string{"push", "--quiet", "--host", "bench.example.com", "--outgoing", outgoing, "--json", "/nonexistent"}, serverFlags(servers)...)
	var w runs
	for b.Loop() {
		for _, s := range servers {
			s.Must("FLUSHALL") // every push is a first one: all contents travel
		}
		w.add(run(b, command, args...))
	}
	w.report(b)
}

func write(b *testing.B, path string, data []byte) {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
}

// One of two servers hung: a query may take 0.3 s more than undisturbed.
func BenchmarkOneServerHung(b *testing.B) {
	command := redistest.Build(b, "./cmd/sysops")
	servers := redistest.Core(b, 2)
	load(b, 200, servers)
	args := append([]string{"grep", "--quiet", "--uniq", "net.core.netdev_budget =", "sysctl-a"}, serverFlags(servers)...)
	var calm, hung runs
	for b.Loop() {
		calm.add(run(b, command, args...))
		servers[0].Stop()
		hung.add(run(b, command, args...))
		servers[0].Cont()
	}
	b.ReportMetric(calm.median().Seconds(), "s-calm")
	b.ReportMetric(hung.median().Seconds(), "s-hung")
	b.ReportMetric((slices.Max(hung.walls) - slices.Min(calm.walls)).Seconds(), "s-more-at-worst")
}
