// Command day measures a fleet's day: hosts push through the real publisher, each as an
// agent with connections of its own, while operators ask; then all servers are down, and
// come back empty, to all agents at once.
//
// Time is compressed: what is 20 minutes for an agent is so much less here that the fleet
// pushes at the rate of -rate. So latencies are those of the real rate, and of a fleet of
// fewer hosts. Errors while servers are up are errors of this command; a figure that misses
// its limit is marked: machines differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/bench/session"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A plan is how large and how long a day is.
type plan struct {
	hosts, operators, clients int
	rate                      float64       // pushes a second
	think                     time.Duration // of an operator between two questions, on average
	alone, asked              time.Duration // how long hosts push alone, and beside operators
	outage                    float64       // in intervals: an hour has three of 20 minutes
}

// every is the time between two runs of an agent, which puts each off by up to a quarter more.
func (p *plan) every() time.Duration {
	return time.Duration(float64(p.hosts) / p.rate / 1.125 * float64(time.Second))
}

const realEvery = 20 * time.Minute

func main() {
	p := plan{}
	flag.IntVar(&p.hosts, "hosts", 2000, "how many hosts")
	flag.Float64Var(&p.rate, "rate", 27, "pushes a second: 27 are those of 24,247 hosts every 15 minutes")
	flag.IntVar(&p.operators, "operators", 20, "how many people ask")
	flag.DurationVar(&p.think, "think", 5*time.Second, "what they do between two questions, on average")
	flag.IntVar(&p.clients, "maxclients", 400, "connections that a server allows: an operator may need 8")
	flag.DurationVar(&p.alone, "alone", 20*time.Second, "how long hosts push with nobody asking")
	flag.DurationVar(&p.asked, "day", time.Minute, "how long they push while operators ask")
	flag.Float64Var(&p.outage, "outage", 3, "how long all servers are down, in intervals of an agent: 3 are an hour")
	save := flag.String("save", "", "`file` for the results, beside stdout")
	flag.Parse()
	if flag.NArg() > 0 || p.hosts < 1 || p.rate <= 0 || p.operators < 1 || p.think < 0 {
		fmt.Fprintln(os.Stderr, "day: error: cannot use these arguments: there are flags alone, and numbers above zero")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	ok := session.Run(ctx, "day", os.Stderr, func(t testing.TB) {
		text := live(t, p)
		fmt.Print(text)
		if *save == "" {
			return
		}
		if err := os.MkdirAll(filepath.Dir(*save), 0o755); err != nil {
			t.Fatalf("cannot write the results: %v", err)
		}
		if err := os.WriteFile(*save, []byte(text), 0o644); err != nil {
			t.Fatalf("cannot write the results: %v", err)
		}
	})
	if !ok {
		os.Exit(1)
	}
}

// live runs a day, and returns what was found.
func live(t testing.TB, p plan) string {
	servers := redistest.Core(t, 2, redistest.Config(fmt.Sprintf("maxclients %d", p.clients)))
	f := newFleet(t, p, redistest.URLs(servers))
	r := report{plan: p, began: time.Now(), version: infoOf(servers[0]).text["redis_version"]}
	empty := sumOf(servers)

	t.Logf("%d hosts push for the first time …", p.hosts)
	f.fill(t.Context())
	if err := f.gc(t.Context()); err != nil {
		t.Fatalf("cannot run gc: %v", err)
	}
	r.first, r.memory = f.turn(), sumOf(servers)["used_memory"]-empty["used_memory"]

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	agents := f.run(ctx)
	pause(ctx, p.every()) // until they no longer follow each other as they began
	f.turn()

	t.Logf("they push for %v …", p.alone)
	before := sumOf(servers)
	pause(ctx, p.alone)
	r.alone, r.aloneCost = f.turn(), difference(before, sumOf(servers))

	t.Logf("%d operators ask for %v …", p.operators, p.asked)
	before = sumOf(servers)
	r.answers = ask(ctx, f.urls, p, p.asked)
	r.day, r.dayCost = f.turn(), difference(before, sumOf(servers))

	outage := time.Duration(p.outage * float64(p.every()))
	t.Logf("all servers are down for %v …", outage.Round(time.Second))
	for _, s := range servers {
		s.Kill()
	}
	pause(ctx, outage)
	r.outage, r.outageTook = f.turn(), outage
	back, spent := f.awaitAll(), ownCPU()
	for _, s := range servers {
		s.Restart()
	}
	r.back, r.wholeAgain = back(ctx, max(3*p.every(), redistest.Patience))
	r.herd, r.herdCost, r.agentsCPU = f.turn(), sumOf(servers), ownCPU()-spent

	t.Logf("operators ask again …")
	r.after = ask(ctx, f.urls, p, min(p.asked, 10*time.Second))
	cancel()
	agents.Wait()
	text := r.String()
	if t.Context().Err() != nil {
		t.Fatal("interrupted")
	}
	for _, what := range r.wrong() {
		t.Errorf("%s", what)
	}
	return text
}

// ownCPU is the CPU time that this process has taken, which is all agents and operators.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func machine() string {
	model := "unknown"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), runtime.Version())
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
