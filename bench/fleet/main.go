// Command fleet measures what an operator waits for. It loads synthetic fleets into
// redis-server processes, asks questions of them with the real command, asks the
// same of ripgrep over the fleet as files and of redis-cli piped into grep, and
// prints tables.
//
// An answer that differs from the others' is an error, and ends it. A figure that
// misses its limit is marked: machines differ.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/bench/session"
)

// A scale is how large the fleets are, and how often a question is asked.
type scale struct {
	hosts   int           // of the fleet that the questions are about
	objects int           // a host of that fleet
	growth  []int         // hosts of the fleets that show how cost grows
	rounds  int           // how often a question is asked, at least ...
	spend   time.Duration // ... and for how long, with maxRounds as an end
}

const maxRounds = 15

var (
	full  = scale{hosts: 24_247, objects: 21, growth: []int{1_000, 10_000, 24_247, 100_000}, rounds: 5, spend: 10 * time.Second}
	quick = scale{hosts: 1_000, objects: 1, growth: []int{250, 1_000}, rounds: 1}
)

// A part can be run alone.
type part struct {
	name, what string
	run        func(*bench)
}

func parts() []part {
	return []part{
		{"ways", "how ripgrep is called best", (*bench).ways},
		{"questions", "what is asked, of everyone", (*bench).questions},
		{"memory", "what a fleet occupies in Redis, and how fast it is pushed", (*bench).memory},
		{"growth", "how time and memory grow with the fleet", (*bench).growth},
	}
}

func main() {
	small := flag.Bool("quick", false, "a small fleet, once, to see whether all this works")
	only := flag.String("only", "", "comma-separated `parts`, in place of all: "+describe(parts()))
	save := flag.Bool("save", false, "write bench/results/DATE-….md and docs/growth.svg, from the module's folder")
	flag.Parse()
	chosen, err := choose(*only)
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("cannot use the argument %q: there are flags alone", flag.Arg(0))
	case *small && *save:
		err = errors.New("cannot save what -quick measures: it says nothing")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet: error:", err)
		os.Exit(2)
	}
	size := full
	if *small {
		size = quick
	}
	for _, v := range os.Environ() { // nobody's settings change what is measured
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") || name == "RIPGREP_CONFIG_PATH" {
			os.Unsetenv(name)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	ok := session.Run(ctx, "fleet", os.Stderr, func(t testing.TB) {
		b := newBench(t, size)
		for _, p := range chosen {
			began := time.Now()
			p.run(b)
			b.Logf("%s took %.0f s", p.name, time.Since(began).Seconds())
		}
		text := b.report.String()
		fmt.Print(text)
		if *save {
			b.save(text, cmp.Or(strings.ReplaceAll(*only, ",", "-"), "fleet"))
		}
	})
	if !ok {
		os.Exit(1)
	}
}

func describe(parts []part) string {
	var s strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&s, "\n%s: %s", p.name, p.what)
	}
	return s.String()
}

func choose(only string) ([]part, error) {
	all := parts()
	if only == "" {
		return all, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("cannot run %q: there is no such part", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
